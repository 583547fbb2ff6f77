//! A browser tab in a room, as a person uses it: by roles, names and keys. Waits for conditions only.

import { expect, type BrowserContext, type CDPSession, type Locator, type Page, type WebSocketRoute } from "@playwright/test";
import { Terminal } from "./terminal.ts";

/** What the page sets on the editor's parent for tests. */
interface EditorHook {
  text(): string;
  length(): number;
  selection(): { ranges: Uint32Array; main: number };
  setSelection(ranges: number[], main: number, scroll: "none" | "center" | "nearest"): void;
  focus(): void;
}

/** What a test needs of CodeMirror's view. */
interface View {
  state: { doc: { length: number; lineAt(at: number): { number: number; from: number } } };
  scrollDOM: HTMLElement;
  dispatch(spec: object): void;
}

declare global {
  interface Element {
    /** On the parent of an editor: the editor. */
    parlorEditor?: EditorHook;
    /** CodeMirror's own mark on its content, from which `EditorView.findFromDOM` finds the view. */
    cmTile?: { root: { view: View } };
  }
}

/** One open editor. */
export class Editor {
  constructor(
    readonly room: Room,
    /** CodeMirror's content element: a text box named "Editor: PATH". */
    readonly content: Locator,
  ) {}

  /** The whole text, also what is not drawn. */
  async text(): Promise<string> {
    return this.content.evaluate((content) => content.closest(".cm-editor")?.parentElement?.parlorEditor?.text() ?? "");
  }

  /** In UTF-16 units. */
  async length(): Promise<number> {
    return this.content.evaluate((content) => content.closest(".cm-editor")?.parentElement?.parlorEditor?.length() ?? 0);
  }

  /** Waits until the text is so. */
  async expectText(text: string): Promise<void> {
    await expect.poll(() => this.text(), { message: `the text of ${this.room.name}` }).toBe(text);
  }

  /** Waits until the text has this in it. */
  async expectToContain(part: string): Promise<void> {
    await expect.poll(() => this.text(), { message: `the text of ${this.room.name}` }).toContain(part);
  }

  /** Flat `[anchor, head]*`. */
  async selection(): Promise<number[]> {
    return this.content.evaluate((content) => [...(content.closest(".cm-editor")?.parentElement?.parlorEditor?.selection().ranges ?? [])]);
  }

  /** Puts carets and selections there, and the keyboard into the text. Others are told with the next key. */
  async select(ranges: number[], scroll: "none" | "center" | "nearest" = "nearest"): Promise<void> {
    await this.content.evaluate(
      (content, [ranges, scroll]) => {
        const hook = content.closest(".cm-editor")?.parentElement?.parlorEditor;
        if (!hook) throw new Error("there is no editor around this content");
        hook.setSelection(ranges, 0, scroll);
        hook.focus();
      },
      [ranges, scroll] as const,
    );
  }

  /** Puts the caret before or behind the first place where this stands. In one step: others may be typing meanwhile. */
  async caret(side: "before" | "behind", part: string): Promise<void> {
    const found = await this.content.evaluate(
      (content, [side, part]) => {
        const hook = content.closest(".cm-editor")?.parentElement?.parlorEditor;
        const at = hook?.text().indexOf(part) ?? -1;
        if (!hook || at < 0) return false;
        const place = side === "before" ? at : at + part.length;
        hook.setSelection([place, place], 0, "nearest");
        hook.focus();
        return true;
      },
      [side, part] as const,
    );
    expect(found, `“${part}” in the text of ${this.room.name}`).toBe(true);
  }

  /** Types with real key events, behind a part of the text. */
  async typeBehind(part: string, typed: string): Promise<void> {
    await this.caret("behind", part);
    await this.room.page.keyboard.type(typed);
  }

  /** Scrolls by the wheel, as a hand does. */
  async wheel(pixels: number): Promise<void> {
    await this.content.hover({ position: { x: 40, y: 40 } });
    await this.room.page.mouse.wheel(0, pixels);
  }

  /** How far the text is scrolled, in pixels. */
  async scrollTop(): Promise<number> {
    return this.content.evaluate((content) => content.closest(".cm-scroller")?.scrollTop ?? 0);
  }

  /** Inserts letters at random places, each as a transaction of its own: so many in each frame. */
  async insertAnywhere(letters: string, seed: number, perFrame: number): Promise<void> {
    await this.content.evaluate(
      async (content, [letters, seed, perFrame]) => {
        const view = content.cmTile?.root.view;
        if (!view) throw new Error("CodeMirror has no view there");
        let state = seed >>> 0;
        for (const [index, insert] of [...letters].entries()) {
          if (index % perFrame === 0) await new Promise(requestAnimationFrame);
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          const from = Math.floor((state / 2 ** 32) * (view.state.doc.length + 1));
          view.dispatch({ changes: { from, insert }, userEvent: "input" });
        }
      },
      [letters, seed, perFrame] as const,
    );
  }

  /** Changes the text behind the back of everything that asks whether one may: as a changed page would. */
  async force(at: number, insert: string): Promise<void> {
    await this.content.evaluate(
      (content, [at, insert]) => {
        const view = content.cmTile?.root.view;
        if (!view) throw new Error("CodeMirror has no view there");
        view.dispatch({ changes: { from: at, insert }, filter: false });
      },
      [at, insert] as const,
    );
  }
}

/** Sockets between a page and its agent. */
export class Network {
  #sockets = new Set<WebSocketRoute>();
  #broken = false;

  /** Passes a new socket on, or not. */
  pass(socket: WebSocketRoute): void {
    if (this.#broken) void socket.close();
    else {
      socket.connectToServer();
      this.#sockets.add(socket);
    }
  }

  /** Ends every connection, and lets none through. */
  cut(): void {
    this.#broken = true;
    for (const socket of this.#sockets) void socket.close();
    this.#sockets.clear();
  }

  /** Lets connections through again. */
  mend(): void {
    this.#broken = false;
  }
}

/** A tab. */
export class Room {
  /** Under which name this person is here. */
  name = "";
  #devtools: CDPSession | undefined;

  constructor(readonly page: Page) {}

  get context(): BrowserContext {
    return this.page.context();
  }

  // The door.

  get nameField(): Locator {
    return this.page.getByRole("textbox", { name: "Your name" });
  }

  get joinButton(): Locator {
    return this.page.getByRole("button", { name: "Join", exact: true });
  }

  /** How the connection stands: `connecting`, `lobby`, `live` and so on are in its `data-state`. */
  get connection(): Locator {
    return this.page.getByTestId("connection-state");
  }

  async expectConnection(state: string): Promise<void> {
    await expect(this.connection).toHaveAttribute("data-state", state);
  }

  /** Opens the link, says a name and knocks. */
  async knock(link: string, name: string): Promise<void> {
    this.name = name;
    await this.page.goto(link);
    await this.nameField.fill(name);
    await this.joinButton.click();
  }

  /** Knocks, and comes in. */
  async join(link: string, name: string): Promise<void> {
    await this.knock(link, name);
    await this.expectConnection("live");
    await expect(this.tree).toBeVisible();
  }

  // The files.

  get tree(): Locator {
    return this.page.getByRole("tree", { name: "Files" });
  }

  /** An entry of the tree by its name. */
  entry(name: string): Locator {
    return this.tree.getByRole("treeitem", { name, exact: true });
  }

  /** Opens the folders on the way, then the file. */
  async openFile(file: string): Promise<void> {
    const parts = file.split("/");
    for (const [depth, part] of parts.entries()) {
      const entry = this.entry(part);
      await expect(entry).toBeVisible();
      if (depth === parts.length - 1 || (await entry.getAttribute("aria-expanded")) === "false") await entry.click();
    }
  }

  /** Opens a text and waits until it is shown. */
  async edit(file: string): Promise<Editor> {
    await this.openFile(file);
    const editor = this.editor(file);
    await expect(editor.content).toBeVisible();
    return editor;
  }

  editor(file: string): Editor {
    return new Editor(this, this.page.getByRole("textbox", { name: `Editor: ${file}`, exact: true }));
  }

  get tabs(): Locator {
    return this.page.getByRole("tablist", { name: "Open files" });
  }

  tab(name: string): Locator {
    return this.tabs.getByRole("tab", { name, exact: true });
  }

  /** How the open file stands: `synced`, `saving`, `saved` or `offline`. */
  get sync(): Locator {
    return this.page.getByTestId("sync-state");
  }

  /** Waits until the disk has everything of the shown file. */
  async expectSaved(): Promise<void> {
    await expect(this.sync).toHaveAttribute("data-state", "saved");
  }

  /** What stands in the place of a file that is not shown. */
  get notice(): Locator {
    return this.page.getByTestId("file-notice");
  }

  // Terminals.

  /** The only terminal that is shown, or the one with this name. Waits until its screen is there. */
  async terminal(name?: string): Promise<Terminal> {
    const region = name === undefined ? this.page.getByTestId("terminal") : this.page.getByRole("region", { name: `Terminal: ${name}`, exact: true });
    const terminal = new Terminal(this, region);
    await expect(region.locator(".xterm-screen")).toBeVisible();
    await expect(terminal.rows, "something is on the screen").not.toHaveText(/^\s*$/);
    return terminal;
  }

  /** What is above the terminals. */
  get terminalPanel(): Locator {
    return this.page.getByTestId("terminal-panel");
  }

  /** A terminal in the place of a file, and what is above it. */
  get terminalEditor(): Locator {
    return this.page.getByTestId("terminal-editor");
  }

  /** Chooses from the menu of the terminal that is shown, in the panel or elsewhere. */
  async terminalMenu(item: string, place = this.terminalPanel): Promise<void> {
    await place.getByRole("button", { name: "More about this terminal" }).click();
    await this.page.getByRole("menu").getByText(item, { exact: true }).click();
  }

  // People.

  /** The list of participants, shown if it is not. */
  async people(): Promise<Locator> {
    const list = this.page.getByRole("list", { name: "Participants" });
    if (!(await list.isVisible())) await this.page.getByRole("button", { name: "People", exact: true }).first().click();
    await expect(list).toBeVisible();
    return list;
  }

  async person(name: string): Promise<Locator> {
    return (await this.people()).getByRole("listitem", { name, exact: true });
  }

  /** Chooses from the menu about a participant. */
  async personMenu(name: string, item: string): Promise<void> {
    await (await this.person(name)).getByRole("button", { name: `More about ${name}`, exact: true }).click();
    await this.page.getByRole("menu").getByText(item, { exact: true }).click();
  }

  /** Back from the people to the files. */
  async showFiles(): Promise<void> {
    if (!(await this.tree.isVisible())) await this.page.getByRole("button", { name: "Explorer", exact: true }).click();
    await expect(this.tree).toBeVisible();
  }

  /** Carets of somebody else in the shown file. */
  caretsOf(name: string): Locator {
    return this.page.getByTestId("peer-caret").filter({ hasText: name });
  }

  get role(): Locator {
    return this.page.getByTestId("my-role");
  }

  toast(text: string | RegExp): Locator {
    return this.page.getByTestId("toast").filter({ hasText: text });
  }

  // Commands.

  get palette(): Locator {
    return this.page.getByRole("dialog", { name: "Command palette" });
  }

  /** Runs a command by its name in the palette. */
  async command(name: string): Promise<void> {
    await this.page.keyboard.press("F1");
    await this.palette.getByRole("combobox").fill(name);
    await expect(this.palette.getByRole("option").first()).toContainText(name);
    await this.page.keyboard.press("Enter");
    await expect(this.palette).toBeHidden();
  }

  /** The accessible name of what has the keyboard. */
  async focused(): Promise<string> {
    return this.page.evaluate(() => {
      const element = document.activeElement;
      const id = element?.getAttribute("aria-activedescendant");
      const named = (id && document.getElementById(id)) || element;
      return named?.getAttribute("aria-label") ?? named?.textContent?.trim() ?? "";
    });
  }

  /** Presses a key until the keyboard is where it should be. */
  async pressUntil(key: string, focus: Locator): Promise<void> {
    await expect(async () => {
      if (await focus.evaluate((element) => element.contains(document.activeElement))) return;
      await this.page.keyboard.press(key);
      expect(await focus.evaluate((element) => element.contains(document.activeElement))).toBe(true);
    }, `${key} leads there`).toPass({ intervals: [0] });
  }

  // Below the page.

  /** The browser's own protocol. */
  async devtools(): Promise<CDPSession> {
    this.#devtools ??= await this.context.newCDPSession(this.page);
    return this.#devtools;
  }

  /** The page's way to the agent, to be cut and mended. To be asked for before the page is opened. */
  async network(): Promise<Network> {
    const network = new Network();
    await this.page.routeWebSocket(/\/socket$/, (socket) => network.pass(socket));
    return network;
  }

  /** One step of an input method: what is composed so far. */
  async compose(text: string): Promise<void> {
    const devtools = await this.devtools();
    await devtools.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
  }

  /** The input method's last word. */
  async commit(text: string): Promise<void> {
    await (await this.devtools()).send("Input.insertText", { text });
  }
}
