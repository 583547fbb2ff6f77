//! The parts that need no browser: edits, indentation, languages.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ChangeSet, Text } from "@codemirror/state";
import { changesFromOps, opsFromChanges } from "../editor/changes.js";
import { wholeChanges } from "../editor/characters.js";
import { differences } from "../editor/difference.js";
import { HeldEdits } from "../editor/held.js";
import { detectIndentation } from "../editor/indentation.js";
import { languageName, languageOf, loadLanguage } from "../editor/languages.js";
import { LATE_KEYS } from "../editor/late.js";
import { toolKeys } from "../editor/tools.js";
import { random } from "./random.mjs";

const text = (string) => Text.of(string.split("\n"));

function applied(string, ops, inserts) {
  inserts.forEach((insert, i) => {
    const [at, deleted] = [ops[2 * i], ops[2 * i + 1]];
    string = string.slice(0, at) + insert + string.slice(at + deleted);
  });
  return string;
}

test("sequential edits compose into one change set", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const { below, pick } = random(seed);
    const start = "fn main() {\r\n  println!(\"😀\");\n}\n";
    let current = start;
    const ops = [];
    const inserts = [];
    for (let i = below(40); i >= 0; i -= 1) {
      const at = below(current.length + 1);
      const deleted = Math.min(below(4), current.length - at);
      const insert = pick(["", "x", "\n", "two\nlines", "é😀", "\r"]);
      ops.push(at, deleted);
      inserts.push(insert);
      current = applied(current, [at, deleted], [insert]);
    }
    const changes = changesFromOps(start.length, Uint32Array.from(ops), inserts);
    assert.equal(changes.apply(text(start)).toString(), current, `seed ${seed}`);
  }
});

test("an edit outside the document is refused as a whole", () => {
  assert.throws(() => changesFromOps(3, [0, 0, 9, 0], ["a", "b"]), RangeError);
  assert.throws(() => changesFromOps(3, [0, 4], [""]), RangeError);
  assert.throws(() => changesFromOps(3, [0], []), RangeError);
});

test("edits are whole characters even when a change cuts a pair", () => {
  let widened = 0;
  for (let seed = 1; seed <= 500; seed += 1) {
    const { below, pick } = random(seed);
    const start = "a😀b😁😂c\n😀😀";
    const specs = [];
    for (let at = below(3); at < start.length; at += 1 + below(5)) {
      const to = Math.min(start.length, at + below(3));
      specs.push({ from: at, to, insert: pick(["", "y", "😎", "\n"]) });
      at = to;
    }
    const changes = ChangeSet.of(specs, start.length, "\n");
    const whole = wholeChanges(changes, text(start));
    if (whole) widened += 1;
    const edited = whole ? ChangeSet.of(whole, start.length, "\n") : changes;
    edited.iterChanges((from, to) => {
      assert.ok(start.slice(0, from).isWellFormed() && start.slice(to).isWellFormed(), `seed ${seed}: cuts a pair`);
    });
    const result = edited.apply(text(start)).toString();
    assert.equal(result, changes.apply(text(start)).toString(), `seed ${seed}`);
    const { ops, inserts } = opsFromChanges(changes);
    assert.equal(applied(start, ops, inserts), result, `seed ${seed}: one after the other`);
  }
  assert.ok(widened > 0, "no change cut a pair, so nothing was tested");
});

/** What the differences make of a text; none of them cuts a character. */
function changed(before, after) {
  let result = before;
  for (const { from, to, insert } of differences(before, after).reverse()) {
    assert.ok(before.slice(0, from).isWellFormed() && before.slice(to).isWellFormed() && insert.isWellFormed());
    result = result.slice(0, from) + insert + result.slice(to);
  }
  return result;
}

test("differences are small and keep characters whole", () => {
  assert.deepEqual(differences("same", "same"), []);
  assert.deepEqual(differences("one two three", "one 2 three").map(({ from }) => from)[0], 4);
  assert.deepEqual(differences("a😀b", "a😁b"), [{ from: 1, to: 3, insert: "😁" }]);
  assert.deepEqual(differences("aaa", "aa"), [{ from: 2, to: 3, insert: "" }]);
  assert.deepEqual(differences("", "x"), [{ from: 0, to: 0, insert: "x" }]);
  const apart = differences("one\ntwo\nthree\n", "1one\ntwo\nthree3\n");
  assert.deepEqual(apart, [{ from: 0, to: 0, insert: "1" }, { from: 13, to: 13, insert: "3" }]);
  for (const [before, after] of [["x😀😀y", "x😀y"], ["ab", "ba"], ["a\n\nb", "a\nb\n"], ["one\n", ""]]) {
    assert.equal(changed(before, after), after);
  }
});

test("differences lead from any text to any other", () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const { below, pick } = random(seed);
    const some = () => Array.from({ length: below(40) }, () => pick(["a", "b", "\n", "😀", "word "])).join("");
    const [before, after] = [some(), some()];
    assert.equal(changed(before, after), after, `seed ${seed}`);
  }
});

test("indentation is taken from the file", () => {
  const fallback = { kind: "space", size: 4 };
  const kinds = [
    ["a:\n  b:\n    c\n  d\n", { kind: "space", size: 2 }],
    ["def f():\n    if x:\n        y\n    return\n", { kind: "space", size: 4 }],
    ["func f() {\n\tx\n\tif y {\n\t\tz\n\t}\n}\n", { kind: "tab", size: 4 }],
    ["/**\n * A comment\n * of lines\n */\nfn f() {\n    x\n}\n", { kind: "space", size: 4 }],
    ["no indentation\nat all\n", fallback],
    ["", fallback],
  ];
  for (const [content, expected] of kinds) assert.deepEqual(detectIndentation(text(content), fallback), expected, content);
});

test("files have the languages that people expect", () => {
  const names = {
    "src/main.rs": "Rust", "a.ts": "TypeScript", "a.tsx": "TypeScript JSX", "a.jsx": "JavaScript JSX", "a.mjs": "JavaScript",
    "x.py": "Python", "x.go": "Go", "x.h": "C", "x.cpp": "C++", "X.java": "Java", "x.php": "PHP", "i.html": "HTML", "s.css": "CSS",
    "package.json": "JSON", "tsconfig.build.json": "JSON with Comments", "c.yml": "YAML", "Cargo.toml": "TOML", "Cargo.lock": "TOML",
    "README.md": "Markdown", "q.sql": "SQL", "run.sh": "Shell", "home/.bashrc": "Shell", "a.svg": "XML", Dockerfile: "Dockerfile",
    "Dockerfile.dev": "Dockerfile", Makefile: "Makefile", "CMakeLists.txt": "CMake", ".env.local": "Environment", ".gitignore": "Ignore list",
    "nginx.conf": "Nginx", "notes.txt": "Plain text", LICENSE: "Plain text", "": "Plain text", "dir.rs/file": "Plain text",
  };
  for (const [path, name] of Object.entries(names)) assert.equal(languageName(path), name, path);
  assert.equal(languageName("bin/tool", "#!/usr/bin/env python3"), "Python");
  assert.equal(languageName("bin/tool", "#!/bin/bash -e"), "Shell");
});

test("every grammar loads, once", async () => {
  const samples =
    "a.rs a.ts a.tsx a.js a.jsx a.py a.go a.c a.cpp a.java a.php a.html a.vue a.svelte a.css a.scss a.less a.json a.jsonc a.yaml a.toml a.md a.sql a.sh a.xml Dockerfile Makefile a.cmake a.ini a.env .gitignore a.diff nginx.conf a.cs a.kt a.scala a.dart a.mm a.swift a.rb a.lua a.pl a.r a.jl a.hs a.ml a.fs a.clj a.erl a.groovy a.ps1 a.proto";
  for (const sample of samples.split(" ")) {
    const language = languageOf(sample);
    assert.ok(language.load, `${sample} has no grammar`);
    const support = await loadLanguage(language);
    assert.ok(support.language?.parser ?? support.language, sample);
    assert.equal(await loadLanguage(language), support);
  }
});

test("held edits and typing meet in the same text, whatever comes first", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const { below, pick } = random(seed);
    let shown = text("one line\nand another 😀\n");
    let shared = shown;
    const held = new HeldEdits();
    const change = (doc) => {
      const from = below(doc.length + 1);
      const to = Math.min(doc.length, from + below(4));
      return ChangeSet.of({ from, to, insert: pick(["", "x", "\n", "word"]) }, doc.length, "\n");
    };
    for (let step = 0; step < 30; step += 1) {
      if (below(2) === 0) {
        const theirs = change(shared);
        held.add([{ by: 0, changes: theirs }]);
        shared = theirs.apply(shared);
      } else {
        const mine = change(shown);
        const passed = held.passOver(mine);
        shown = mine.apply(shown);
        shared = passed.apply(shared);
      }
      assert.equal(held.sharedText(shown).toString(), shared.toString(), `seed ${seed}, step ${step}`);
      assert.ok(held.toShown(below(shared.length + (held.any ? 9 : 1))) <= shown.length && held.toShared(below(shown.length + 1)) <= shared.length);
    }
    for (const { changes } of held.take()) shown = changes.apply(shown);
    assert.equal(shown.toString(), shared.toString(), `seed ${seed}`);
    assert.equal(held.any, false);
  }
});

test("a key of the tools either waits for them or does much the same without them", () => {
  const native = /^((Shift|Alt|Ctrl|Cmd|Mod)-)?(Arrow(Left|Right)|Home|End|Backspace|Delete)$|^((Cmd|Ctrl)-)?Arrow(Up|Down)$|^Page(Up|Down)$/;
  // These have a first version of their own, do nothing yet, or are macOS's own in every text.
  const known = new Set(["Enter", "Tab", "Escape", ..."bfpnaedhkotv"].map((key) => (key.length === 1 ? `Ctrl-${key}` : key)).concat("Ctrl-Alt-h"));
  for (const platform of ["key", "mac"]) {
    const on = (binding) => binding[platform] ?? binding.key;
    const waiting = new Set(LATE_KEYS.map(on));
    const keys = toolKeys.map(on).filter(Boolean);
    const lost = keys.filter((key) => !waiting.has(key) && !native.test(key) && !(known.has(key) && (platform === "mac" || !key.startsWith("Ctrl-"))));
    assert.deepEqual(lost, [], platform);
    assert.deepEqual([...waiting].filter((key) => !keys.includes(key)), [], `${platform}: wait for nothing`);
  }
});
