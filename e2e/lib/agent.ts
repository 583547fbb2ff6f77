//! A real agent on a fresh folder: started, asked for its links, ended in order, and looked at afterwards.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect } from "@playwright/test";

/** The repository. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** The program under test. */
export const parlor = process.env.PARLOR_BIN ?? path.join(root, "target/debug/parlor");

/** One line of `--output json`. */
export interface AgentLine {
  event: string;
  [key: string]: unknown;
}

interface Sharing extends AgentLine {
  host_url: string;
  invites: { role: string; url: string }[];
  listen: string;
}

/** What stands in the shared folder at the beginning, by path. */
export type Files = Record<string, string | Uint8Array>;

/** Starting takes tens of milliseconds; a machine under load gets this long. */
const START_PATIENCE_MS = 20_000;

/** A shared folder and the program that shares it. */
export class Agent {
  /** Everything the program printed since it was started last, parsed. */
  lines: AgentLine[] = [];
  /** What it said on standard error; shown when something fails. */
  log = "";
  readonly #flags: string[];
  #process: ChildProcess | undefined;
  #exit: Promise<number | null> = Promise.resolve(null);
  #waiting = new Set<() => void>();
  #ended = false;

  private constructor(
    /** The shared folder. */
    readonly folder: string,
    flags: string[],
  ) {
    this.#flags = flags;
  }

  /** Shares a fresh folder with these files in it. */
  static async start(files: Files, flags: string[] = []): Promise<Agent> {
    if (!existsSync(parlor)) throw new Error(`${parlor} is missing: run cargo xtask test, or cargo build -p parlor`);
    const folder = path.join(await mkdtemp(path.join(tmpdir(), "parlor-journey-")), "project");
    await mkdir(folder);
    const agent = new Agent(folder, flags);
    for (const [name, content] of Object.entries(files)) await agent.write(name, content);
    await agent.run();
    return agent;
  }

  /** Starts the program, again after it died, and waits for its links. */
  async run(): Promise<void> {
    this.lines = [];
    this.#ended = false;
    const child = spawn(parlor, ["share", this.folder, "--output", "json", ...this.#flags], {
      stdio: ["ignore", "pipe", "pipe"],
      // What must survive a crash is kept beside the shared folder, not in the state folder of whoever runs this.
      env: { ...process.env, PARLOR_STATE_DIR: this.state },
    });
    this.#process = child;
    child.stderr.on("data", (piece) => (this.log += piece));
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.lines.push(JSON.parse(line) as AgentLine);
      for (const look of this.#waiting) look();
    });
    this.#exit = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        resolve(code);
        for (const look of this.#waiting) look();
      });
    });
    // A start that fails is told by whoever waits for a line.
    this.#exit.catch(() => {});
    await this.line((line) => line.event === "sharing");
  }

  /** Whether its links are there: not before it has started, again. */
  get shares(): boolean {
    return this.lines.some((line) => line.event === "sharing");
  }

  /** The host's own link. */
  get hostLink(): string {
    return this.#shared.host_url;
  }

  get editorLink(): string {
    return this.#link("editor");
  }

  get viewerLink(): string {
    return this.#link("viewer");
  }

  /** Everything before the `#` of a link. */
  get origin(): string {
    return new URL(this.hostLink).origin;
  }

  /** Waits until the program has printed a line that fits. */
  async line(fits: (line: AgentLine) => boolean): Promise<AgentLine> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const look = () => {
        const found = this.lines.find(fits);
        if (!found && this.#runs) return;
        stop();
        if (found) resolve(found);
        else reject(new Error(`the agent ended: ${this.log}`));
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`the agent printed no such line: ${JSON.stringify(this.lines)} ${this.log}`));
      }, START_PATIENCE_MS);
      this.#waiting.add(look);
      look();
    });
  }

  /** Where a file of the shared folder stands on the disk. */
  path(name: string): string {
    return path.join(this.folder, name);
  }

  /** Writes a file as the host's own programs do. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    await mkdir(path.dirname(this.path(name)), { recursive: true });
    await writeFile(this.path(name), content);
  }

  /** What is on the disk now. */
  async read(name: string): Promise<string> {
    return readFile(this.path(name), "utf8");
  }

  /** Waits until a file on the disk is so, byte for byte. */
  async expectOnDisk(name: string, content: string): Promise<void> {
    await expect.poll(() => this.read(name), { message: `${name} on the disk` }).toBe(content);
  }

  /** Waits until a file on the disk is or is not there. */
  async expectFile(name: string, there: "there" | "gone"): Promise<void> {
    await expect.poll(() => existsSync(this.path(name)), { message: `${name} is ${there}` }).toBe(there === "there");
  }

  /** Dies as if the machine had lost its power. */
  async kill(): Promise<void> {
    this.#ended = true;
    this.#process?.kill("SIGKILL");
    await this.#exit;
  }

  /** Waits until the program has ended by itself, as after the host ended the session in the page. */
  async over(): Promise<void> {
    const code = await this.#exit;
    if (this.#ended) return;
    this.#ended = true;
    expect(code, `exit code; ${this.log}`).toBe(0);
    expect(this.lines.at(-1)?.event, "the last line").toBe("ended");
    const left = (await filesBelow(this.folder)).filter((name) => path.basename(name).startsWith(".parlor"));
    expect(left, "files of the agent in the shared folder").toEqual([]);
    expect(await filesBelow(this.state), "what was kept for a crash").toEqual([]);
    expect(await listens(new URL(this.hostLink).port), "the port is still open").toBe(false);
  }

  /** Ends the session as Ctrl-C does, and looks at what is left of it. */
  async end(): Promise<void> {
    this.#process?.kill("SIGINT");
    await this.over();
  }

  /** Removes the folder. */
  async clean(): Promise<void> {
    if (this.#runs) await this.kill();
    await rm(path.dirname(this.folder), { recursive: true, force: true });
  }

  get #runs(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null;
  }

  /** Where what must survive a crash is kept: beside the shared folder. */
  get state(): string {
    return path.join(path.dirname(this.folder), "state");
  }

  get #shared(): Sharing {
    const sharing = this.lines.find((line) => line.event === "sharing");
    if (!sharing) throw new Error("the agent has printed no links yet");
    return sharing as Sharing;
  }

  #link(role: string): string {
    const invite = this.#shared.invites.find((invite) => invite.role === role);
    if (!invite) throw new Error(`there is no link for a ${role}`);
    return invite.url;
  }
}

/** Paths of everything below a folder that is no folder. */
async function filesBelow(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => path.join(entry.parentPath, entry.name));
}

async function listens(port: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(port), "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
