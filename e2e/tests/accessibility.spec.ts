//! Everything that one can use has a name and can be read, in both themes: what axe finds is a failure.

import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "../lib/test.ts";
import type { Room } from "../lib/room.ts";

type Scheme = "light" | "dark";

/** Looks at pages as they are, in one theme. */
class Inspector {
  /** Elements that a rule looked at and found right. */
  right = 0;

  constructor(readonly scheme: Scheme) {}

  /** Only colours differ between the themes, so the dark one is asked for them alone. */
  async look(room: Room, what: string): Promise<void> {
    const axe = new AxeBuilder({ page: room.page });
    if (this.scheme === "dark") axe.withRules(["color-contrast"]);
    else axe.withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]);
    // A count that stands at an icon counts as its label there.
    if (this.scheme === "light") axe.disableRules(["label-content-name-mismatch"]);
    const { violations, passes } = await axe.analyze();
    const found = violations.map(({ id, nodes }) => `${what}: ${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
    expect(found).toEqual([]);
    if (this.scheme === "light") expect(await nameless(room), `${what}: controls without a name`).toEqual([]);
    this.right += passes.reduce((sum, { nodes }) => sum + nodes.length, 0);
  }
}

/** Visible controls that a screen reader could only call "button". */
async function nameless(room: Room): Promise<string[]> {
  const roles = ["button", "textbox", "combobox", "tab", "treeitem", "option", "menuitem", "dialog", "link", "img"] as const;
  const unnamed = await Promise.all(roles.map((role) => room.page.getByRole(role, { name: /^\s*$/ }).evaluateAll((elements) => elements.map((element) => element.outerHTML.slice(0, 120)))));
  return unnamed.flat();
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`every control has a name and every text contrast, ${colorScheme}`, async ({ share, browserOf }) => {
    const agent = await share({ "src/main.rs": "fn main() {\n    println!(\"hi\");\n}\n", "README.md": "# Read me\n", "data.bin": Uint8Array.of(0, 1, 2, 255) }, "--approve", "always");
    const inspector = new Inspector(colorScheme);
    const host = await browserOf({ colorScheme, reducedMotion: "reduce" });
    await host.page.goto(agent.hostLink);
    await expect(host.nameField).toBeVisible();
    await inspector.look(host, "join");

    await host.nameField.fill("Hanna");
    await host.joinButton.click();
    await host.expectConnection("live");
    await inspector.look(host, "empty room");
    await host.edit("src/main.rs");
    await inspector.look(host, "room with a text");
    await host.openFile("data.bin");
    await expect(host.notice).toBeVisible();
    await inspector.look(host, "a file that is no text");

    await host.page.getByRole("button", { name: "Share", exact: true }).click();
    await expect(host.page.getByRole("dialog", { name: "Invite people" })).toBeVisible();
    await inspector.look(host, "invites");
    await host.page.keyboard.press("Escape");
    await host.page.keyboard.press("F1");
    await expect(host.palette).toBeVisible();
    await inspector.look(host, "palette");
    await host.page.keyboard.press("Escape");

    const ada = await browserOf({ colorScheme, reducedMotion: "reduce" });
    await ada.knock(agent.editorLink, "Ada");
    await ada.expectConnection("lobby");
    await inspector.look(ada, "lobby");
    await expect(host.page.getByTestId("approval")).toBeVisible();
    await host.people();
    await inspector.look(host, "approval and people");
    await host.page.getByRole("button", { name: "Admit" }).click();
    await ada.expectConnection("live");
    await ada.edit("README.md");
    await ada.entry("README.md").click({ button: "right" });
    await expect(ada.page.getByRole("menu")).toBeVisible();
    await inspector.look(ada, "menu of a file");
    await ada.page.keyboard.press("Escape");

    await host.command("Live Share: Share Terminal (Read-Only)");
    const terminal = await host.terminal();
    await inspector.look(host, "terminal");
    await terminal.press("Control+f");
    await inspector.look(host, "terminal with the field that finds");
    await host.page.keyboard.press("Escape");
    await host.terminalPanel.getByRole("button", { name: "More about this terminal" }).click();
    await inspector.look(host, "menu of a terminal");
    await host.page.keyboard.press("Escape");
    await ada.terminal();
    await inspector.look(ada, "read-only terminal");
    await ada.terminalMenu("Move into editor area");
    await expect(ada.terminalEditor).toBeVisible();
    await inspector.look(ada, "terminal in the editor area");
    await ada.page.keyboard.press("Control+Backquote");
    await expect(ada.terminalPanel).toBeVisible();
    await inspector.look(ada, "panel whose terminal is elsewhere");
    await terminal.run("exit 2");
    await expect(ada.page.getByTestId("terminal-ended")).toBeVisible();
    await inspector.look(host, "terminal that has ended");

    await ada.page.goto("about:blank");
    await ada.page.goto(agent.editorLink.slice(0, -9));
    await expect(ada.page.getByRole("heading", { name: "This link is not complete" })).toBeVisible();
    await inspector.look(ada, "failed link");
    expect(inspector.right, "there was something to look at").toBeGreaterThan(50);
  });
}
