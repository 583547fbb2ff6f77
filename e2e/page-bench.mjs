//! How long, and how many bytes, from opening a link to a letter in the text: the release page in Chromium.
//!
//! Cold is a browser profile that has never seen Parlor, warm the same profile once more. A script types the name and
//! opens the file as soon as it can, so what is measured is the page and not a person.
//!
//! node page-bench.mjs [--quick]; PARLOR_BIN and CHROMIUM say which programs. Progress goes to standard error, the
//! tables to standard output, between the marks of docs/performance.md.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "@playwright/test";

const RUNS = process.argv.includes("--quick") ? 1 : 5;
const LIMIT_BYTES = 600_000;
const LIMIT_MS = 1500;
const FILE = "main.rs";
/** None stands in the file, so each is seen when it comes. */
const LETTERS = [..."QZXJKWVYHG"];
const PATIENCE_MS = 30_000;

/**
 * Runs in the page before anything else: joins, opens the file and types the moment it can, and notes in milliseconds
 * since the link was opened when things appear. Typing is an input event like a key's, without the way from Node here.
 */
function hurry([file, letter]) {
  const seen = (window.parlorBench = {});
  const note = (what) => (seen[what] ??= performance.now());
  const setValue = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  let joined = false;
  let opened = false;
  const look = () => {
    const name = document.querySelector('[data-testid="join-name"]');
    const join = document.querySelector('[data-testid="join-submit"]');
    if (!joined && name && join) {
      note("join");
      if (name.value === "") {
        setValue.call(name, "Bench");
        name.dispatchEvent(new Event("input", { bubbles: true }));
      }
      if (!join.disabled) {
        joined = true;
        join.click();
      }
    }
    const entries = document.querySelectorAll('[data-testid="file-tree"] [role="treeitem"]');
    const entry = [...entries].find((entry) => entry.textContent.includes(file));
    if (!opened && entry) {
      opened = true;
      note("tree");
      entry.click();
    }
    const editor = document.querySelector(`[aria-label="Editor: ${file}"][contenteditable="true"]`);
    if (editor && !seen.editor) {
      note("editor");
      editor.focus();
      document.execCommand("insertText", false, letter);
    }
    if (editor && !seen.letter && editor.textContent.includes(letter)) {
      note("letter");
      window.parlorTyped();
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
  // What changes without a mutation: the value of a field, a control that is enabled by a property.
  const frame = () => {
    look();
    if (!seen.letter) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/** Shares a folder with the release program. */
async function share() {
  const folder = path.join(await mkdtemp(path.join(tmpdir(), "parlor-page-bench-")), "project");
  await mkdir(folder);
  const line = (n) => `fn line_${n}() -> u32 {\n    // One line of a file of ordinary size.\n    ${n}\n}\n`;
  await writeFile(path.join(folder, FILE), Array.from({ length: 60 }, (_, n) => line(n)).join("\n"));
  const agent = spawn(process.env.PARLOR_BIN ?? "target/release/parlor", ["share", folder, "--output", "json"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, RUST_LOG: "warn" },
  });
  const lines = createInterface({ input: agent.stdout });
  const sharing = await new Promise((resolve, reject) => {
    lines.once("line", (line) => resolve(JSON.parse(line)));
    agent.once("error", reject);
    agent.once("exit", (code) => reject(new Error(`the agent ended with ${code}`)));
  });
  // Everything else it prints is read and dropped.
  lines.on("line", () => {});
  return {
    link: sharing.invites.find((invite) => invite.role === "editor").url,
    async end() {
      const over = new Promise((resolve) => agent.once("exit", resolve));
      agent.removeAllListeners("exit").once("exit", () => {});
      agent.kill("SIGINT");
      await Promise.race([over, new Promise((resolve) => agent.once("close", resolve))]);
      await rm(path.dirname(folder), { recursive: true, force: true });
    },
  };
}

/** Opens the link in a new tab, where a letter is typed. */
async function open(browser, link, letter) {
  const page = await browser.newPage();
  const network = await browser.newCDPSession(page);
  await network.send("Network.enable");
  // Events may come later than what they tell of: each has its time, in seconds of the browser's own clock.
  const arrived = [];
  let opened;
  network.on("Network.requestWillBeSent", ({ timestamp }) => (opened ??= timestamp));
  network.on("Network.loadingFinished", ({ timestamp, encodedDataLength }) => arrived.push({ timestamp, http: encodedDataLength, socket: 0 }));
  network.on("Network.webSocketFrameReceived", ({ timestamp, response }) => arrived.push({ timestamp, http: 0, socket: Buffer.byteLength(response.payloadData, "base64") }));
  let typed;
  const isTyped = new Promise((resolve) => (typed = resolve));
  await page.exposeFunction("parlorTyped", typed);
  await page.addInitScript(hurry, [FILE, letter]);
  await page.goto(link, { waitUntil: "commit" });
  const late = new Promise((_, reject) => setTimeout(reject, PATIENCE_MS, new Error("no letter came into the text")).unref());
  await Promise.race([isTyped, late]);
  // The letter is not only drawn: the host has written it.
  await page.locator('[data-testid="sync-state"][data-state="saved"]').waitFor({ timeout: PATIENCE_MS });
  const seen = await page.evaluate(() => window.parlorBench);
  await page.close();
  const until = arrived.filter(({ timestamp }) => timestamp <= opened + seen.letter / 1000);
  const sum = (field) => until.reduce((total, piece) => total + piece[field], 0);
  const files = until.filter(({ http }) => http > 0).length;
  return { files, http: sum("http"), socket: sum("socket"), bytes: sum("http") + sum("socket"), join: 0, ...seen };
}

function median(runs, field) {
  const sorted = runs.map((run) => run[field]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

const agent = await share();
const runs = { cold: [], warm: [] };
try {
  for (let run = 0; run < RUNS; run++) {
    const profile = await mkdtemp(path.join(tmpdir(), "parlor-page-bench-profile-"));
    const browser = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      headless: true,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    try {
      for (const kind of ["cold", "warm"]) {
        const result = await open(browser, agent.link, LETTERS.shift());
        runs[kind].push(result);
        console.error(`${kind} ${run + 1}: ${result.letter.toFixed(0)} ms, ${result.bytes} bytes, ${JSON.stringify(result)}`);
      }
    } finally {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    }
  }
} finally {
  await agent.end();
}

const row = (kind) => {
  const of = (field) => median(runs[kind], field);
  const times = ["join", "tree", "editor", "letter"].map((field) => `${of(field).toFixed(0)} ms`);
  return `| ${[kind, of("files"), of("http"), of("socket"), ...times].join(" | ")} |`;
};
const verdict = (what, limit, measured) =>
  `| ${what} | ${limit} | ${measured.toFixed(0)} | ${measured <= limit ? "yes" : "**no**"} |`;
console.log(`<!-- begin page -->
| profile | files | HTTP bytes | WebSocket bytes | join page | tree | editor | letter in the text |
|--:|--:|--:|--:|--:|--:|--:|--:|
${row("cold")}
${row("warm")}
<!-- end page -->
<!-- begin page-promises -->
| what | at most | measured | holds |
|--:|--:|--:|--:|
${verdict("bytes until a letter is in the text, cold", LIMIT_BYTES, median(runs.cold, "bytes"))}
${verdict("ms until a letter is in the text, cold", LIMIT_MS, median(runs.cold, "letter"))}
<!-- end page-promises -->`);
