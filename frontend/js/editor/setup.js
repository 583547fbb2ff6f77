//! The parts of CodeMirror that every editor of ours is put together from.

import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  dropCursor,
  EditorView,
  gutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from "@codemirror/view";
import { activeLine } from "./active-line.js";
import { lastChanges } from "./anyone.js";
import { remoteEdit } from "./changes.js";
import { onlyText, wholeCharacters } from "./characters.js";
import { history, insertNewlineKeepIndent } from "./history.js";
import { insertIndentation } from "./indentation.js";
import { lacking } from "./lacking.js";
import { waitingKeys } from "./late.js";
import { historyKeys, outside } from "./outside.js";
import { peers } from "./peers.js";
import { theme } from "./theme.js";

/**
 * Nothing that a person does changes a read-only document, whichever part of CodeMirror it goes through;
 * what comes from elsewhere still does.
 */
const refuseLocalEdits = EditorState.changeFilter.of(
  (transaction) => !transaction.startState.readOnly || transaction.annotation(remoteEdit) === true,
);

/**
 * Keys of the room rather than of the text. They stop here, so that a listener of the page does not hear them too.
 * @param {(name: string) => void} onCommand
 */
function roomKeys(onCommand) {
  const binding = (key, name) => ({
    key,
    preventDefault: true,
    stopPropagation: true,
    run: () => {
      onCommand(name);
      return true;
    },
  });
  return [
    binding("Mod-s", "save"),
    binding("Mod-Shift-p", "palette"),
    binding("F1", "palette"),
    binding("Alt-z", "toggle-wrap"),
  ];
}

/**
 * What stands where the tools will, until they are here: the same width, and keys that wait for them.
 * @param {(action: () => void) => void} whenEquipped
 */
export const beforeTools = (whenEquipped) => [gutter({ class: "cm-foldGutter" }), waitingKeys(whenEquipped)];

/**
 * Everything that stays the same during an editor's life.
 * @param {(name: string) => void} onCommand
 * @param {(at: number, text: string) => string} insertable
 * @param {import("@codemirror/state").Extension} tools whose place is here, though they change once
 */
export function setup(onCommand, insertable, tools) {
  const still = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches;
  return [
    // `\r` is an ordinary character, or every offset after a CRLF would be off by one against the shared text.
    EditorState.lineSeparator.of("\n"),
    EditorView.clipboardInputFilter.of((text) => text.replace(/\r\n?/g, "\n")),
    EditorState.allowMultipleSelections.of(true),
    // With Shift the same keys draw a rectangle, which replaces the selection instead of adding to it.
    EditorView.clickAddsSelectionRange.of((event) => !event.shiftKey && (event.altKey || event.ctrlKey || event.metaKey)),
    refuseLocalEdits,
    onlyText(insertable),
    wholeCharacters,
    keymap.of(roomKeys(onCommand)),
    lineNumbers(),
    tools,
    highlightSpecialChars(),
    history(),
    lastChanges,
    outside,
    drawSelection({ cursorBlinkRate: still ? 0 : 1200 }),
    dropCursor(),
    rectangularSelection({ eventFilter: (event) => event.altKey && event.shiftKey && event.button === 0 }),
    peers,
    lacking,
    activeLine, // after all selections: the later layer is the lower one
    theme,
    keymap.of([
      ...historyKeys,
      { key: "Tab", run: insertIndentation },
      // The tools have a better one, which knows the grammar.
      { key: "Enter", run: insertNewlineKeepIndent, shift: insertNewlineKeepIndent },
    ]),
  ];
}
