//! The colours of code, in tokens only: the page's stylesheet decides on them.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";

const token = (name) => ({ color: `var(--syntax-${name})` });

const style = HighlightStyle.define([
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

/** Colours by what a grammar says a piece of text is. */
export const syntax = syntaxHighlighting(style);
