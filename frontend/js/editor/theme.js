//! How the editor looks, in tokens only: the page's stylesheet decides on colours, and on light or dark.

import { EditorView } from "@codemirror/view";

/** Height of a line of code, in letters' sizes. */
const LINE_HEIGHT = 1.55;

/** The editor's look, without what `panel-theme.js` and `syntax.js` say of what comes later. */
export const theme = EditorView.theme({
  // A stacking context of its own: the panels' high z-index must not rise above the page's menus.
  "&": { height: "100%", isolation: "isolate", backgroundColor: "var(--surface-editor)", color: "var(--text)", fontSize: "var(--code-size)" },
  // The page draws the focus ring around the editor's pane; the caret and the active line show it within.
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-code)", lineHeight: String(LINE_HEIGHT), fontVariantLigatures: "none" },
  ".cm-content": { padding: "8px 0 40vh", caretColor: "var(--accent)" },
  ".cm-line": { padding: "0 12px 0 6px" },
  ".cm-cursor, .cm-dropCursor": { borderLeft: "2px solid var(--accent)", marginLeft: "-1px" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": {
    background: "var(--selection)",
  },
  "&:not(.cm-focused) > .cm-scroller > .cm-selectionLayer": { opacity: "0.6" },
  ".cm-gutters": {
    border: "none !important",
    backgroundColor: "var(--surface-editor)",
    color: "var(--text-faint)",
    fontVariantNumeric: "tabular-nums",
    userSelect: "none",
  },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 4px 0 14px", minWidth: "44px" },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--text)" },
  ".cm-foldGutter": { width: "18px" },
  ".cm-foldGutter .cm-gutterElement": { display: "flex", justifyContent: "center", alignItems: "flex-start", cursor: "pointer" },
  ".parlor-fold": {
    display: "flex",
    alignItems: "center",
    height: `${LINE_HEIGHT}em`, // of the first row, when the line is wrapped
    color: "var(--text-muted)",
    opacity: "0",
    transition: "opacity var(--duration)",
  },
  ".parlor-fold svg": { display: "block", fill: "none", stroke: "currentColor", strokeWidth: "2" },
  ".parlor-fold.is-folded, .cm-gutters:hover .parlor-fold": { opacity: "1" },
  ".cm-foldPlaceholder": {
    margin: "0 4px",
    padding: "0 6px",
    border: "1px solid var(--border)",
    borderRadius: "var(--radius-small)",
    backgroundColor: "var(--surface-raised)",
    color: "var(--text-muted)",
  },
  ".cm-placeholder": { color: "var(--text-faint)" },
  ".cm-specialChar": { color: "var(--syntax-invalid)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "transparent", boxShadow: "inset 0 0 0 1px var(--text-faint)", borderRadius: "2px" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "transparent", boxShadow: "inset 0 -2px 0 0 var(--syntax-invalid)" },

  "@media (pointer: coarse)": { ".parlor-fold": { opacity: "1" } },
  "@media (prefers-reduced-motion: reduce)": { ".parlor-fold": { transition: "none" } },
});
