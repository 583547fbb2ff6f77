//! The last changes of everybody, so that a person can take back the last one, whoever made it.

import { Annotation, EditorSelection, StateField, Transaction } from "@codemirror/state";
import { isolateHistory } from "./history.js";

/** Changes that can be taken back in this way: what is older is looked up in the file's history, not guessed at. */
const MAX_CHANGES = 50;
/** What one author does within this time, at one place, is one change; as it is for CodeMirror's undo. In milliseconds. */
const GROUP_DELAY_MS = 500;
/** So many changes of others may lie between two of one author that are one: as many as there are people who type at once. */
const MAX_PASSED = 5;

/**
 * Who made a change: a participant's number, the disk, the person at this editor, or, undefined, anybody.
 * @typedef {number | "disk" | "me" | undefined} By
 * @typedef {{ by: By, changes: import("@codemirror/state").ChangeSet }} Run
 */

/** The runs of one author each that a change from elsewhere consists of. @type {import("@codemirror/state").AnnotationType<Run[]>} */
export const remoteRuns = Annotation.define();

/** Marks the change that takes the last one back. It is this person's own, and so undone by the own undo. */
const takesBack = Annotation.define();

/**
 * The changes of this text, the last one last, each as what takes it back. Together they lead back, one after the other,
 * through the texts that were here: each fits the text that taking back those after it leaves. So every change of the
 * text is in here, with what took others back as the only exception; that removes what it took back.
 * @type {StateField<{ by: By, time: number, inverse: import("@codemirror/state").ChangeSet }[]>}
 */
export const lastChanges = StateField.define({
  create: () => [],
  update(entries, transaction) {
    if (!transaction.docChanged) return entries;
    if (transaction.annotation(takesBack)) return entries.slice(0, -1);
    const runs = transaction.annotation(remoteRuns) ?? [{ by: "me", changes: transaction.changes }];
    const time = transaction.annotation(Transaction.time);
    let before = transaction.startState.doc;
    runs.forEach(({ by, changes }, index) => {
      // What came in one piece, from anybody, can not be told apart; and nothing before it was last.
      entries = by === undefined ? [] : added(entries, { by, time, changes, inverse: changes.invert(before) });
      if (index + 1 < runs.length) before = changes.apply(before);
    });
    return entries;
  },
});

/**
 * Takes back the last change that anybody made, as an edit of this person.
 * @param {import("@codemirror/view").EditorView} view
 * @returns {By | null} whose it was; null if there is nothing, or nothing may be changed
 */
export function undoLast({ state, dispatch }) {
  const last = state.field(lastChanges).at(-1);
  if (!last || state.readOnly) return null;
  let place = 0;
  last.inverse.iterChangedRanges((_fromA, _toA, _fromB, toB) => {
    place = toB;
  });
  dispatch({
    changes: last.inverse,
    selection: EditorSelection.cursor(place),
    annotations: [takesBack.of(true), isolateHistory.of("full")],
    userEvent: "undo.anyone",
    scrollIntoView: true,
  });
  return last.by;
}

function added(entries, { by, time, changes, inverse }) {
  const joined = withLatestOf(by, entries, time, changes);
  if (joined) {
    entries = joined.slice(0, -1);
    inverse = inverse.compose(joined.at(-1).inverse);
  }
  if (!inverse.empty) entries = [...entries, { by, time, inverse }];
  return entries.slice(-MAX_CHANGES);
}

/**
 * The same changes with the latest of one author moved to the end, as if it had come last: two who type at the same time
 * still type whole words. Null if the author's new `changes` do not go on with it, or others have touched it since.
 */
function withLatestOf(by, entries, time, changes) {
  const index = entries.map((entry) => entry.by).lastIndexOf(by);
  const later = entries.slice(index + 1);
  if (index < 0 || later.length > MAX_PASSED || time - entries[index].time >= GROUP_DELAY_MS) return null;
  let { inverse } = entries[index];
  const past = [];
  for (const other of later) {
    const forward = other.inverse.invertedDesc;
    if (isAdjacent(rangesOf(inverse), rangesOf(forward))) return null;
    inverse = inverse.map(forward);
    past.push(inverse);
  }
  if (!isAdjacent(rangesOf(inverse), rangesOf(changes))) return null;
  const others = later.map((other, i) => ({ ...other, inverse: other.inverse.map(past[i]) }));
  return [...entries.slice(0, index), ...others, { ...entries[index], inverse }];
}

/** The places that changes touch, in the text that they apply to; flat `[from, to]*`. */
function rangesOf(changes) {
  const places = [];
  changes.iterChangedRanges((from, to) => places.push(from, to));
  return places;
}

/** Whether two such lists, both in order, have places that meet. */
function isAdjacent(one, other) {
  for (let i = 0, j = 0; i < one.length && j < other.length; ) {
    if (one[i + 1] < other[j]) i += 2;
    else if (other[j + 1] < one[i]) j += 2;
    else return true;
  }
  return false;
}
