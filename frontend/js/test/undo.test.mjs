//! Undo is one's own: whatever others do meanwhile, it takes back what this person did and nothing else.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./harness.mjs";
import { random } from "./random.mjs";

/** Interleavings; every fifth through the browser's own input, with an input method, which takes its time. */
const INTERLEAVINGS = 1000;
const WITH_INPUT_METHOD = 200;
const AT_ONCE = 25;

/** Participants. */
const [ANN, BOB] = [7, 8];

let site;
let page;
before(async () => {
  site = await start();
  page = await site.open();
});
after(() => site.close());

const open = (options) => page.evaluate((given) => void globalThis.open("one", given), options);
const remote = (ops, inserts, by) => page.evaluate((all) => globalThis.remote("one", ...all), [ops, inserts, by && [[by, inserts.length]]]);
const undo = () => page.evaluate(() => one.editor.undo());
const redo = () => page.evaluate(() => one.editor.redo());
const undoLast = () => page.evaluate(() => one.editor.undoLast());
const selection = () => page.evaluate(() => Array.from(one.editor.selection().ranges));

/** Types where one would. */
async function type(at, text, end = at) {
  await page.evaluate((range) => {
    one.editor.setSelection(range, 0, "none");
    one.editor.focus();
  }, [at, end]);
  await page.keyboard.insertText(text);
}

/** The text, which the replica has as well. */
async function text() {
  const { shown, replica } = await page.evaluate(() => ({ shown: one.editor.text(), replica: one.replica.text }));
  assert.equal(replica, shown);
  assert.deepEqual(page.problems, []);
  return shown;
}

/** As if some time went by: what comes then is another change. */
const pause = () => page.evaluate(() => globalThis.pass(1000));

/** A page whose input method the page itself can use. */
async function pageWithInputMethod() {
  const page = await site.open();
  const client = await page.context().newCDPSession(page);
  await page.exposeFunction("ime", (what, text) =>
    what === "compose"
      ? client.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length })
      : client.send("Input.insertText", { text }),
  );
  return page;
}

test("undo never touches what others wrote, in a thousand random interleavings", async (t) => {
  const seed = Number(process.env.PARLOR_SEED ?? 1);
  const began = performance.now();
  const [page, composing] = [await site.open(), await pageWithInputMethod()];
  const happened = {};
  const failures = [];
  const run = async (on, first, count, withInputMethod) => {
    for (let done = 0; done < count; done += AT_ONCE) {
      const size = Math.min(AT_ONCE, count - done);
      const result = await on.evaluate(([f, c, w]) => globalThis.interleave(f, c, w), [first + done, size, withInputMethod]);
      failures.push(...result.failures);
      for (const [kind, times] of Object.entries(result.counters)) happened[kind] = (happened[kind] ?? 0) + times;
      assert.deepEqual(on.problems, [], `seeds ${first + done} to ${first + done + size - 1}`);
    }
  };
  const first = seed * 1_000_000;
  await Promise.all([
    run(page, first, INTERLEAVINGS - WITH_INPUT_METHOD, false),
    run(composing, first + INTERLEAVINGS - WITH_INPUT_METHOD, WITH_INPUT_METHOD, true),
  ]);
  t.diagnostic(`${((performance.now() - began) / 1000).toFixed(1)} s; ${JSON.stringify(happened)}`);
  assert.deepEqual(failures, [], `${failures.length} of ${INTERLEAVINGS} interleavings`);
  for (const [kind, times] of Object.entries(happened)) assert.ok(times >= 20, `${kind}: only ${times} times`);
});

test("undo restores the selections, wherever they are after what others did", async () => {
  await open({ text: "one two three\nfour five six\n" });
  await page.evaluate(() => {
    one.editor.setSelection([4, 7, 23, 19], 1, "none");
    one.editor.focus();
  });
  await page.keyboard.insertText("X");
  assert.equal(await text(), "one X three\nfour X six\n");
  // Before, between and behind; and the caret is somewhere else by now.
  await remote([0, 0], ["zero "]);
  await remote([17, 0], ["and "]);
  await remote([0, 0], ["\n"]);
  await page.evaluate(() => one.editor.setSelection([1, 1], 0, "none"));
  await undo();
  const now = await text();
  assert.equal(now, "\nzero one two three\nand four five six\n");
  const [anchor, head, mainAnchor, mainHead] = await selection();
  assert.deepEqual([now.slice(anchor, head), now.slice(mainHead, mainAnchor)], ["two", "five"]);
  assert.equal(await page.evaluate(() => one.editor.selection().main), 1);
  await redo();
  assert.equal(await text(), "\nzero one X three\nand four X six\n");
  const [one, , other] = await selection();
  assert.deepEqual([one, other], ["\nzero one X".length, "\nzero one X three\nand four X".length]);
});

test("undo survives a text that is replaced by an almost equal one", async () => {
  const lines = Array.from({ length: 40 }, (_, line) => `line ${line}\n`).join("");
  await open({ text: lines });
  await type(lines.indexOf("line 10"), "first ");
  await pause();
  await type(lines.indexOf("line 30"), "second ");
  await pause();
  await type(lines.indexOf("line 25"), "", lines.indexOf("line 26"));
  await page.keyboard.press("Backspace");
  const others = (given) => given.replace("line 3\n", "line 3, changed\n").replace("line 20\n", "").replace("line 38", "LINE 38");
  const replaced = others(await text());
  const reset = (to) =>
    page.evaluate((given) => {
      one.editor.reset(given);
      one.replica.text = given;
    }, to);
  // The host gave the file another id, and others changed it in three places around and between one's own.
  await reset(replaced);
  assert.equal(await text(), replaced);
  while (await undo());
  assert.equal(await text(), others(lines));
  while (await redo());
  assert.equal(await text(), replaced);
  // Equal texts change nothing at all.
  await reset(replaced);
  while (await undo());
  assert.equal(await text(), others(lines));
});

test("undo survives that the file is not shown for a while", async () => {
  await open({ text: "text\n" });
  await type(0, "mine ");
  await page.evaluate(() => {
    const { parent } = one;
    const next = parent.nextSibling;
    const state = one.editor.saveState();
    parent.remove();
    globalThis.remote("one", [5, 0], ["theirs "]);
    document.body.insertBefore(parent, next);
    one.editor.restoreState({ ...state, ...one.editor.selection() });
  });
  assert.equal(await text(), "mine theirs text\n");
  await undo();
  assert.equal(await text(), "theirs text\n");
  await redo();
  assert.equal(await text(), "mine theirs text\n");
});

test("an input method that changes half a character leaves no half one to undo", async () => {
  const client = await page.context().newCDPSession(page);
  const compose = (given) =>
    client.send("Input.imeSetComposition", { text: given, selectionStart: given.length, selectionEnd: given.length });
  await open({ text: "a😀b" });
  await page.evaluate(() => {
    one.editor.setSelection([1, 1], 0, "none");
    one.editor.focus();
  });
  // All of them begin with the same unit, which is all that the browser leaves alone.
  await compose("😁");
  await compose("😂");
  await client.send("Input.insertText", { text: "😃" });
  assert.equal(await text(), "a😃😀b");
  await remote([3, 0], ["-"]);
  await remote([1, 2], [""]);
  assert.equal(await text(), "a-😀b");
  while (await undo());
  while (await redo());
  assert.ok((await text()).isWellFormed());
  while (await undo());
  assert.equal(await text(), "a-😀b");
});

test("the last change by anyone is taken back, one after the other, and own undo takes that back", async () => {
  await open({ text: "base\n" });
  await type(0, "mine ");
  await pause();
  await remote([9, 0], [" ann"], ANN);
  await remote([13, 0], [" too"], ANN);
  await pause();
  await remote([0, 5, 0, 0], ["", "bob "], BOB);
  await pause();
  await remote([0, 0], ["disk\n"], "disk");
  assert.equal(await text(), "disk\nbob base ann too\n");
  assert.equal(await undoLast(), "disk");
  assert.equal(await text(), "bob base ann too\n");
  assert.equal(await undoLast(), BOB);
  assert.equal(await text(), "mine base ann too\n");
  // What Ann typed in a run is one change.
  assert.equal(await undoLast(), ANN);
  assert.equal(await text(), "mine base\n");
  await page.keyboard.press("Control+z");
  assert.equal(await text(), "mine base ann too\n");
  await page.keyboard.press("Control+z");
  assert.equal(await text(), "bob base ann too\n");
  // The last change now is that: one's own.
  assert.equal(await undoLast(), "me");
  assert.equal(await text(), "mine base ann too\n");
});

test("two who type at once do not cut each other's words into single letters", async () => {
  await open({ text: "ab\n" });
  const [ann, bob] = ["hello", "world"];
  for (let i = 0; i < 5; i += 1) {
    await remote([i, 0], [ann[i]], ANN);
    await remote([2 * i + 2, 0], [bob[i]], BOB);
  }
  assert.equal(await text(), "helloaworldb\n");
  assert.equal(await undoLast(), BOB);
  assert.equal(await text(), "helloab\n");
  assert.equal(await undoLast(), ANN);
  assert.equal(await text(), "ab\n");
  assert.equal(await undoLast(), null);
});

test("the last change of one leaves what others did to the same place since", async () => {
  await open({ text: "keep\n" });
  await remote([0, 0], ["aaaa "], ANN);
  await type(2, "mine");
  await remote([0, 1], [""], BOB);
  assert.equal(await text(), "amineaa keep\n");
  assert.equal(await undoLast(), BOB);
  assert.equal(await text(), "aamineaa keep\n");
  assert.equal(await undoLast(), "me");
  assert.equal(await undoLast(), ANN);
  assert.equal(await text(), "keep\n");
});

test("runs of several authors that come at once stay apart", async () => {
  await open({ text: "x\n" });
  await page.evaluate(([ann, bob]) => globalThis.remote("one", [0, 0, 1, 0, 3, 0], ["A", "A", "B"], [[ann, 2], [bob, 1]]), [ANN, BOB]);
  assert.equal(await text(), "AAxB\n");
  assert.equal(await undoLast(), BOB);
  assert.equal(await text(), "AAx\n");
  assert.equal(await undoLast(), ANN);
  assert.equal(await text(), "x\n");
});

test("there is no last change in a text just opened, after what was missed, or for who may only read", async () => {
  await open({ text: "text\n" });
  assert.equal(await undoLast(), null);
  await remote([0, 0], ["ann "], ANN);
  // All that was missed while away, by whomever.
  await remote([0, 0], ["much "]);
  assert.equal(await undoLast(), null);
  await remote([0, 0], ["ann "], ANN);
  await page.evaluate(() => one.editor.setReadOnly(true));
  assert.equal(await undoLast(), null);
  assert.equal(await text(), "ann much ann text\n");
  await page.evaluate(() => one.editor.setReadOnly(false));
  assert.equal(await undoLast(), ANN);
  assert.equal(await text(), "much ann text\n");
});

/** What another program makes of the text: the lines that differ, as the host would tell them. */
async function outside(to) {
  const now = (await text()).split(/(?<=\n)/);
  const next = to.split(/(?<=\n)/);
  const edits = difference(now, next);
  if (edits.length === 0) return;
  await remote(edits.flatMap(({ at, units }) => [at, units]), edits.map(({ insert }) => insert), "disk");
  assert.equal(await text(), to);
}

/** The edits between two lists of lines, one after the other; by the longest common subsequence. */
function difference(old, next) {
  const longest = Array.from({ length: old.length + 1 }, () => new Array(next.length + 1).fill(0));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = next.length - 1; j >= 0; j -= 1) {
      longest[i][j] = old[i] === next[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const edits = [];
  let at = 0;
  for (let i = 0, j = 0; i < old.length || j < next.length; ) {
    if (i < old.length && j < next.length && old[i] === next[j]) {
      at += old[i].length;
      [i, j] = [i + 1, j + 1];
      continue;
    }
    const edit = { at, units: 0, insert: "" };
    while (i < old.length || j < next.length) {
      if (i < old.length && j < next.length && old[i] === next[j]) break;
      if (j >= next.length || (i < old.length && longest[i + 1][j] >= longest[i][j + 1])) edit.units += old[i++].length;
      else edit.insert += next[j++];
    }
    edits.push(edit);
    at += edit.insert.length;
  }
  return edits;
}

test("what a program brought back already, own undo does not bring back once more", async () => {
  const file = "one\ntwo\nthree\nfour\n";
  // A line is deleted, and `git checkout` brings it back.
  await open({ text: file });
  await type(4, "", 8);
  assert.equal(await text(), "one\nthree\nfour\n");
  await outside(file);
  while (await undo());
  assert.equal(await text(), file);
  while (await redo());
  // A word is replaced, and a program puts the old one there again.
  await open({ text: file });
  await type(4, "zwei", 7);
  await outside(file);
  while (await undo());
  assert.equal(await text(), file);
  // Several lines, deleted one after the other, come back together.
  await open({ text: file });
  for (const [from, to] of [[8, 14], [4, 8]]) {
    await type(from, "", to);
    await pause();
  }
  await outside(file);
  while (await undo());
  assert.equal(await text(), file);
  // `git stash` takes what was typed, `git stash pop` brings it back.
  await open({ text: file });
  await type(4, "mine\n");
  await outside(file);
  await outside("one\nmine\ntwo\nthree\nfour\n");
  while (await undo());
  while (await redo());
  assert.equal(await text(), "one\nmine\ntwo\nthree\nfour\n");
});

test("own undo fits whatever programs do to the file meanwhile: no line twice, none lost", async (t) => {
  const seed = Number(process.env.PARLOR_SEED ?? 1) * 1_000_000;
  const happened = { typed: 0, deleted: 0, undone: 0, redone: 0, reverted: 0, stashed: 0, formatted: 0, appended: 0, edited: 0 };
  for (let run = 0; run < 40; run += 1) {
    const { below, pick } = random(seed + run);
    let number = 0;
    const fresh = (who) => `${who} ${(number += 1)}  \n`;
    const first = Array.from({ length: 5 }, () => fresh("file")).join("");
    await open({ text: first });
    const held = [first];
    const bare = (line) => line.trimEnd();
    for (let step = 0; step < 14; step += 1) {
      const now = await text();
      const lines = now.split(/(?<=\n)/).filter(Boolean);
      const at = below(lines.length + 1);
      const offset = lines.slice(0, at).join("").length;
      if (below(2)) await pause();
      switch (below(9)) {
        case 0:
        case 1:
          await type(offset, fresh("mine"));
          happened.typed += 1;
          break;
        case 2:
          if (at < lines.length) {
            await type(offset, "", offset + lines[at].length);
            happened.deleted += 1;
          }
          break;
        case 3:
        case 4:
          if (await undo()) happened.undone += 1;
          if (below(2) && (await redo())) happened.redone += 1;
          break;
        case 5:
          // A checkout of what the file held before.
          await outside(pick(held));
          happened.reverted += 1;
          break;
        case 6:
          await outside(held[0]);
          await outside(now);
          happened.stashed += 1;
          break;
        case 7:
          await outside(lines.map((line) => (below(2) ? `${bare(line)}\n` : line)).join(""));
          happened.formatted += 1;
          break;
        default:
          if (below(2)) {
            await outside(now + fresh("log"));
            happened.appended += 1;
          } else {
            await outside([...lines.slice(0, at), fresh("vim"), ...lines.slice(at + below(2))].join(""));
            happened.edited += 1;
          }
      }
      held.push(await text());
      const all = (await text()).split("\n").filter(Boolean).map(bare);
      assert.equal(new Set(all).size, all.length, `seed ${seed + run}, step ${step}: a line twice in ${JSON.stringify(await text())}`);
    }
    const last = (await text()).split("\n").filter(Boolean).map(bare);
    while (await undo());
    const all = (await text()).split("\n").filter(Boolean).map(bare);
    assert.equal(new Set(all).size, all.length, `seed ${seed + run}: a line twice in ${JSON.stringify(all)}`);
    // What programs wrote stands.
    for (const line of last) {
      assert.ok(line.startsWith("mine") || all.includes(line), `seed ${seed + run}: ${line} is lost`);
    }
    while (await redo());
    const again = (await text()).split("\n").filter(Boolean).map(bare);
    assert.equal(new Set(again).size, again.length, `seed ${seed + run}: a line twice in ${JSON.stringify(again)}`);
  }
  t.diagnostic(JSON.stringify(happened));
  for (const [kind, times] of Object.entries(happened)) assert.ok(times >= 10, `${kind}: only ${times} times`);
});
