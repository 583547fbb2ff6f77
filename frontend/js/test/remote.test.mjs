//! What others do arrives without echo, without stealing the scroll position, and outside of one's own undo.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./harness.mjs";
import { random } from "./random.mjs";

let site;
let page;
before(async () => {
  site = await start();
  page = await site.open();
});
after(() => site.close());

const open = (options) => page.evaluate((given) => void globalThis.open("one", given), options);
const focus = () => page.evaluate(() => globalThis.one.editor.focus());
const remote = (ops, inserts) => page.evaluate(([o, i]) => globalThis.remote("one", o, i), [ops, inserts]);

async function same() {
  const { text, replica, log } = await page.evaluate(() => ({ text: one.editor.text(), replica: one.replica.text, log: one.log }));
  assert.equal(replica, text);
  assert.deepEqual(page.problems, []);
  return { text, log };
}

test("remote edits merge without an echo and in one step", async () => {
  await open({ text: "hello\nworld\n" });
  await remote([0, 0, 3, 2, 3, 0], ["ab", "", "😀\n"]);
  const { text, log } = await same();
  assert.equal(text, "ab" + "h" + "😀\n" + "lo\nworld\n");
  assert.deepEqual(log.edits, []);
  assert.deepEqual(log.selections, []);
});

test("an edit outside the text is refused and changes nothing", async () => {
  await open({ text: "abc" });
  const refused = await page.evaluate(() => {
    try {
      one.editor.applyRemote(Uint32Array.of(0, 0, 99, 0), ["x", "y"]);
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(refused, "RangeError");
  assert.equal((await same()).text, "abc");
});

test("undo takes back one's own edits only", async () => {
  await open({ text: "base\n" });
  await focus();
  await page.keyboard.type("one ");
  await remote([0, 0], ["R1 "]);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("two");
  await remote([3, 1, 0, 0], ["", "R2 "]);
  assert.equal((await same()).text, "R2 R1 ne base\ntwo");
  await page.keyboard.press("Control+z");
  assert.equal((await same()).text, "R2 R1 ne base\n");
  await page.keyboard.press("Control+z");
  assert.equal((await same()).text, "R2 R1 base\n");
  await page.keyboard.press("Control+z");
  await page.keyboard.press("Control+z");
  assert.equal((await same()).text, "R2 R1 base\n");
  await page.evaluate(() => one.editor.redo());
  await page.evaluate(() => one.editor.redo());
  assert.equal((await same()).text, "R2 R1 ne base\ntwo");
  assert.equal(await page.evaluate(() => one.editor.redo()), false);
});

test("random edits of two people, with undo, keep the replica equal", async () => {
  const seed = Number(process.env.PARLOR_SEED ?? 1);
  const { below, pick } = random(seed);
  await open({ path: "a.rs", text: "fn main() {\n    let x = 1;\n}\n" });
  await focus();
  for (let step = 0; step < 200; step += 1) {
    const kind = below(8);
    if (kind < 2) await page.keyboard.type(pick(["a", "(", "\"", "fn "]));
    else if (kind === 2) await page.keyboard.press(pick(["Backspace", "Enter", "Control+z", "Control+y", "Delete", "Control+d"]));
    else if (kind === 3) await page.keyboard.press(pick(["ArrowLeft", "ArrowDown", "End", "Control+End", "Shift+ArrowUp"]));
    else {
      const length = await page.evaluate(() => one.editor.length());
      const at = below(length + 1);
      const bad = await page.evaluate((place) => !one.replica.text.slice(0, place).isWellFormed(), at);
      if (!bad) await remote([at, 0, 0, 0], [pick(["r", "\n", "漢", "xx yy"]), pick(["", "top\n"])]);
    }
    const { text, replica } = await page.evaluate(() => ({ text: one.editor.text(), replica: one.replica.text }));
    assert.equal(replica, text, `seed ${seed}, step ${step}`);
  }
  await same();
});

test("one's own caret and selection stay with their text", async () => {
  await open({ text: "abcdef" });
  await page.evaluate(() => one.editor.setSelection([2, 4], 0, "none"));
  await remote([2, 0, 0, 0, 7, 0], ["X", "YY", "Z"]);
  const { text, selection } = await page.evaluate(() => ({ text: one.editor.text(), selection: Array.from(one.editor.selection().ranges) }));
  assert.equal(text, "YYabXcdZef");
  assert.equal(text.slice(...selection), "cd");
});

for (const wrap of [false, true]) {
  test(`the first visible line does not jump when others edit above (wrap: ${wrap})`, async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `line ${i} ${"word ".repeat(i % 40)}`);
    await open({ path: "a.rs", text: lines.join("\n"), wrap });
    const offset = lines.slice(0, 1500).join("\n").length + 1;
    await page.evaluate((at) => one.editor.setSelection([at, at], 0, "center"), offset);
    const mark = () =>
      page.evaluate(async () => {
        await globalThis.frame();
        await globalThis.frame();
        const line = [...one.view.querySelectorAll(".cm-line")].find((node) => node.textContent.startsWith("line 1500 "));
        return line && line.getBoundingClientRect().top - one.parent.getBoundingClientRect().top;
      });
    const before = await mark();
    assert.ok(before > 0 && before < 300, `the line is in sight (${before})`);
    await remote([0, 0], ["inserted\n".repeat(50)]);
    assert.ok(Math.abs((await mark()) - before) < 2, "inserted far above");
    await remote([0, 450], [""]);
    assert.ok(Math.abs((await mark()) - before) < 2, "deleted far above");
    const nearTop = await page.evaluate(() => one.log.viewports.at(-1)[0]);
    await remote([nearTop - 60, 0], ["just\nabove\nthe edge\n"]);
    assert.ok(Math.abs((await mark()) - before) < 2, "inserted just above the edge");
    await same();
  });
}

test("a reset changes what differs, keeps the place and can not be undone", async () => {
  await open({ text: "one\ntwo\nthree\n" });
  await focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("four");
  await page.evaluate(() => {
    one.editor.reset("zero\none\n2\nthree\nfour");
    one.replica.text = "zero\none\n2\nthree\nfour";
  });
  const { text, log } = await same();
  assert.equal(text, "zero\none\n2\nthree\nfour");
  assert.equal(log.edits.length, 4);
  assert.deepEqual(await page.evaluate(() => Array.from(one.editor.selection().ranges)), [21, 21]);
  await page.keyboard.press("Control+z");
  assert.equal((await same()).text, "zero\none\n2\nthree\n");
});

test("ten thousand remote edits in batches of a hundred", async (t) => {
  const took = await page.evaluate(async () => {
    const text = "    let value = compute(1, 2, 3);\n".repeat(30_000);
    globalThis.open("one", { path: "a.rs", text });
    await new Promise((resolve) => {
      const check = () => (one.parent.querySelector("[data-language]") ? resolve() : requestAnimationFrame(check));
      check();
    });
    const began = performance.now();
    let at = 500_000;
    for (let batch = 0; batch < 100; batch += 1) {
      const ops = new Uint32Array(200);
      const inserts = new Array(100).fill("x");
      for (let i = 0; i < 100; i += 1) ops[2 * i] = at++;
      one.editor.applyRemote(ops, inserts);
    }
    return performance.now() - began;
  });
  t.diagnostic(`1 MB of Rust, 10,000 edits: ${took.toFixed(0)} ms`);
  assert.equal(await page.evaluate(() => one.editor.length()), 30_000 * 34 + 10_000);
  assert.ok(took < 5000, `took ${took} ms`);
});
