//! How large a terminal is drawn. Its columns and rows are the host's business: a smaller window makes the letters smaller,
//! down to where they can still be read, and then scrolls; a larger one centres the terminal.

/** Letters do not get smaller than this, in pixels. */
const LEAST_FONT = 9;

/** Letters change in steps of this, in pixels. */
const STEP = 0.5;

/** xterm's scroll bar lies over the right edge; a finger scrolls without one. */
const SCROLLBAR = matchMedia("(pointer: coarse)").matches ? 0 : 14;

/** How long a window must have had its size before that is told. */
const SETTLED_MS = 120;

/** How often what was told is told again, at most. */
const AGAIN_MS = 1000;

export class Fit {
  #stage;
  #paper;
  #xterm;
  #onFit;
  #wished;
  /** The size of a cell, by the size of the letters. @type {Map<number, { width: number, height: number }>} */
  #cells = new Map();
  #ratio = devicePixelRatio;
  #observer;
  #told = "";
  #toldAt = -Infinity;
  #timer = 0;

  /**
   * @param {HTMLElement} stage what scrolls
   * @param {HTMLElement} paper what holds the terminal in it
   * @param {import("@xterm/xterm").Terminal} xterm
   * @param {number} font the wished size of letters
   * @param {(columns: number, rows: number) => void} onFit
   */
  constructor(stage, paper, xterm, font, onFit) {
    this.#stage = stage;
    this.#paper = paper;
    this.#xterm = xterm;
    this.#wished = font;
    this.#onFit = onFit;
    this.#observer = new ResizeObserver(() => this.update());
    this.#observer.observe(stage);
  }

  /** @param {number} font */
  set font(font) {
    this.#wished = font;
    this.update();
  }

  /** Cells have other sizes from now on: another way to draw them. */
  forget() {
    this.#cells.clear();
    this.update();
  }

  update() {
    if (this.#ratio !== devicePixelRatio) {
      this.#ratio = devicePixelRatio;
      this.#cells.clear();
    }
    const style = getComputedStyle(this.#stage);
    const width = this.#stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - SCROLLBAR;
    const height = this.#stage.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    // Not shown, or not yet. Out of the page it has no style either: then these are no numbers.
    if (!(width > 0 && height > 0)) return;
    const wished = this.#cell(this.#wished);
    if (!wished) return;
    this.#tell(Math.floor(width / wished.width), Math.floor(height / wished.height));
    const { cols, rows } = this.#xterm;
    const fits = (cell) => cell && cell.width * cols <= width + 0.5 && cell.height * rows <= height + 0.5;
    let font = this.#wished;
    if (!fits(wished)) {
      const scale = Math.min(width / (wished.width * cols), height / (wished.height * rows));
      font = Math.min(this.#wished, Math.max(LEAST_FONT, Math.ceil((this.#wished * scale) / STEP) * STEP));
      // Cells are whole pixels, so the first guess may be a step too large.
      while (font > LEAST_FONT && !fits(this.#cell(font))) font -= STEP;
    }
    const cell = this.#cell(Math.max(font, Math.min(LEAST_FONT, this.#wished)));
    if (!cell) return;
    this.#paper.style.width = `${Math.ceil(cell.width * cols) + SCROLLBAR}px`;
    this.#paper.style.height = `${Math.ceil(cell.height * rows)}px`;
    // A frame around a terminal that is much smaller than the window tells where it ends.
    const slack = width - cell.width * cols > 2 * cell.width || height - cell.height * rows > 2 * cell.height;
    this.#paper.toggleAttribute("data-framed", slack);
  }

  /** A screen came: the host may be another one, or may have forgotten how large this window is. */
  again() {
    if (performance.now() - this.#toldAt < AGAIN_MS) return;
    this.#told = "";
    this.update();
  }

  /** The size of a cell now. */
  get cell() {
    return this.#measure();
  }

  /** Draws with letters of this size and looks how large a cell is. */
  #cell(font) {
    if (this.#xterm.options.fontSize !== font) this.#xterm.options.fontSize = font;
    const known = this.#cells.get(font);
    if (known) return known;
    const cell = this.#measure();
    if (cell) this.#cells.set(font, cell);
    return cell;
  }

  #measure() {
    const screen = this.#xterm.element?.querySelector(".xterm-screen");
    if (!(screen instanceof HTMLElement)) return undefined;
    const width = parseFloat(screen.style.width) / this.#xterm.cols;
    const height = parseFloat(screen.style.height) / this.#xterm.rows;
    return width > 0 && height > 0 ? { width, height } : undefined;
  }

  #tell(columns, rows) {
    const size = `${columns} ${rows}`;
    if (columns < 2 || rows < 1 || size === this.#told) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#told = size;
      this.#toldAt = performance.now();
      this.#onFit(columns, rows);
    }, SETTLED_MS);
  }

  dispose() {
    clearTimeout(this.#timer);
    this.#observer.disconnect();
  }
}
