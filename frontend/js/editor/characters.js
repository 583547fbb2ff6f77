//! Keeps what a person types a text: whole characters, and none that no text has.

import { EditorState, Transaction } from "@codemirror/state";
import { remoteEdit } from "./changes.js";

/**
 * CodeMirror finds out what an input method did by comparing units, and two emoji often have their first half in common:
 * the edit it finds may then begin or end within a character, perhaps within one of somebody else's. The shared text
 * stores whole characters only, and half a one that an undo brings back, when the other half is gone, is none at all.
 * So such an edit becomes the same one on whole characters before anything hears of it, the history included.
 */
export const wholeCharacters = EditorState.transactionFilter.of((transaction) => {
  if (!transaction.docChanged || transaction.annotation(remoteEdit)) return transaction;
  const changes = wholeChanges(transaction.changes, transaction.startState.doc);
  if (!changes) return transaction;
  const { selection, effects, scrollIntoView } = transaction;
  return { changes, selection, effects, scrollIntoView, userEvent: transaction.annotation(Transaction.userEvent) };
});

/**
 * What comes from outside, by pasting or an input method, may have characters that no text has, and halves of characters. They
 * are replaced before anything hears of them, so that what is shown is what is shared. To stand before `wholeCharacters`, whose
 * result it looks at: half a character there may be the part of a whole one that an edit replaces.
 * @param {(at: number, text: string) => string} insertable what of a text can be inserted there
 */
export const onlyText = (insertable) =>
  EditorState.transactionFilter.of((transaction) => {
    if (!transaction.docChanged || transaction.annotation(remoteEdit)) return transaction;
    const changes = [];
    transaction.changes.iterChanges((_fromA, _toA, from, to, inserted) => {
      const text = inserted.toString();
      const insert = text === "" ? text : insertable(from, text);
      if (insert !== text) changes.push({ from, to, insert });
    });
    return changes.length === 0 ? transaction : [transaction, { changes, sequential: true }];
  });

/**
 * The same edits on whole characters; null if they are so already.
 * @param {import("@codemirror/state").ChangeSet} changes
 * @param {import("@codemirror/state").Text} before
 */
export function wholeChanges(changes, before) {
  let whole = true;
  const specs = [];
  changes.iterChanges((from, to, _fromB, _toB, inserted) => {
    const [startCut, endCut] = [splitsPair(before, from), splitsPair(before, to)];
    let insert = inserted.toString();
    if (startCut || endCut) whole = false;
    const first = startCut ? before.sliceString(from - 1, from) : "";
    if (startCut && endCut && insert === "" && before.sliceString(to - 1, to) === first) {
      // As much is deleted one unit earlier, and the text is the same.
      [from, to] = [from - 1, to - 1];
    } else if (startCut && from === to && insert.endsWith(first)) {
      insert = first + insert.slice(0, -1);
      [from, to] = [from - 1, to - 1];
    } else {
      if (startCut) {
        from -= 1;
        insert = first + insert;
      }
      if (endCut) {
        insert += before.sliceString(to, to + 1);
        to += 1;
      }
    }
    specs.push({ from, to, insert });
  });
  return whole ? null : specs;
}

/**
 * What somebody else's edits leave of the characters that they cut: the shared text has U+FFFD for such a half. No page of ours
 * cuts one, but a program that types may.
 * @param {import("@codemirror/state").ChangeSet} changes
 * @param {import("@codemirror/state").Text} before
 */
export function brokenHalves(changes, before) {
  const halves = [];
  changes.iterChanges((fromA, toA, fromB, toB) => {
    const cut = [fromA, toA].map((at) => splitsPair(before, at));
    if (cut[0]) halves.push({ from: fromB - 1, to: fromB, insert: "\ufffd" });
    if (cut[1]) halves.push({ from: toB, to: toB + 1, insert: "\ufffd" });
  }, true);
  return halves;
}

/** @param {import("@codemirror/state").Text} text @param {number} at */
function splitsPair(text, at) {
  if (at <= 0 || at >= text.length) return false;
  return isHigh(text.sliceString(at - 1, at)) && isLow(text.sliceString(at, at + 1));
}

const isHigh = (unit) => unit >= "\ud800" && unit <= "\udbff";
const isLow = (unit) => unit >= "\udc00" && unit <= "\udfff";
