//! The others' carets, flags and selections are where they should be, and cheap.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./harness.mjs";

let site;
let page;
before(async () => {
  site = await start();
  page = await site.open();
});
after(() => site.close());

const open = (options) => page.evaluate((given) => void globalThis.open("one", given), options);
const setPeers = (peers) => page.evaluate((given) => one.editor.setPeers(given), peers);
const peer = (more) => ({ id: 1, name: "Ada", color: 0, role: "editor", active: true, ranges: [[0, 0]], ...more });

/** Every drawn caret: whose, which look, its text, and the offset in the text that it stands at. */
const carets = () =>
  page.evaluate(async () => {
    await globalThis.frame();
    const content = one.view.getBoundingClientRect();
    return [...one.parent.querySelectorAll(".parlor-caret")].map((caret) => {
      const box = caret.getBoundingClientRect();
      const range = document.caretRangeFromPoint(Math.max(box.left + 1, content.left + 7), box.top + box.height / 2);
      const line = (range.startContainer.parentElement.closest(".cm-line") ?? range.startContainer).textContent;
      return {
        id: Number(caret.dataset.peer),
        name: caret.querySelector(".parlor-flag-name").textContent,
        shape: caret.querySelector(".parlor-flag-shape").textContent,
        color: Number(/parlor-person-(\d)/.exec(caret.className)[1]),
        open: caret.classList.contains("is-open"),
        idle: caret.classList.contains("is-idle"),
        main: caret.dataset.main === "true",
        place: `${line}:${range.startOffset}`,
        shown: getComputedStyle(caret.querySelector(".parlor-flag")).visibility === "visible",
      };
    });
  });

test("every cursor of every person is drawn with a flag of colour, shape and name", async () => {
  await open({ text: "first line\nsecond line\nthird line\n" });
  await setPeers([
    peer({ ranges: [[0, 5], [13, 13]], main: 1 }),
    peer({ id: 2, name: "  ", color: 4, ranges: [[30, 23]], active: false }),
    peer({ id: 3, name: "<b>Eve</b>", color: 7, ranges: [] }),
  ]);
  const drawn = await carets();
  assert.deepEqual(
    drawn.map(({ id, name, shape, color, idle, main, place }) => ({ id, name, shape, color, idle, main, place })),
    [
      { id: 1, name: "Ada", shape: "●", color: 0, idle: false, main: false, place: "first line:5" },
      { id: 1, name: "Ada", shape: "●", color: 0, idle: false, main: true, place: "second line:2" },
      { id: 2, name: "Someone", shape: "★", color: 4, idle: true, main: true, place: "third line:0" },
    ],
  );
  assert.equal(await page.locator("#one .parlor-peer-selection").count(), 2);
  assert.equal(await page.locator("#one .parlor-peer-selection.parlor-person-4.is-idle").count(), 1);
  await setPeers([peer({ id: 3, name: "<b>Eve</b>", color: 7 })]);
  assert.equal((await carets())[0].name, "<b>Eve</b>");
  assert.deepEqual(page.problems, []);
});

test("a changed name, colour or state alone is shown", async () => {
  await open({ text: "text" });
  await setPeers([peer()]);
  await setPeers([peer({ name: "Grace" })]);
  assert.equal((await carets())[0].name, "Grace");
  await setPeers([peer({ name: "Grace", color: 3 })]);
  assert.deepEqual([(await carets())[0].color, (await carets())[0].shape], [3, "◆"]);
  await setPeers([peer({ name: "Grace", color: 3, active: false })]);
  assert.equal((await carets())[0].idle, true);
  await setPeers([]);
  assert.deepEqual(await carets(), []);
});

test("carets move with the text until their owners tell", async () => {
  await open({ text: "alpha beta\n" });
  await setPeers([peer({ ranges: [[6, 6]] }), peer({ id: 2, color: 1, ranges: [[6, 10]] })]);
  await page.evaluate(() => globalThis.remote("one", [0, 0], [">> "]));
  assert.deepEqual((await carets()).map(({ place }) => place), [">> alpha beta:9", ">> alpha beta:13"]);
  // Somebody types at the caret: it goes along. I type there: it stays before my text.
  await page.evaluate(() => globalThis.remote("one", [9, 0], ["xy"]));
  assert.equal((await carets())[0].place, ">> alpha xybeta:11");
  await page.evaluate(() => {
    one.editor.setSelection([11, 11], 0, "none");
    one.editor.focus();
  });
  await page.keyboard.type("me");
  assert.equal((await carets())[0].place, ">> alpha xymebeta:11");
  assert.equal(await page.evaluate(() => one.replica.text), ">> alpha xymebeta\n");
});

test("a flag opens for activity, closes after a while, and opens under the pointer", async () => {
  await open({ text: "one\ntwo\nthree\n" });
  await setPeers([peer({ ranges: [[9, 9]] })]);
  const flag = page.locator("#one .parlor-flag");
  assert.equal((await carets())[0].open, true);
  await flag.waitFor({ state: "visible" });
  await flag.waitFor({ state: "hidden" });
  assert.equal((await carets())[0].open, false);

  await setPeers([peer({ ranges: [[9, 9]] })]);
  assert.equal((await carets())[0].open, false, "telling the same again is no activity");
  await page.evaluate(() => globalThis.remote("one", [0, 0], ["zero\n"]));
  assert.equal((await carets())[0].open, false, "an edit elsewhere is not this person's");
  await setPeers([peer({ ranges: [[14, 14]] })]);
  assert.equal((await carets())[0].open, false, "nor is following that edit");
  await page.evaluate(() => globalThis.remote("one", [14, 0], ["!"]));
  assert.equal((await carets())[0].open, true, "typing is");
  await flag.waitFor({ state: "hidden" });
  await setPeers([peer({ ranges: [[0, 0]] })]);
  assert.equal((await carets())[0].open, true, "moving is");
  await flag.waitFor({ state: "hidden" });

  const box = await page.locator("#one .parlor-caret").boundingBox();
  await page.mouse.move(box.x + 3, box.y + box.height / 2);
  await flag.waitFor({ state: "visible" });
  await page.mouse.move(box.x + 200, box.y + 100);
  await flag.waitFor({ state: "hidden" });
  await page.mouse.click(box.x + 1, box.y + box.height / 2);
  assert.deepEqual(await page.evaluate(() => Array.from(one.editor.selection().ranges)), [0, 0], "the caret lets clicks through");
});

test("selections are seen on the active line", async () => {
  await open({ text: "one\ntwo\n" });
  await page.evaluate(() => one.editor.focus());
  await setPeers([peer({ ranges: [[0, 3]] })]);
  await page.locator("#one .parlor-active-line").waitFor();
  const order = await page.evaluate(() => {
    const level = (name) => Number(one.parent.querySelector(name).style.zIndex);
    return [level(".parlor-active-lines"), level(".parlor-peer-selections"), level(".cm-selectionLayer")];
  });
  assert.ok(order[0] < order[1] && order[0] < order[2] && Math.max(...order) < 0, String(order));
});

test("a flag stays inside the editor at its top and right edges", async () => {
  await open({ text: `${"x".repeat(102)}\nsecond\n` });
  await setPeers([peer({ name: "A rather long name", ranges: [[98, 98]] })]);
  await page.evaluate(() => globalThis.frame());
  const flag = await page.locator("#one .parlor-flag").boundingBox();
  const pane = await page.locator("#one").boundingBox();
  assert.ok(flag.x + flag.width <= pane.x + pane.width, "right edge");
  assert.ok(flag.y >= pane.y, "top edge");
});

test("a selection over ten megabytes draws what is in sight only", async (t) => {
  await open({ text: "0123456789 abcdef\n".repeat(600_000) });
  const took = await page.evaluate(async () => {
    const length = one.editor.length();
    const began = performance.now();
    for (let i = 0; i < 20; i += 1) {
      one.editor.setPeers([
        { id: 1, name: "Ada", color: 0, role: "editor", active: true, ranges: [[0, length - i]] },
        { id: 2, name: "Bo", color: 1, role: "editor", active: true, ranges: Array.from({ length: 2000 }, (_, n) => [n * 5000 + i, n * 5000]) },
      ]);
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    return (performance.now() - began) / 20;
  });
  t.diagnostic(`one presence update: ${took.toFixed(1)} ms with its frame`);
  assert.ok((await page.locator("#one .parlor-peer-selection").count()) < 20);
  assert.ok((await page.locator("#one .parlor-caret").count()) < 20);
  assert.ok(took < 1000, `took ${took} ms`);
});

test("revealing a peer scrolls to the main caret", async () => {
  await open({ text: "line\n".repeat(2000) });
  await setPeers([peer({ id: 9, ranges: [[0, 0], [8000, 8000]], main: 1 })]);
  assert.equal(await page.evaluate(() => one.editor.revealPeer(9)), true);
  assert.equal(await page.evaluate(() => one.editor.revealPeer(10)), false);
  await page.waitForFunction(() => {
    const [from, to] = one.log.viewports.at(-1) ?? [0, 0];
    return from < 8000 && to > 8000;
  });
  assert.equal((await carets()).length, 1);
});
