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

test("a database of before keeps its identity and gets room for drafts", async () => {
  const page = await site.open();
  await page.evaluate(
    () =>
      new Promise((resolve) => {
        const request = indexedDB.open("parlor", 1);
        request.onupgradeneeded = () => request.result.createObjectStore("keys").put(new Uint8Array(32).fill(7), "identity");
        request.onsuccess = () => resolve(request.result.close());
      }),
  );
  const kept = await page.evaluate(async () => services.keepDraft("k", "s", 1, new Uint8Array([1, 2]), 9, 99));
  assert.equal(kept, "kept");
  assert.deepEqual(await page.evaluate(async () => Array.from(await services.loadIdentity())), Array(32).fill(7));
  await page.context().close();
});

test("drafts are kept, read, listed newest first and removed", async () => {
  const page = await site.open();
  const keep = (key, byte, count = 9, bytes = 99) =>
    page.evaluate(([key, byte, count, bytes]) => services.keepDraft(key, "s", 3, new Uint8Array(10).fill(byte), count, bytes), [key, byte, count, bytes]);
  assert.equal(await keep("a", 1), "kept");
  await page.waitForFunction((before) => Date.now() > before, await page.evaluate(() => Date.now()));
  assert.equal(await keep("b", 2), "kept");
  await page.reload();
  await page.waitForFunction(() => globalThis.ready === true);
  const list = async () => (await page.evaluate(() => services.listDrafts())).map(({ key, session, participant }) => [key, session, participant]);
  assert.deepEqual(await list(), [["b", "s", 3], ["a", "s", 3]]);
  assert.deepEqual(await page.evaluate(async () => Array.from(await services.readDraft("a"))), Array(10).fill(1));
  // What does not fit is not kept, and takes nobody's place; what is there may be written over.
  assert.equal(await keep("c", 3, 2), "full");
  assert.equal(await keep("c", 3, 9, 29), "full");
  assert.equal(await keep("a", 4, 2, 20), "kept");
  // Another tab makes room, and this one learns of it when it needs it.
  const other = await page.context().newPage();
  await other.goto(site.origin);
  await other.waitForFunction(() => globalThis.ready === true);
  await other.evaluate(() => services.removeDraft("b"));
  assert.equal(await keep("c", 3, 2), "kept");
  await page.evaluate(() => services.removeDraft("c"));
  assert.deepEqual(await list(), [["a", "s", 3]]);
  assert.equal(await page.evaluate(() => services.readDraft("b")), null);
  await page.context().close();
});

test("what is kept on the way out of the page is there after it", async () => {
  const page = await site.open();
  await page.evaluate(() => {
    const keep = (byte) => services.keepDraft("a", "s", 3, new Uint8Array(10).fill(byte), 9, 99);
    addEventListener("pagehide", () => keep(2));
    return keep(1);
  });
  await page.reload();
  await page.waitForFunction(() => globalThis.ready === true);
  assert.deepEqual(await page.evaluate(async () => Array.from(await services.readDraft("a"))), Array(10).fill(2));
  assert.equal((await page.evaluate(() => services.listDrafts())).length, 1);
  await page.context().close();
});

test("a browser that keeps nothing says so", async () => {
  const page = await site.open();
  await page.evaluate(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException("refused", "SecurityError");
    };
  });
  assert.equal(await page.evaluate(() => services.listDrafts()), null);
  assert.equal(await page.evaluate(() => services.keepDraft("a", "s", 1, new Uint8Array(1), 9, 99)), "refused");
  assert.equal(await page.evaluate(() => services.readDraft("a")), null);
  await page.evaluate(() => services.removeDraft("a"));
  await page.context().close();
});

test("one living tab at a time holds a claim, with locks and without", async () => {
  for (const locks of [true, false]) {
    const page = await site.open();
    const other = await page.context().newPage();
    await other.goto(site.origin);
    await other.waitForFunction(() => globalThis.ready === true);
    const without = () => Object.defineProperty(navigator, "locks", { value: undefined, configurable: true });
    if (!locks) for (const tab of [page, other]) await tab.evaluate(without);
    const claim = (tab, own = false) => tab.evaluate((own) => services.claim("name", own), own);
    assert.equal(await claim(page), true, `locks: ${locks}`);
    assert.equal(await claim(page), true, "it may ask twice");
    assert.equal(await claim(other), false);
    assert.equal(await claim(other, true), false, "a copy of a tab is not that tab");
    await page.evaluate(() => services.unclaim("name"));
    assert.equal(await claim(other), true);
    // A tab that is gone holds nothing.
    await other.reload();
    await other.waitForFunction(() => globalThis.ready === true);
    if (!locks) await other.evaluate(without);
    assert.equal(await claim(other, true), true);
    await other.close();
    assert.equal(await claim(page, true), true);
    await page.context().close();
  }
});

test("of tabs that claim at once exactly one has it, with locks and without", async () => {
  for (const locks of [true, false]) {
    const page = await site.open();
    const tabs = [page, await page.context().newPage(), await page.context().newPage()];
    for (const tab of tabs.slice(1)) await tab.goto(site.origin);
    for (const tab of tabs) {
      await tab.waitForFunction(() => globalThis.ready === true);
      if (!locks) await tab.evaluate(() => Object.defineProperty(navigator, "locks", { value: undefined, configurable: true }));
    }
    for (let round = 0; round < 5; round += 1) {
      const claims = await Promise.all(tabs.map((tab) => tab.evaluate((name) => services.claim(name, false), `name-${round}`)));
      assert.equal(claims.filter(Boolean).length, 1, `locks: ${locks}, ${claims}`);
    }
    await page.context().close();
  }
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
