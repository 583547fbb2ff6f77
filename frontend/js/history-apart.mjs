//! Lets what is typed first be undone without all of CodeMirror's commands: a plugin for esbuild.

import { readFile } from "node:fs/promises";
import path from "node:path";

/** What the other commands need, and the history does not: all that is known about syntax. */
const SYNTAX = /^import \{.*\} from '(@codemirror\/language|@lezer\/common)';$/gm;
/** The one statement among them that esbuild would keep, since it may do something. */
const IMPURE = / = new NodeProp\(/g;

/**
 * Gives `editor/history.js` a copy of `@codemirror/commands` of its own, of which only the history remains.
 *
 * esbuild splits by file: what two chunks need of one file they share as a whole, with all that it imports. The other
 * commands, and syntax, stand in chunks that typing does not wait for; see `editor/late.js`.
 */
export const historyApart = {
  name: "history-apart",
  setup(build) {
    build.onResolve({ filter: /^@codemirror\/commands$/ }, async ({ path: name, importer, kind, resolveDir, pluginData }) => {
      if (pluginData === historyApart || path.basename(importer) !== "history.js") return undefined;
      const found = await build.resolve(name, { importer, kind, resolveDir, pluginData: historyApart });
      return { path: found.path, namespace: "history", sideEffects: false, errors: found.errors };
    });
    build.onLoad({ filter: /./, namespace: "history" }, async ({ path: file }) => {
      const commands = await readFile(file, "utf8");
      if (commands.match(SYNTAX)?.length !== 2) throw new Error("@codemirror/commands imports other things than it did: see history-apart.mjs");
      return { contents: commands.replace(SYNTAX, "").replace(IMPURE, " = /*@__PURE__*/ new NodeProp("), resolveDir: path.dirname(file) };
    });
  },
};
