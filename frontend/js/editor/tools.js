//! What an editor gets as soon as its text is drawn: commands, brackets, folding, search, colours.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, indentLess, indentMore } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit, LanguageSupport, StreamLanguage } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { keymap } from "@codemirror/view";
import { indentationStep, selectsText } from "./indentation.js";
import { panelTheme } from "./panel-theme.js";
import { goToLine, searching } from "./search.js";
import { syntax } from "./syntax.js";

export { LanguageDescription } from "@codemirror/language";
export { openSearchPanel } from "@codemirror/search";
export { goToLine } from "./search.js";

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

/** Keys that are not for the text alone; `LATE_KEYS` has them too, and the browser's own. */
export const toolKeys = [
  { key: "Mod-g", run: goToLine, preventDefault: true },
  { key: "Ctrl-g", run: goToLine, preventDefault: true },
  { key: "Mod-Alt-g", run: goToLine, preventDefault: true },
  ...closeBracketsKeymap,
  ...searchKeymap,
  ...foldKeymap,
  ...defaultKeymap,
  // With nothing selected the next one in line inserts a step.
  { key: "Tab", run: (view) => selectsText(view.state) && indentMore(view), shift: indentLess },
];

/** Everything in one, to take the place of what stood in for it. */
export const tools = [
  foldGutter({ markerDOM: foldMarker }),
  indentUnit.compute([indentationStep], (state) => state.facet(indentationStep)),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  highlightSelectionMatches({ minSelectionLength: 2 }),
  searching,
  syntax,
  panelTheme,
  keymap.of(toolKeys),
];

/** A grammar of the older kind, which reads line by line. */
export const streamed = (mode) => new LanguageSupport(StreamLanguage.define(mode));
