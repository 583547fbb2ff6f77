// Bundles the page: wasm-bindgen's output, the editor, the styles and the icons become one page.
//
//   node bundle.mjs --pkg DIR --out DIR [--release]   the whole page (called by `cargo xtask`)
//   node bundle.mjs --vendor [DIR]                    only what the import map of index.html names (called by Trunk)

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import { build } from "esbuild";
import { fetchFirst } from "./fetch-first.mjs";
import { historyApart } from "./history-apart.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");

/** The bare specifiers that the Rust side imports, and the sources behind them. */
const entries = {
  "parlor-browser": path.join(here, "browser.entry.js"),
  "parlor-editor": path.join(here, "editor.entry.js"),
  "parlor-terminal": path.join(here, "terminal.entry.js"),
};

/** What both ways to build have in common. */
const common = {
  bundle: true,
  format: "esm",
  splitting: true,
  target: "es2022",
  // Icons are a few hundred bytes each and all in one stylesheet: no request for each of them.
  loader: { ".wasm": "file", ".svg": "dataurl", ".png": "file", ".woff2": "file" },
  // wasm-bindgen's output, which imports the bare specifiers, stands elsewhere.
  nodePaths: [path.join(here, "node_modules")],
  plugins: [historyApart, fetchFirst],
  logLevel: "warning",
};

/** The endings of compressed files and what makes them. A browser takes brotli only where its connection is secure. */
const codings = { ".br": promisify(brotliCompress), ".gz": promisify(gzip) };

/** Styles in the order of the cascade. */
const styles = ["theme.css", "app.css"].map((name) => path.join(root, "static", name)).filter(existsSync);

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pkg: { type: "string" },
    out: { type: "string" },
    release: { type: "boolean", default: false },
    vendor: { type: "boolean", default: false },
  },
});

if (options.vendor) {
  await bundleVendor(path.resolve(positionals[0] ?? path.join(process.env.TRUNK_STAGING_DIR ?? "dist", "vendor")));
} else if (options.pkg && options.out) {
  await bundlePage(path.resolve(options.pkg), path.resolve(options.out), options.release);
} else {
  console.error("usage: bundle.mjs --pkg DIR --out DIR [--release] | --vendor [DIR]");
  process.exit(2);
}

/** What index.html names besides Trunk's own output. Trunk does not hash it, so the names stay. */
async function bundleVendor(out) {
  const modules = Object.entries(entries).map(([name, file]) => ({ in: file, out: name.replace("parlor-", "") }));
  await build({
    ...common,
    entryPoints: [...modules, ...styles.map((file) => ({ in: file, out: path.parse(file).name }))],
    outdir: out,
    publicPath: "/vendor/",
  });
}

/** Writes OUT/index.html, OUT/assets/* and, beside OUT, OUT.json: which files the page needs before one can type. */
async function bundlePage(pkg, out, release) {
  const assets = path.join(out, "assets");
  await rm(out, { recursive: true, force: true });
  await mkdir(assets, { recursive: true });

  const wasmFile = path.join(pkg, "parlor-frontend_bg.wasm");
  const main = [
    ...styles.map((file) => `import ${JSON.stringify(file)};`),
    `import start from ${JSON.stringify(path.join(pkg, "parlor-frontend.js"))};`,
    `import wasm from ${JSON.stringify(wasmFile)};`,
    `try {`,
    `  await start({ module_or_path: wasm });`,
    `} catch (error) {`,
    `  document.getElementById("boot-failed")?.removeAttribute("hidden");`,
    `  throw error;`,
    `}`,
  ].join("\n");

  const { metafile } = await build({
    ...common,
    absWorkingDir: here,
    stdin: { contents: main, resolveDir: here, sourcefile: "main.js", loader: "js" },
    alias: entries,
    outdir: assets,
    publicPath: "/assets/",
    entryNames: "main-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    minify: release,
    legalComments: release ? "external" : "inline",
    metafile: true,
  });

  const files = neededFiles(metafile);
  const icon = await copyHashed(path.join(root, "static", "favicon.svg"), assets);
  const template = await readFile(path.join(root, "frontend", "index.html"), "utf8");
  const addressed = (name) => `/assets/${name}`;
  const links = pageLinks({
    main: addressed(files.main),
    chunks: files.chunks.map(addressed),
    styles: files.styles.map(addressed),
    wasm: addressed(files.wasm),
    icon: icon && addressed(icon),
  });
  await writeFile(path.join(out, "index.html"), fillTemplate(template, links));

  if (release) {
    await Promise.all((await readdir(assets)).map((name) => compress(path.join(assets, name))));
  }
  const needed = [files.main, ...files.chunks, ...files.styles, files.wasm].map((name) => `assets/${name}`);
  await writeFile(`${out}.json`, `${JSON.stringify(["index.html", ...needed], null, 2)}\n`);
}

/** Leaves FILE.br and FILE.gz beside a file that gets smaller: the agent embeds them and sends them as they are. */
async function compress(file) {
  if (/\.(png|woff2)$/.test(file)) return;
  const content = await readFile(file);
  for (const [ending, make] of Object.entries(codings)) {
    const compressed = await make(content);
    if (compressed.length < content.length) await writeFile(file + ending, compressed);
  }
}

/** What the browser fetches at once: the entry, the chunks it imports statically, its styles and the wasm. */
function neededFiles({ outputs }) {
  const [mainPath, entry] = Object.entries(outputs).find(([, output]) => output.entryPoint === "main.js");
  const chunks = new Set();
  let wasm;
  const visit = (file) => {
    for (const { path: imported, kind, external } of outputs[file].imports) {
      if (external) continue;
      if (kind === "file-loader" && imported.endsWith(".wasm")) wasm = path.basename(imported);
      if (kind !== "import-statement" || chunks.has(imported)) continue;
      chunks.add(imported);
      visit(imported);
    }
  };
  visit(mainPath);
  return {
    main: path.basename(mainPath),
    chunks: [...chunks].map((file) => path.basename(file)),
    styles: entry.cssBundle ? [path.basename(entry.cssBundle)] : [],
    wasm,
  };
}

/** Copies a file under a name that changes with its content; a missing file gives no name. */
async function copyHashed(file, folder) {
  if (!existsSync(file)) return undefined;
  const content = await readFile(file);
  const { name, ext } = path.parse(file);
  const copy = `${name}-${hash(content)}${ext}`;
  await writeFile(path.join(folder, copy), content);
  return copy;
}

/** As long as esbuild's, which is enough to tell two builds of a file apart. */
function hash(content) {
  return createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
}

/** The lines of the head that fetch what the page needs, all at once. */
function pageLinks({ main, chunks, styles, wasm, icon }) {
  return [
    ...(icon ? [`<link rel="icon" href="${icon}" type="image/svg+xml">`] : []),
    ...styles.map((address) => `<link rel="stylesheet" href="${address}">`),
    `<link rel="preload" as="fetch" type="application/wasm" crossorigin href="${wasm}">`,
    ...chunks.map((address) => `<link rel="modulepreload" href="${address}">`),
    `<script type="module" src="${main}"></script>`,
  ];
}

/** Puts the lines where the template has Trunk's. */
function fillTemplate(template, lines) {
  const marked = /( *)<!-- page:head -->.*<!-- \/page:head -->/s;
  if (!marked.test(template)) throw new Error("frontend/index.html has lost its page:head marks");
  return template.replace(marked, (_, indent) => lines.map((line) => indent + line).join("\n"));
}
