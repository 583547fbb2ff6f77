//! Shows guessed letters over the terminal until the program has echoed them: see prediction.js.

import { element } from "./dom.js";
import { Prediction } from "./prediction.js";

export class Guesses {
  #xterm;
  #cell;
  #prediction = new Prediction();
  #element = element("span", { className: "terminal-guess", "aria-hidden": "true", "data-testid": "terminal-guess", hidden: true });
  #timer = 0;

  /**
   * @param {import("@xterm/xterm").Terminal} xterm
   * @param {() => { width: number, height: number } | undefined} cell
   */
  constructor(xterm, cell) {
    this.#xterm = xterm;
    this.#cell = cell;
    xterm.element?.querySelector(".xterm-screen")?.append(this.#element);
    xterm.onWriteParsed(() => this.#settle());
    xterm.onScroll(() => this.#draw());
  }

  /** @param {string} data */
  typed(data) {
    this.#prediction.typed(data, this.#place, performance.now());
    this.#draw();
  }

  get #place() {
    const buffer = this.#xterm.buffer.active;
    return { row: buffer.baseY + buffer.cursorY, column: buffer.cursorX, columns: this.#xterm.cols, alternate: buffer.type === "alternate" };
  }

  #settle() {
    const buffer = this.#xterm.buffer.active;
    const letterAt = (row, column) => buffer.getLine(row)?.getCell(column)?.getChars() || " ";
    this.#prediction.settle(this.#place, letterAt, performance.now());
    this.#draw();
  }

  #draw() {
    clearTimeout(this.#timer);
    // Whatever nobody confirms is looked at again when it is too old.
    if (this.#prediction.waits) this.#timer = setTimeout(() => this.#settle(), this.#prediction.patience + 1);
    const shown = this.#prediction.shown;
    const cell = this.#cell();
    this.#element.hidden = !shown || !cell;
    if (!shown || !cell) return;
    const { fontFamily, fontSize } = this.#xterm.options;
    const row = shown.row - this.#xterm.buffer.active.viewportY;
    Object.assign(this.#element.style, {
      transform: `translate(${shown.column * cell.width}px, ${row * cell.height}px)`,
      font: `${fontSize}px / ${cell.height}px ${fontFamily}`,
      width: `${shown.text.length * cell.width}px`,
    });
    this.#element.textContent = shown.text;
  }

  dispose() {
    clearTimeout(this.#timer);
  }
}
