//! A native guest that types: the example `typist` of the backend.

import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { createInterface, type Interface } from "node:readline";
import { parlor, root } from "./agent.ts";

const program = process.env.TYPIST_BIN ?? path.join(path.dirname(parlor), "examples/typist");

/** What the typist types and where its places come from. */
export interface Typing {
  chars: number;
  seed: number;
  alphabet: string;
  name?: string;
}

/** A guest without a browser. */
export class Typist {
  #process: ChildProcessWithoutNullStreams;
  #lines: AsyncIterator<string>;
  #interface: Interface;
  #log = "";

  /** Joins, opens a file and begins to type. */
  constructor(link: string, file: string, typing: Typing) {
    if (!existsSync(program)) {
      execFileSync("cargo", ["build", "--quiet", "--package", "parlor", "--example", "typist"], { cwd: root, stdio: "inherit" });
    }
    const { chars, seed, alphabet, name = "Typist" } = typing;
    const flags = ["--chars", chars, "--seed", seed, "--alphabet", alphabet, "--name", name].map(String);
    this.#process = spawn(program, [link, file, ...flags]);
    this.#process.stderr.on("data", (piece) => (this.#log += piece));
    this.#interface = createInterface({ input: this.#process.stdout });
    this.#lines = this.#interface[Symbol.asyncIterator]();
  }

  /** Waits until it is in the room and has the file. */
  async joined(): Promise<void> {
    await this.#next("joined");
  }

  /** Waits until it has typed everything. */
  async typed(): Promise<void> {
    await this.#next("typed");
  }

  /** Its text, once all of it is with the host and on the disk. */
  async text(): Promise<string> {
    this.#process.stdin.write("\n");
    return String((await this.#next("text")).text);
  }

  /** Leaves. */
  async leave(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = new Promise<void>((resolve) => this.#process.once("exit", () => resolve()));
    this.#process.stdin.end();
    await exit;
  }

  /** Is gone at once. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  async #next(event: string): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the typist ended before it said ${event}: ${this.#log}`);
    const line = JSON.parse(value) as Record<string, unknown>;
    if (line.event !== event) throw new Error(`the typist said ${value} instead of ${event}`);
    return line;
  }
}
