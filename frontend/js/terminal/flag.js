//! Who types: a name at the cursor for a moment.

import { element } from "./dom.js";

/** How long after the last key. */
const STAY_MS = 1800;

export class Flag {
  #xterm;
  #cell;
  #element = element("span", { className: "terminal-flag", "aria-hidden": "true", "data-testid": "terminal-flag", hidden: true });
  #timer = 0;

  /**
   * @param {import("@xterm/xterm").Terminal} xterm
   * @param {() => { width: number, height: number } | undefined} cell
   */
  constructor(xterm, cell) {
    this.#xterm = xterm;
    this.#cell = cell;
    xterm.element?.querySelector(".xterm-screen")?.append(this.#element);
    xterm.onRender(() => this.#place());
  }

  /**
   * @param {string} name
   * @param {number} color which of the eight
   */
  show(name, color) {
    this.#element.textContent = name;
    this.#element.dataset.person = String(color % 8);
    this.#element.hidden = false;
    this.#place();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#element.hidden = true;
    }, STAY_MS);
  }

  #place() {
    const cell = this.#cell();
    if (this.#element.hidden || !cell) return;
    const buffer = this.#xterm.buffer.active;
    const row = buffer.baseY + buffer.cursorY - buffer.viewportY;
    // Above the cursor, or below it where there is nothing above.
    const top = row > 0 ? row * cell.height - this.#element.offsetHeight : (row + 1) * cell.height;
    const left = Math.min(buffer.cursorX * cell.width, this.#xterm.cols * cell.width - this.#element.offsetWidth);
    this.#element.style.transform = `translate(${Math.max(0, left)}px, ${top}px)`;
  }

  dispose() {
    clearTimeout(this.#timer);
  }
}
