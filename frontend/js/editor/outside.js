//! Own undo beside what other programs did to the file: what one of them brought back already, undo does not bring back
//! once more.
//!
//! A person deletes a line, `git checkout` brings it back, and the person presses Ctrl+Z: the line would be there twice. To
//! CodeMirror the program's line is new text that somebody else wrote. So what programs inserted is remembered, and an undo
//! or redo that would only repeat what stands right there leaves that place as it is.

import { StateField, Transaction } from "@codemirror/state";
import { remoteRuns } from "./anyone.js";
import { historyKeymap, redo, undo } from "./history.js";

/** So many places are remembered, the last ones. */
const MAX_PLACES = 200;
/** A line with fewer letters and digits is like many others. */
const LETTERS = 3;
/** How far from its place a line may have come back, in UTF-16 units: a few lines of one's own. */
const NEAR = 400;

/** Places that programs inserted, or that came in one piece from anybody; in order of their age. */
const insertedOutside = StateField.define({
  create: () => /** @type {{ from: number, to: number }[]} */ ([]),
  update(places, transaction) {
    if (!transaction.docChanged) return places;
    const now = mapped(places, transaction.changes);
    const runs = transaction.annotation(remoteRuns) ?? [];
    for (const [index, { by, changes: run }] of runs.entries()) {
      if (typeof by === "number") continue;
      const later = runs.slice(index + 1);
      const added = [];
      run.iterChangedRanges((_fromA, _toA, from, to) => from < to && added.push({ from, to }));
      now.push(...later.reduce((all, next) => mapped(all, next.changes), added));
    }
    return now.slice(-MAX_PLACES);
  },
});

const mapped = (places, changes) =>
  places
    .map(({ from, to }) => ({ from: changes.mapPos(from, 1), to: changes.mapPos(to, -1) }))
    .filter(({ from, to }) => from < to);

/** What is left to restore of `text` in the place of `from` to `to`; `null` if it would only be there again. */
function missing(state, places, from, to, text) {
  const read = (a, b) => state.sliceDoc(Math.max(a, 0), b);
  const beside = places.filter((place) => place.to >= from && place.from <= to);
  if (beside.length > 0) {
    const begin = Math.min(from, ...beside.map((place) => place.from));
    const end = Math.max(to, ...beside.map((place) => place.to));
    // What is one's own there and what a program put beside it are together what is to be restored.
    if ([[begin, to], [from, end], [begin, end]].some(([a, b]) => read(a, b) === text)) return null;
    // A program may have written more than that. One letter proves nothing.
    const fits = (at) => at >= begin && at + text.length <= end && read(at, at + text.length) === text;
    if (text.length > 1 && (fits(to) || fits(from - text.length))) return null;
  }
  // Whole lines may have come back among others, and some of one's own may be between.
  if (from !== to || !text.endsWith("\n")) return text;
  const near = places.filter((place) => place.to + NEAR >= from && place.from - NEAR <= to);
  const back = new Set(near.flatMap((place) => read(state.doc.lineAt(place.from).from, place.to).split("\n").slice(0, -1).map(bare)));
  const isBack = (line) => (line.match(/[\p{L}\p{N}]/gu) ?? []).length >= LETTERS && back.has(bare(line));
  const lines = text.split(/(?<=\n)/);
  const left = lines.filter((line) => !isBack(line));
  return left.length === 0 ? null : left.join("");
}

/** A formatter may have taken a line's trailing blanks meanwhile. */
const bare = (line) => line.trimEnd();

/** The parts of an undo or redo that would repeat what stands there, and what to have there instead. */
function repeated(transaction) {
  const { startState: before } = transaction;
  const places = before.field(insertedOutside);
  const changes = [];
  if (places.length === 0) return changes;
  transaction.changes.iterChanges((fromA, toA, from, to, inserted) => {
    if (inserted.length === 0) return;
    const text = inserted.toString();
    const left = missing(before, places, fromA, toA, text);
    if (left !== text) changes.push({ from, to, insert: left ?? before.sliceDoc(fromA, toA) });
  });
  return changes;
}

/**
 * Undo or redo that leaves alone what stands. The history lets nobody change what it does, so what it repeated is taken back
 * at the same moment: nobody sees it.
 * @param {import("@codemirror/state").StateCommand} command
 * @returns {import("@codemirror/view").Command}
 */
const fitting = (command) => (view) =>
  command({
    state: view.state,
    dispatch(transaction) {
      const changes = repeated(transaction);
      if (changes.length === 0) return view.dispatch(transaction);
      const annotations = Transaction.addToHistory.of(false);
      return view.dispatch([transaction, transaction.state.update({ changes, annotations })]);
    },
  });

export const undoOwn = fitting(undo);
export const redoOwn = fitting(redo);

/** The keys of the history, for these. */
export const historyKeys = historyKeymap.map(({ run, ...binding }) => {
  if (run === undo) return { ...binding, run: undoOwn };
  return { ...binding, run: run === redo ? redoOwn : run };
});

export const outside = insertedOutside;
