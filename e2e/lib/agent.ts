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
  /** Everything the program printed, parsed. */
  readonly lines: AgentLine[] = [];
  /** What it said on standard error; shown when something fails. */
  log = "";
  #process: ChildProcess;
  #sharing: Sharing | undefined;
  #exit: Promise<number | null>;
  #waiting = new Set<() => void>();
  #ended = false;

  private constructor(
    /** The shared folder. */
    readonly folder: string,
    flags: string[],
  ) {
    const command = ["share", folder, "--output", "json", ...flags];
    this.#process = spawn(parlor, command, { stdio: ["ignore", "pipe", "pipe"] });
    const { stdout, stderr } = this.#process;
    if (!stdout || !stderr) throw new Error("the program was started without pipes");
    stderr.on("data", (piece) => (this.log += piece));
    createInterface({ input: stdout }).on("line", (line) => {
      const parsed = JSON.parse(line) as AgentLine;
      this.lines.push(parsed);
      if (parsed.event === "sharing") this.#sharing = parsed as Sharing;
      for (const look of this.#waiting) look();
    });
    this.#exit = new Promise((resolve, reject) => {
      this.#process.once("error", reject);
      this.#process.once("close", (code) => {
        resolve(code);
        for (const look of this.#waiting) look();
      });
    });
    // A start that fails is told by whoever waits for a line.
    this.#exit.catch(() => {});
  }

  /** Shares a fresh folder with these files in it. */
  static async start(files: Files, flags: string[] = []): Promise<Agent> {
    if (!existsSync(parlor)) throw new Error(`${parlor} is missing: run cargo xtask test, or cargo build -p parlor`);
    const folder = path.join(await mkdtemp(path.join(tmpdir(), "parlor-journey-")), "project");
    await mkdir(folder);
    const agent = new Agent(folder, flags);
    for (const [name, content] of Object.entries(files)) await agent.write(name, content);
    await agent.line((line) => line.event === "sharing");
    return agent;
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

  get pid(): number {
    return this.#process.pid ?? 0;
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
        if (!found && this.#process.exitCode === null && this.#process.signalCode === null) return;
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
    this.#process.kill("SIGKILL");
    await this.#exit;
  }

  /** Waits until the program has ended by itself, as after the host ended the session in the page. */
  async over(): Promise<void> {
    const code = await this.#exit;
    if (this.#ended) return;
    this.#ended = true;
    expect(code, `exit code; ${this.log}`).toBe(0);
    expect(this.lines.at(-1)?.event, "the last line").toBe("ended");
    const left = (await readdir(this.folder, { recursive: true })).filter((name) => path.basename(name).startsWith(".parlor"));
    expect(left, "files of the agent in the shared folder").toEqual([]);
    expect(await listens(new URL(this.hostLink).port), "the port is still open").toBe(false);
  }

  /** Ends the session as Ctrl-C does, and looks at what is left of it. */
  async end(): Promise<void> {
    this.#process.kill("SIGINT");
    await this.over();
  }

  /** Removes the folder. */
  async clean(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill();
    await rm(path.dirname(this.folder), { recursive: true, force: true });
  }

  get #shared(): Sharing {
    if (!this.#sharing) throw new Error("the agent has printed no links yet");
    return this.#sharing;
  }

  #link(role: string): string {
    const invite = this.#shared.invites.find((invite) => invite.role === role);
    if (!invite) throw new Error(`there is no link for a ${role}`);
    return invite.url;
  }
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
