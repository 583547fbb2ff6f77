//! Edits of others that are known but not shown yet, since showing them would break a composition.

/**
 * While somebody composes with an input method, the browser holds on to the text node they compose in, and
 * replacing it ends the composition halfway. So edits that touch that line wait until it is over.
 *
 * "Shared" positions are those of the text that everybody has, "shown" ones those of the text in the editor.
 * Invariant: the shown text with the held changes applied is the shared text, whatever is typed meanwhile.
 */
export class HeldEdits {
  /** @type {import("./anyone.js").Run[]} */
  #runs = [];
  /** All of them as one; null when there are none. @type {import("@codemirror/state").ChangeSet | null} */
  #changes = null;

  get any() {
    return this.#changes !== null;
  }

  /** @param {import("./anyone.js").Run[]} runs the first one a change of the shared text */
  add(runs) {
    this.#runs = [...this.#runs, ...runs];
    this.#changes = allOf(this.#runs);
  }

  /** Hands out what is held, to be shown now. */
  take() {
    const runs = this.#runs;
    this.#runs = [];
    this.#changes = null;
    return runs;
  }

  /**
   * Translates what was typed in the shown text into a change of the shared text.
   * @param {import("@codemirror/state").ChangeSet} typed
   */
  passOver(typed) {
    if (!this.any) return typed;
    this.#runs = this.#runs.map(({ by, changes }) => {
      // Both orders give the same text only if exactly one side yields where the two insert at the same place.
      const after = changes.map(typed, true);
      typed = typed.map(changes);
      return { by, changes: after };
    });
    this.#changes = allOf(this.#runs);
    return typed;
  }

  /** @param {import("@codemirror/state").Text} shown */
  sharedText(shown) {
    return this.#changes ? this.#changes.apply(shown) : shown;
  }

  /** @param {number} at a shown position */
  toShared(at) {
    return this.#changes ? this.#changes.mapPos(at) : at;
  }

  /** @param {number} at a shared position; one beyond the end may stay beyond the end */
  toShown(at) {
    return this.#changes ? this.#changes.invertedDesc.mapPos(Math.min(at, this.#changes.newLength)) : at;
  }
}

/**
 * Several runs, each of the text that the one before leaves, as one change.
 * @param {import("./anyone.js").Run[]} runs at least one
 */
export const allOf = (runs) => runs.map(({ changes }) => changes).reduce((all, next) => all.compose(next));
