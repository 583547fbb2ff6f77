// Takes the pictures of the documentation: a real agent, real guests, each state in both themes.
//
//   node e2e/screenshots.mjs [OUT]     OUT: docs/images unless given; needs target/debug/parlor and dist/page
//
// Files are made small by `pngquant` if it is installed. The example is copied, so that it stays as it is.

import { execFileSync, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const out = path.resolve(process.argv[2] ?? path.join(root, "docs/images"));
const only = process.argv[3];
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((file) => existsSync(file));

/** Agents that must not outlive this script. */
const running = new Set();

/** Starts an agent on a copy of an example; `links` has the host's link and one for each role. */
async function share(...flags) {
  const folder = path.join(await mkdtemp(path.join(os.tmpdir(), "parlor-pictures-")), "python-web");
  await cp(path.join(root, "examples/python-web"), folder, { recursive: true, filter: (file) => !file.includes("__pycache__") });
  await writeFile(path.join(folder, "notes.bin"), Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * 37) % 256)));
  const agent = spawn(path.join(root, "target/debug/parlor"), ["share", folder, "--output", "json", ...flags], { stdio: ["ignore", "pipe", "ignore"] });
  running.add(agent);
  const lines = readline.createInterface({ input: agent.stdout });
  const sharing = await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const event = JSON.parse(line);
      if (event.event === "sharing") resolve(event);
    });
    agent.on("exit", (code) => reject(new Error(`the agent ended with ${code}`)));
  });
  const links = Object.fromEntries(sharing.invites.map((invite) => [invite.role, invite.url]));
  const end = () =>
    new Promise((resolve) => {
      if (agent.exitCode !== null || agent.signalCode !== null) return resolve();
      agent.once("exit", resolve);
      agent.kill("SIGINT");
    });
  return {
    host: sharing.host_url,
    ...links,
    folder,
    end,
    vanish: () => agent.kill("SIGKILL"),
    async clean() {
      await end();
      await rm(path.dirname(folder), { recursive: true, force: true });
    },
  };
}

async function open(browser, link, size, colorScheme) {
  const context = await browser.newContext({ ...size, colorScheme, deviceScaleFactor: 1, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => console.error(`page: ${error.message}`));
  await page.goto(link);
  await page.locator(".page, .room").first().waitFor();
  return page;
}

async function join(browser, link, name, size, colorScheme) {
  const page = await open(browser, link, size, colorScheme);
  await page.getByTestId("join-name").fill(name);
  await page.getByTestId("join-submit").click();
  await page.getByTestId("file-tree").or(page.getByText("Waiting for the host")).first().waitFor();
  return page;
}

/** Opens a file by its path in the tree. */
async function openFile(page, file) {
  const parts = file.split("/");
  for (const depth of parts.keys()) {
    const row = page.locator(`.row[data-path="${parts.slice(0, depth + 1).join("/")}"]`);
    await row.waitFor();
    if (depth === parts.length - 1) await row.click();
    else if ((await row.getAttribute("aria-expanded")) !== "true") await row.click();
  }
}

async function caretAt(page, text, { select = 0 } = {}) {
  await page.evaluate(
    ([text, select]) => {
      const host = [...document.querySelectorAll(".cm-editor")].map((node) => node.parentElement).find((node) => node.parlorEditor);
      const at = host.parlorEditor.text().indexOf(text);
      host.parlorEditor.setSelection(Uint32Array.of(at, at + select), 0, "none");
      host.parlorEditor.focus();
    },
    [text, select],
  );
}

async function shot(page, name) {
  if (only && !name.includes(only)) return;
  await page.waitForTimeout(350);
  const file = path.join(out, `${name}.png`);
  await page.screenshot({ path: file, animations: "disabled", caret: "initial" });
  try {
    execFileSync("pngquant", ["--force", "--skip-if-larger", "--ext", ".png", "--quality", "60-95", "--strip", file], { stdio: "ignore" });
  } catch {
    // Not installed, or it would not get smaller: the picture stays as it is.
  }
  console.log(`${path.relative(root, file)} ${Math.round((await stat(file)).size / 1024)} KB`);
}

async function room(browser, scheme) {
  const session = await share("--name", "Maria");
  const maria = await join(browser, session.host, "Maria Kowalska", desktop, scheme);
  const ada = await join(browser, session.editor, "Ada", desktop, scheme);
  const jin = await join(browser, session.editor, "Jin Woo", desktop, scheme);
  for (const page of [maria, ada, jin]) await openFile(page, "wiki/app.py");
  await maria.getByTestId("editor").waitFor();
  for (const file of ["wiki/markup.py", "README.md", "wiki/app.py"]) await openFile(maria, file);
  await openFile(ada, "wiki/markup.py");
  await openFile(ada, "wiki/app.py");
  await caretAt(maria, "def ");
  await caretAt(jin, "import", { select: 30 });
  await caretAt(ada, "class ");
  await ada.keyboard.press("End");
  await ada.keyboard.type("  # one for each request", { delay: 10 });
  await jin.keyboard.press("Shift+ArrowDown");
  await shot(maria, `room-${scheme}`);

  await maria.getByRole("button", { name: "People", exact: true }).first().click();
  await maria.getByTestId("participants").waitFor();
  await shot(maria, `people-${scheme}`);
  await maria.getByRole("button", { name: "Explorer", exact: true }).first().click();

  await openFile(maria, "static/garden.png");
  await maria.locator(".image-stage img").waitFor();
  await shot(maria, `image-${scheme}`);
  await openFile(maria, "notes.bin");
  await maria.getByTestId("file-notice").waitFor();
  await shot(maria, `not-a-text-${scheme}`);

  await openFile(maria, "wiki/app.py");
  await maria.getByTestId("share").click();
  await shot(maria, `share-${scheme}`);
  await maria.keyboard.press("Escape");
  await maria.keyboard.press("F1");
  await maria.getByTestId("command-palette").waitFor();
  await maria.keyboard.type("part");
  await shot(maria, `palette-${scheme}`);
  await maria.keyboard.press("Escape");

  const pocket = await join(browser, session.viewer, "Sam", phone, scheme);
  await openFile(pocket, "wiki/app.py");
  await pocket.getByTestId("editor").waitFor();
  await shot(pocket, `phone-editor-${scheme}`);
  await pocket.getByRole("button", { name: "Files", exact: true }).click();
  await shot(pocket, `phone-files-${scheme}`);
  await pocket.getByRole("button", { name: "People", exact: true }).click();
  await shot(pocket, `phone-people-${scheme}`);

  await openFile(ada, "wiki/markup.py");
  await rm(path.join(session.folder, "wiki/markup.py"));
  await ada.locator(".banner").waitFor();
  await shot(ada, `deleted-${scheme}`);
  await openFile(ada, "wiki/app.py");
  await ada.getByTestId("editor").waitFor();
  await ada.getByTestId("editor").focus();
  session.vanish();
  await ada.locator(".strip").waitFor();
  await ada.keyboard.type(" ");
  await shot(ada, `reconnecting-${scheme}`);
  await session.clean();
}

/** Somebody whose connection can be cut and mended, with a file open. */
async function onAWire(browser, session, file, size, scheme) {
  const context = await browser.newContext({ ...size, colorScheme: scheme, deviceScaleFactor: 1, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const sockets = new Set();
  let broken = false;
  await page.routeWebSocket(/\/socket$/, (socket) => {
    if (broken) return void socket.close();
    socket.connectToServer();
    sockets.add(socket);
  });
  await page.goto(session.editor);
  await page.getByTestId("join-name").fill("Ada");
  await page.getByTestId("join-submit").click();
  await page.getByTestId("file-tree").waitFor();
  if (size.isMobile) await page.getByRole("button", { name: "Files", exact: true }).click();
  await openFile(page, file);
  await page.getByTestId("editor").waitFor();
  const cut = async () => {
    broken = true;
    for (const socket of sockets) await socket.close();
    await page.getByTestId("reconnecting").waitFor();
  };
  const mend = async () => {
    broken = false;
    // It may come back by itself first.
    await page.getByRole("button", { name: "Try now" }).click({ timeout: 1000 }).catch(() => {});
  };
  return { page, cut, mend };
}

async function offline(browser, scheme) {
  for (const [prefix, size] of [["", desktop], ["phone-", phone]]) {
    const session = await share("--name", "Maria");
    const { page, cut, mend } = await onAWire(browser, session, "wiki/markup.py", size, scheme);
    await cut();
    await caretAt(page, "def ");
    await page.keyboard.type("# keeps links and code as they are\n", { delay: 5 });
    await page.waitForTimeout(800);
    await page.reload();
    await page.getByTestId("editor").waitFor();
    await shot(page, `${prefix}offline-${scheme}`);
    const file = path.join(session.folder, "wiki/markup.py");
    const changed = (await readFile(file, "utf8")).replaceAll("text", "source");
    await writeFile(file, `${changed}${"\n# a note that somebody else wrote in the meantime, at some length\n".repeat(40)}`);
    await page.waitForTimeout(1500);
    await mend();
    await page.getByTestId("held").waitFor();
    await shot(page, `${prefix}held-${scheme}`);
    await page.keyboard.press("Escape");
    await shot(page, `${prefix}held-banner-${scheme}`);
    await page.getByRole("button", { name: "Look at my edits" }).click();
    await page.getByRole("button", { name: "Keep a copy" }).click();
    await page.getByTestId("toast").getByRole("button", { name: "Show my text" }).click();
    await page.getByTestId("unsent-text").waitFor();
    await shot(page, `${prefix}unsent-${scheme}`);
    await page.context().close();
    await session.clean();
  }
}

/** Terminals: typed in by several, read-only, split, on a phone, and after a flood. */
async function terminals(browser, scheme) {
  // What a person's shell looks like, the same everywhere.
  const prompt = "\\[\\e[1;32m\\]maria\\[\\e[0m\\]:\\[\\e[1;34m\\]wiki\\[\\e[0m\\]$ ";
  const session = await share("--name", "Maria", "--terminal", "bash --rcfile .shell", "--terminal", "python3 -m unittest -v");
  await writeFile(path.join(session.folder, ".shell"), `PS1='${prompt}'; alias ls='ls --color=always'; cd "${session.folder}"\n`);
  const maria = await join(browser, session.host, "Maria Kowalska", desktop, scheme);
  const ada = await join(browser, session.editor, "Ada", desktop, scheme);
  await join(browser, session.editor, "Jin Woo", desktop, scheme);
  await openFile(maria, "wiki/app.py");
  await openFile(ada, "wiki/app.py");
  const command = async (page, name) => {
    await page.keyboard.press("F1");
    await page.getByTestId("command-palette").getByRole("combobox").fill(name);
    await page.keyboard.press("Enter");
  };
  const tab = (page, at) => page.getByTestId("terminal-panel").getByRole("tab").nth(at).click();
  await command(maria, "Terminal: Focus");
  await tab(maria, 0);
  await maria.locator(".terminal-pane .xterm-screen").waitFor();
  await maria.waitForTimeout(500);
  await maria.keyboard.type("exec bash --rcfile .shell\n");
  await maria.keyboard.type("clear; ls -l; git -c color.ui=always --no-pager diff --stat --no-index wiki/app.py wiki/markup.py\n");
  await tab(ada, 0);
  await ada.waitForTimeout(800);
  await shot(ada, `terminal-read-only-${scheme}`);
  await command(maria, "Live Share: Make Terminal Read/Write");
  await ada.getByTestId("terminal-read-only").waitFor({ state: "detached" });
  await tab(ada, 0);
  await ada.keyboard.type("wc -l wiki/*.py\n# so do I", { delay: 10 });
  await maria.getByTestId("terminal-flag").filter({ hasText: "Ada" }).waitFor();
  await shot(maria, `terminal-${scheme}`);
  await maria.getByRole("button", { name: "Two side by side" }).click();
  await maria.waitForTimeout(600);
  await shot(maria, `terminal-split-${scheme}`);
  await maria.getByRole("button", { name: "More about this terminal" }).click();
  await shot(maria, `terminal-menu-${scheme}`);
  await maria.keyboard.press("Escape");

  const pocket = await join(browser, session.editor, "Sam", phone, scheme);
  await pocket.getByRole("button", { name: "Terminal", exact: true }).click();
  await tab(pocket, 0);
  await pocket.waitForTimeout(1200);
  await shot(pocket, `phone-terminal-${scheme}`);

  await maria.getByRole("button", { name: "Two side by side" }).click();
  await tab(maria, 0);
  await maria.keyboard.press("Control+c");
  // A page that can not keep up, as on a slow machine.
  const devtools = await maria.context().newCDPSession(maria);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: 10 });
  await maria.keyboard.type("clear; seq 1 3000000; echo done\n");
  await maria.getByTestId("terminal-skipped").waitFor({ timeout: 90_000 });
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  await maria.getByTestId("terminal-rows").filter({ hasText: /done\s+maria/ }).waitFor({ state: "attached", timeout: 90_000 });
  await shot(maria, `terminal-skipped-${scheme}`);
  await session.clean();
}

async function door(browser, scheme) {
  const session = await share("--name", "Maria", "--approve", "always");
  await shot(await open(browser, session.editor, desktop, scheme), `join-${scheme}`);
  await shot(await open(browser, session.editor, phone, scheme), `phone-join-${scheme}`);
  await shot(await open(browser, session.editor.slice(0, -12), desktop, scheme), `cut-link-${scheme}`);
  const maria = await join(browser, session.host, "Maria Kowalska", desktop, scheme);
  const ada = await join(browser, session.editor, "Ada", desktop, scheme);
  await maria.getByTestId("approval").waitFor();
  await shot(maria, `approval-${scheme}`);
  await ada.locator(".word").first().waitFor();
  await shot(ada, `lobby-${scheme}`);
  await maria.getByRole("button", { name: "Deny" }).click();
  await ada.locator(".page[data-page=failed], .page[data-page=removed]").waitFor();
  await shot(ada, `denied-${scheme}`);
  await session.end();
  await maria.locator(".page[data-page=ended]").waitFor();
  await shot(maria, `ended-${scheme}`);
  await session.clean();
}

await mkdir(out, { recursive: true });
const browser = await chromium.launch({ executablePath, args });
try {
  for (const scheme of ["light", "dark"]) {
    if (process.env.TERMINALS) {
      await terminals(browser, scheme);
      continue;
    }
    if (!process.env.ROOM && !process.env.OFFLINE) await door(browser, scheme);
    await offline(browser, scheme);
    if (process.env.OFFLINE) continue;
    await room(browser, scheme);
    await terminals(browser, scheme);
    for (const context of browser.contexts()) await context.close();
  }
} finally {
  for (const agent of running) agent.kill("SIGKILL");
  await browser.close();
}
