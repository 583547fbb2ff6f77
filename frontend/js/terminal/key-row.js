//! Keys that phones do not have, in a row above theirs.

import { element, icon } from "./dom.js";
import { withControl } from "./keys.js";
import { words } from "./words.js";

const ARROWS = { left: "D", down: "B", up: "A", right: "C" };
const ARROW_ICONS = { up: "arrow-up", down: "arrow-down", left: "arrow-left", right: "arrow-right" };

export class KeyRow {
  element;
  #held = { control: false, alt: false };
  #buttons = {};

  /**
   * @param {import("@xterm/xterm").Terminal} xterm
   * @param {() => void} onPaste
   */
  constructor(xterm, onPaste) {
    const send = (data) => () => xterm.input(data, true);
    const arrow = (name) => () => {
      const application = xterm.modes.applicationCursorKeysMode;
      xterm.input(`\x1b${application ? "O" : "["}${ARROWS[name]}`, true);
    };
    const key = (label, onclick, content = label) => element("button", { type: "button", className: "terminal-key", "aria-label": label, onclick }, content);
    const sticky = (name, label) => {
      const button = key(label, () => this.#set(name, !this.#held[name]));
      button.setAttribute("aria-pressed", "false");
      this.#buttons[name] = button;
      return button;
    };
    this.element = element(
      "div",
      { className: "terminal-keys", role: "toolbar", "aria-label": words.keys, "data-testid": "terminal-keys" },
      key(words.escape, send("\x1b")),
      key(words.tab, send("\t")),
      sticky("control", words.control),
      sticky("alt", words.alt),
      ...Object.keys(ARROWS).map((name) => key(words[name], arrow(name), icon(ARROW_ICONS[name]))),
      key(words.paste, onPaste, icon("clipboard-paste")),
    );
    // The keyboard of the phone belongs to whatever has the focus, so a key does not take it.
    this.element.addEventListener("pointerdown", (event) => event.preventDefault());
    this.element.addEventListener("mousedown", (event) => event.preventDefault());
  }

  /** What was typed, with the keys that are held; they are let go by it. @param {string} data */
  apply(data) {
    const { control, alt } = this.#held;
    if (!control && !alt) return data;
    this.#set("control", false);
    this.#set("alt", false);
    const typed = control && data.length === 1 ? withControl(data) : data;
    return alt ? `\x1b${typed}` : typed;
  }

  #set(name, held) {
    this.#held[name] = held;
    this.#buttons[name].setAttribute("aria-pressed", String(held));
  }
}
