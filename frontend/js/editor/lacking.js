//! Marks the characters that the file's encoding lacks: as long as one is there the file is not saved.

import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin } from "@codemirror/view";

const setCharacters = StateEffect.define();

const characters = StateField.define({
  create: () => "",
  update: (value, transaction) => transaction.effects.reduce((now, effect) => (effect.is(setCharacters) ? effect.value : now), value),
});

const mark = Decoration.mark({ class: "parlor-lacking" });

function marks(view) {
  const wanted = new Set(view.state.field(characters));
  const ranges = [];
  for (const { from, to } of wanted.size === 0 ? [] : view.visibleRanges) {
    let at = from;
    for (const character of view.state.sliceDoc(from, to)) {
      if (wanted.has(character)) ranges.push(mark.range(at, at + character.length));
      at += character.length;
    }
  }
  return Decoration.set(ranges);
}

const plugin = ViewPlugin.define(
  (view) => ({
    decorations: marks(view),
    update(update) {
      const changed = update.startState.field(characters) !== update.state.field(characters);
      if (changed || ((update.docChanged || update.viewportChanged) && update.state.field(characters) !== "")) {
        this.decorations = marks(update.view);
      }
    },
  }),
  { decorations: (value) => value.decorations },
);

export const lacking = [
  characters,
  plugin,
  EditorView.theme({
    ".parlor-lacking": { outline: "1px solid var(--syntax-invalid)", borderRadius: "2px", textDecoration: "underline wavy var(--syntax-invalid)" },
  }),
];

/** @param {EditorView} view @param {string} characters the ones to mark; none, if it is empty */
export function setLacking(view, characters) {
  view.dispatch({ effects: setCharacters.of(characters) });
}
