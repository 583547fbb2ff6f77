//! Guesses what typed letters will look like before the program has echoed them, so that typing feels near over a slow line.
//!
//! As mosh does, it learns from confirmations: nothing is shown before a letter typed since the last Enter came back as it was
//! guessed, so a password is never shown; a guess that turns out wrong, or that nobody confirms, takes all of them back.
//! Pure: it knows neither xterm nor a clock.

/** Echoes that come back sooner than this need no guess, in milliseconds. */
const NEAR_MS = 60;

/** A guess is given up after this many usual echo times, and never sooner than after `PATIENCE_MS`. */
const PATIENCE = 4;
const PATIENCE_MS = 1000;

/** How much one echo counts for the usual time. */
const WEIGHT = 0.25;

/** No line of a person's is longer; what is pasted is not guessed. */
const MOST_GUESSES = 200;

/**
 * @typedef {{ row: number, column: number, columns: number, alternate: boolean }} Place where the cursor is; rows count from
 *   the beginning of the history
 * @typedef {{ row: number, column: number, letter: string, at: number }} Guess
 */

export class Prediction {
  /** @type {Guess[]} */
  #guesses = [];
  /** Whether a guess of this line was right. */
  #trusted = false;
  /** Something was typed whose effect nobody can tell: the cursor may be anywhere until the program says something. */
  #unsettled = false;
  #row = -1;
  /** How long an echo usually takes; nothing before the first. @type {number | undefined} */
  #usual;

  /**
   * A person typed.
   * @param {string} data
   * @param {Place} place
   * @param {number} now in milliseconds
   */
  typed(data, place, now) {
    if (place.alternate || data.startsWith("\x1b") || data.length > MOST_GUESSES) return this.#forget();
    for (const letter of data) {
      if (letter === "\x7f" && this.#guesses.length > 0) this.#guesses.pop();
      else if (letter < " " || letter === "\x7f") this.#forget();
      else if (!this.#unsettled) this.#guess(letter, place, now);
    }
    return undefined;
  }

  #guess(letter, { row, column, columns }, at) {
    const last = this.#guesses.at(-1);
    const next = last ? last.column + 1 : column;
    // Programs do different things at the end of a line, and with letters that are wider or narrower than one cell.
    if (next >= columns - 1 || !/^[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f]$/u.test(letter)) return this.#forget();
    this.#guesses.push({ row: last?.row ?? row, column: next, letter, at });
    return undefined;
  }

  /**
   * The program said something, or time passed.
   * @param {Place} place
   * @param {(row: number, column: number) => string} letterAt what the screen shows
   * @param {number} now
   */
  settle(place, letterAt, now) {
    this.#unsettled = false;
    if (place.alternate) this.#forget();
    // A prompt on another line may be for a password.
    if (this.#guesses.length === 0 && place.row !== this.#row) this.#trusted = false;
    this.#row = place.row;
    while (this.#guesses.length > 0) {
      const { row, column, letter, at } = this.#guesses[0];
      const passed = place.row > row || (place.row === row && place.column > column);
      if (passed && letterAt(row, column) === letter) {
        this.#usual = this.#usual === undefined ? now - at : this.#usual * (1 - WEIGHT) + (now - at) * WEIGHT;
        this.#trusted = true;
        this.#guesses.shift();
        continue;
      }
      if (passed || place.row < row || now - at > this.patience) {
        this.#guesses = [];
        this.#trusted = false;
      }
      return;
    }
  }

  /** After this long without an echo there will be none. */
  get patience() {
    return Math.max(PATIENCE_MS, PATIENCE * (this.#usual ?? 0));
  }

  /** Whether something waits for an echo. */
  get waits() {
    return this.#guesses.length > 0;
  }

  /** What to show now: letters behind each other, or nothing. @returns {{ row: number, column: number, text: string } | undefined} */
  get shown() {
    const [first] = this.#guesses;
    if (!first || !this.#trusted || (this.#usual ?? 0) < NEAR_MS) return undefined;
    return { row: first.row, column: first.column, text: this.#guesses.map(({ letter }) => letter).join("") };
  }

  #forget() {
    this.#guesses = [];
    this.#trusted = false;
    this.#unsettled = true;
    return undefined;
  }
}
