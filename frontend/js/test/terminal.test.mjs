//! What of a terminal needs no browser: widths of characters, and sizes as people say them.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { size } from "../terminal/words.js";
import { widthOf } from "../terminal/widths.js";

test("characters are as wide as on the host", () => {
  const cells = (text) => [...text].reduce((sum, letter) => sum + widthOf(letter.codePointAt(0)), 0);
  for (const [text, width] of [
    ["abc", 3],
    ["äöü", 3],
    ["e\u0301", 1],
    ["中文字", 6],
    ["한국어", 6],
    ["ｶﾀ", 2],
    ["😀", 2],
    ["🫠", 2],
    // Each character by itself, as the host's terminal counts them: a family takes as many cells as its members.
    ["👨‍👩‍👧", 6],
    ["❤️", 1],
    ["─│┌", 3],
    ["\u{20000}", 2],
    ["\u200b\ufeff", 0],
  ]) assert.equal(cells(text), width, text);
});

test("every character of Unicode is as wide as on the host", () => {
  // The digest of all widths, surrogates left out. The host's own test compares the crate that it asks with the same file.
  const widths = Array.from({ length: 0x110000 }, (_, code) => (code >= 0xd800 && code <= 0xdfff ? [] : widthOf(code))).flat();
  const digest = readFileSync(new URL("widths.sha256", import.meta.url), "utf8").trim();
  assert.equal(createHash("sha256").update(Uint8Array.from(widths)).digest("hex"), digest);
});

test("sizes are said shortly", () => {
  assert.deepEqual([999, 1000, 3_240_000, 99_960_000, 999_700_000].map(size), ["999 bytes", "1.0 KB", "3.2 MB", "100 MB", "1.0 GB"]);
});
