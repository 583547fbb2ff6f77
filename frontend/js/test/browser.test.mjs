//! The small browser services: identity, clipboard, wake events.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./harness.mjs";

let site;
before(async () => {
  site = await start();
});
after(() => site.close());

test("the first identity stands, in every tab and after a reload", async () => {
  const page = await site.open();
  assert.equal(await page.evaluate(() => services.loadIdentity()), null);
  const other = await page.context().newPage();
  await other.goto(site.origin);
  await other.waitForFunction(() => globalThis.ready === true);
  const ensure = (tab, byte) => tab.evaluate(async (b) => Array.from(await services.ensureIdentity(new Uint8Array(32).fill(b))), byte);
  const [one, two] = await Promise.all([ensure(page, 1), ensure(other, 2)]);
  assert.deepEqual(one, two);
  assert.equal(one.length, 32);
  await page.reload();
  await page.waitForFunction(() => globalThis.ready === true);
  assert.deepEqual(await ensure(page, 3), one);
  assert.deepEqual(await page.evaluate(async () => Array.from(await services.loadIdentity())), one);
  await page.context().close();
});

test("without IndexedDB the identity lasts as long as the tab", async () => {
  const page = await site.open();
  const refuse = () => {
    IDBFactory.prototype.open = () => {
      throw new DOMException("refused", "SecurityError");
    };
  };
  await page.evaluate(refuse);
  assert.equal(await page.evaluate(() => services.loadIdentity()), null);
  const ensure = (byte) => page.evaluate(async (b) => Array.from(await services.ensureIdentity(new Uint8Array(32).fill(b))), byte);
  const first = await ensure(200);
  assert.deepEqual(await ensure(5), first);
  await page.reload();
  await page.waitForFunction(() => globalThis.ready === true);
  await page.evaluate(refuse);
  assert.deepEqual(await ensure(6), first);
  await page.context().close();
});

test("text is copied, with the clipboard API and without it", async () => {
  for (const secure of [true, false]) {
    const page = await site.open({ permissions: ["clipboard-read", "clipboard-write"] });
    await page.evaluate((keep) => {
      if (!keep) Object.defineProperty(globalThis, "isSecureContext", { value: false });
      const button = document.body.appendChild(document.createElement("button"));
      button.textContent = "Copy";
      button.onclick = async () => (globalThis.copied = await services.copyText("link 😀\nsecond"));
    }, secure);
    await page.getByRole("button", { name: "Copy" }).click();
    await page.waitForFunction(() => globalThis.copied !== undefined);
    assert.equal(await page.evaluate(() => copied), true, `secure: ${secure}`);
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "link 😀\nsecond", `secure: ${secure}`);
    assert.equal(await page.evaluate(() => document.querySelectorAll("textarea").length), 0);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Copy");
    await page.context().close();
  }
});

test("waking is told until one stops listening", async () => {
  const page = await site.open();
  const told = await page.evaluate(() => {
    let calls = 0;
    const counts = [];
    const stop = services.requestWakeEvents(() => (calls += 1));
    const fire = () => {
      dispatchEvent(new Event("online"));
      dispatchEvent(new Event("pageshow"));
      document.dispatchEvent(new Event("visibilitychange"));
      counts.push(calls);
    };
    fire();
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    fire();
    stop();
    fire();
    return counts;
  });
  assert.deepEqual(told, [3, 5, 5]);
  await page.context().close();
});
