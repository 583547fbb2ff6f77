//! Keeps xterm from answering what programs ask a terminal: the host's own terminal answers, once, and what a browser
//! sends is typed by a person. Without this each viewer would type an answer of its own into the program.

/** Control sequences that ask for an answer, by their final byte. */
const ASKING_SEQUENCES = [
  { final: "c" }, // primary device attributes
  { prefix: ">", final: "c" },
  { prefix: "=", final: "c" },
  { final: "n" }, // device status and cursor position
  { prefix: "?", final: "n" },
  { intermediates: "$", final: "p" }, // modes
  { prefix: "?", intermediates: "$", final: "p" },
  { prefix: ">", final: "q" }, // version
  { prefix: "?", final: "u" }, // keyboard protocol
  { final: "t" }, // the window: size, place, title
];

/** Operating system commands that set a colour, or ask for it with a question mark. */
const COLOURS = [4, 10, 11, 12];

/** The clipboard belongs to the person. */
const CLIPBOARD = 52;

/** Whether the focus is told to the program: several people have one each. */
const FOCUS_REPORTS = 1004;

/** What xterm would say about the focus after all, if a program asked for it along with something else. */
const FOCUS = new Set(["\x1b[I", "\x1b[O"]);

/** @param {import("@xterm/xterm").Terminal} xterm */
export function silence(xterm) {
  const swallow = () => true;
  for (const sequence of ASKING_SEQUENCES) xterm.parser.registerCsiHandler(sequence, swallow);
  for (const command of COLOURS) xterm.parser.registerOscHandler(command, (data) => data.split(";").includes("?"));
  xterm.parser.registerOscHandler(CLIPBOARD, swallow);
  xterm.parser.registerDcsHandler({ intermediates: "$", final: "q" }, swallow);
  xterm.parser.registerDcsHandler({ intermediates: "+", final: "q" }, swallow);
  xterm.parser.registerCsiHandler({ prefix: "?", final: "h" }, (modes) => modes.length === 1 && modes[0] === FOCUS_REPORTS);
}

/** Whether a person caused this: see `FOCUS`. @param {string} data */
export const isTyped = (data) => !FOCUS.has(data);

/** Whether this tells a program what the mouse does. @param {string} data */
export const isMouse = (data) => data.startsWith("\x1b[<") || data.startsWith("\x1b[M");
