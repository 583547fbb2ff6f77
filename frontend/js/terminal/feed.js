//! What the host sends, given to xterm in order and no faster than it takes it.

import { size, words } from "./words.js";

/** Given to xterm and not parsed yet. */
const AHEAD_BYTES = 512 * 1024;

/** Waits here; beyond it everything that waits is dropped and the screen asked for anew. */
const WAITING_BYTES = 2 * 1024 * 1024;

/** @typedef {{ columns: number, rows: number, kept: boolean, skipped: number, bytes: Uint8Array }} Screen */

export class Feed {
  #xterm;
  #onBehind;
  #onPainted;
  /** @type {(Uint8Array | Screen)[]} */
  #queue = [];
  #waiting = 0;
  #ahead = 0;
  #painting = false;
  /** Bytes that were dropped here since the last screen; nothing is shown before the next one. */
  #dropped = 0;

  /**
   * @param {import("@xterm/xterm").Terminal} xterm
   * @param {() => void} onBehind called once when this is too slow: a screen must follow
   * @param {(skipped: number) => void} onPainted called with the bytes of output that are missing before a screen
   */
  constructor(xterm, onBehind, onPainted) {
    this.#xterm = xterm;
    this.#onBehind = onBehind;
    this.#onPainted = onPainted;
  }

  /** @param {Uint8Array} bytes */
  output(bytes) {
    if (this.#dropped > 0) {
      this.#dropped += bytes.length;
      return;
    }
    if (this.#waiting + bytes.length > WAITING_BYTES) {
      this.#dropped = this.#waiting + bytes.length;
      this.#queue = this.#queue.filter((one) => !(one instanceof Uint8Array));
      this.#waiting = 0;
      this.#onBehind();
      return;
    }
    this.#queue.push(bytes);
    this.#waiting += bytes.length;
    this.#go();
  }

  /** @param {Screen} screen */
  screen(screen) {
    const skipped = screen.kept ? 0 : screen.skipped + this.#dropped;
    this.#dropped = 0;
    this.#queue.push({ ...screen, skipped });
    this.#go();
  }

  #go() {
    while (this.#queue.length > 0 && !this.#painting && this.#ahead < AHEAD_BYTES) {
      const next = this.#queue.shift();
      if (next instanceof Uint8Array) {
        this.#waiting -= next.length;
        this.#write(next);
      } else {
        // What was written before must be on the screen: its size is about to change, and it may be kept.
        this.#painting = true;
        this.#xterm.write("", () => {
          this.#paint(next);
          this.#painting = false;
          this.#go();
        });
      }
    }
  }

  /** @param {Uint8Array | string} data */
  #write(data) {
    this.#ahead += data.length;
    this.#xterm.write(data, () => {
      this.#ahead -= data.length;
      this.#go();
    });
  }

  /** @param {Screen} screen */
  #paint({ columns, rows, skipped, bytes }) {
    if (skipped > 0) this.#write(keepScreen(this.#xterm, skipped));
    // The size changes only after that has been written.
    this.#xterm.write("", () => {
      if (this.#xterm.cols !== columns || this.#xterm.rows !== rows) this.#xterm.resize(columns, rows);
    });
    this.#write(bytes);
    this.#onPainted(skipped);
  }
}

/**
 * What moves the screen up into the history, with a line that says what is missing behind it.
 * @param {import("@xterm/xterm").Terminal} xterm
 * @param {number} skipped
 */
function keepScreen(xterm, skipped) {
  const buffer = xterm.buffer.normal;
  let used = xterm.rows;
  while (used > 0 && buffer.getLine(buffer.baseY + used - 1)?.translateToString(true) === "") used -= 1;
  const note = `--- ${words.skipped(size(skipped))} ---`;
  const lines = Math.ceil(note.length / xterm.cols);
  // The main screen, all of it scrolling; the note below what is there; and so many lines that both are gone. Left at the
  // top: a terminal that gets smaller gives up what is below the cursor and keeps what is above.
  const home = "\x1b[?1049l\x1b[?6l\x1b[r";
  const place = used > 0 ? `\x1b[${used};1H\r\n` : "\x1b[H";
  const up = "\r\n".repeat(Math.min(xterm.rows, used + lines));
  return `${home}${place}\x1b[0;2m${note}\x1b[0m\x1b[${xterm.rows};1H${up}\x1b[H`;
}
