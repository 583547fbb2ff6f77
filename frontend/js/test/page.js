//! The page under test: editors by name, each beside a replica that is fed nothing but what the editor reports.

import { Editor, languageName, SHAPES } from "../editor.entry.js";
import * as services from "../browser.entry.js";
import { openTerminal } from "../terminal.entry.js";
import { pass } from "./clock.js";
import { interleave } from "./room.js";

/** A replica that applies edits to a plain string, as the shared text on the Rust side does. */
class Replica {
  constructor(text) {
    this.text = text;
  }

  apply(ops, inserts) {
    if (ops.length !== inserts.length * 2) throw new Error("ops and inserts disagree");
    inserts.forEach((insert, i) => {
      const [at, deleted] = [ops[2 * i], ops[2 * i + 1]];
      const removed = this.text.slice(at, at + deleted);
      if (at + deleted > this.text.length) throw new Error("an edit lies outside the replica");
      for (const piece of [removed, insert, this.text.slice(0, at), this.text.slice(at + deleted)]) {
        if (!piece.isWellFormed()) throw new Error("an edit cuts a surrogate pair");
      }
      this.text = this.text.slice(0, at) + insert + this.text.slice(at + deleted);
    });
  }
}

/** Opens an editor in the element of that name; `log` holds everything it called back. */
globalThis.open = (name, options = {}) => {
  const parent = document.getElementById(name);
  parent.parlorEditor?.destroy();
  const log = { edits: [], selections: [], viewports: [], commands: [], cursor: null };
  const replica = new Replica(options.text ?? "");
  const editor = new Editor(parent, {
    path: "notes.txt",
    label: "Editor: notes.txt",
    text: "",
    readOnly: false,
    wrap: false,
    onEdit(ops, inserts) {
      replica.apply(ops, inserts);
      log.edits.push([Array.from(ops), inserts]);
    },
    insertable: (_at, text) => text.toWellFormed().replaceAll("\0", ""),
    onSelection: (ranges, main) => log.selections.push([Array.from(ranges), main]),
    onViewport: (from, to) => log.viewports.push([from, to]),
    onCommand: (command) => log.commands.push(command),
    onCursorInfo: (...values) => (log.cursor = values),
    ...options,
  });
  globalThis[name] = { editor, log, replica, parent, view: parent.querySelector(".cm-content") };
  return editor;
};

/** Applies the same edits to the editor as somebody else's and to the replica. */
globalThis.remote = (name, ops, inserts, authors) => {
  globalThis[name].replica.apply(ops, inserts);
  globalThis[name].editor.applyRemote(Uint32Array.from(ops), inserts, authors);
};

/** Opens a terminal in the first element; `told` holds everything it called back. */
globalThis.terminal = (options = {}) =>
  new Promise((resolve) => {
    const told = [];
    const tell = (what, first, second) => told.push([what, first instanceof Uint8Array ? new TextDecoder().decode(first) : first, second]);
    openTerminal(document.getElementById("one"), { label: "Terminal", fontSize: 13, screenReader: false, tell, ...options }, (view) => {
      const bytes = (text) => new TextEncoder().encode(text);
      globalThis.shell = {
        view,
        told,
        screen: (columns, rows, text, { kept = true, skipped = 0 } = {}) => view.screen(columns, rows, kept, skipped, bytes(`\x1b[?1049l\x1b[2J\x1b[H${text}`)),
        output: (text) => view.output(bytes(text)),
        parsed: () => new Promise((done) => view.xterm.write("", () => view.xterm.write("", () => view.xterm.write("", done)))),
        row: (y) => view.xterm.buffer.active.getLine(y)?.translateToString(true),
      };
      resolve();
    });
  });

globalThis.frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
Object.assign(globalThis, { languageName, SHAPES, services, interleave, pass, ready: true });
