//! A window of the host's own tmux, as the host has it beside the page.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export class TmuxWindow {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "parlor-tmux-"));

  /** Runs a program in a fresh tmux that nobody else uses. */
  constructor(program: string[], size: { columns: number; rows: number }, env: NodeJS.ProcessEnv) {
    const quoted = program.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    const shape = ["-x", String(size.columns), "-y", String(size.rows)];
    this.#tmux(["-f", "/dev/null", "new-session", "-d", ...shape, quoted, ";", "set", "-g", "status", "off", ";", "set", "-g", "remain-on-exit", "on"], env);
  }

  /** Types this, as the keyboard does. */
  type(text: string): void {
    this.#tmux(["send-keys", "-l", "--", text]);
  }

  /** Presses keys by tmux's names: `Enter`, `C-]`. */
  press(...keys: string[]): void {
    this.#tmux(["send-keys", ...keys]);
  }

  resize(size: { columns: number; rows: number }): void {
    this.#tmux(["resize-window", "-x", String(size.columns), "-y", String(size.rows)]);
  }

  /** The rows in view, without the blanks at their ends. */
  screen(): string[] {
    return this.#tmux(["capture-pane", "-p"])
      .split("\n")
      .map((row) => row.trimEnd());
  }

  close(): void {
    this.#tmux(["kill-server"]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #tmux(words: string[], env: NodeJS.ProcessEnv = {}): string {
    const options = { encoding: "utf8" as const, env: { ...process.env, TMUX: "", LC_ALL: "C.UTF-8", ...env } };
    return execFileSync("tmux", ["-S", path.join(this.#folder, "socket"), ...words], options);
  }
}
