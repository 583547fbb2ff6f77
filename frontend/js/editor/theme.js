//! How the editor looks, in tokens only: the page's stylesheet decides on colours, and on light or dark.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** Height of a line of code, in letters' sizes. */
const LINE_HEIGHT = 1.55;

const field = {
  minWidth: "0",
  flex: "1",
  height: "26px",
  padding: "0 6px",
  border: "none",
  outline: "none",
  background: "none",
  color: "var(--text)",
  font: "inherit",
};

const structure = EditorView.theme({
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
  ".cm-selectionMatch": { backgroundColor: "color-mix(in srgb, var(--search-match) 55%, transparent)", borderRadius: "2px" },
  ".cm-searchMatch": { backgroundColor: "var(--search-match)", borderRadius: "2px" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--search-match-current)", boxShadow: "0 0 0 1px var(--text-muted)" },
  ".cm-searchMatch .cm-selectionMatch": { backgroundColor: "transparent" },

  ".cm-panels": { backgroundColor: "transparent", color: "var(--text)", border: "none", fontFamily: "var(--font-ui)", fontSize: "var(--type-3)" },
  // Floating, so that the text does not jump when the panel opens.
  ".cm-panels-top": { position: "absolute", top: "0", right: "20px", left: "auto", maxWidth: "calc(100% - 28px)", border: "none !important" },
  ".cm-panel.parlor-find, .cm-dialog.parlor-go-to-line": {
    display: "flex",
    gap: "4px",
    padding: "6px",
    borderRadius: "0 0 var(--radius) var(--radius)",
    backgroundColor: "var(--surface-raised)",
    boxShadow: "var(--shadow-float)",
  },
  ".parlor-find-rows": { display: "flex", flexDirection: "column", gap: "4px", flex: "1", minWidth: "0" },
  ".parlor-find-row": { display: "flex", alignItems: "center", gap: "4px", minWidth: "0" },
  ".parlor-find-row[hidden], .parlor-tool[hidden]": { display: "none" },
  ".parlor-find-field": {
    display: "flex",
    alignItems: "center",
    gap: "2px",
    flex: "0 1 280px",
    minWidth: "0",
    height: "28px",
    padding: "0 2px 0 0",
    border: "1px solid var(--border-control)",
    borderRadius: "var(--radius-small)",
    boxSizing: "border-box",
    backgroundColor: "var(--surface-input)",
  },
  ".parlor-find-field:focus-within": { borderColor: "transparent", outline: "2px solid var(--focus-ring)", outlineOffset: "-1px" },
  ".parlor-find.is-empty .parlor-find-count": { color: "var(--syntax-invalid)" },
  ".parlor-find-field input": field,
  ".parlor-find-field input::placeholder": { color: "var(--text-faint)" },
  ".parlor-find-count": { minWidth: "72px", padding: "0 4px", color: "var(--text-muted)", fontSize: "var(--type-2)", whiteSpace: "nowrap", fontVariantNumeric: "tabular-nums" },
  ".parlor-tool, .parlor-button": {
    display: "inline-flex",
    alignItems: "center",
    justifyContent: "center",
    flex: "none",
    minWidth: "24px",
    height: "24px",
    padding: "0 4px",
    border: "1px solid transparent",
    borderRadius: "var(--radius-small)",
    background: "none",
    color: "var(--text-muted)",
    font: "inherit",
    fontSize: "var(--type-2)",
    cursor: "pointer",
  },
  ".parlor-tool svg": { fill: "none", stroke: "currentColor", strokeWidth: "2", strokeLinecap: "round", strokeLinejoin: "round" },
  ".parlor-tool:hover, .parlor-button:hover": { color: "var(--text)", backgroundColor: "var(--surface-hover)" },
  ".parlor-tool:focus-visible, .parlor-button:focus-visible": { outline: "2px solid var(--focus-ring)", outlineOffset: "-1px" },
  ".parlor-tool[aria-pressed=true]": { color: "var(--accent)", borderColor: "var(--accent)", backgroundColor: "var(--accent-tint)" },
  ".parlor-tool[name=word]": { textDecoration: "underline", textUnderlineOffset: "3px" },
  ".parlor-button": { height: "28px", padding: "0 10px", borderColor: "var(--border-control)", color: "var(--text)" },
  ".parlor-find-expand svg": { transition: "transform var(--duration)" },
  ".parlor-find-expand[aria-expanded=true] svg": { transform: "rotate(90deg)" },
  ".cm-dialog.parlor-go-to-line": { alignItems: "center", padding: "6px 40px 6px 12px" },
  ".cm-dialog.parlor-go-to-line form": { display: "flex", alignItems: "center", gap: "8px" },
  ".cm-dialog.parlor-go-to-line label": { fontSize: "var(--type-2)", color: "var(--text-muted)", whiteSpace: "nowrap", gap: "8px" },
  ".cm-dialog-close": { top: "8px", right: "6px", width: "24px", height: "24px", borderRadius: "var(--radius-small)", color: "var(--text-muted)", cursor: "pointer", fontSize: "16px" },
  ".cm-dialog-close:hover": { color: "var(--text)" },
  ".cm-dialog-close:focus-visible": { outline: "2px solid var(--focus-ring)" },

  "@media (pointer: coarse)": {
    ".parlor-tool, .parlor-button": { minWidth: "40px", height: "40px" },
    ".parlor-find-field": { height: "40px", flex: "1 1 auto" },
    // Phones zoom the page into fields with smaller letters.
    ".parlor-find-field input": { fontSize: "16px", height: "38px" },
    ".parlor-fold": { opacity: "1" },
  },
  "@media (max-width: 640px)": {
    ".cm-panels-top": { left: "0", right: "0", maxWidth: "none" },
    ".cm-panel.parlor-find": { borderRadius: "0" },
    ".parlor-find-field": { flex: "1 1 100%" },
    ".parlor-find-count": { minWidth: "0" },
    ".parlor-find-row": { flexWrap: "wrap" },
  },
  "@media (prefers-reduced-motion: reduce)": { ".parlor-fold, .parlor-find-expand svg": { transition: "none" } },
});

const token = (name) => ({ color: `var(--syntax-${name})` });

const syntax = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.self, tags.controlKeyword, tags.definitionKeyword, tags.moduleKeyword], ...token("keyword") },
  { tag: [tags.string, tags.special(tags.string), tags.character, tags.attributeValue, tags.docString], ...token("string") },
  { tag: [tags.number, tags.integer, tags.float, tags.unit], ...token("number") },
  { tag: [tags.bool, tags.null, tags.atom, tags.constant(tags.name), tags.standard(tags.variableName), tags.color, tags.escape], ...token("constant") },
  { tag: [tags.comment, tags.lineComment, tags.blockComment, tags.docComment], ...token("comment"), fontStyle: "italic" },
  { tag: [tags.meta, tags.annotation, tags.processingInstruction, tags.documentMeta], ...token("attribute") },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.function(tags.definition(tags.variableName)), tags.macroName, tags.labelName], ...token("function") },
  { tag: [tags.typeName, tags.className, tags.namespace, tags.standard(tags.typeName)], ...token("type") },
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], ...token("property") },
  { tag: [tags.variableName, tags.definition(tags.variableName), tags.name], ...token("variable") },
  { tag: [tags.operator, tags.derefOperator, tags.compareOperator, tags.logicOperator, tags.arithmeticOperator, tags.definitionOperator, tags.typeOperator, tags.controlOperator, tags.updateOperator], ...token("operator") },
  { tag: [tags.punctuation, tags.separator, tags.bracket, tags.angleBracket, tags.squareBracket, tags.paren, tags.brace], ...token("punctuation") },
  { tag: [tags.tagName, tags.standard(tags.tagName)], ...token("tag") },
  { tag: tags.attributeName, ...token("attribute") },
  { tag: [tags.heading, tags.heading1, tags.heading2, tags.heading3, tags.heading4, tags.heading5, tags.heading6], ...token("heading"), fontWeight: "600" },
  { tag: [tags.link, tags.url], ...token("link"), textDecoration: "underline" },
  { tag: tags.regexp, ...token("regexp") },
  { tag: tags.monospace, ...token("string") },
  { tag: tags.quote, ...token("comment") },
  { tag: [tags.contentSeparator, tags.processingInstruction], ...token("punctuation") },
  { tag: tags.list, ...token("punctuation") },
  { tag: tags.strong, fontWeight: "700" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.strikethrough, textDecoration: "line-through" },
  { tag: tags.inserted, ...token("string") },
  { tag: tags.deleted, ...token("invalid") },
  { tag: tags.changed, ...token("number") },
  { tag: tags.invalid, ...token("invalid") },
]);

/** The editor's look. */
export const theme = [structure, syntaxHighlighting(syntax)];
