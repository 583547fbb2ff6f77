//! Large things stay usable: a text of 10 MB, a repository of 100,000 files, a folder of 10,000.

import { closeSync, linkSync, mkdirSync, openSync } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "../lib/test.ts";

const MEGABYTE = 1_000_000;

test("a file of 10 MB opens, takes typing and is saved", async ({ share, join }) => {
  const line = (at: number) => `${String(at).padStart(7, "0")} The quick brown fox jumps over the lazy dog, again and again, for ever and ever.\n`;
  const lines = Math.ceil((10 * MEGABYTE) / line(0).length);
  const text = Array.from({ length: lines }, (_, at) => line(at)).join("");
  const agent = await share({ "large.txt": text });
  const ada = await join(agent.editorLink, "Ada");

  const asked = Date.now();
  await ada.openFile("large.txt");
  const editor = ada.editor("large.txt");
  await expect(editor.content).toBeVisible({ timeout: 30_000 });
  const opened = Date.now();
  await editor.caret("behind", "0000001 The");
  await ada.page.keyboard.type(" really");
  await expect(ada.page.getByText("0000001 The really quick")).toBeVisible();
  const typed = Date.now();
  const end = text.length + " really".length;
  await editor.select([end, end]);
  await ada.page.keyboard.type("The end.");
  await expect(ada.sync).toHaveAttribute("data-state", "saved", { timeout: 30_000 });
  console.log(`10 MB: shown after ${opened - asked} ms, 7 keys at its beginning took ${typed - opened} ms, saved after ${Date.now() - typed} ms`);

  const disk = await agent.read("large.txt");
  expect(disk.length).toBe(text.length + " really".length + "The end.".length);
  expect(disk.startsWith(line(0) + line(1).replace("The", "The really"))).toBe(true);
  expect(disk.endsWith(`${line(lines - 1)}The end.`)).toBe(true);
  expect((await stat(agent.path("large.txt"))).size).toBe(disk.length);
});

test("a repository of 100,000 files, 10,000 of them in one folder", async ({ share, browserOf }) => {
  test.setTimeout(120_000);
  const agent = await share({ "README.md": "# Large\n" });
  const touch = (folder: string, count: number) => {
    mkdirSync(agent.path(folder), { recursive: true });
    const name = (at: number) => path.join(agent.path(folder), `file-${String(at).padStart(5, "0")}.txt`);
    closeSync(openSync(name(0), "w"));
    // Names are what is tested; a second name for a file is made sooner than a file.
    for (let at = 1; at < count; at++) linkSync(name(0), name(at));
  };
  touch("many", 10_000);
  for (let folder = 0; folder < 90; folder++) touch(`packages/package-${folder}`, 1000);

  const ada = await browserOf();
  await ada.page.goto(agent.editorLink);
  await ada.nameField.fill("Ada");
  const { entered, listed } = await ada.page.evaluate(async () => {
    const seen = (selector: string) =>
      new Promise<number>((resolve) => {
        const look = () => (document.querySelector(selector) ? resolve(performance.now()) : requestAnimationFrame(look));
        look();
      });
    const begin = performance.now();
    document.querySelector<HTMLElement>("[data-testid=join-submit]")?.click();
    const [live, row] = await Promise.all([seen("[data-testid=connection-state][data-state=live]"), seen("[role=treeitem][aria-label='README.md']")]);
    return { entered: Math.round(live - begin), listed: Math.round(row - live) };
  });
  await expect(ada.tree.getByRole("treeitem")).toHaveText(["many", "packages", "README.md"]);
  console.log(`100,000 files: joined in ${entered} ms, the root listed ${listed} ms later`);
  expect(listed).toBeLessThan(1000);

  const opened = Date.now();
  await ada.entry("many").click();
  await expect(ada.entry("file-00000.txt")).toBeVisible();
  console.log(`10,000 entries: shown after ${Date.now() - opened} ms`);
  await expect(ada.entry("file-00000.txt")).toHaveAttribute("aria-setsize", "10000");
  const drawn = () => ada.tree.getByRole("treeitem").count();
  expect(await drawn(), "rows in the page").toBeLessThan(120);

  // Wheel after wheel, while the page tells how long each of its frames took.
  await ada.tree.hover();
  await ada.page.evaluate(() => {
    const frames: number[] = [];
    let last = performance.now();
    const frame = (now: number) => {
      frames.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    Object.assign(globalThis, { frames });
  });
  const top = () => ada.tree.evaluate((tree) => tree.scrollTop);
  for (let turn = 0; turn < 100; turn++) await ada.page.mouse.wheel(0, 400);
  await expect.poll(top).toBeGreaterThan(35_000);
  const frames = await ada.page.evaluate(() => (globalThis as unknown as { frames: number[] }).frames.slice(1));
  const sorted = [...frames].sort((one, other) => one - other);
  const at = (part: number) => Math.round(sorted[Math.floor(sorted.length * part)] ?? 0);
  console.log(`10,000 entries: ${frames.length} frames while scrolling, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(0.9999)} ms`);
  // On a quiet machine p95 is to be below 34 ms. A busy one skips frames, but most come in time and none hangs.
  expect(at(0.5)).toBeLessThan(34);
  expect(at(0.95)).toBeLessThan(500);
  expect(await drawn()).toBeLessThan(120);
  expect(await ada.tree.getByRole("treeitem").last().getAttribute("aria-label")).toMatch(/^file-0\d{4}\.txt$/);

  // The last one of them by the keyboard, and a file that a shell adds shows up in its place.
  await ada.tree.focus();
  await ada.page.keyboard.press("Home");
  await expect(ada.entry("many")).toBeVisible();
  await ada.page.keyboard.type("file-09999");
  await expect(ada.entry("file-09999.txt")).toBeVisible();
  await agent.write("many/file-09999.txt.new", "");
  await expect(ada.entry("file-09999.txt.new")).toBeVisible();
});
