//! Finds out how a file is indented, and makes the Tab key do the same.

import { countColumn, EditorSelection, EditorState, Facet } from "@codemirror/state";

/** Lines looked at; a file's habit shows early, and opening a large file must stay quick. */
const SAMPLE_LINES = 2000;
/** Units of one line looked at: deeper indentation says nothing more about the step. */
const SAMPLE_WIDTH = 80;
const SPACE_STEPS = [2, 3, 4, 8];

/**
 * What one step is, as text. The same as CodeMirror's `indentUnit`, which is set to it but comes with all about syntax.
 * @type {Facet<string, string>}
 */
export const indentationStep = Facet.define({ combine: ([first = "  "]) => first });

/** @typedef {{ kind: "tab" | "space", size: number }} Indentation */

/**
 * What the text uses, or the fallback when it does not show.
 * @param {import("@codemirror/state").Text} text
 * @param {Indentation} fallback
 * @returns {Indentation}
 */
export function detectIndentation(text, fallback) {
  let tabbed = 0;
  let spaced = 0;
  const steps = new Map();
  let previous = 0;
  const lines = text.iterLines(1, Math.min(text.lines, SAMPLE_LINES) + 1);
  for (const line of lines) {
    const [indent] = /^[\t ]*/.exec(line.slice(0, SAMPLE_WIDTH));
    if (indent.length === line.length) continue; // a blank line
    if (indent.startsWith("\t")) {
      tabbed += 1;
      previous = 0;
      continue;
    }
    // One space before a star is the middle of a block comment.
    const width = line[indent.length] === "*" ? indent.length - (indent.length % 2) : indent.length;
    if (width > 0) spaced += 1;
    const step = Math.abs(width - previous);
    if (SPACE_STEPS.includes(step)) steps.set(step, (steps.get(step) ?? 0) + 1);
    previous = width;
  }
  if (tabbed > spaced) return { kind: "tab", size: fallback.kind === "tab" ? fallback.size : 4 };
  if (spaced === 0) return fallback;
  let best = fallback.kind === "space" ? fallback.size : 4;
  for (const [step, count] of steps) {
    if (count > (steps.get(best) ?? 0)) best = step;
  }
  return { kind: "space", size: best };
}

/** @param {Indentation} indentation */
export function indentationExtension({ kind, size }) {
  return [EditorState.tabSize.of(size), indentationStep.of(kind === "tab" ? "\t" : " ".repeat(size))];
}

/** Whether Tab indents lines instead of inserting something. @param {EditorState} state */
export const selectsText = (state) => state.selection.ranges.some((range) => !range.empty);

/** Tab with nothing selected: inserts one step of the file's indentation at each caret. */
export function insertIndentation(view) {
  const { state } = view;
  if (state.readOnly || selectsText(state)) return false;
  const unit = state.facet(indentationStep);
  view.dispatch(
    state.changeByRange((range) => {
      let insert = unit;
      if (unit !== "\t") {
        const line = state.doc.lineAt(range.head);
        const column = countColumn(line.text, state.tabSize, range.head - line.from);
        insert = " ".repeat(unit.length - (column % unit.length));
      }
      const caret = EditorSelection.cursor(range.head + insert.length);
      return { changes: { from: range.head, insert }, range: caret };
    }),
    { scrollIntoView: true, userEvent: "input.indent" },
  );
  return true;
}
