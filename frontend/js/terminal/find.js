//! The field that finds text in a terminal, with its history.

import { SearchAddon } from "@xterm/addon-search";
import { element, icon } from "./dom.js";
import { readMatchColours } from "./theme.js";
import { words } from "./words.js";

export class Find {
  element;
  #search = new SearchAddon();
  #input;
  #count;
  #back;

  /**
   * @param {import("@xterm/xterm").Terminal} xterm
   */
  constructor(xterm) {
    xterm.loadAddon(this.#search);
    this.#back = () => xterm.focus();
    const button = (label, name, onclick) => element("button", { type: "button", className: "icon-button", "aria-label": label, title: label, onclick }, icon(name));
    this.#input = element("input", { type: "text", name: "find", className: "terminal-find-input", placeholder: words.find, "aria-label": words.find, autocomplete: "off", spellcheck: false });
    this.#count = element("span", { className: "terminal-find-count", role: "status" });
    this.element = element(
      "div",
      { className: "terminal-find", role: "search", "aria-label": words.find, "data-testid": "terminal-find", hidden: true },
      this.#input,
      this.#count,
      button(words.previous, "arrow-up", () => this.#go(false)),
      button(words.next, "arrow-down", () => this.#go(true)),
      button(words.close, "x", () => this.close()),
    );
    this.#input.addEventListener("input", () => this.#go(false, true));
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target === this.#input) this.#go(event.shiftKey);
      else if (event.key === "Escape") this.close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.#search.onDidChangeResults(({ resultIndex, resultCount }) => {
      if (this.#input.value === "") this.#count.textContent = "";
      else this.#count.textContent = resultCount === 0 ? words.noMatches : words.matchCount(resultIndex + 1, resultCount);
    });
  }

  open() {
    this.element.hidden = false;
    this.#input.focus();
    this.#input.select();
    if (this.#input.value !== "") this.#go(false, true);
  }

  close() {
    this.element.hidden = true;
    this.#search.clearDecorations();
    this.#back();
  }

  /** Searches upwards unless told otherwise: what one looks for in a terminal has scrolled away. */
  #go(down, incremental = false) {
    const { matchBackground, activeMatchBackground } = readMatchColours();
    const decorations = { matchBackground, activeMatchBackground, matchOverviewRuler: matchBackground, activeMatchColorOverviewRuler: activeMatchBackground };
    if (down) this.#search.findNext(this.#input.value, { decorations });
    else this.#search.findPrevious(this.#input.value, { decorations, incremental });
  }
}
