//! The last changes of everybody, so that a person can take back the last one, whoever made it.

import { isolateHistory } from "@codemirror/commands";
import { Annotation, EditorSelection, StateField, Transaction } from "@codemirror/state";

/** Changes that can be taken back in this way: what is older is looked up in the file's history, not guessed at. */
const MAX_CHANGES = 50;
/** What one author does within this time, at one place, is one change; as it is for CodeMirror's undo. In milliseconds. */
const GROUP_DELAY_MS = 500;

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
 * Oldest first. Each stands as what would take it back now, whatever was changed since: as with the own undo, that
 * deletes what its author inserted and is still there, and brings back what its author deleted.
 * @type {StateField<{ by: By, time: number, inverse: import("@codemirror/state").ChangeSet }[]>}
 */
export const lastChanges = StateField.define({
  create: () => [],
  update(entries, transaction) {
    if (!transaction.docChanged) return entries;
    if (transaction.annotation(takesBack)) return moved(entries.slice(0, -1), transaction.changes);
    const runs = transaction.annotation(remoteRuns) ?? [{ by: "me", changes: transaction.changes }];
    const time = transaction.annotation(Transaction.time);
    let before = transaction.startState.doc;
    runs.forEach(({ by, changes }, index) => {
      // What came in one piece, from anybody, can not be told apart; and nothing before it was last.
      entries = by === undefined ? [] : added(entries, { by, time, changes, before });
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

function added(entries, { by, time, changes, before }) {
  let inverse = changes.invert(before);
  const known = entries.filter((entry) => entry.by === by).at(-1);
  if (known && time - known.time < GROUP_DELAY_MS && isAdjacent(known.inverse, changes)) {
    inverse = inverse.compose(known.inverse);
    entries = entries.filter((entry) => entry !== known);
  }
  entries = moved(entries, changes);
  if (!inverse.empty) entries.push({ by, time, inverse });
  return entries.slice(-MAX_CHANGES);
}

/** The entries after other changes; what those have taken back already is gone. */
function moved(entries, changes) {
  const after = entries.map((entry) => ({ ...entry, inverse: entry.inverse.map(changes) }));
  return after.filter(({ inverse }) => !inverse.empty);
}

/** Whether two sets of changes of one text touch. */
function isAdjacent(one, other) {
  const places = [];
  one.iterChangedRanges((from, to) => places.push(from, to));
  let touches = false;
  other.iterChangedRanges((from, to) => {
    for (let i = 0; i < places.length; i += 2) touches ||= places[i + 1] >= from && places[i] <= to;
  });
  return touches;
}
