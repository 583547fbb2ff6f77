//! The parts of CodeMirror that every editor of ours is put together from.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentLess } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  dropCursor,
  EditorView,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from "@codemirror/view";
import { activeLine } from "./active-line.js";
import { lastChanges } from "./anyone.js";
import { remoteEdit } from "./changes.js";
import { wholeCharacters } from "./characters.js";
import { insertIndentation } from "./indentation.js";
import { peers } from "./peers.js";
import { goToLine, searching } from "./search.js";
import { theme } from "./theme.js";

const SVG = "http://www.w3.org/2000/svg";

function foldMarker(open) {
  const marker = document.createElement("span");
  marker.className = open ? "parlor-fold" : "parlor-fold is-folded";
  const svg = marker.appendChild(document.createElementNS(SVG, "svg"));
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", width: "14", height: "14", "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  svg.appendChild(document.createElementNS(SVG, "path")).setAttribute("d", open ? "m6 9 6 6 6-6" : "m9 6 6 6-6 6");
  return marker;
}

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
 * Everything that stays the same during an editor's life.
 * @param {(name: string) => void} onCommand
 */
export function setup(onCommand) {
  const still = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches;
  return [
    // `\r` is an ordinary character, or every offset after a CRLF would be off by one against the shared text.
    EditorState.lineSeparator.of("\n"),
    EditorView.clipboardInputFilter.of((text) => text.replace(/\r\n?/g, "\n")),
    EditorState.allowMultipleSelections.of(true),
    // With Shift the same keys draw a rectangle, which replaces the selection instead of adding to it.
    EditorView.clickAddsSelectionRange.of((event) => !event.shiftKey && (event.altKey || event.ctrlKey || event.metaKey)),
    refuseLocalEdits,
    wholeCharacters,
    lineNumbers(),
    foldGutter({ markerDOM: foldMarker }),
    highlightSpecialChars(),
    history(),
    lastChanges,
    drawSelection({ cursorBlinkRate: still ? 0 : 1200 }),
    dropCursor(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    rectangularSelection({ eventFilter: (event) => event.altKey && event.shiftKey && event.button === 0 }),
    highlightSelectionMatches({ minSelectionLength: 2 }),
    searching,
    peers,
    activeLine, // after all selections: the later layer is the lower one
    theme,
    keymap.of([
      ...roomKeys(onCommand),
      { key: "Mod-g", run: goToLine, preventDefault: true },
      { key: "Ctrl-g", run: goToLine, preventDefault: true },
      { key: "Mod-Alt-g", run: goToLine, preventDefault: true },
      ...closeBracketsKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...defaultKeymap,
      { key: "Tab", run: insertIndentation, shift: indentLess },
    ]),
  ];
}
