//! Lets what could not be loaded be loaded later: a plugin for esbuild.

import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

/** Fetches files, so that the import that follows finds them in the browser's cache. Stands at the end of each module that needs it. */
const FETCH_ALL = `
async function parlorFetchAll(files) {
  await Promise.all(files.map(async (file) => {
    const answer = await fetch(new URL(file, import.meta.url));
    if (!answer.ok) throw new Error(answer.status + " for " + file);
    await answer.arrayBuffer();
  }));
}
`;

/**
 * Makes every `import("./part.js")` of the output fetch that file, and what it needs, before it imports them.
 *
 * Browsers keep a module's failure until the page is loaded anew (HTML, "fetch a single module script"): asking for it
 * again is of no use. A fetch that failed can be tried again.
 */
export const fetchFirst = {
  name: "fetch-first",
  setup(build) {
    build.initialOptions.metafile = true;
    build.onEnd(async ({ errors, metafile, outputFiles }) => {
      if (errors.length > 0) return;
      const folder = build.initialOptions.absWorkingDir ?? process.cwd();
      for (const [name, { imports }] of Object.entries(metafile.outputs)) {
        const late = imports.filter(({ kind, external }) => kind === "dynamic-import" && !external);
        // One for each place that imports it: languages share grammars.
        const targets = new Set(late.map(({ path: target }) => target));
        if (targets.size === 0) continue;
        // With `write: false` the files are only here.
        const kept = outputFiles?.find((file) => path.basename(file.path) === path.basename(name));
        const place = path.join(folder, name);
        const there = reach(metafile.outputs, name);
        let code = kept?.text ?? (await readFile(place, "utf8"));
        for (const target of targets) {
          const missing = [...reach(metafile.outputs, target)].filter((file) => !there.has(file));
          code = fetchBefore(code, path.basename(target), missing.map((file) => path.basename(file)));
        }
        code += FETCH_ALL;
        if (kept) kept.contents = new TextEncoder().encode(code);
        else await writeFile(place, code);
      }
    });
  },
};

/** A file and all that it imports statically: what is loaded with it. */
function reach(outputs, name, found = new Set()) {
  found.add(name);
  for (const { path: next, kind, external } of outputs[name].imports) {
    if (kind === "import-statement" && !external && !found.has(next)) reach(outputs, next, found);
  }
  return found;
}

/** Puts the fetch of `files` before each import of `target` in the code; they stand in one folder. */
function fetchBefore(code, target, files) {
  let count = 0;
  const changed = code.replace(/\bimport\("([^"]*\/)([^"/]*)"\)/g, (statement, folder, name) => {
    if (name !== target) return statement;
    count += 1;
    return `parlorFetchAll(${JSON.stringify(files.map((file) => folder + file))}).then(() => ${statement})`;
  });
  if (count === 0) throw new Error(`no import of ${target} was found: see fetch-first.mjs`);
  return changed;
}
