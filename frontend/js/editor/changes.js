//! Translates between CodeMirror's change sets and the flat edits that cross into Rust.

import { Annotation, ChangeSet } from "@codemirror/state";

/** Marks what came from elsewhere: it is neither reported back nor undone by this person's undo. */
export const remoteEdit = Annotation.define();

/**
 * One change set that does what applying the edits one after the other would do.
 *
 * Composing neighbours pairwise keeps n edits at O(n log n); composing onto one growing set would be quadratic.
 * @param {number} length of the document before the edits, in UTF-16 units
 * @param {Uint32Array | number[]} ops flat `[at, deleted length]*`
 * @param {string[]} inserts the text inserted at each `at`
 * @returns {ChangeSet}
 * @throws {RangeError} when an edit lies outside the document; nothing has been applied then
 */
export function changesFromOps(length, ops, inserts) {
  if (ops.length !== inserts.length * 2) throw new RangeError("each edit needs a position, a length and a text");
  if (inserts.length === 0) return ChangeSet.empty(length);
  let sets = inserts.map((insert, index) => {
    const from = ops[index * 2];
    const deleted = ops[index * 2 + 1];
    const set = ChangeSet.of({ from, to: from + deleted, insert }, length, "\n");
    length += insert.length - deleted;
    return set;
  });
  while (sets.length > 1) {
    const composed = [];
    for (let i = 0; i < sets.length; i += 2) {
      composed.push(i + 1 < sets.length ? sets[i].compose(sets[i + 1]) : sets[i]);
    }
    sets = composed;
  }
  return sets[0];
}

/**
 * The edits of one change set, in an order and with positions that let them be applied one after the other.
 * @param {ChangeSet} changes
 * @returns {{ ops: Uint32Array, inserts: string[] }}
 */
export function opsFromChanges(changes) {
  const ops = [];
  const inserts = [];
  changes.iterChanges((fromA, toA, fromB, _toB, inserted) => {
    ops.push(fromB, toA - fromA);
    inserts.push(inserted.toString());
  });
  return { ops: Uint32Array.from(ops), inserts };
}
