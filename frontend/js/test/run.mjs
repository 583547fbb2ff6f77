//! Runs the tests of the bundles in a real browser: `node test/run.mjs [part of a test's name]`; the exit code tells.
//! PARLOR_SEED=N gives the random tests other plans.

import { run } from "node:test";
import { spec } from "node:test/reporters";
import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const files = readdirSync(here)
  .filter((name) => name.endsWith(".test.mjs"))
  .map((name) => path.join(here, name));
const [wanted] = process.argv.slice(2);

const stream = run({ files, concurrency: 1, ...(wanted ? { testNamePatterns: [wanted] } : {}) });
let passed = 0;
stream.on("test:pass", ({ skip }) => {
  if (skip === undefined) passed += 1;
});
stream.on("test:fail", () => {
  process.exitCode = 1;
});
stream.on("end", () => {
  if (passed > 0 || process.exitCode) return;
  console.error("no test ran");
  process.exitCode = 1;
});
stream.compose(new spec()).pipe(process.stdout);
