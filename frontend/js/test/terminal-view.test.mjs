//! A terminal in a browser: what it shows, what it tells, and what it keeps to itself.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { start } from "./harness.mjs";

let harness;
let page;

before(async () => {
  harness = await start();
});

after(async () => {
  await harness.close();
});

beforeEach(async () => {
  page = await harness.open();
  await page.evaluate(async () => {
    await terminal();
    shell.screen(40, 10, "$ ");
    shell.view.mayType = true;
    shell.view.xterm.focus();
    await shell.parsed();
  });
});

const told = (what) => page.evaluate((what) => shell.told.filter(([told]) => told === what).map(([, first]) => first), what);

test("no program gets an answer from here", async () => {
  const questions = [
    "\x1b[c", "\x1b[0c", "\x1b[>c", "\x1b[=c", "\x1b[5n", "\x1b[6n", "\x1b[?6n", "\x1b[?996n", "\x1b[14t", "\x1b[18t", "\x1b[21t",
    "\x1b[?25$p", "\x1b[4$p", "\x1bP$qm\x1b\\", "\x1bP$q q\x1b\\", "\x1bP+q544e\x1b\\", "\x1b]10;?\x07", "\x1b]11;?\x1b\\", "\x1b]12;?\x07",
    "\x1b]4;1;?\x07", "\x1b]4;1;#ff0000;2;?\x07", "\x1b]52;c;?\x07", "\x1b]52;c;aGVsbG8=\x07", "\x1b[>q", "\x1b[?u", "\x05", "\x1bZ",
    "\x1b[?1004h", "\x1b[?1004;2004h", "\x1b[?1000;1004h", "\x9bc", "\x9b6n",
  ];
  await page.evaluate(async (questions) => {
    for (const question of questions) shell.output(question);
    await shell.parsed();
    shell.view.xterm.blur();
    shell.view.xterm.focus();
  }, questions);
  assert.deepEqual(await told("input"), []);
  await page.keyboard.type("x");
  assert.deepEqual(await told("input"), ["x"]);
  assert.deepEqual(page.problems, []);
});

test("what is skipped is said between what was and what is", async () => {
  const rows = await page.evaluate(async () => {
    shell.output("one\r\ntwo\r\n$ ");
    shell.screen(30, 6, "much later\r\n$ ", { kept: false, skipped: 3_240_000 });
    shell.output("still here");
    await shell.parsed();
    return Array.from({ length: 7 }, (_, y) => shell.row(y));
  });
  assert.deepEqual(rows, ["$ one", "two", "$ ", "--- 3.2 MB of output were skip", "ped here ---", "much later", "$ still here"]);
  assert.match(await page.getByTestId("terminal-skipped").innerText(), /^3\.2 MB of output were skipped here\./);
  await page.getByRole("button", { name: "Show what the host kept" }).click();
  assert.deepEqual(await told("kept"), [undefined]);
  assert.equal(await page.getByTestId("terminal-skipped").isVisible(), false);
});

test("a program that fills the screen leaves nothing behind in the history", async () => {
  const [history, type, first] = await page.evaluate(async () => {
    shell.output("\x1b[?1049h\x1b[Hfull screen");
    shell.screen(40, 10, "after\r\n$ ", { kept: false, skipped: 10 });
    await shell.parsed();
    return [shell.view.xterm.buffer.normal.baseY, shell.view.xterm.buffer.active.type, shell.row(0)];
  });
  assert.equal(type, "normal");
  assert.equal(history, 3, "the prompt and the two lines of the note");
  assert.equal(first, "$ ");
});

test("a flood that nobody can follow is dropped, and a screen asked for once", async () => {
  const rows = await page.evaluate(async () => {
    const piece = "0123456789abcdef".repeat(4096);
    for (let i = 0; i < 200; i += 1) shell.output(piece);
    const asked = shell.told.filter(([what]) => what === "behind").length;
    shell.screen(40, 10, "the end", { kept: false });
    const note = document.querySelector(".terminal-note");
    for (let i = 0; i < 100 && note.hidden; i += 1) await new Promise((done) => setTimeout(done, 50));
    await shell.parsed();
    const buffer = shell.view.xterm.buffer.active;
    return [asked, note.textContent, shell.row(buffer.baseY)];
  });
  assert.equal(rows[0], 1);
  assert.match(rows[1], /^1[0-9]\.\d MB of output/);
  assert.equal(rows[2], "the end");
});

test("who may not type is told, once in a while and not for the mouse", async () => {
  await page.evaluate(async () => {
    shell.view.mayType = false;
    shell.output("\x1b[?1000h\x1b[?1006h");
    await shell.parsed();
  });
  await page.locator(".xterm-screen").click();
  assert.deepEqual(await told("refused"), []);
  await page.keyboard.type("abc");
  assert.deepEqual(await told("refused"), [undefined]);
  assert.deepEqual(await told("input"), []);
});

test("pasted lines are asked about, unless the program tells pasted from typed", async () => {
  const paste = (text) =>
    page.evaluate((text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }, text);
  await paste("one line");
  await paste("rm -rf x\n");
  assert.deepEqual(await told("input"), ["one line"]);
  assert.deepEqual(await told("paste"), ["rm -rf x\n"]);
  await page.evaluate(async () => {
    shell.output("\x1b[?2004h");
    await shell.parsed();
  });
  // Nothing pasted ends the paste by itself.
  await paste("a\nb\x1b[201~c");
  assert.equal((await told("input")).at(-1), "\x1b[200~a\rb\u241b[201~c\x1b[201~");
});

test("a small window makes letters smaller, down to what can be read, and then scrolls", async () => {
  const size = () =>
    page.evaluate(async () => {
      await shell.parsed();
      await frame();
      const stage = document.querySelector(".terminal-stage");
      return [shell.view.xterm.options.fontSize, stage.scrollWidth > stage.clientWidth];
    });
  const show = (columns) => page.evaluate((columns) => shell.screen(columns, 10, "$ "), columns);
  await show(40);
  assert.deepEqual(await size(), [13, false]);
  await show(140);
  const [font, scrolls] = await size();
  assert.ok(font < 13 && font >= 9, String(font));
  assert.equal(scrolls, false);
  await show(300);
  assert.deepEqual(await size(), [9, true]);
});

test("the way out, and keys that are the page's", async () => {
  await page.keyboard.press("Tab");
  assert.deepEqual(await told("input"), ["\t"]);
  await page.keyboard.press("Control+f");
  await page.keyboard.type("xyz");
  assert.deepEqual(await told("input"), ["\t"]);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+c");
  assert.deepEqual(await told("input"), ["\t", "\x03"]);
  await page.evaluate(() => {
    shell.view.mayType = false;
  });
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.classList.contains("xterm-helper-textarea")), false);
});

test("a program's links lead to the web only, by Ctrl and a press, and show where they lead", async () => {
  await page.evaluate(async () => {
    globalThis.opened = [];
    globalThis.open = (address) => void opened.push(address);
    for (const [row, address] of ["javascript:alert(1)", "file:///etc/passwd", "https://example.org/there"].entries()) {
      shell.output(`\x1b[${row + 1};1H\x1b]8;;${address}\x07it looks fine\x1b]8;;\x07`);
    }
    shell.output("\x1b[5;1Hplain https://example.net/plain");
    await shell.parsed();
    await frame();
  });
  const screen = await page.locator("#one .xterm-screen").boundingBox();
  const cell = { width: screen.width / 40, height: screen.height / 10 };
  const tip = page.locator("#one .terminal-link");
  const point = (row, column) => page.mouse.move(screen.x + (column + 0.5) * cell.width, screen.y + (row + 0.5) * cell.height);
  const press = async (key) => {
    if (key) await page.keyboard.down(key);
    await page.mouse.down();
    await page.mouse.up();
    if (key) await page.keyboard.up(key);
  };
  const opened = () => page.evaluate(() => globalThis.opened);
  for (const [row, column, address] of [[2, 4, "https://example.org/there"], [4, 10, "https://example.net/plain"]]) {
    await point(9, 30);
    await point(row, column);
    await tip.filter({ hasText: address }).waitFor({ state: "visible" });
    await press();
    assert.deepEqual(await opened(), [], "a press alone is a press in the program");
    await press("Control");
    assert.deepEqual((await opened()).splice(0), [address]);
    await page.evaluate(() => void globalThis.opened.splice(0));
  }
  for (const row of [0, 1]) {
    await point(9, 30);
    await tip.waitFor({ state: "hidden" });
    await point(row, 4);
    await press("Control");
    await page.evaluate(() => globalThis.frame());
    assert.equal(await tip.isVisible(), false);
    assert.deepEqual(await opened(), []);
  }
});

test("rows are there for a screen reader, as soon as somebody wants them", async () => {
  const tree = page.locator("#one .xterm-accessibility-tree");
  assert.equal(await tree.count(), 0);
  await page.evaluate(async () => {
    shell.view.screenReader = true;
    shell.output("read this aloud");
    await shell.parsed();
  });
  await tree.getByText("$ read this aloud").waitFor({ state: "attached" });
  await page.evaluate(() => void (shell.view.screenReader = false));
  await tree.waitFor({ state: "detached" });
});

test("letters grow, and clearing forgets what scrolled away and has the program draw the rest", async () => {
  const height = () => page.evaluate(() => document.querySelector("#one .xterm-screen").getBoundingClientRect().height);
  const before = await height();
  await page.evaluate(() => void (shell.view.fontSize = 20));
  await page.waitForFunction((before) => document.querySelector("#one .xterm-screen").getBoundingClientRect().height > before, before);
  const history = await page.evaluate(async () => {
    const { active } = shell.view.xterm.buffer;
    shell.output("line\r\n".repeat(30));
    await shell.parsed();
    const before = active.baseY;
    shell.view.clear();
    await shell.parsed();
    return [before, active.baseY];
  });
  assert.deepEqual(history, [21, 0]);
  assert.deepEqual(await told("input"), ["\x0c"]);
});
