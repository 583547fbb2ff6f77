//! Takes out of wasm-bindgen's output what a browser need not read, before wasm-opt: `node shorten.mjs PKG`.
//!
//! The names by which the wasm and its JavaScript know each other are long and end in hashes, which no compression makes
//! smaller, and they stand in both files. And classes that leptos brings along, and nothing here makes an object of, keep
//! their code in the wasm alive.

import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [IMPORTS, EXPORTS] = [2, 7];
const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/**
 * The same program with names of one or two letters, and without what is exported for nobody.
 * @param {string} glue the JavaScript
 * @param {Uint8Array} wasm
 * @returns {{ glue: string, wasm: Uint8Array }}
 * @throws {Error} when wasm-bindgen writes something else than it did
 */
export function shorten(glue, wasm) {
  glue = withoutUnmadeClasses(glue);
  const [own] = /"\.\/[\w-]+_bg\.js"(?=: import0)/.exec(glue) ?? fail("no object of imports");
  const module = JSON.parse(own);
  const imported = new Map();
  const exported = new Map();
  for (const [, name] of glue.matchAll(/\bwasm\.(\w+)/g)) exported.set(name, exported.get(name) ?? short(exported.size));
  const sections = sectionsOf(wasm).map(({ id, content }) => {
    if (id === IMPORTS) {
      const entries = importsOf(content).map((entry) => {
        if (entry.module !== module) return entry;
        if (imported.has(entry.name)) fail(`${entry.name} is imported twice`);
        imported.set(entry.name, short(imported.size));
        return { ...entry, module: "w", name: imported.get(entry.name) };
      });
      content = vector(entries.map(({ module, name, type }) => [...string(module), ...string(name), ...type]));
    } else if (id === EXPORTS) {
      const entries = exportsOf(content).filter(({ name }) => exported.has(name));
      if (entries.length !== exported.size) fail("an export is missing");
      content = vector(entries.map(({ name, item }) => [...string(exported.get(name)), ...item]));
    }
    return [id, ...number(content.length), content];
  });
  let found = 0;
  glue = glue
    .replace(own, '"w"')
    .replace(/\bwasm\.(\w+)/g, (_, name) => `wasm.${exported.get(name)}`)
    // The members of the object of imports, which are methods of nothing else.
    .replace(/^ {8}(\w+): /gm, (member, name) => {
      if (!imported.has(name)) return member;
      found += 1;
      return `        ${imported.get(name)}: `;
    });
  if (found !== imported.size) fail("an import is missing");
  return { glue, wasm: Buffer.concat([wasm.subarray(0, 8), ...sections.flatMap((parts) => [Buffer.from(parts.slice(0, -1)), Buffer.from(parts.at(-1))])]) };
}

/** Drops the exported classes that are named by nothing but themselves: only the wasm could make one, through an import. */
function withoutUnmadeClasses(glue) {
  for (const [declaration, name] of [...glue.matchAll(/^export class (\w+) \{\n.*?^\}\n/gms)]) {
    const disposal = `if (Symbol.dispose) ${name}.prototype[Symbol.dispose] = ${name}.prototype.free;\n`;
    const registry = new RegExp(`^const ${name}Finalization = .*?;\\n`, "ms");
    const rest = glue.replace(declaration, "").replace(disposal, "").replace(registry, "");
    if (!new RegExp(`\\b${name}(Finalization)?\\b`).test(rest)) glue = rest;
  }
  return glue;
}

/** a to z, then two letters and so on. */
function short(index) {
  const rest = Math.floor(index / LETTERS.length);
  return (rest > 0 ? short(rest - 1) : "") + LETTERS[index % LETTERS.length];
}

/** The sections of a wasm module, as they follow each other. */
function sectionsOf(wasm) {
  const sections = [];
  const reader = new Reader(wasm, 8);
  while (!reader.done) {
    const id = reader.byte();
    sections.push({ id, content: reader.take(reader.number()) });
  }
  return sections;
}

function importsOf(content) {
  const reader = new Reader(content);
  return Array.from({ length: reader.number() }, () => {
    const [module, name, start] = [reader.string(), reader.string(), reader.at];
    if (reader.byte() !== 0) fail("something other than a function is imported");
    reader.number();
    return { module, name, type: content.subarray(start, reader.at) };
  });
}

function exportsOf(content) {
  const reader = new Reader(content);
  return Array.from({ length: reader.number() }, () => {
    const [name, start] = [reader.string(), reader.at];
    reader.byte();
    reader.number();
    return { name, item: content.subarray(start, reader.at) };
  });
}

/** Reads wasm's binary format: numbers in LEB128, everything else behind its length. */
class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get done() {
    return this.at >= this.bytes.length;
  }

  byte() {
    if (this.done) fail("the wasm ends too early");
    return this.bytes[this.at++];
  }

  number() {
    let [value, factor, byte] = [0, 1, 0];
    do {
      byte = this.byte();
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
    } while (byte & 0x80);
    return value;
  }

  take(length) {
    this.at += length;
    if (this.at > this.bytes.length) fail("the wasm ends too early");
    return this.bytes.subarray(this.at - length, this.at);
  }

  string() {
    return new TextDecoder().decode(this.take(this.number()));
  }
}

const number = (value) => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...number(value >>> 7)]);
const string = (text) => [...number(Buffer.byteLength(text)), ...Buffer.from(text)];
const vector = (items) => [...number(items.length), ...items.flat()];

function fail(what) {
  throw new Error(`wasm-bindgen writes other things than it did: ${what} (shorten.mjs)`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [glueFile, wasmFile] = ["parlor-frontend.js", "parlor-frontend_bg.wasm"].map((name) => path.join(process.argv[2], name));
  const { glue, wasm } = shorten(await readFile(glueFile, "utf8"), await readFile(wasmFile));
  await writeFile(glueFile, glue);
  await writeFile(wasmFile, wasm);
}
