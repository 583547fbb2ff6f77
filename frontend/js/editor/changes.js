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
 *
 * An edit that would cut a surrogate pair is widened by the half it leaves behind: the shared text stores
 * whole characters only, and a lone half would become U+FFFD there and nowhere else.
 * @param {ChangeSet} changes
 * @param {import("@codemirror/state").Text} before
 * @returns {{ ops: Uint32Array, inserts: string[] }}
 */
export function opsFromChanges(changes, before) {
  const ops = [];
  const inserts = [];
  changes.iterChanges((fromA, toA, fromB, _toB, inserted) => {
    let at = fromB;
    let deleted = toA - fromA;
    let insert = inserted.toString();
    if (splitsPair(before, fromA)) {
      at -= 1;
      deleted += 1;
      insert = before.sliceString(fromA - 1, fromA) + insert;
    }
    // For an insertion between two halves `toA` is that same place: the low half goes with it.
    if (splitsPair(before, toA)) {
      deleted += 1;
      insert += before.sliceString(toA, toA + 1);
    }
    ops.push(at, deleted);
    inserts.push(insert);
  });
  return { ops: Uint32Array.from(ops), inserts };
}

/** @param {import("@codemirror/state").Text} text @param {number} at */
function splitsPair(text, at) {
  if (at <= 0 || at >= text.length) return false;
  return isHigh(text.sliceString(at - 1, at)) && isLow(text.sliceString(at, at + 1));
}

const isHigh = (unit) => unit >= "\ud800" && unit <= "\udbff";
const isLow = (unit) => unit >= "\udc00" && unit <= "\udfff";

/**
 * The smallest single replacement that turns `before` into `after`, on character boundaries; null when equal.
 * @param {string} before
 * @param {string} after
 * @returns {{ from: number, to: number, insert: string } | null}
 */
export function replacement(before, after) {
  if (before === after) return null;
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before.charCodeAt(head) === after.charCodeAt(head)) head += 1;
  if (head > 0 && isHigh(before[head - 1])) head -= 1;
  let tail = 0;
  while (
    tail < shorter - head &&
    before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
  ) {
    tail += 1;
  }
  if (tail > 0 && isLow(before[before.length - tail])) tail -= 1;
  return { from: head, to: before.length - tail, insert: after.slice(head, after.length - tail) };
}
