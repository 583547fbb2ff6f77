//! One random interleaving: authors with an editor each type, paste, compose, undo and redo while edits travel between them.

import { StateEffect } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { remoteEdit } from "../editor/changes.js";
import { Editor } from "../editor.entry.js";
import { goOn, pass, stop } from "./clock.js";
import { random } from "./random.mjs";
import { isVisible, NOBODY, Replica } from "./replica.js";

/** Where each author's characters begin: no two ever type the same one, so a text tells who wrote what. */
const ALPHABETS = [0x4e00, 0x20000, 0xac00];
/** Brackets and quotes of each author, which close themselves. */
const BRACKETS = ["()", "[]", "{}"];
const BEFORE = "abcdefg\nhijklmn\nopqrstu\n";
/** CodeMirror's, after which typing is another step of undo. */
const GROUP_DELAY_MS = 500;

/** What of each kind happened; the test asks that all of it did. */
export const KINDS = [
  "typed", "pasted", "severalCursors", "replaced", "deleted", "deletedOfOthers", "closedBracket", "typedOver", "movedLine",
  "compositions", "cancelledCompositions", "remoteWhileComposing", "heldWhileComposing", "undone", "undoneAcrossRemote",
  "undoneWhileComposing", "redone", "redoneAcrossRemote", "restoredOfOthers", "deletedByBoth",
  "deletedLate", "undoneOwnLast", "undoneLastOfOther",
];

/** Lets the editor read what the browser did to the page: its observer is called in a microtask. */
const settle = async () => {
  for (let i = 0; i < 3; i += 1) await null;
};

const add = (counts, value, more) => counts.set(value, (counts.get(value) ?? 0) + more);

class Author {
  /** How often each character may be brought back: deletions of it that stand. */
  pool = new Map();
  late = new Map();
  everDeleted = new Set();
  /** What this author brought back of others' when taking back their last changes: it counts as theirs there. */
  broughtBack = new Set();
  deletedLast = [];
  outbox = [];
  seen = 0;
  ownHistory = false;
  remoteSinceEdit = false;

  constructor(room, number) {
    Object.assign(this, { room, number });
    this.next = ALPHABETS[number];
    this.parent = document.body.appendChild(document.createElement("div"));
    // What is not shown costs no layout.
    this.parent.style = room.browser ? "height: 120px" : "display: none";
    this.replica = new Replica(number, BEFORE);
    this.editor = new Editor(this.parent, {
      path: "notes.txt",
      text: BEFORE,
      onEdit: (ops, inserts) => room.guard(() => this.edited(ops, inserts)),
    });
    this.view = EditorView.findFromDOM(this.parent);
    const listener = EditorView.updateListener.of(({ transactions }) => transactions.forEach((each) => this.saw(each)));
    this.view.dispatch({ effects: StateEffect.appendConfig.of(listener) });
  }

  /**
   * What this author deleted on its screen may be gone already in the text that all share, while edits are held back.
   * It is the author's own deletion all the same, as if the other's had come later.
   */
  saw(transaction) {
    if (!transaction.docChanged || transaction.annotation(remoteEdit)) return;
    const shared = this.deletedLast.map(({ value }) => value);
    this.deletedLast = [];
    transaction.changes.iterChanges((from, to) => {
      for (const value of transaction.startState.sliceDoc(from, to)) {
        const at = shared.indexOf(value);
        if (at >= 0) shared.splice(at, 1);
        else this.deletedLate(value);
      }
    });
  }

  deletedLate(value) {
    add(this.pool, value, 1);
    add(this.late, value, 1);
    this.everDeleted.add(value);
    this.room.count("deletedLate");
  }

  /** The editor reports an edit: it goes to the others, and is judged if it was an undo or redo. */
  edited(ops, inserts) {
    const { room, pool } = this;
    const { operations, inserted, deleted } = this.replica.edit(ops, inserts);
    this.outbox.push({ by: this.number, operations });
    if (this.ownHistory) {
      this.changed = true;
      // Whatever an undo or redo deletes, this author put there: typed it, or brought it back earlier.
      for (const { by, value } of deleted) {
        room.check(by === this.number, `an undo of ${this.number} deleted ${JSON.stringify(value)} of ${by}`);
      }
      // Whatever it brings back, this author deleted, and it comes back once for each time.
      for (const { value } of inserted) {
        const owed = pool.get(value) ?? 0;
        room.check(owed > 0, `an undo of ${this.number} brought back ${JSON.stringify(value)}, which it had not deleted`);
        add(pool, value, -1);
        if (room.authorOf(value) !== this.number) room.count("restoredOfOthers");
      }
    } else {
      if (deleted.some(({ by }) => by !== this.number)) room.count("deletedOfOthers");
      this.remoteSinceEdit = false;
      this.edits += 1;
    }
    for (const { value } of deleted) {
      add(pool, value, 1);
      this.everDeleted.add(value);
    }
    this.deletedLast = deleted;
    this.lastEdit = { inserted, deleted };
  }

  edits = 0;

  /** Characters that nobody has typed before. */
  fresh(count) {
    let text = "";
    for (let i = 0; i < count; i += 1) text += String.fromCodePoint(this.next++);
    return text;
  }

  /** Runs `action`; true if the text was changed by it. */
  async changes(action) {
    const before = this.edits;
    await action();
    await settle();
    return this.edits > before;
  }

  focus() {
    if (!this.view.hasFocus) this.editor.focus();
  }

  /** Through the browser, or by the same handlers without it: then layout does not take nine tenths of the time. */
  async type(text) {
    const { view } = this;
    if (this.room.browser) {
      this.focus();
      document.execCommand("insertText", false, text);
      return settle();
    }
    const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
    const { from, to } = view.state.selection.main;
    const handled = view.state.facet(EditorView.inputHandler).some((handler) => handler(view, from, to, text, insert));
    if (!handled) view.dispatch(insert());
    return undefined;
  }

  press(key, modifiers = {}) {
    const codes = { Backspace: 8, Enter: 13, Delete: 46, ArrowUp: 38, ArrowDown: 40, z: 90, y: 89 };
    const options = { key, keyCode: codes[key], bubbles: true, cancelable: true, ...modifiers };
    this.view.contentDOM.dispatchEvent(new KeyboardEvent("keydown", options));
  }

  paste(text) {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    this.view.contentDOM.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }

  /** Takes back or does again; says whether anything changed. */
  history(kind, command) {
    this.ownHistory = true;
    this.changed = false;
    const done = command();
    this.ownHistory = false;
    if (this.changed) {
      this.room.count(kind);
      if (this.remoteSinceEdit) this.room.count(`${kind}AcrossRemote`);
      if (this.view.composing && kind === "undone") this.room.count("undoneWhileComposing");
    }
    return done;
  }

  undo() {
    return this.history("undone", () => this.editor.undo());
  }

  redo() {
    return this.history("redone", () => this.editor.redo());
  }

  /** Takes back the last change of whoever made it, which may be this author. */
  undoLast() {
    const { room } = this;
    this.lastEdit = { inserted: [], deleted: [] };
    const by = this.editor.undoLast();
    if (by === null) return;
    const whose = by === "me" ? this.number : by;
    const { inserted, deleted } = this.lastEdit;
    for (const each of deleted) {
      const fine = each.by === whose || this.broughtBack.has(each.id);
      room.check(fine, `the last change of ${whose}, undone, deleted ${JSON.stringify(each.value)} of ${each.by}`);
    }
    for (const { id, value } of inserted) {
      this.broughtBack.add(id);
      const did = room.authors[whose].everDeleted.has(value);
      room.check(did, `the last change of ${whose}, undone, brought back ${JSON.stringify(value)}, which it had not deleted`);
    }
    if (inserted.length + deleted.length > 0) room.count(whose === this.number ? "undoneOwnLast" : "undoneLastOfOther");
  }

  /** Hands on the oldest of what waits, as the host would take it in. */
  send(count) {
    this.room.log.push(...this.outbox.splice(0, count));
  }

  /** Takes in the next edits of others, as one change. */
  receive(count) {
    const { room, view } = this;
    const [ops, inserts, authors] = [[], [], []];
    while (count > 0 && this.seen < room.log.length) {
      const { by, operations } = room.log[this.seen++];
      if (by === this.number) continue;
      const change = this.replica.receive(operations);
      ops.push(...change.ops);
      inserts.push(...change.inserts);
      authors.push([by, change.inserts.length]);
      count -= 1;
    }
    if (inserts.length === 0) return;
    this.remoteSinceEdit = true;
    this.editor.applyRemote(Uint32Array.from(ops), inserts, authors);
    if (view.composing) room.count("remoteWhileComposing");
    if (view.state.doc.toString() !== this.editor.text()) room.count("heldWhileComposing");
  }

  /** Editor and replica never differ, not even while edits are held back. */
  verify() {
    this.room.check(this.editor.text() === this.replica.text(), `${this.number} shows another text than its replica`);
  }
}

class Room {
  log = [];
  failure = null;

  /** @param {number} seed @param {boolean} browser whether to type by keyboard focus and to compose */
  constructor(seed, counters, browser) {
    Object.assign(this, { seed, browser });
    this.counters = counters;
    this.random = random(seed);
    const count = 2 + this.random.below(2);
    this.authors = Array.from({ length: count }, (_, number) => new Author(this, number));
  }

  count(kind) {
    this.counters[kind] += 1;
  }

  check(fine, complaint) {
    if (!fine && !this.failure) this.failure = complaint;
  }

  guard(action) {
    try {
      action();
    } catch (error) {
      this.check(false, String(error));
    }
  }

  /** Who has this character alone; nobody for what several type, as line ends. */
  authorOf(value) {
    const code = value.codePointAt(0);
    const author = ALPHABETS.findIndex((first) => code >= first && code < first + 5000);
    return author < 0 ? BRACKETS.findIndex((pair) => pair.includes(value)) : author;
  }

  /** A place between two characters. */
  place(author) {
    const text = author.editor.text();
    const at = this.random.below(text.length + 1);
    return text.slice(0, at).isWellFormed() ? at : at + 1;
  }

  select(author, ranges) {
    const places = Array.from({ length: ranges * 2 }, () => this.place(author)).sort((a, b) => a - b);
    const flat = [];
    for (let i = 0; i < ranges; i += 1) {
      const [from, to] = [places[2 * i], places[2 * i + 1]];
      flat.push(from, this.random.below(2) ? from : Math.min(to, from + 6));
    }
    for (let i = 1; i < flat.length; i += 2) if (!author.editor.text().slice(0, flat[i]).isWellFormed()) flat[i] += 1;
    author.editor.setSelection(flat, this.random.below(ranges), "none");
  }

  travel(author) {
    const { below } = this.random;
    if (below(2)) author.send(1 + below(4));
    else author.receive(1 + below(4));
  }

  /** One step of one author that needs no keyboard focus. */
  async actUnfocused(author) {
    const { below } = this.random;
    switch (below(5)) {
      case 0:
        this.select(author, 1 + below(2));
        author.paste(author.fresh(1 + below(3)));
        return this.count("pasted");
      case 1:
        if (await author.changes(() => author.press(below(2) ? "Backspace" : "Delete"))) this.count("deleted");
        return undefined;
      case 2:
        return author.undo();
      case 3:
        return author.redo();
      default:
        return this.travel(author);
    }
  }

  async act(author) {
    const { below, pick } = this.random;
    if (below(3) === 0) pass(pick([20, 300, GROUP_DELAY_MS + 100]));
    switch (below(15)) {
      case 0:
      case 1:
        for (let i = 1 + below(3); i > 0; i -= 1) await author.type(author.fresh(1));
        return this.count("typed");
      case 2:
        this.select(author, 1);
        await author.type(author.fresh(1 + below(2)));
        return this.count("replaced");
      case 3: {
        this.select(author, 2 + below(2));
        const several = author.view.state.selection.ranges.length > 1;
        if (below(2)) await author.type(author.fresh(1));
        else author.paste(author.fresh(2) + (below(2) ? `\n${author.fresh(1)}` : ""));
        return several && this.count("severalCursors");
      }
      case 4:
        author.paste(`${author.fresh(1 + below(4))}${below(3) ? "" : "\n"}${author.fresh(1)}`);
        return this.count("pasted");
      case 5:
      case 6:
        return this.bracket(author);
      case 7:
        if (below(2)) this.select(author, 1 + below(2));
        if (await author.changes(() => author.press(below(2) ? "Backspace" : "Delete", below(4) ? {} : { ctrlKey: true }))) {
          this.count("deleted");
        }
        return undefined;
      case 8:
        if (below(2)) return author.press("Enter");
        this.select(author, 1);
        if (await author.changes(() => author.press(pick(["ArrowUp", "ArrowDown"]), { altKey: true }))) this.count("movedLine");
        return undefined;
      case 9:
      case 10: {
        for (let i = 1 + below(3); i > 0; i -= 1) {
          if (below(2)) author.undo();
          else author.history("undone", () => author.press("z", { ctrlKey: true }));
        }
        if (below(2)) this.travel(author);
        return below(2) && author.redo();
      }
      case 11:
        for (const other of this.authors) other.send(2);
        author.receive(1 + below(3));
        for (let i = 1 + below(3); i > 0; i -= 1) author.undoLast();
        return undefined;
      case 12:
        return author.history("redone", () => author.press("y", { ctrlKey: true }));
      default:
        return this.travel(author);
    }
  }

  /** An opening bracket that brings its closing one, and perhaps something in it, and the closing one typed over. */
  async bracket(author) {
    const { below } = this.random;
    const [open, close] = BRACKETS[author.number];
    if (below(2)) this.select(author, 1);
    const { head } = author.view.state.selection.main;
    await author.type(open);
    if (author.view.state.sliceDoc(head, head + 2) === open + close) this.count("closedBracket");
    for (let i = below(3); i > 0; i -= 1) {
      if (below(2)) await author.type(author.fresh(1));
      else this.travel(author);
    }
    if (below(4) === 0) return author.press("Backspace");
    const before = author.editor.length();
    if (await author.changes(() => author.type(close)) && author.editor.length() === before) this.count("typedOver");
    return undefined;
  }

  /** A composition with a real input method, while everybody else goes on. */
  async compose(author) {
    const { below, pick } = this.random;
    author.focus();
    if (below(2)) this.select(author, 1);
    const { ime } = globalThis;
    const others = this.authors.filter((other) => other !== author);
    let text = author.fresh(1);
    await ime("compose", text);
    for (let i = 1 + below(3); i > 0; i -= 1) {
      for (let j = below(4); j > 0; j -= 1) {
        await this.actUnfocused(pick(others));
        for (const other of others) other.send(2);
        author.receive(1 + below(2));
        author.verify();
      }
      if (below(6) === 0) author.undo();
      text = below(3) ? text + author.fresh(1) : author.fresh(1 + below(2));
      await ime("compose", text);
      await settle();
      author.verify();
    }
    if (below(5)) {
      await ime("commit", author.fresh(2));
      this.count("compositions");
    } else {
      await ime("compose", "");
      this.count("cancelledCompositions");
    }
    await settle();
  }

  async run() {
    const { below, pick } = this.random;
    const steps = 14 + below(20);
    const compositions = this.browser ? 1 + below(2) : 0;
    const composing = new Set(Array.from({ length: compositions }, () => below(steps)));
    for (let step = 0; step < steps && !this.failure; step += 1) {
      const author = pick(this.authors);
      if (composing.has(step)) await this.compose(author);
      else await this.act(author);
      author.verify();
    }
    if (this.browser) await this.released();
    this.sync();
    // One after the other takes back everything, with edits under way or without.
    const order = below(2) ? this.authors : this.authors.toReversed();
    for (const author of order) {
      if (this.failure) return;
      const again = below(3) === 0;
      this.takeBackAll(author);
      if (again) {
        while (author.redo() && !this.failure);
        this.sync();
        this.takeBackAll(author);
      }
    }
  }

  /** Until nothing is held back by a composition any more. */
  async released() {
    const held = () => this.authors.some(({ view, editor }) => view.state.doc.toString() !== editor.text());
    document.activeElement?.blur();
    while (held()) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  sync() {
    for (const author of this.authors) author.send(Infinity);
    for (const author of this.authors) author.receive(Infinity);
    const [first, ...others] = this.authors;
    first.verify();
    for (const other of others) {
      other.verify();
      this.check(other.editor.text() === first.editor.text(), `${other.number} ends with another text`);
    }
  }

  /** After it, exactly what the others wrote and did not delete stands, and nothing that this author wrote. */
  takeBackAll(author) {
    const me = author.number;
    while (author.undo() && !this.failure);
    this.sync();
    const { characters } = author.replica;
    const of = new Map();
    for (const each of characters) {
      const known = of.get(each.value) ?? { value: each.value, mine: 0, mineGoneByOthers: 0, kept: 0, takenByMe: 0, visible: 0 };
      of.set(each.value, known);
      const others = [...each.deletedBy].some((by) => by !== me);
      if (isVisible(each)) known.visible += 1;
      if (each.by === me) {
        if (isVisible(each)) known.mine += 1;
        if (others) known.mineGoneByOthers += 1;
      } else {
        if (!others) known.kept += 1;
        if (each.deletedBy.has(me)) known.takenByMe += 1;
        if (others && each.deletedBy.has(me)) this.count("deletedByBoth");
      }
    }
    for (const { value, mine, mineGoneByOthers, kept, takenByMe, visible } of of.values()) {
      const what = `${JSON.stringify(value)} (author ${this.authorOf(value)}) after ${me} took back everything`;
      // What stands by this author's hand is only what it had taken from others and gave back.
      this.check(mine <= takenByMe + (author.late.get(value) ?? 0), `too many ${what}`);
      // What no other deleted stands: where it was, or given back, unless it was then deleted by another.
      this.check(visible >= kept - mineGoneByOthers, `missing ${what}`);
    }
  }

  close() {
    for (const { editor, parent } of this.authors) {
      editor.destroy();
      parent.remove();
    }
  }
}

/**
 * Runs the interleavings of some seeds.
 * @param {number} first @param {number} count @param {boolean} browser
 */
export async function interleave(first, count, browser) {
  const counters = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  const failures = [];
  stop();
  for (let seed = first; seed < first + count; seed += 1) {
    const room = new Room(seed, counters, browser);
    await room.run().catch((error) => room.check(false, error.stack));
    if (room.failure) failures.push(`seed ${seed}: ${room.failure}`);
    room.close();
  }
  goOn();
  return { counters, failures };
}
