//! The page's own program crashes: nothing goes on as if nothing had happened, and nothing that was typed is gone.

import type { Page } from "@playwright/test";
import { expect, test } from "../lib/test.ts";

/**
 * Makes the program panic at its next look at the clock: there is no time that is infinite. Nothing in the page knows of
 * tests; the browser lies.
 */
async function breakClock(page: Page): Promise<void> {
  await page.evaluate(() => {
    Performance.prototype.now = () => Number.POSITIVE_INFINITY;
  });
}

/** What a page says while it crashes is what this is about. */
function forget(complaints: string[]): void {
  const expected = /unreachable|panicked|RuntimeError|cannot convert|can not convert|memory access|recursive use|CodeMirror/;
  const others = complaints.filter((complaint) => !expected.test(complaint));
  complaints.length = 0;
  complaints.push(...others);
}

test("a panic stops the page, says so, and what was typed is there after a reload", async ({ share, join, complaints }) => {
  // Long, and not of letters of one byte each.
  const rest = "\u{fc}ber \u{1f389} lines\n".repeat(2000);
  const agent = await share({ "notes.txt": `one\n${rest}`, "other.txt": "other\n" });
  const ada = await join(agent.editorLink, "Ada");
  const ben = await join(agent.editorLink, "Ben");
  await ben.edit("notes.txt");
  await ada.edit("other.txt");
  const editor = await ada.edit("notes.txt");
  await editor.typeBehind("one", " two");
  await ada.expectSaved();

  await breakClock(ada.page);
  await editor.content.focus();
  await ada.page.keyboard.type("!?");
  const dialog = ada.page.getByRole("alertdialog", { name: "This page has stopped" });
  await expect(dialog).toBeVisible();
  await ada.expectConnection("ended");
  await expect(ada.connection).toHaveText("Stopped");

  // Frozen: no key changes what is shown, and none reaches anybody.
  const shown = ada.page.locator(".cm-content");
  await expect(shown).toHaveAttribute("contenteditable", "false");
  const before = await shown.textContent();
  await ada.page.keyboard.type("into nowhere");
  await ada.page.keyboard.press("Escape");
  await ada.page.keyboard.press("Escape");
  await ada.page.keyboard.press("F1");
  await expect(dialog).toBeVisible();
  expect(await shown.textContent()).toBe(before);
  await expect(ada.palette).toHaveCount(0);

  await expect(dialog.getByTestId("crashed-text")).toContainText("This browser keeps it");
  // The host knows that she is not there.
  await expect(await ben.person("Ada")).toHaveCount(0);

  await ada.page.keyboard.press("Tab");
  await expect(dialog.getByRole("button", { name: "Reload the page" })).toBeFocused();
  await ada.page.keyboard.press("Enter");
  await ada.expectConnection("live");
  // It comes back as the same person, to the same place, and has the text that nobody else has.
  await expect(ada.tab("notes.txt")).toHaveAttribute("aria-selected", "true");
  await ada.toast("Text that did not reach a host").getByRole("button", { name: "Show my text" }).click();
  const kept = ada.page.getByRole("dialog", { name: "Your text, as it was here" });
  await expect(kept.getByTestId("unsent-text")).toHaveCount(1);
  await expect(kept.getByTestId("unsent-text")).toContainText("notes.txt");
  await ada.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await kept.getByRole("button", { name: "Copy" }).click();
  await expect(kept.getByTestId("unsent-text")).toContainText("Copied");
  const text = await ada.page.evaluate(() => navigator.clipboard.readText());
  expect(text.replace("two!?", "two!")).toBe(`one two!\n${rest}`);
  // The host has the part that was sent.
  expect([`one two\n${rest}`, `one two!\n${rest}`]).toContain(await agent.read("notes.txt"));
  forget(complaints);
});

test("a crash while the host has everything says so, and offers nothing afterwards", async ({ share, join, complaints }) => {
  const agent = await share({ "notes.txt": "one\n" });
  const ada = await join(agent.editorLink, "Ada");
  const editor = await ada.edit("notes.txt");
  await editor.typeBehind("one", " two");
  await ada.expectSaved();

  await breakClock(ada.page);
  // No text is typed: the page looks at its clock when others do.
  await agent.write("notes.txt", "one two\nthree\n");
  const dialog = ada.page.getByRole("alertdialog", { name: "This page has stopped" });
  await expect(dialog).toBeVisible();
  await expect(dialog.getByTestId("crashed-text")).toContainText("Everything you typed is with the host");
  await dialog.getByRole("button", { name: "Reload the page" }).click();
  await ada.expectConnection("live");
  await ada.editor("notes.txt").expectText("one two\nthree\n");
  await expect(ada.page.getByTestId("toast")).toHaveCount(0);
  forget(complaints);
});

test("a trap without a panic is a crash, too", async ({ share, browserOf, complaints }) => {
  const agent = await share({ "notes.txt": "one\n" });
  const ada = await browserOf();
  // Keeps the program's memory and functions where this test finds them; the page itself gives them to nobody.
  await ada.page.addInitScript(() => {
    const keep = (result: WebAssembly.WebAssemblyInstantiatedSource) => {
      (globalThis as { kept?: WebAssembly.Exports }).kept ??= result.instance.exports;
      return result;
    };
    const { instantiateStreaming, instantiate } = WebAssembly;
    WebAssembly.instantiateStreaming = async (...all) => keep(await instantiateStreaming(...all));
    WebAssembly.instantiate = (async (...all: Parameters<typeof instantiate>) => {
      const result = (await instantiate(...all)) as unknown;
      return result instanceof WebAssembly.Instance ? result : keep(result as WebAssembly.WebAssemblyInstantiatedSource);
    }) as typeof instantiate;
  });
  await ada.join(agent.editorLink, "Ada");
  await ada.edit("notes.txt");
  const found = await ada.page.evaluate(() => {
    const exports = (globalThis as { kept?: WebAssembly.Exports }).kept ?? {};
    const memory = Object.values(exports).find((value) => value instanceof WebAssembly.Memory);
    const free = Object.entries(exports).find(([, value]) => typeof value === "function" && (value as { length?: number }).length === 3)?.[1] as CallableFunction | undefined;
    if (!memory || !free) return false;
    // Outside of any memory, from an event of its own: nobody's code catches it.
    setTimeout(() => free(0xfffffff0, 0x7ffffff0, 0xfffffff0), 0);
    return true;
  });
  expect(found, "the program's exports").toBe(true);
  await expect(ada.page.getByTestId("crashed")).toBeVisible();
  await ada.expectConnection("ended");
  forget(complaints);
});

test("what the browser does not keep is shown, to be copied", async ({ share, join, complaints }) => {
  const agent = await share({ "notes.txt": "one\n" });
  const ada = await join(agent.editorLink, "Ada");
  const editor = await ada.edit("notes.txt");
  await editor.typeBehind("one", " two");
  await ada.expectSaved();
  await ada.page.evaluate(() => {
    IDBDatabase.prototype.transaction = () => {
      throw new DOMException("no room", "QuotaExceededError");
    };
  });
  await breakClock(ada.page);
  await editor.content.focus();
  await ada.page.keyboard.type("!");
  const dialog = ada.page.getByTestId("crashed");
  await expect(dialog.getByTestId("crashed-text")).toContainText("Copy it before you reload");
  await expect(dialog.getByRole("textbox", { name: "notes.txt" })).toHaveValue("one two!\n");
  await ada.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await dialog.getByRole("button", { name: "Copy this text" }).click();
  await expect(dialog.getByRole("button", { name: "Copied" })).toBeVisible();
  expect(await ada.page.evaluate(() => navigator.clipboard.readText())).toBe("one two!\n");
  forget(complaints);
});
