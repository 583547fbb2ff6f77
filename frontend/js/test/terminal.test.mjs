//! What of a terminal needs no browser: widths of characters, and sizes as people say them.

import assert from "node:assert/strict";
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

test("sizes are said shortly", () => {
  assert.deepEqual([999, 1000, 3_240_000, 99_960_000, 999_700_000].map(size), ["999 bytes", "1.0 KB", "3.2 MB", "100 MB", "1.0 GB"]);
});
