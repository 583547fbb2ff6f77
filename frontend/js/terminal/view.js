//! One shared terminal in the page: xterm, and around it what keeps it to the host's size, screen and answers.

import { Terminal } from "@xterm/xterm";
import { isMouse, isTyped, silence } from "./answers.js";
import { cells, visibleRows } from "./cells.js";
import { element } from "./dom.js";
import { Feed } from "./feed.js";
import { Find } from "./find.js";
import { Fit } from "./fit.js";
import { Flag } from "./flag.js";
import { Guesses } from "./guesses.js";
import { KeyRow } from "./key-row.js";
import { harmless, meaning, runsAtOnce } from "./keys.js";
import { linkHandler, webLinks } from "./links.js";
import { Note } from "./note.js";
import { installStyle } from "./style.js";
import { readTheme, watchTheme } from "./theme.js";
import { useWidths } from "./widths.js";

/** Lines that one can scroll back; more than the host keeps, for those who have watched for long. */
const SCROLLBACK_LINES = 5000;

/** How often the rows are written down for scripts, at most. */
const ROWS_MS = 100;

/** How often somebody who may not type is told so, at most. */
const REFUSED_MS = 3000;

/**
 * What a terminal tells: `input` with the bytes that a person typed; `refused`: somebody types who may not; `fit` with
 * columns and rows that have room; `paste` with a text that would run at once, see `insert`; `behind`: the output comes
 * faster than it is shown, and a screen must follow; `kept`: a screen shall come with all that the host kept.
 * @typedef {(what: string, first?: unknown, second?: unknown) => void} Tell
 *
 * @typedef {object} Options
 * @property {string} label what screen readers call the input
 * @property {number} fontSize in pixels
 * @property {boolean} screenReader whether the rows are read aloud
 * @property {Tell} tell
 * @property {(text: string) => Promise<boolean>} copyText
 */

export class TerminalView {
  /** xterm itself. */
  xterm;
  #options;
  #element;
  #feed;
  #find;
  #fit;
  #flag;
  #guesses;
  #keyRow;
  #note;
  #mayType = false;
  #refusedAt = -Infinity;
  #unwatchTheme;
  #over = false;
  #encoder = new TextEncoder();
  #rows = element("pre", { className: "terminal-rows", "data-testid": "terminal-rows", "aria-hidden": "true" });
  #rowsTimer = 0;

  /**
   * @param {HTMLElement} parent
   * @param {Options} options
   */
  constructor(parent, options) {
    installStyle();
    this.#options = options;
    const tip = element("div", { className: "terminal-link", role: "tooltip", hidden: true });
    const xterm = new Terminal({
      allowProposedApi: true,
      // With Alt a click would type arrow keys into whatever runs.
      altClickMovesCursor: false,
      convertEol: false,
      cursorBlink: false,
      cursorInactiveStyle: "outline",
      drawBoldTextInBrightColors: false,
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--font-code") || "monospace",
      fontSize: options.fontSize,
      lineHeight: 1.2,
      linkHandler: linkHandler(tip),
      macOptionIsMeta: false,
      // Programs choose colours for a ground that they do not know.
      minimumContrastRatio: 4.5,
      rightClickSelectsWord: false,
      screenReaderMode: options.screenReader,
      scrollback: SCROLLBACK_LINES,
      theme: readTheme(),
    });
    this.xterm = xterm;
    useWidths(xterm);
    silence(xterm);
    const paper = element("div", { className: "terminal-paper" });
    const stage = element("div", { className: "terminal-stage" }, paper);
    this.#element = element("div", { className: "terminal-view" }, stage, tip, this.#rows);
    parent.append(this.#element);
    xterm.open(paper);
    this.label = options.label;
    xterm.loadAddon(webLinks(tip));
    this.#find = new Find(xterm);
    this.#fit = new Fit(stage, paper, xterm, options.fontSize, (columns, rows) => this.#tell("fit", columns, rows));
    this.#flag = new Flag(xterm, () => this.#fit.cell);
    this.#guesses = new Guesses(xterm, () => this.#fit.cell);
    this.#feed = new Feed(
      xterm,
      () => this.#tell("behind"),
      (skipped) => this.#painted(skipped),
    );
    this.#keyRow = new KeyRow(xterm, () => void this.#pasteFromClipboard());
    this.#note = new Note(() => this.#tell("kept"));
    this.#element.append(this.#note.element, this.#find.element);
    if (matchMedia("(pointer: coarse)").matches) this.#element.append(this.#keyRow.element);

    xterm.onData((data) => this.#typed(this.#keyRow.apply(data)));
    xterm.onBinary((data) => this.#send(Uint8Array.from(data, (letter) => letter.charCodeAt(0))));
    xterm.attachCustomKeyEventHandler((event) => this.#key(event));
    this.#element.addEventListener("paste", (event) => this.#paste(event), { capture: true });
    // Beside a terminal that is smaller than the window, too.
    stage.addEventListener("mousedown", (event) => {
      if (event.target !== stage) return;
      event.preventDefault();
      xterm.focus();
    });
    xterm.onRender(() => this.#writeRows());
    xterm.onScroll(() => this.#writeRows());
    xterm.onResize(() => this.#fit.update());
    this.#unwatchTheme = watchTheme(() => {
      xterm.options.theme = readTheme();
    });
    void this.#useGraphics();
    // For tests: what is on the screen, and how the terminal stands.
    this.#element.parlorTerminal = {
      cells: () => cells(xterm),
      state: () => ({ columns: xterm.cols, rows: xterm.rows, x: xterm.buffer.active.cursorX, y: xterm.buffer.active.cursorY, buffer: xterm.buffer.active.type, fontSize: xterm.options.fontSize, modes: { ...modesOf(xterm) } }),
      history: () => xterm.buffer.normal.baseY,
      type: (data) => xterm.input(data, true),
    };
  }

  // What the host says.

  /**
   * @param {number} columns
   * @param {number} rows
   * @param {boolean} kept whether what has scrolled away comes with it
   * @param {number} skipped bytes of output that are missing before it
   * @param {Uint8Array} bytes
   */
  screen(columns, rows, kept, skipped, bytes) {
    this.#feed.screen({ columns, rows, kept, skipped, bytes });
  }

  /** @param {Uint8Array} bytes */
  output(bytes) {
    this.#feed.output(bytes);
  }

  /**
   * @param {string} name
   * @param {number} color
   */
  typing(name, color) {
    this.#flag.show(name, color);
  }

  // What the page decides.

  /** @param {boolean} may */
  set mayType(may) {
    this.#mayType = may;
    this.#element.toggleAttribute("data-read-only", !may);
    this.xterm.textarea?.setAttribute("aria-readonly", String(!may));
  }

  /** @param {string} label */
  set label(label) {
    this.xterm.textarea?.setAttribute("aria-label", label);
  }

  /** @param {number} pixels */
  set fontSize(pixels) {
    this.#fit.font = pixels;
  }

  /** @param {boolean} on */
  set screenReader(on) {
    this.xterm.options.screenReaderMode = on;
  }

  openFind() {
    this.#find.open();
  }

  /**
   * Forgets what has scrolled away. The screen is the host's: the program is asked to draw it anew, as every shell does on
   * Ctrl+L.
   */
  clear() {
    this.xterm.write("\x1b[3J");
    if (this.xterm.buffer.active.type === "normal") this.#send(Uint8Array.of(0x0c));
  }

  /** Copies what is selected. */
  copy() {
    const selected = this.xterm.getSelection();
    if (selected !== "") void this.#options.copyText(selected);
  }

  /** Pastes, without asking whether it may run at once. @param {string} text */
  insert(text) {
    this.xterm.paste(harmless(text));
    this.xterm.focus();
  }

  dispose() {
    this.#over = true;
    clearTimeout(this.#rowsTimer);
    this.#unwatchTheme();
    this.#fit.dispose();
    this.#flag.dispose();
    this.#guesses.dispose();
    this.xterm.dispose();
    this.#element.remove();
  }

  /** Nobody listens after the end; what xterm was given to do before may be done after it. @type {Tell} */
  #tell(what, first, second) {
    if (!this.#over) this.#options.tell(what, first, second);
  }

  /** @param {number} skipped */
  #painted(skipped) {
    if (skipped > 0) this.#note.add(skipped);
    this.#fit.again();
  }

  // What a person does.

  /** @param {string} data */
  #typed(data) {
    if (!isTyped(data)) return;
    if (!this.#mayType) {
      if (!isMouse(data)) this.#refuse();
      return;
    }
    this.#send(this.#encoder.encode(data));
    if (!isMouse(data)) this.#guesses.typed(data);
  }

  /** @param {Uint8Array} bytes */
  #send(bytes) {
    if (this.#mayType) this.#tell("input", bytes);
  }

  #refuse() {
    if (performance.now() - this.#refusedAt < REFUSED_MS) return;
    this.#refusedAt = performance.now();
    this.#tell("refused");
  }

  /** Whether xterm shall have it. @param {KeyboardEvent} event */
  #key(event) {
    // For who may not type it is no key of a program but the way out.
    if (event.key === "Tab" && !this.#mayType) return false;
    const meant = meaning(event, this.xterm.hasSelection());
    if (!meant) return true;
    // The browser turns the key into an event with the text.
    if (meant === "paste") return false;
    event.preventDefault();
    if (event.type === "keydown") {
      if (meant === "find") this.openFind();
      else this.copy();
    }
    return false;
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    if (event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    event.stopPropagation();
    this.#pasted(event.clipboardData?.getData("text/plain") ?? "");
  }

  async #pasteFromClipboard() {
    try {
      this.#pasted(await navigator.clipboard.readText());
    } catch {
      // Not allowed, or no such thing without encryption: the phone's own menu pastes into what has the focus.
      this.xterm.focus();
    }
  }

  /** @param {string} text */
  #pasted(text) {
    if (text === "") return;
    if (!this.#mayType) this.#refuse();
    else if (runsAtOnce(text) && !this.xterm.modes.bracketedPasteMode) this.#tell("paste", text);
    else this.insert(text);
  }

  #writeRows() {
    if (this.#rowsTimer !== 0) return;
    this.#rowsTimer = setTimeout(() => {
      this.#rowsTimer = 0;
      this.#rows.textContent = visibleRows(this.xterm);
    }, ROWS_MS);
  }

  /** Draws with the graphics processor, where there is one. */
  async #useGraphics() {
    if (!hasGraphics()) return;
    try {
      const { WebglAddon } = await import("@xterm/addon-webgl");
      const addon = new WebglAddon();
      addon.onContextLoss(() => {
        addon.dispose();
        this.#fit.forget();
      });
      this.xterm.loadAddon(addon);
      this.#fit.forget();
    } catch {
      // It is drawn as before, by elements.
    }
  }
}

/** Whether there is a graphics processor; software that stands in for one is slower than elements. */
function hasGraphics() {
  const context = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (!context) return false;
  const names = context.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(context.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : context.RENDERER));
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return !/swiftshader|llvmpipe|software|basic render/i.test(renderer);
}

/** @param {Terminal} xterm */
function modesOf({ modes }) {
  const { applicationCursorKeysMode, bracketedPasteMode, mouseTrackingMode, wraparoundMode, originMode, insertMode } = modes;
  return { applicationCursorKeysMode, bracketedPasteMode, mouseTrackingMode, wraparoundMode, originMode, insertMode };
}
