//! Says over a terminal that output is missing, and offers what the host kept of it. Over it and not above: a terminal that
//! loses a row to a notice would lose it for everybody.

import { element, icon } from "./dom.js";
import { size, words } from "./words.js";

export class Note {
  element;
  #text = element("span");
  #skipped = 0;

  /** @param {() => void} onShowKept */
  constructor(onShowKept) {
    const showKept = () => {
      this.clear();
      onShowKept();
    };
    this.element = element(
      "div",
      { className: "terminal-note", role: "status", "data-testid": "terminal-skipped", hidden: true },
      icon("info"),
      this.#text,
      element("button", { type: "button", className: "button", onclick: showKept }, words.showKept),
      element("button", { type: "button", className: "icon-button", "aria-label": words.dismiss, title: words.dismiss, onclick: () => this.clear() }, icon("x")),
    );
  }

  /** @param {number} bytes */
  add(bytes) {
    this.#skipped += bytes;
    this.#text.textContent = `${words.skipped(size(this.#skipped))}.`;
    this.element.hidden = false;
  }

  clear() {
    this.#skipped = 0;
    this.element.hidden = true;
  }
}
