//! The editor as the page drives it: one document, its local edits out, everybody else's in.

import { Compartment, EditorSelection, EditorState, Transaction } from "@codemirror/state";
import { EditorView, placeholder } from "@codemirror/view";
import { holdsText } from "../browser/crash.js";
import { remoteRuns, undoLast } from "./anyone.js";
import { brokenHalves } from "./characters.js";
import { changesFromOps, opsFromChanges, remoteEdit } from "./changes.js";
import { differences } from "./difference.js";
import { allOf, HeldEdits } from "./held.js";
import { detectIndentation, indentationExtension } from "./indentation.js";
import { setLacking } from "./lacking.js";
import { isLoading, languageOf, loadLanguage, usualIndentation } from "./languages.js";
import { drawn, loadTools, toolsHere } from "./late.js";
import { redoOwn, undoOwn } from "./outside.js";
import { peerCaret, setPeers } from "./peers.js";
import { beforeTools, setup } from "./setup.js";
import { words } from "./words.js";

/** Above this length, in UTF-16 units, nothing is parsed: typing stays quick, and the text is plain. */
const MAX_PARSED_LENGTH = 2_000_000;
/** How long after a composition the edits that it held back are shown, in milliseconds. */
const RELEASE_AFTER_MS = 60;

/**
 * @typedef {object} Options
 * @property {string} path
 * @property {string} label the accessible name, such as "Editor: src/main.rs"
 * @property {string} text
 * @property {boolean} readOnly
 * @property {boolean} wrap
 * @property {string} [placeholder]
 * @property {(ops: Uint32Array, inserts: string[]) => void} [onEdit] one local transaction
 * @property {(at: number, text: string) => string} [insertable] what of this text can be inserted there: all, unless said
 * @property {(ranges: Uint32Array, main: number) => void} [onSelection] after this person moved or typed
 * @property {(from: number, to: number) => void} [onViewport] at most once a frame
 * @property {(name: string) => void} [onCommand] "save", "palette" or "toggle-wrap"
 * @property {(line: number, column: number, selections: number, selectedChars: number) => void} [onCursorInfo]
 *   at most once a frame, 1-based
 */

/**
 * An editor for one document. Offsets are UTF-16 units and lines end in "\n".
 *
 * What the page does through this class is never reported back: `applyRemote`, `reset`, `setSelection` and
 * `restoreState` call neither `onEdit` nor `onSelection`. `undo` and `redo` are a person's own edits and do,
 * before they return.
 */
export class Editor {
  /** Whether the document is too large to be parsed, and is shown without colours. */
  plain = false;

  #options;
  #parent;
  #view;
  #path;
  #language;
  #languageRequest = 0;
  #destroyed = false;
  #frame = 0;
  #reported = {};
  #held = new HeldEdits();
  #releaseTimer = 0;
  #parts = {
    access: new Compartment(),
    indentation: new Compartment(),
    label: new Compartment(),
    language: new Compartment(),
    tools: new Compartment(),
    wrap: new Compartment(),
  };
  /** Settled when the text is drawn for the first time, from when on it is not kept waiting by anything that comes. */
  #drawn = drawn();
  /** The tools, once this editor has them. @type {import("./late.js").Tools | undefined} */
  #tools = toolsHere();
  #onScroll = () => this.#scheduleReport();
  /** Whether something was typed here that the host may not have. */
  #unsettled = false;
  /** Where the text goes if the page's program crashes. @type {{ session: string, participant: number, head: Uint8Array } | null} */
  #rescue = null;
  #release = holdsText(() => this.#rescued());

  /**
   * @param {HTMLElement} parent
   * @param {Options} options
   */
  constructor(parent, options) {
    this.#options = options;
    this.#parent = parent;
    this.#path = options.path ?? "";
    const parts = this.#parts;
    const extensions = [
      parts.access.of(access(options.readOnly)),
      parts.indentation.of([]),
      parts.label.of(label(options.label ?? "")),
      parts.language.of([]),
      parts.wrap.of(options.wrap ? EditorView.lineWrapping : []),
      options.placeholder ? placeholder(options.placeholder) : [],
      setup((name) => options.onCommand?.(name), options.insertable ?? ((_at, text) => text), parts.tools.of(this.#tools?.tools ?? beforeTools((action) => this.#whenEquipped(action)))),
      EditorView.updateListener.of((update) => this.#updated(update)),
      EditorView.domEventObservers({ compositionend: () => this.#releaseSoon(), blur: () => this.#releaseSoon() }),
    ];
    this.#view = new EditorView({ parent, state: EditorState.create({ doc: options.text ?? "", extensions }) });
    this.#view.scrollDOM.addEventListener("scroll", this.#onScroll, { passive: true });
    parent.parlorEditor = this;
    this.#applyLanguage();
    if (!this.#tools) this.#drawn.then(() => this.#whenEquipped(() => {}));
    this.#scheduleReport();
  }

  /**
   * Applies what others did, as one transaction: selection, scroll position and own undo history stay. While a person
   * composes in a line that is touched, it is applied at once to what `text`, `selection` and the reports speak of, and
   * shown when the composition is over.
   * @param {Uint32Array} ops flat `[at, deleted length]*`, each in terms of the document after those before it
   * @param {string[]} inserts
   * @param {[import("./anyone.js").By, number][]} [authors] who made them, and how many edits in a row; anybody unless said
   * @throws {RangeError} when an edit lies outside the document; nothing is applied then
   */
  applyRemote(ops, inserts, authors = [[undefined, inserts.length]]) {
    let length = this.length();
    let done = 0;
    const runs = authors.map(([by, count]) => {
      const end = done + count;
      const changes = changesFromOps(length, ops.slice(2 * done, 2 * end), inserts.slice(done, end));
      [length, done] = [changes.newLength, end];
      return { by, changes };
    });
    const changes = allOf(runs);
    if (runs.every((run) => run.changes.empty)) return;
    if (this.#held.any || this.#touchesComposition(changes)) this.#held.add(runs);
    else this.#dispatchRemote(runs, { changes });
  }

  /**
   * Makes `text` the content, changing no more than is different, so that own undo and carets live on. Not undoable,
   * not reported.
   * @param {string} text
   */
  reset(text) {
    this.#held.take();
    const { state } = this.#view;
    const replaced = differences(state.doc.toString(), text);
    if (replaced.length === 0) return;
    const changes = state.changes(replaced);
    // Carets inside a replaced part would all end up at its edge; the same line and column is the better guess.
    const after = changes.apply(state.doc);
    const ranges = state.selection.ranges.map((range) => {
      const inside = (at) => replaced.some(({ from, to }) => at > from && at < to);
      const place = (at, side) => (inside(at) ? samePlace(state.doc, after, at) : changes.mapPos(at, side));
      return EditorSelection.range(place(range.anchor, -1), place(range.head, -1));
    });
    const selection = EditorSelection.create(ranges, state.selection.mainIndex);
    this.#dispatchRemote([{ by: undefined, changes }], { changes, selection });
    this.#applyLanguage();
  }

  /** @returns {string} */
  text() {
    return this.#held.sharedText(this.#view.state.doc).toString();
  }

  /**
   * Says under whose name the text is kept if the page's program crashes.
   * @param {string} session
   * @param {number} participant
   * @param {Uint8Array} head all that is kept, but for the text at its end
   */
  setRescue(session, participant, head) {
    this.#rescue = { session, participant, head };
  }

  /** The host has all that was typed here. */
  settled() {
    this.#unsettled = false;
  }

  #rescued() {
    if (!this.#unsettled || !this.#rescue) return null;
    const { session, participant, head } = this.#rescue;
    const text = this.text();
    return { session, participant, path: this.#path, text, bytes: () => withText(head, text) };
  }

  /** @returns {number} in UTF-16 units */
  length() {
    return this.#held.sharedText(this.#view.state.doc).length;
  }

  /** @param {boolean} readOnly */
  setReadOnly(readOnly) {
    this.#reconfigure("access", access(readOnly));
  }

  /** Marks characters that the file's encoding lacks. @param {string} characters */
  setLacking(characters) {
    setLacking(this.#view, characters);
  }

  /** @param {boolean} wrap */
  setWrap(wrap) {
    this.#reconfigure("wrap", wrap ? EditorView.lineWrapping : []);
  }

  /** Chooses the language by the file's name; its grammar arrives when it has been loaded. @param {string} path */
  setLanguage(path) {
    this.#path = path;
    this.#applyLanguage();
  }

  /** @param {string} text */
  setLabel(text) {
    this.#reconfigure("label", label(text));
  }

  /** @param {number} px */
  setFontSize(px) {
    this.#view.dom.style.setProperty("--code-size", `${px}px`);
    this.#view.requestMeasure();
  }

  /**
   * What one step of indentation is in this file.
   * @returns {{ kind: "tab" | "space", size: number }}
   */
  indentation() {
    return detectIndentation(this.#view.state.doc, usualIndentation(this.#language));
  }

  /**
   * Shows where the others are in this document; replaces what was shown before.
   * @param {{ id: number, name: string, color: number, role: string, ranges: number[][], main?: number, active: boolean }[]} peers
   */
  setPeers(peers) {
    const place = (range) => Array.from(range, (at) => this.#held.toShown(at));
    setPeers(this.#view, this.#held.any ? peers.map((peer) => ({ ...peer, ranges: peer.ranges.map(place) })) : peers);
  }

  /**
   * Selects; offsets beyond the end are taken as the end.
   * @param {Uint32Array | number[]} ranges flat `[anchor, head]*`
   * @param {number} main
   * @param {"none" | "center" | "nearest"} scroll
   */
  setSelection(ranges, main, scroll) {
    const selection = this.#selectionFrom(ranges, main);
    const effects = scroll === "none" ? [] : EditorView.scrollIntoView(selection.main, { y: scroll });
    this.#view.dispatch({ selection, effects, annotations: remoteEdit.of(true) });
  }

  /** @returns {{ ranges: Uint32Array, main: number }} */
  selection() {
    const { selection } = this.#view.state;
    return { ranges: this.#flatRanges(selection), main: selection.mainIndex };
  }

  /**
   * Scrolls to a peer's main caret.
   * @param {number} id
   * @returns {boolean} whether that peer is in this document
   */
  revealPeer(id) {
    const caret = peerCaret(this.#view.state, id);
    if (caret === null) return false;
    this.#view.dispatch({ effects: EditorView.scrollIntoView(caret, { y: "center" }) });
    return true;
  }

  /** Opens the dialog that asks for a line. */
  gotoLine() {
    this.#whenEquipped(({ goToLine }) => goToLine(this.#view));
  }

  /** Opens the find panel, with the selected text as the query. */
  openSearch() {
    this.#whenEquipped(({ openSearchPanel }) => openSearchPanel(this.#view));
  }

  /** Takes back this person's last edit and nobody else's. @returns {boolean} whether there was one */
  undo() {
    return undoOwn(this.#view);
  }

  /** @returns {boolean} whether there was something to do again */
  redo() {
    return redoOwn(this.#view);
  }

  /**
   * Takes back the last change that anybody made; as an edit of this person, whose own undo takes it back in turn.
   * @returns {import("./anyone.js").By | null} whose it was; null if there was none
   */
  undoLast() {
    this.#showHeld();
    return undoLast(this.#view);
  }

  /** Moves the keyboard focus into the text. */
  focus() {
    this.#view.focus();
  }

  /** What `restoreState` needs to show this document as it is shown now. */
  saveState() {
    const { ranges, main } = this.selection();
    return { scrollTop: this.#view.scrollDOM.scrollTop, ranges, main, scroll: this.#view.scrollSnapshot() };
  }

  /** @param {ReturnType<Editor["saveState"]>} state of this document; it may have changed since */
  restoreState(state) {
    const selection = this.#selectionFrom(state.ranges, state.main);
    const view = this.#view;
    if (state.scroll) {
      // The snapshot names a line and so holds for wrapped text as well.
      view.dispatch({ selection, effects: state.scroll, annotations: remoteEdit.of(true) });
      return;
    }
    // A bare offset is only good once heights are measured: until then the text is too short for it, and the browser
    // would clamp it. So near it first, by line, and exactly after the measurement.
    const top = view.lineBlockAtHeight(state.scrollTop - view.documentPadding.top).from;
    const effects = EditorView.scrollIntoView(top, { y: "start" });
    view.dispatch({ selection, effects, annotations: remoteEdit.of(true) });
    const exactly = () => {
      if (!this.#destroyed) view.scrollDOM.scrollTop = state.scrollTop;
    };
    view.requestMeasure({ read: () => null, write: () => requestAnimationFrame(exactly) });
  }

  /** Removes the editor from the page; nothing is called back afterwards. */
  destroy() {
    this.#destroyed = true;
    this.#release();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#releaseTimer);
    this.#view.scrollDOM.removeEventListener("scroll", this.#onScroll);
    this.#view.destroy();
    if (this.#parent.parlorEditor === this) delete this.#parent.parlorEditor;
  }

  #dispatchRemote(runs, spec) {
    const annotations = (runs) => [remoteEdit.of(true), remoteRuns.of(runs), Transaction.addToHistory.of(false)];
    const halves = brokenHalves(spec.changes, this.#view.state.doc);
    this.#view.dispatch({ ...spec, annotations: annotations(runs) });
    if (halves.length === 0) return;
    const changes = this.#view.state.changes(halves);
    this.#view.dispatch({ changes, annotations: annotations([{ by: undefined, changes }]) });
  }

  #showHeld() {
    if (!this.#held.any) return;
    const runs = this.#held.take();
    this.#dispatchRemote(runs, { changes: allOf(runs) });
  }

  /** @param {import("@codemirror/state").ChangeSet} changes of the shown text */
  #touchesComposition(changes) {
    const view = this.#view;
    if (!view.compositionStarted) return false;
    const { from, to } = view.state.doc.lineAt(view.state.selection.main.head);
    return Boolean(changes.touchesRange(from, to));
  }

  /**
   * Shows what was held once the composition is over. The browser tells its end before CodeMirror has read the last
   * of it from the page, which it does in the same turn or up to 50 ms later.
   */
  #releaseSoon() {
    clearTimeout(this.#releaseTimer);
    if (!this.#held.any) return;
    this.#releaseTimer = setTimeout(() => {
      // Some input methods begin the next composition at once; its end comes here again.
      if (!this.#view.compositionStarted) this.#showHeld();
    }, RELEASE_AFTER_MS);
  }

  #reconfigure(part, extension) {
    this.#view.dispatch({ effects: this.#parts[part].reconfigure(extension) });
  }

  /**
   * Does what needs the tools: now, or as soon as they are here; then never if the editor is gone.
   * @param {(tools: import("./late.js").Tools) => void} action
   */
  async #whenEquipped(action) {
    if (!this.#tools) {
      const loaded = await loadTools();
      if (this.#destroyed) return;
      if (!this.#tools) this.#reconfigure("tools", loaded.tools);
      this.#tools = loaded;
    }
    action(this.#tools);
  }

  /** Loads the grammar for the current path; whatever was asked for before and arrives later is dropped. */
  async #applyLanguage() {
    const request = ++this.#languageRequest;
    const { doc } = this.#view.state;
    const language = languageOf(this.#path, doc.line(1).text.slice(0, 200));
    this.#language = language;
    this.plain = doc.length > MAX_PARSED_LENGTH;
    this.#reconfigure("indentation", indentationExtension(this.indentation()));
    let support = [];
    if (!this.plain) {
      // One that is known is there with the first frame; one that is not costs the time in which one could type already.
      if (!isLoading(language)) await this.#drawn;
      if (request !== this.#languageRequest || this.#destroyed) return;
      try {
        support = await loadLanguage(language);
      } catch (error) {
        console.warn(`the grammar for ${language.name} could not be loaded`, error);
      }
    }
    if (request === this.#languageRequest && !this.#destroyed) this.#reconfigure("language", support);
  }

  #updated(update) {
    let local = false;
    let unmoved = update.startState.selection;
    for (const transaction of update.transactions) {
      if (transaction.annotation(remoteEdit)) {
        unmoved = transaction.newSelection;
        continue;
      }
      local = true;
      if (transaction.docChanged) {
        // Before the page's program hears of it, which may be the moment in which it crashes.
        this.#unsettled = true;
        const { ops, inserts } = opsFromChanges(this.#held.passOver(transaction.changes));
        this.#options.onEdit?.(ops, inserts);
      }
    }
    if (local && !unmoved.eq(update.state.selection)) {
      this.#options.onSelection?.(this.#flatRanges(update.state.selection), update.state.selection.mainIndex);
    }
    if (update.docChanged && update.state.doc.length > MAX_PARSED_LENGTH !== this.plain) {
      queueMicrotask(() => this.#destroyed || this.#applyLanguage());
    }
    if (update.docChanged || update.selectionSet || update.viewportChanged || update.geometryChanged) this.#scheduleReport();
  }

  /** @param {EditorSelection} selection */
  #flatRanges({ ranges }) {
    return Uint32Array.from(ranges.flatMap(({ anchor, head }) => [this.#held.toShared(anchor), this.#held.toShared(head)]));
  }

  #selectionFrom(ranges, main) {
    const { length } = this.#view.state.doc;
    const places = Array.from(ranges, (at) => Math.min(this.#held.toShown(at), length));
    const list = [];
    for (let i = 0; i + 1 < places.length; i += 2) list.push(EditorSelection.range(places[i], places[i + 1]));
    if (list.length === 0) return EditorSelection.single(0);
    return EditorSelection.create(list, Math.min(main ?? 0, list.length - 1));
  }

  #scheduleReport() {
    if (this.#frame || this.#destroyed) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#reportCursor();
      if (!this.#destroyed) this.#reportViewport();
    });
  }

  #reportCursor() {
    const { doc, selection } = this.#view.state;
    const line = doc.lineAt(selection.main.head);
    const selected = selection.ranges.reduce((sum, { from, to }) => sum + to - from, 0);
    this.#report("onCursorInfo", line.number, selection.main.head - line.from + 1, selection.ranges.length, selected);
  }

  #reportViewport() {
    const view = this.#view;
    const { top, height } = view.scrollDOM.getBoundingClientRect();
    if (height === 0) return; // hidden: there is nothing to see of it
    const first = view.lineBlockAtHeight(top - view.documentTop);
    const last = view.lineBlockAtHeight(top - view.documentTop + height);
    this.#report("onViewport", this.#held.toShared(first.from), this.#held.toShared(last.to));
  }

  /** Calls back when the values differ from those last told. */
  #report(callback, ...values) {
    const told = this.#reported[callback];
    if (told && values.every((value, index) => value === told[index])) return;
    this.#reported[callback] = values;
    this.#options[callback]?.(...values);
  }
}

/** Editable for the browser either way, so that a read-only text has a caret, can be selected and searched. */
function access(readOnly) {
  const attributes = readOnly ? { "aria-readonly": "true", inputmode: "none" } : {};
  return [EditorState.readOnly.of(Boolean(readOnly)), EditorView.contentAttributes.of(attributes)];
}

function label(text) {
  return EditorView.contentAttributes.of({
    "aria-label": text,
    "aria-multiline": "true",
    "aria-description": words.keyboardHelp,
    "data-testid": "editor",
    spellcheck: "false",
    autocorrect: "off",
    autocapitalize: "off",
    writingsuggestions: "false",
  });
}

/** The bytes of a kept text: what stands before it, its length as a varint, and it. See `Kept::head` in `shared`. */
export function withText(head, text) {
  const encoded = new TextEncoder().encode(text);
  const length = [];
  let left = encoded.length;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) length.push((left % 0x80) | 0x80);
  length.push(left);
  const bytes = new Uint8Array(head.length + length.length + encoded.length);
  bytes.set(head);
  bytes.set(length, head.length);
  bytes.set(encoded, head.length + length.length);
  return bytes;
}

function samePlace(before, after, at) {
  const line = before.lineAt(at);
  const target = after.line(Math.min(line.number, after.lines));
  return Math.min(target.to, target.from + at - line.from);
}
