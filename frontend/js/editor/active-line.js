//! Marks the lines that carets stand in, underneath every selection instead of over it.

import { EditorView, highlightActiveLineGutter, layer, RectangleMarker } from "@codemirror/view";

function markers(view) {
  const frame = view.scrollDOM.getBoundingClientRect();
  const content = view.contentDOM.getBoundingClientRect();
  const left = content.left - frame.left + view.scrollDOM.scrollLeft;
  const above = view.documentTop - frame.top + view.scrollDOM.scrollTop;
  const { from, to } = view.viewport;
  const lines = new Map();
  for (const { head } of view.state.selection.ranges) {
    if (head < from || head > to) continue;
    const { top, height } = view.lineBlockAt(head);
    lines.set(top, new RectangleMarker("parlor-active-line", left, above + top, content.width, height));
  }
  return [...lines.values()];
}

/** CodeMirror's own marks the line's element and so paints over selections, one's own and those of others. */
export const activeLine = [
  highlightActiveLineGutter(),
  layer({
    above: false,
    class: "parlor-active-lines",
    update: (update) => update.docChanged || update.selectionSet || update.viewportChanged,
    markers,
  }),
  EditorView.theme({
    ".parlor-active-line": { backgroundColor: "var(--line-active)" },
    "&:not(.cm-focused) .parlor-active-lines": { display: "none" },
  }),
];
