//! What a text is, as guests see it: old encodings, mixed line ends, what is no text.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "../lib/test.ts";

test("a file in an old encoding is edited in it, and becomes UTF-8 when its encoding lacks a character", async ({ share, join }) => {
  const agent = await share({ "old.txt": Buffer.from("Stra\xdfe, sch\xf6n und s\xfc\xdf\r\n", "latin1") });
  const onDisk = () => readFile(path.join(agent.folder, "old.txt"));
  const ada = await join(agent.editorLink, "Ada");
  const editor = await ada.edit("old.txt");
  const encoding = ada.page.getByTestId("encoding");
  await editor.expectText("Straße, schön und süß\n");
  await expect(encoding).toHaveText("windows-1252");
  await editor.select([0, 0]);
  await ada.page.keyboard.type("ü");
  await expect.poll(onDisk).toEqual(Buffer.from("\xfcStra\xdfe, sch\xf6n und s\xfc\xdf\r\n", "latin1"));

  // What the encoding lacks is marked, and nothing stops typing.
  await ada.page.keyboard.type("ш");
  await expect(editor.content.locator(".parlor-lacking")).toHaveText("ш");
  await expect(ada.sync).toHaveAttribute("data-problem", "not-saved");
  await ada.page.keyboard.type("!");
  await editor.expectText("üш!Straße, schön und süß\n");
  await ada.page.getByRole("button", { name: "Save as UTF-8" }).click();
  await expect(encoding).toHaveText("UTF-8");
  await expect(editor.content.locator(".parlor-lacking")).toHaveCount(0);
  await expect.poll(onDisk).toEqual(Buffer.from("üш!Straße, schön und süß\r\n"));

  // A click on the status bar: what for, then which.
  await encoding.click();
  await ada.page.getByRole("option", { name: "Reopen with Encoding" }).click();
  await ada.page.getByRole("combobox", { name: "Reopen with Encoding" }).fill("UTF-16 LE");
  await ada.page.keyboard.press("Enter");
  await expect(ada.page.getByTestId("toast")).toContainText("is not in UTF-16 LE");
  await ada.page.keyboard.press("F1");
  await ada.page.getByRole("combobox").fill("Reopen with Encoding");
  await ada.page.keyboard.press("Enter");
  await ada.page.getByRole("combobox", { name: "Reopen with Encoding" }).fill("windows-1252");
  await ada.page.keyboard.press("Enter");
  await expect(encoding).toHaveText("windows-1252");
  await editor.expectToContain("StraÃŸe");
});

test("a damaged file is shown with marks, and read-only", async ({ share, join }) => {
  const agent = await share({ "damaged.log": Buffer.from("caf\xc3\xa9, na\xc3\xafve, \xc3(\n", "latin1") });
  const ada = await join(agent.editorLink, "Ada");
  const editor = await ada.edit("damaged.log");
  await editor.expectText("café, naïve, \ufffd(\n");
  await expect(editor.content).toHaveAttribute("aria-readonly", "true");
  await expect(ada.page.getByText("bytes that are no text")).toBeVisible();
  await expect(ada.page.getByTestId("encoding")).toHaveText("UTF-8 (read-only)");
});

test("typing at the end of a line of a mixed file, and what a paste may bring", async ({ share, join }) => {
  const agent = await share({ "mixed.txt": "one\r\ntwo\n" });
  const ada = await join(agent.editorLink, "Ada");
  const editor = await ada.edit("mixed.txt");
  await expect(ada.page.getByText("Mixed", { exact: true })).toBeVisible();
  await editor.select([3, 3]);
  await ada.page.keyboard.type(";");
  await agent.expectOnDisk("mixed.txt", "one;\r\ntwo\n");
  await editor.content.evaluate((content) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", "a\0b");
    content.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  });
  await agent.expectOnDisk("mixed.txt", "one;ab\r\ntwo\n");
  await expect(ada.page.getByTestId("toast")).toContainText("left out");
});
