//! The promise of Parlor in one story: everybody types everywhere at once, a program writes too, and nothing is lost.

import { type ChildProcess, spawn } from "node:child_process";
import { expect, test } from "../lib/test.ts";
import type { Editor } from "../lib/room.ts";

const CHARACTERS = 2000;
const START = "The text that stood there before.\nIt has two lines.\n";

/** Letters that only this author types, so that each of them can be counted. */
const ALPHABETS = { ada: "abcdefghijklm", bob: "NOPQRSTUVWXYZ", typist: "αβγδεζηθικλμνξοπρστυφχψω" };

/** Numbers that look random and are the same in each run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed >>> 0; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

/**
 * Types at random places: a tenth by keys, as a person does, the rest meanwhile by the editor's own way of changing its
 * text, four letters a frame. Gives what was typed.
 */
async function typeAnywhere(editor: Editor, alphabet: string, seed: number): Promise<string> {
  const random = numbers(seed);
  const below = (bound: number) => Math.floor(random.next().value * bound);
  const letters = (count: number) => Array.from({ length: count }, () => alphabet[below(alphabet.length)] ?? "").join("");
  const [keys, bursts] = [letters(CHARACTERS / 10), letters((CHARACTERS * 9) / 10)];
  const bursting = editor.insertAnywhere(bursts, seed, 4);
  for (let at = 0; at < keys.length; at += 5) {
    await editor.select([0, 0].fill(below(await editor.length())), "none");
    await editor.room.page.keyboard.type(keys.slice(at, at + 5));
  }
  await bursting;
  return keys + bursts;
}

/** How often each of these letters is in a text. */
function counted(text: string, alphabet: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const letter of alphabet) counts[letter] = 0;
  for (const letter of text) if (letter in counts) counts[letter] = (counts[letter] ?? 0) + 1;
  return counts;
}

/** A shell that appends a numbered line to a file ten times a second until it is told to stop. */
class Appender {
  #shell: ChildProcess;
  #log = "";

  constructor(file: string) {
    const script = 'i=0; while [ -e "$1" ] && [ ! -e "$1.stop" ]; do i=$((i+1)); printf "<%04d>\\n" $i >> "$1"; sleep 0.1; done; rm -f "$1.stop"; echo $i';
    this.#shell = spawn("sh", ["-c", script, "sh", file], { stdio: ["ignore", "pipe", "inherit"] });
    this.#shell.stdout?.on("data", (piece) => (this.#log += piece));
  }

  /** How many lines it appended, now that it has stopped. */
  async stop(agent: { write(name: string, content: string): Promise<void> }, name: string): Promise<number> {
    const exit = new Promise((resolve) => this.#shell.once("close", resolve));
    await agent.write(`${name}.stop`, "");
    await exit;
    return Number(this.#log);
  }
}

test("two browsers and a native guest type 2,000 characters each at random places while a shell appends", async ({ share, join, typist }) => {
  test.setTimeout(180_000);
  const agent = await share({ "shared.txt": START });
  const ada = await join(agent.editorLink, "Ada");
  const bob = await join(agent.editorLink, "Bob");
  const editors = { ada: await ada.edit("shared.txt"), bob: await bob.edit("shared.txt") };

  const appender = new Appender(agent.path("shared.txt"));
  const native = typist(agent.editorLink, "shared.txt", { chars: CHARACTERS, seed: 7, alphabet: ALPHABETS.typist });
  await native.joined();
  const began = Date.now();
  const timed = async <T>(work: Promise<T>) => ({ result: await work, seconds: (Date.now() - began) / 1000 });
  const [adas, bobs, natives] = await Promise.all([
    timed(typeAnywhere(editors.ada, ALPHABETS.ada, 1)),
    timed(typeAnywhere(editors.bob, ALPHABETS.bob, 2)),
    timed(native.typed()),
  ]);
  const appended = await appender.stop(agent, "shared.txt");
  console.log(`typed 2,000 characters each in ${adas.seconds} s (Ada), ${bobs.seconds} s (Bob), ${natives.seconds} s (native) beside ${appended} appended lines`);
  expect(appended, "the shell wrote all the while").toBeGreaterThan(20);

  const lines = Array.from({ length: appended }, (_, at) => `<${String(at + 1).padStart(4, "0")}>\n`).join("");
  const expected = START.length + 3 * CHARACTERS + lines.length;
  const texts = async () => [await editors.ada.text(), await editors.bob.text(), await agent.read("shared.txt")];
  await expect
    .poll(async () => (await texts()).map((text) => [...text].length), { timeout: 30_000, message: "everything typed and appended is everywhere" })
    .toEqual([expected, expected, expected]);
  await ada.expectSaved();
  await bob.expectSaved();
  const [one, other, disk] = await texts();
  expect(other).toBe(one);
  expect(disk).toBe(one);
  expect(await native.text()).toBe(one);
  await native.leave();

  // Nothing is missing, by author. What was there stands in its order, as do the appended lines.
  const text = one ?? "";
  expect(adas.result).toHaveLength(CHARACTERS);
  const before = (alphabet: string) => counted(START, alphabet);
  const plus = (counts: Record<string, number>, more: Record<string, number>) => Object.fromEntries(Object.entries(counts).map(([letter, count]) => [letter, count + (more[letter] ?? 0)]));
  expect(counted(text, ALPHABETS.ada)).toEqual(plus(counted(adas.result, ALPHABETS.ada), before(ALPHABETS.ada)));
  expect(counted(text, ALPHABETS.bob)).toEqual(plus(counted(bobs.result, ALPHABETS.bob), before(ALPHABETS.bob)));
  expect([...text].filter((letter) => ALPHABETS.typist.includes(letter))).toHaveLength(CHARACTERS);
  const strange = [...text].filter((letter) => /[<>0-9]/.test(letter)).join("");
  expect(strange).toBe(lines.replaceAll("\n", ""));
  expect(text.split("\n")).toHaveLength(START.split("\n").length + appended);
});
