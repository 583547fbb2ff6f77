//! At home in the room: coming back to the same place, no mouse, a small screen, both themes.

import { expect, test } from "../lib/test.ts";
import type { Room } from "../lib/room.ts";

test("a reload comes back to the same place", async ({ share, join, tabOf }) => {
  const lines = Array.from({ length: 500 }, (_, at) => `line ${at + 1}`).join("\n");
  const agent = await share({ "src/deep/long.txt": lines, "a.txt": "a\n", "b.txt": "b\n" });
  const ada = await join(agent.editorLink, "Ada Lovelace");
  await ada.edit("a.txt");
  await ada.edit("b.txt");
  const editor = await ada.edit("src/deep/long.txt");
  await expect(ada.tabs.getByRole("tab")).toHaveCount(3);
  await ada.tab("a.txt").click();
  await ada.editor("a.txt").caret("behind", "a");
  await ada.tab("long.txt").click();
  await editor.select([200, 210], "center");
  await editor.wheel(4000);
  await expect.poll(() => editor.scrollTop()).toBeGreaterThan(3000);
  const [scroll, selection] = [await editor.scrollTop(), await editor.selection()];

  await ada.page.reload();
  await ada.expectConnection("live");
  await expect(ada.tabs.getByRole("tab")).toHaveText(["a.txt", "b.txt", "long.txt"]);
  await expect(ada.tab("long.txt")).toHaveAttribute("aria-selected", "true");
  await expect(editor.content).toBeVisible();
  await expect.poll(() => editor.scrollTop(), "scrolled to where it was").toBeCloseTo(scroll, -1);
  expect(await editor.selection()).toEqual(selection);
  await expect(ada.entry("src")).toHaveAttribute("aria-expanded", "true");
  await expect(ada.entry("deep")).toHaveAttribute("aria-expanded", "true");
  await ada.tab("a.txt").click();
  expect(await ada.editor("a.txt").selection()).toEqual([1, 1]);
  await expect(await ada.person("Ada Lovelace")).toContainText("you");

  // In another tab the name is known.
  const again = await tabOf(ada);
  await again.page.goto(agent.editorLink);
  await expect(again.nameField).toHaveValue("Ada Lovelace");
});

test("the keyboard alone is enough", async ({ share, browserOf }) => {
  const agent = await share({ "docs/guide.md": "# Guide\n", "docs/more.md": "more\n", "zoo.txt": "animals\n" });
  const ada = await browserOf();
  const { keyboard } = ada.page;
  ada.name = "Ada";
  await ada.page.goto(agent.editorLink);
  await expect(ada.nameField).toBeFocused();
  await keyboard.type("Ada");
  await keyboard.press("Enter");
  await ada.expectConnection("live");

  // The tree: F6 goes from part to part, arrows and letters within.
  await ada.pressUntil("F6", ada.tree);
  await keyboard.press("ArrowDown");
  expect(await ada.focused()).toBe("docs");
  await keyboard.press("ArrowRight");
  await expect(ada.entry("guide.md")).toBeVisible();
  await keyboard.press("ArrowRight");
  expect(await ada.focused()).toBe("guide.md");
  await keyboard.press("End");
  expect(await ada.focused()).toBe("zoo.txt");
  await keyboard.type("gu");
  expect(await ada.focused()).toBe("guide.md");
  await keyboard.press("Enter");
  const guide = ada.editor("docs/guide.md");
  await expect(guide.content).toBeFocused();
  await keyboard.press("Control+End");
  await keyboard.type("Typed without a mouse.");
  await agent.expectOnDisk("docs/guide.md", "# Guide\nTyped without a mouse.");

  // Tab indents; Escape and then Tab leaves the editor.
  await keyboard.press("Escape");
  await keyboard.press("Tab");
  await expect(guide.content).not.toBeFocused();

  // A second file by the palette's way to the tree, a new one by the palette.
  await keyboard.press("Control+Shift+e");
  await expect(ada.tree).toBeFocused();
  await keyboard.press("End");
  await keyboard.press("Enter");
  await expect(ada.editor("zoo.txt").content).toBeFocused();
  await keyboard.press("F1");
  await expect(ada.palette.getByRole("combobox")).toBeFocused();
  await keyboard.type("new file");
  await keyboard.press("Enter");
  await expect(ada.page.getByRole("textbox", { name: "Name of the new file" })).toBeFocused();
  await keyboard.type("keys.txt");
  await keyboard.press("Enter");
  await expect(ada.editor("keys.txt").content).toBeFocused();
  await agent.expectFile("keys.txt", "there");
  await expect(ada.tabs.getByRole("tab")).toHaveCount(3);

  // Tabs: next, previous, close.
  await keyboard.press("Alt+PageUp");
  await expect(ada.tab("zoo.txt")).toHaveAttribute("aria-selected", "true");
  await keyboard.press("Alt+PageDown");
  await expect(ada.tab("keys.txt")).toHaveAttribute("aria-selected", "true");
  await keyboard.press("Alt+w");
  await expect(ada.tab("keys.txt")).toHaveCount(0);
  await ada.pressUntil("F6", ada.tabs);
  await keyboard.press("Home");
  await expect(ada.tab("guide.md")).toHaveAttribute("aria-selected", "true");
  await keyboard.press("Delete");
  await expect(ada.tabs.getByRole("tab")).toHaveText(["zoo.txt"]);

  // Escape closes what is open and gives the focus back.
  await keyboard.press("Control+Shift+p");
  await expect(ada.palette).toBeVisible();
  await keyboard.press("Escape");
  await expect(ada.palette).toBeHidden();
  await ada.command("Live Share: Leave Collaboration Session");
  await expect(ada.page.getByRole("dialog", { name: "Leave the session?" })).toBeVisible();
  await keyboard.press("Enter");
  await expect(ada.page.getByRole("heading", { name: "You have left" })).toBeVisible();
});

test("a phone shows one thing at a time, all of it within reach of a thumb", async ({ share, browserOf, join }) => {
  const agent = await share({ "src/app.py": "print('hello')\n", "README.md": "# Read me\n" });
  const bob = await join(agent.editorLink, "Bob");
  const phone = await browserOf({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  await phone.page.goto(agent.editorLink);
  await phone.nameField.fill("Ada");
  await phone.joinButton.tap();
  await phone.expectConnection("live");

  const bar = (name: string) => phone.page.getByRole("navigation", { name: "Views" }).getByRole("button", { name, exact: true });
  await expect(phone.tree).toBeVisible();
  await phone.entry("src").tap();
  await phone.entry("app.py").tap();
  const editor = phone.editor("src/app.py");
  await expect(editor.content).toBeVisible();
  await expect(phone.tree).toBeHidden();
  await editor.typeBehind("print('hello')", "  # typed on a phone");
  await agent.expectOnDisk("src/app.py", "print('hello')  # typed on a phone\n");

  await bar("People").tap();
  await expect(phone.page.getByRole("list", { name: "Participants" }).getByRole("listitem", { name: "Bob" })).toBeVisible();
  await expect(editor.content).toBeHidden();
  await bar("Files").tap();
  await expect(phone.tree).toBeVisible();
  await bar("Editor").tap();
  await expect(editor.content).toBeVisible();

  // Nothing sticks out at the side, and what one presses is at least 40 px high.
  for (const pane of ["Files", "Editor", "People"]) {
    await bar(pane).tap();
    expect(await phone.page.evaluate(() => document.documentElement.scrollWidth), `${pane} is as wide as the screen`).toBe(390);
    expect(await smallTargets(phone), `too small to touch in ${pane}`).toEqual([]);
  }
  await bob.page.close();
});

/** Names of visible controls that a thumb would miss. */
async function smallTargets(room: Room): Promise<string[]> {
  return room.page.evaluate(() => {
    const controls = [...document.querySelectorAll<HTMLElement>("button, [role=treeitem], [role=tab], input")];
    const shown = controls.filter((control) => control.checkVisibility({ visibilityProperty: true }) && !control.closest(".cm-editor"));
    const small = shown.filter((control) => {
      const { width, height } = control.getBoundingClientRect();
      return Math.round(height) < 40 || Math.round(width) < 40;
    });
    return small.map((control) => {
      const { width, height } = control.getBoundingClientRect();
      return `${control.getAttribute("aria-label") ?? control.textContent} ${Math.round(width)}x${Math.round(height)}`;
    });
  });
}

test("light and dark follow the system, and a person's own wish", async ({ share, join }) => {
  const agent = await share({ "a.rs": "fn main() { let x = \"text\"; }\n" });
  const ada = await join(agent.editorLink, "Ada", { colorScheme: "light" });
  const editor = await ada.edit("a.rs");
  const brightness = () =>
    editor.content.evaluate((content) => {
      // The colour that is painted, whichever way it is written.
      const canvas = new OffscreenCanvas(1, 1).getContext("2d");
      if (!canvas) throw new Error("no canvas");
      const paint = (colour: string) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [red = 0, green = 0, blue = 0] = canvas.getImageData(0, 0, 1, 1).data;
        return Math.round((red + green + blue) / 3);
      };
      let ground: Element | null = content;
      const clear = (element: Element) => getComputedStyle(element).backgroundColor === "rgba(0, 0, 0, 0)";
      while (ground?.parentElement && clear(ground)) ground = ground.parentElement;
      return { ground: paint(getComputedStyle(ground ?? content).backgroundColor), text: paint(getComputedStyle(content).color) };
    });
  const expectTheme = async (theme: "light" | "dark") => {
    await expect.poll(async () => ((await brightness()).ground > 128 ? "light" : "dark")).toBe(theme);
    const { ground, text } = await brightness();
    expect(Math.abs(ground - text), "text stands out from its ground").toBeGreaterThan(120);
  };

  await expectTheme("light");
  await ada.page.emulateMedia({ colorScheme: "dark" });
  await expectTheme("dark");
  await ada.command("Preferences: Light Colours");
  await expectTheme("light");
  await ada.page.reload();
  await expect(editor.content).toBeVisible();
  await expectTheme("light");
  await ada.command("Preferences: Colours As the System");
  await expectTheme("dark");
});
