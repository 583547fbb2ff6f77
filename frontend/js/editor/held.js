//! Edits of others that are known but not shown yet, since showing them would break a composition.

/**
 * While somebody composes with an input method, the browser holds on to the text node they compose in, and
 * replacing it ends the composition halfway. So edits that touch that line wait until it is over.
 *
 * "Shared" positions are those of the text that everybody has, "shown" ones those of the text in the editor.
 * Invariant: the shown text with the held changes applied is the shared text, whatever is typed meanwhile.
 */
export class HeldEdits {
  /** @type {import("@codemirror/state").ChangeSet | null} from shown to shared */
  #changes = null;

  get any() {
    return this.#changes !== null;
  }

  /** @param {import("@codemirror/state").ChangeSet} changes of the shared text */
  add(changes) {
    this.#changes = this.#changes ? this.#changes.compose(changes) : changes;
  }

  /** Hands out what is held, to be shown now; null when there is nothing. */
  take() {
    const changes = this.#changes;
    this.#changes = null;
    return changes;
  }

  /**
   * Translates what was typed in the shown text into a change of the shared text.
   * @param {import("@codemirror/state").ChangeSet} typed
   * @param {import("@codemirror/state").Text} shown before it was typed
   */
  passOver(typed, shown) {
    const held = this.#changes;
    if (!held) return { changes: typed, before: shown };
    // Both orders give the same text only if exactly one side yields where the two insert at the same place.
    this.#changes = held.map(typed, true);
    return { changes: typed.map(held), before: held.apply(shown) };
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
