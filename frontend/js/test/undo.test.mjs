//! Undo is one's own: whatever others do meanwhile, it takes back what this person did and nothing else.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./harness.mjs";

/** Interleavings; every fourth with an input method, which takes the browser's own time. */
const INTERLEAVINGS = 1000;
const WITH_INPUT_METHOD = 250;
const AT_ONCE = 25;

let site;
before(async () => {
  site = await start();
});
after(() => site.close());

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
