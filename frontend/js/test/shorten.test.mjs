//! Short names between the wasm and its JavaScript: the same program comes out.

import assert from "node:assert/strict";
import { test } from "node:test";
import { shorten } from "../shorten.mjs";

const text = (string) => [string.length, ...Buffer.from(string)];
const section = (id, ...items) => {
  const content = [items.length, ...items.flat()];
  return [id, content.length, ...content];
};

/** Imports two functions, and exports `twice`, which adds what both give, and `unused`. */
function program() {
  const module = "./page_bg.js";
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [0x60, 0, 1, 0x7f]),
    ...section(2, [...text(module), ...text("__wbg_one_0123456789abcdef"), 0, 0], [...text("elsewhere"), ...text("two"), 0, 0]),
    ...section(3, [0], [0]),
    ...section(7, [...text("twice_of_both"), 0, 2], [...text("unused_free"), 0, 3]),
    ...section(10, [7, 0, 0x10, 0, 0x10, 1, 0x6a, 0x0b], [4, 0, 0x41, 7, 0x0b]),
  ]);
}

const glue = `export class Unused {
    free() {
        UnusedFinalization.unregister(this);
        wasm.unused_free(0);
    }
}
if (Symbol.dispose) Unused.prototype[Symbol.dispose] = Unused.prototype.free;

export class Used {
    free() {}
}

function __wbg_get_imports() {
    const import0 = {
        __proto__: null,
        __wbg_one_0123456789abcdef: function() {
            return new Used().free() ?? 40;
        },
    };
    return {
        "./page_bg.js": import0,
        "elsewhere": { two: () => 2 },
    };
}
const UnusedFinalization = (typeof FinalizationRegistry === 'undefined')
    ? { register: () => {}, unregister: () => {} }
    : new FinalizationRegistry(ptr => wasm.unused_free(ptr, 1));

let wasm;
export function start(module) {
    wasm = new WebAssembly.Instance(module, __wbg_get_imports()).exports;
    return wasm.twice_of_both();
}
`;

test("names become short, what nobody uses goes, and the program does the same", async () => {
  const short = shorten(glue, program());
  const module = new WebAssembly.Module(short.wasm);
  assert.deepEqual(WebAssembly.Module.imports(module).map(({ module, name }) => [module, name]), [["w", "a"], ["elsewhere", "two"]]);
  assert.deepEqual(WebAssembly.Module.exports(module).map(({ name }) => name), ["a"]);
  assert.doesNotMatch(short.glue, /unused|0123456789abcdef|twice_of_both/i);
  assert.match(short.glue, /class Used/);
  const { start } = await import(`data:text/javascript,${encodeURIComponent(short.glue)}`);
  assert.equal(start(module), 42);
});

test("what wasm-bindgen does not write is refused, instead of a page that does not start", () => {
  assert.throws(() => shorten(glue.replace("one_0123456789abcdef:", "other:"), program()), /an import is missing/);
  assert.throws(() => shorten(glue.replace("twice_of_both", "thrice"), program()), /an export is missing/);
  assert.throws(() => shorten(glue, program().subarray(0, 60)), /ends too early/);
});
