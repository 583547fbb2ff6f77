//! A shared terminal in a tab, as a person uses it.

import { expect, type Locator } from "@playwright/test";
import type { Room } from "./room.ts";

/** How a terminal stands, from the hook that the page leaves on its element. */
export interface TerminalState {
  columns: number;
  rows: number;
  x: number;
  y: number;
  buffer: "normal" | "alternate";
  fontSize: number;
  modes: Record<string, unknown>;
}

interface TerminalHook {
  cells(): string[][];
  state(): TerminalState;
  history(): number;
}

declare global {
  interface Element {
    /** On a terminal's element: what is on its screen. */
    parlorTerminal?: TerminalHook;
  }
}

export class Terminal {
  constructor(
    readonly room: Room,
    /** The region "Terminal: NAME". */
    readonly region: Locator,
  ) {}

  /** The rows in view, as text. */
  get rows(): Locator {
    return this.region.getByTestId("terminal-rows");
  }

  /** Waits until the program's output has this in it. */
  async expectToContain(text: string | RegExp): Promise<void> {
    await expect(this.rows, `what ${this.room.name} sees`).toContainText(text);
  }

  /** Moves the keyboard there. */
  async focus(): Promise<void> {
    await this.region.locator(".xterm-helper-textarea").focus();
  }

  /** Types with real key events. */
  async type(text: string): Promise<void> {
    await this.focus();
    await this.room.page.keyboard.type(text);
  }

  async press(...keys: string[]): Promise<void> {
    await this.focus();
    for (const key of keys) await this.room.page.keyboard.press(key);
  }

  /** Types a line. */
  async run(line: string): Promise<void> {
    await this.type(line);
    await this.room.page.keyboard.press("Enter");
  }

  /** What is on the screen: text, width, colours and attributes of every cell. */
  async cells(): Promise<string[][]> {
    return this.#view.evaluate((view) => view.parlorTerminal?.cells() ?? []);
  }

  async state(): Promise<TerminalState> {
    const state = await this.#view.evaluate((view) => view.parlorTerminal?.state());
    if (!state) throw new Error("there is no terminal there");
    return state;
  }

  /** Lines that have scrolled away. */
  async history(): Promise<number> {
    return this.#view.evaluate((view) => view.parlorTerminal?.history() ?? 0);
  }

  /** Waits until this screen is the same as another one, cell for cell, with the cursor at the same place. */
  async expectSameAs(other: Terminal): Promise<void> {
    await expect(async () => {
      const [mine, theirs] = await Promise.all([this.cells(), other.cells()]);
      expect(differences(mine, theirs), `${this.room.name} and ${other.room.name} see the same`).toEqual([]);
      const place = ({ columns, rows, x, y, buffer, modes }: TerminalState) => ({ columns, rows, x, y, buffer, modes });
      expect(place(await this.state())).toEqual(place(await other.state()));
    }).toPass({ timeout: 10_000 });
  }

  /** Pastes as the browser does when a person presses the keys for it. */
  async paste(text: string): Promise<void> {
    await this.focus();
    await this.region.locator(".xterm-helper-textarea").evaluate((input, text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      input.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }, text);
  }

  /** The middle of a cell, in the window. */
  async cellAt(column: number, row: number): Promise<{ x: number; y: number }> {
    const { columns, rows } = await this.state();
    const box = await this.region.locator(".xterm-screen").boundingBox();
    if (!box) throw new Error("the terminal is not shown");
    return { x: box.x + ((column + 0.5) * box.width) / columns, y: box.y + ((row + 0.5) * box.height) / rows };
  }

  get #view(): Locator {
    return this.region.locator(".terminal-view");
  }
}

/** Cells that differ, few enough to be read. */
function differences(one: string[][], other: string[][]): string[] {
  const found: string[] = [];
  for (let y = 0; y < Math.max(one.length, other.length); y += 1) {
    for (let x = 0; x < Math.max(one[y]?.length ?? 0, other[y]?.length ?? 0); x += 1) {
      if (one[y]?.[x] !== other[y]?.[x]) found.push(`${y}:${x} ${one[y]?.[x]} ${other[y]?.[x]}`);
    }
  }
  return found.slice(0, 12);
}
