//! What may come after the text: typing begins without it, and waits for none of it.
//!
//! Safety: whichever way a key is handled before the tools are here, the text changes as a person expects. Liveness: every
//! editor gets the tools, at the latest when the network is back; a key that needs them is not lost meanwhile.

import { EditorView, keymap, runScopeHandlers } from "@codemirror/view";
import { selectsText } from "./indentation.js";

/** How long after it was drawn an editor that never finds the page idle waits for its tools, in milliseconds. */
const IDLE_WITHIN_MS = 50;
/** The first and the longest wait before what could not be loaded is asked for again, in milliseconds. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

/** @typedef {typeof import("./tools.js")} Tools */

/** @type {Tools | undefined} */
let here;
/** @type {Promise<Tools> | undefined} */
let loading;

/** The tools, if they have been loaded. */
export const toolsHere = () => here;

/** Loads the tools, once for all editors. */
export function loadTools() {
  loading ??= insist(() => import("./tools.js")).then((tools) => (here = tools));
  return loading;
}

/** @template T @param {() => Promise<T>} load @returns {Promise<T>} */
async function insist(load) {
  for (let wait = RETRY_MS; ; wait = Math.min(2 * wait, MAX_RETRY_MS)) {
    try {
      return await load();
    } catch (error) {
      console.warn("the tools of the editor could not be loaded yet", error);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

/** Resolves when the browser has drawn what is there now, and has a moment. */
export function drawn() {
  // Safari knows no idle time.
  const idle = globalThis.requestIdleCallback ?? ((then) => setTimeout(then, IDLE_WITHIN_MS));
  return new Promise((resolve) => requestAnimationFrame(() => idle(resolve, { timeout: IDLE_WITHIN_MS })));
}

/**
 * The keys that only the tools know. Whatever else they know (arrows, Home, Backspace and their like), the browser does
 * much the same by itself until they are here.
 * @type {import("@codemirror/view").KeyBinding[]}
 */
export const LATE_KEYS = [
  ...["Mod-f", "F3", "Mod-g", "Ctrl-g", "Mod-Alt-g", "Mod-Shift-l", "Mod-d"],
  ...["Alt-ArrowUp", "Alt-ArrowDown", "Shift-Alt-ArrowUp", "Shift-Alt-ArrowDown", "Mod-Alt-ArrowUp", "Mod-Alt-ArrowDown"],
  ...["Mod-Enter", "Mod-a", "Mod-i", "Mod-[", "Mod-]", "Mod-Alt-\\", "Shift-Mod-k", "Shift-Mod-\\", "Mod-/", "Ctrl-Alt-[", "Ctrl-Alt-]"],
  { key: "Ctrl-Shift-[", mac: "Cmd-Alt-[" },
  { key: "Ctrl-Shift-]", mac: "Cmd-Alt-]" },
  { key: "Alt-ArrowLeft", mac: "Ctrl-ArrowLeft" },
  { key: "Alt-ArrowRight", mac: "Ctrl-ArrowRight" },
  { key: "Alt-l", mac: "Ctrl-l" },
  { key: "Alt-A", mac: "Ctrl-A" },
  { key: "Ctrl-m", mac: "Shift-Alt-m" },
].map((key) => (typeof key === "string" ? { key } : key));

/**
 * Stands in for the tools: a key of theirs asks for them at once, and is pressed again when they are here.
 * @param {(action: () => void) => void} whenEquipped
 */
export function waitingKeys(whenEquipped) {
  let pressed;
  const wait = (view) => {
    const event = pressed;
    whenEquipped(() => runScopeHandlers(view, event, "editor"));
    return true;
  };
  // A text that nobody may change lets Tab go on to the next control.
  const waitToIndent = (view) => !view.state.readOnly && wait(view);
  return [
    EditorView.domEventObservers({ keydown: (event) => void (pressed = event) }),
    keymap.of([
      ...LATE_KEYS.map((key) => ({ ...key, run: wait, shift: wait })),
      { key: "Tab", run: (view) => selectsText(view.state) && waitToIndent(view), shift: waitToIndent },
    ]),
  ];
}
