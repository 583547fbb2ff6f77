//! A text shared by several authors as the real one is: every character has an identity, an author, and those who deleted it.

/** The author of what was there before anybody came. */
export const NOBODY = -1;

/**
 * One author's copy: an ordered list of characters, the deleted ones included (a replicated growable array).
 * Positions are UTF-16 units of what is visible.
 */
export class Replica {
  /** @type {{ id: string, clock: number, by: number, value: string, deletedBy: Set<number> }[]} */
  characters = [];
  #clock = 0;

  /** @param {number} author @param {string} text what was there before */
  constructor(author, text) {
    this.author = author;
    for (const value of text) {
      this.#clock += 1;
      this.characters.push(character(this.#clock, NOBODY, value));
    }
  }

  text() {
    return this.characters.filter(isVisible).map(({ value }) => value).join("");
  }

  /**
   * Repeats what the own editor did.
   * @returns {{ operations: object[], inserted: object[], deleted: object[] }} for the others, and for whoever judges it
   */
  edit(ops, inserts) {
    const [operations, inserted, deleted] = [[], [], []];
    inserts.forEach((insert, edit) => {
      const at = this.#indexAt(ops[2 * edit]);
      let units = ops[2 * edit + 1];
      for (let index = at; units > 0; index += 1) {
        const gone = this.characters[index];
        if (!gone) throw new Error("an edit lies outside the text");
        if (!isVisible(gone)) continue;
        units -= gone.value.length;
        if (units < 0) throw new Error("an edit cuts a character");
        gone.deletedBy.add(this.author);
        deleted.push(gone);
        operations.push({ kind: "delete", id: gone.id, by: this.author });
      }
      let index = at;
      for (const value of insert) {
        if (!value.isWellFormed()) throw new Error("an edit inserts half a character");
        this.#clock += 1;
        const fresh = character(this.#clock, this.author, value);
        operations.push({ kind: "insert", after: this.characters[index - 1]?.id, clock: this.#clock, by: this.author, value });
        this.characters.splice(index, 0, fresh);
        inserted.push(fresh);
        index += 1;
      }
    });
    return { operations, inserted, deleted };
  }

  /**
   * Takes in what another did.
   * @returns {{ ops: number[], inserts: string[] }} for the own editor
   */
  receive(operations) {
    const [ops, inserts] = [[], []];
    for (const operation of operations) {
      if (operation.kind === "delete") {
        const index = this.#indexOf(operation.id);
        const gone = this.characters[index];
        if (isVisible(gone)) {
          ops.push(this.#offsetOf(index), gone.value.length);
          inserts.push("");
        }
        gone.deletedBy.add(operation.by);
        continue;
      }
      const { clock, by, value } = operation;
      let index = operation.after === undefined ? 0 : this.#indexOf(operation.after) + 1;
      while (index < this.characters.length && isLater(this.characters[index], clock, by)) index += 1;
      this.#clock = Math.max(this.#clock, clock);
      this.characters.splice(index, 0, character(clock, by, value));
      ops.push(this.#offsetOf(index), 0);
      inserts.push(value);
    }
    return { ops, inserts };
  }

  #indexOf(id) {
    const index = this.characters.findIndex((other) => other.id === id);
    if (index < 0) throw new Error(`there is no character ${id}`);
    return index;
  }

  /** Where in the list a visible position is: directly behind the character before it. */
  #indexAt(offset) {
    let index = 0;
    for (let left = offset; left > 0; index += 1) {
      const passed = this.characters[index];
      if (!passed) throw new Error("an edit lies outside the text");
      if (isVisible(passed)) left -= passed.value.length;
      if (left < 0) throw new Error("an edit cuts a character");
    }
    return index;
  }

  #offsetOf(index) {
    let offset = 0;
    for (let i = 0; i < index; i += 1) if (isVisible(this.characters[i])) offset += this.characters[i].value.length;
    return offset;
  }
}

/** @param {{ deletedBy: Set<number> }} character */
export const isVisible = ({ deletedBy }) => deletedBy.size === 0;

const character = (clock, by, value) => ({ id: `${clock}.${by}`, clock, by, value, deletedBy: new Set() });

/** Whether a character that follows the same one as another goes before it. */
const isLater = (other, clock, by) => other.clock > clock || (other.clock === clock && other.by > by);
