//! Serves the bundles on loopback and opens them in headless Chromium.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { fetchFirst } from "../fetch-first.mjs";
import { historyApart } from "../history-apart.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What the real page sends, so that a bundle that needs more fails here. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; base-uri 'none'";

const PAGE = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Editor</title>
<link rel="stylesheet" href="/theme.css"><link rel="icon" href="data:,">
<style>body { margin: 0; background: var(--surface-editor) } #one, #two { height: 300px }</style>
<div id="one"></div><div id="two"></div><script type="module" src="/page.js"></script></html>`;

const require = createRequire(import.meta.url);

/** @returns {string} */
function chromiumPath() {
  const known = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const found = known.find((candidate) => candidate && existsSync(candidate));
  if (!found) throw new Error("Chromium was not found: install it, or name its program in CHROMIUM");
  return found;
}

/** Bundles, serves and opens a browser; `close` ends all three. */
export async function start() {
  const { outputFiles, metafile } = await build({
    entryPoints: { page: path.join(here, "page.js") },
    outdir: "/",
    bundle: true,
    format: "esm",
    splitting: true,
    plugins: [historyApart, fetchFirst],
    minify: true,
    target: "es2022",
    write: false,
    metafile: true,
    chunkNames: "[name]-[hash]",
    logLevel: "warning",
    absWorkingDir: path.dirname(require.resolve("../package.json")),
  });
  const files = new Map(outputFiles.map((file) => [`/${path.basename(file.path)}`, file.contents]));
  files.set("/", PAGE);
  files.set("/theme.css", await readFile(path.join(here, "../../../static/theme.css")));

  const requests = [];
  const server = createServer((request, response) => {
    requests.push(request.url);
    const content = files.get(request.url);
    const type = { ".js": "text/javascript", ".css": "text/css" }[path.extname(request.url)] ?? "text/html";
    response.writeHead(content === undefined ? 404 : 200, { "content-type": type, "content-security-policy": POLICY });
    response.end(content ?? "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: FLAGS });

  return {
    requests,
    outputs: metafile.outputs,
    browser,
    origin,
    /** A fresh page in a fresh profile; its errors are collected in `page.problems`. */
    async open(options = {}) {
      const context = await browser.newContext({ viewport: { width: 900, height: 600 }, ...options });
      const page = await context.newPage();
      page.problems = [];
      page.on("pageerror", (error) => page.problems.push(String(error)));
      page.on("console", (message) => message.type() === "error" && page.problems.push(message.text()));
      await page.goto(origin);
      await page.waitForFunction(() => globalThis.ready === true);
      return page;
    },
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
