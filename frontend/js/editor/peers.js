//! Shows where the others are: their carets with name flags, and what they have selected.

import { EditorSelection, StateEffect, StateField } from "@codemirror/state";
import { EditorView, layer, RectangleMarker, ViewPlugin } from "@codemirror/view";
import { remoteEdit } from "./changes.js";
import { words } from "./words.js";

/** One glyph for each of the eight colours, so that people stay apart without seeing colour. */
export const SHAPES = ["●", "▲", "■", "◆", "★", "✚", "⬟", "♥"];

/** How long a flag stays open after its person typed or moved, in milliseconds. */
const FLAG_OPEN_MS = 2000;
/** How near, in pixels, the pointer opens a flag. */
const HOVER_REACH = 5;
/** Room that a flag needs above its line, in pixels; without it the flag hangs below. */
const FLAG_HEIGHT = 20;
/** Estimated width of one letter of a flag and of what surrounds the name, in pixels. */
const FLAG_LETTER = 7;
const FLAG_FRAME = 30;
/** Cursors drawn for one person: a rectangular selection over a large file would drown the page. */
const MAX_RANGES = 256;

/**
 * @typedef {object} Peer
 * @property {number} id
 * @property {string} name
 * @property {number} color 0..7
 * @property {string} role
 * @property {boolean} active
 * @property {{ anchor: number, head: number }[]} ranges
 * @property {number} main index of the main cursor
 * @property {boolean} open whether the name flags are open for recent activity
 * @property {number} activity counts what this person did; tells an old timer from a new one
 */

/** @type {import("@codemirror/state").StateEffectType<object[]>} */
const replacePeers = StateEffect.define();
/** @type {import("@codemirror/state").StateEffectType<{ id: number, activity: number }>} */
const closeFlag = StateEffect.define();

/** @type {StateField<readonly Peer[]>} */
const peersField = StateField.define({
  create: () => [],
  update(peers, transaction) {
    if (transaction.docChanged && peers.length > 0) peers = mapPeers(peers, transaction);
    for (const effect of transaction.effects) {
      if (effect.is(replacePeers)) peers = mergePeers(peers, effect.value, transaction.newDoc.length);
      if (effect.is(closeFlag)) {
        const { id, activity } = effect.value;
        peers = peers.map((peer) => (peer.id === id && peer.activity === activity ? { ...peer, open: false } : peer));
      }
    }
    return peers;
  },
});

/**
 * Moves the cursors along with an edit until their owners tell where they are.
 *
 * An edit of somebody else that touches a caret is most likely that caret's own typing: it moves behind the
 * text and opens the flag. An edit of this person pushes only what stands after it.
 */
function mapPeers(peers, transaction) {
  const { changes } = transaction;
  const remote = transaction.annotation(remoteEdit) === true;
  return peers.map((peer) => {
    let typed = false;
    const ranges = peer.ranges.map(({ anchor, head }) => {
      if (remote && changes.touchesRange(head)) typed = true;
      if (anchor === head) {
        const at = changes.mapPos(head, remote ? 1 : -1);
        return { anchor: at, head: at };
      }
      const forward = anchor < head;
      const from = changes.mapPos(Math.min(anchor, head), 1);
      const to = Math.max(from, changes.mapPos(Math.max(anchor, head), -1));
      return forward ? { anchor: from, head: to } : { anchor: to, head: from };
    });
    return typed ? { ...peer, ranges, open: true, activity: peer.activity + 1 } : { ...peer, ranges };
  });
}

/** Takes over what the page knows; who appeared or moved since gets an open flag. */
function mergePeers(before, incoming, length) {
  return incoming.map((given) => {
    const old = before.find((peer) => peer.id === given.id);
    const ranges = [...(given.ranges ?? [])].slice(0, MAX_RANGES).map(([anchor, head]) => ({
      anchor: Math.min(anchor, length),
      head: Math.min(head, length),
    }));
    const moved = !old || !sameRanges(old.ranges, ranges);
    return {
      id: given.id,
      name: given.name?.trim() || words.unknownPerson,
      color: (given.color >>> 0) % SHAPES.length,
      role: given.role ?? "",
      active: given.active !== false,
      ranges,
      main: Math.min(given.main ?? 0, Math.max(0, ranges.length - 1)),
      open: moved || old.open,
      activity: (old?.activity ?? 0) + (moved ? 1 : 0),
    };
  });
}

function sameRanges(one, other) {
  return one.length === other.length && one.every((range, i) => range.anchor === other[i].anchor && range.head === other[i].head);
}

function samePeer(one, other) {
  return (
    one.name === other.name &&
    one.color === other.color &&
    one.role === other.role &&
    one.active === other.active &&
    one.open === other.open &&
    one.main === other.main &&
    sameRanges(one.ranges, other.ranges)
  );
}

/**
 * Tells the editor who else is in this document and where.
 * @param {EditorView} view
 * @param {object[]} peers
 */
export function setPeers(view, peers) {
  const before = view.state.field(peersField);
  const incoming = Array.from(peers);
  const after = mergePeers(before, incoming, view.state.doc.length);
  const unchanged =
    before.length === after.length && before.every((peer, i) => peer.id === after[i].id && samePeer(peer, after[i]));
  if (!unchanged) view.dispatch({ effects: replacePeers.of(incoming) });
}

/**
 * Where a peer's main caret is, or null when that peer is not in this document.
 * @param {import("@codemirror/state").EditorState} state
 * @param {number} id
 */
export function peerCaret(state, id) {
  const peer = state.field(peersField).find((candidate) => candidate.id === id);
  return peer?.ranges[peer.main]?.head ?? null;
}

/** One caret and its flag. Compared by everything it shows, so that a renamed or recoloured peer is drawn anew. */
class CaretMarker {
  /** @param {Peer} peer */
  constructor(peer, index, left, top, height, placement) {
    this.peer = peer;
    this.index = index;
    this.left = left;
    this.top = top;
    this.height = height;
    this.placement = placement;
  }

  eq(other) {
    const { peer } = this;
    return (
      this.left === other.left &&
      this.top === other.top &&
      this.height === other.height &&
      this.placement === other.placement &&
      this.index === other.index &&
      peer.id === other.peer.id &&
      peer.name === other.peer.name &&
      peer.color === other.peer.color &&
      peer.role === other.peer.role &&
      peer.active === other.peer.active &&
      peer.main === other.peer.main &&
      peer.open === other.peer.open
    );
  }

  draw() {
    const caret = document.createElement("div");
    const cap = caret.appendChild(document.createElement("div"));
    cap.className = "parlor-caret-cap";
    const flag = caret.appendChild(document.createElement("div"));
    flag.className = "parlor-flag";
    flag.append(document.createElement("span"), document.createElement("span"));
    flag.firstChild.className = "parlor-flag-shape";
    flag.lastChild.className = "parlor-flag-name";
    caret.dataset.testid = "peer-caret";
    this.#adjust(caret);
    return caret;
  }

  update(caret, before) {
    if (before.peer.id !== this.peer.id || before.index !== this.index) return false;
    this.#adjust(caret);
    return true;
  }

  /** @param {HTMLElement} caret */
  #adjust(caret) {
    const { peer } = this;
    const hovered = caret.classList.contains("is-hovered") ? " is-hovered" : "";
    const state = `${peer.open ? " is-open" : ""}${peer.active ? "" : " is-idle"}${hovered}`;
    caret.className = `parlor-caret parlor-person-${peer.color}${state}${this.placement}`;
    caret.dataset.peer = String(peer.id);
    caret.dataset.role = peer.role;
    caret.dataset.main = String(this.index === peer.main);
    Object.assign(caret.style, { left: `${this.left}px`, top: `${this.top}px`, height: `${this.height}px` });
    caret.querySelector(".parlor-flag-shape").textContent = SHAPES[peer.color];
    caret.querySelector(".parlor-flag-name").textContent = peer.name;
  }
}

/** Only what stands in the viewport is measured, however long the document and however many the cursors. */
function caretMarkers(view) {
  const markers = [];
  const { from, to } = view.viewport;
  const { scrollTop, scrollLeft, clientWidth } = view.scrollDOM;
  for (const peer of view.state.field(peersField)) {
    const width = Math.min(peer.name.length, 24) * FLAG_LETTER + FLAG_FRAME;
    peer.ranges.forEach(({ head }, index) => {
      if (head < from || head > to) return;
      for (const { left, top, height } of RectangleMarker.forRange(view, "", EditorSelection.cursor(head))) {
        const above = top - Math.max(0, scrollTop);
        const below = above > -height && above < FLAG_HEIGHT;
        const flipped = left - scrollLeft + width > clientWidth && left - scrollLeft > width;
        markers.push(new CaretMarker(peer, index, left, top, height, `${below ? " is-below" : ""}${flipped ? " is-flipped" : ""}`));
      }
    });
  }
  return markers;
}

function selectionMarkers(view) {
  const markers = [];
  const { from, to } = view.viewport;
  for (const peer of view.state.field(peersField)) {
    for (const { anchor, head } of peer.ranges) {
      if (anchor === head || Math.max(anchor, head) < from || Math.min(anchor, head) > to) continue;
      const style = `parlor-peer-selection parlor-person-${peer.color}${peer.active ? "" : " is-idle"}`;
      markers.push(...RectangleMarker.forRange(view, style, EditorSelection.range(anchor, head)));
    }
  }
  return markers;
}

function needsRedraw(update) {
  const changed = update.startState.field(peersField) !== update.state.field(peersField);
  return changed || ((update.docChanged || update.viewportChanged) && update.state.field(peersField).length > 0);
}

/** Closes flags in time, and opens those the pointer comes near to. */
const flags = ViewPlugin.fromClass(
  class {
    constructor(view) {
      this.view = view;
      /** @type {Map<number, { activity: number, timer: number }>} */
      this.timers = new Map();
      this.pointer = null;
      this.measure = { key: this, read: () => this.near(), write: (carets) => this.hover(carets) };
    }

    update(update) {
      const peers = update.state.field(peersField);
      if (peers === update.startState.field(peersField)) return;
      for (const { id, open, activity } of peers) {
        const running = this.timers.get(id);
        if (!open || running?.activity === activity) continue;
        clearTimeout(running?.timer);
        const timer = setTimeout(() => this.close(id, activity), FLAG_OPEN_MS);
        this.timers.set(id, { activity, timer });
      }
    }

    close(id, activity) {
      this.timers.delete(id);
      this.view.dispatch({ effects: closeFlag.of({ id, activity }) });
    }

    move(event) {
      this.pointer = event && { x: event.clientX, y: event.clientY };
      if (this.view.state.field(peersField).length > 0) this.view.requestMeasure(this.measure);
    }

    near() {
      return [...this.view.scrollDOM.querySelectorAll(".parlor-caret")].map((caret) => {
        if (!this.pointer) return { caret, hovered: false };
        const { left, right, top, bottom } = caret.getBoundingClientRect();
        const { x, y } = this.pointer;
        return { caret, hovered: x > left - HOVER_REACH && x < right + HOVER_REACH && y > top - HOVER_REACH && y < bottom };
      });
    }

    hover(carets) {
      for (const { caret, hovered } of carets) caret.classList.toggle("is-hovered", hovered);
    }

    destroy() {
      for (const { timer } of this.timers.values()) clearTimeout(timer);
    }
  },
  {
    eventObservers: {
      mousemove(event) {
        this.move(event);
      },
      mouseleave() {
        this.move(null);
      },
    },
  },
);

const theme = EditorView.theme({
  ".parlor-peer-selections, .parlor-peer-carets": { pointerEvents: "none" },
  ...Object.fromEntries(
    SHAPES.map((_, color) => [
      `.parlor-person-${color}`,
      { "--person": `var(--person-${color})`, "--person-tint": `var(--person-${color}-tint)` },
    ]),
  ),
  ".parlor-peer-selection": { backgroundColor: "var(--person-tint)" },
  ".parlor-peer-selection.is-idle": { opacity: "0.6" },
  ".parlor-caret": { width: "2px", marginLeft: "-1px", backgroundColor: "var(--person)", forcedColorAdjust: "none" },
  // The flag stays solid, since text stands behind it.
  ".parlor-caret.is-idle, .parlor-caret.is-idle .parlor-caret-cap": {
    backgroundColor: "color-mix(in srgb, var(--person) 55%, var(--surface-editor))",
  },
  ".parlor-caret-cap": {
    position: "absolute",
    top: "-2px",
    left: "-2px",
    width: "6px",
    height: "6px",
    borderRadius: "2px",
    backgroundColor: "var(--person)",
  },
  ".parlor-flag": {
    position: "absolute",
    bottom: "100%",
    left: "0",
    display: "flex",
    alignItems: "center",
    gap: "4px",
    maxWidth: "18em",
    padding: "1px 6px",
    borderRadius: "4px 4px 4px 0",
    backgroundColor: "var(--person)",
    color: "var(--on-person)",
    fontFamily: "var(--font-ui)",
    fontSize: "var(--type-1)",
    fontWeight: "600",
    lineHeight: "16px",
    whiteSpace: "nowrap",
    opacity: "0",
    visibility: "hidden",
    transition: "opacity var(--duration), visibility var(--duration)",
  },
  ".parlor-caret.is-open .parlor-flag, .parlor-caret.is-hovered .parlor-flag": { opacity: "1", visibility: "visible" },
  ".parlor-caret.is-hovered": { zIndex: "1" },
  ".parlor-caret.is-below .parlor-flag": { bottom: "auto", top: "100%", borderRadius: "0 4px 4px 4px" },
  ".parlor-caret.is-flipped .parlor-flag": { left: "auto", right: "0", borderRadius: "4px 4px 0 4px" },
  ".parlor-caret.is-below.is-flipped .parlor-flag": { borderRadius: "4px 0 4px 4px" },
  ".parlor-flag-shape": { fontSize: "9px", fontVariantEmoji: "text" },
  ".parlor-flag-name": { overflow: "hidden", textOverflow: "ellipsis" },
  "@media (prefers-reduced-motion: reduce)": { ".parlor-flag": { transition: "none" } },
});

/** Everything that shows the others. Drawn in layers beside the text, so that it never disturbs a composition. */
export const peers = [
  peersField,
  flags,
  layer({ above: false, class: "parlor-peer-selections", update: needsRedraw, markers: selectionMarkers }),
  layer({ above: true, class: "parlor-peer-carets", update: needsRedraw, markers: caretMarkers }),
  theme,
];
