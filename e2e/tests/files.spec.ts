//! The host's folder as guests see and change it: live tree, new files, names, files that are no text, finding things.

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { root } from "../lib/agent.ts";
import { expect, test } from "../lib/test.ts";

test("what a shell does in the folder shows in the tree within a second", async ({ share, join }) => {
  const agent = await share({ "src/old.rs": "", "README.md": "" });
  const ada = await join(agent.viewerLink, "Ada");
  await ada.entry("src").click();
  await expect(ada.entry("old.rs")).toBeVisible();
  const shell = (script: string) => execFileSync("sh", ["-c", script], { cwd: agent.folder });
  const soon = { timeout: 1000 };

  shell("echo hello > hello.txt");
  await expect(ada.entry("hello.txt")).toBeVisible(soon);
  shell("touch src/new.rs");
  await expect(ada.entry("new.rs")).toBeVisible(soon);
  shell("mv src/new.rs src/newer.rs");
  await expect(ada.entry("newer.rs")).toBeVisible(soon);
  await expect(ada.entry("new.rs")).toHaveCount(0);
  shell("rm src/old.rs");
  await expect(ada.entry("old.rs")).toBeHidden(soon);
  shell("mkdir -p deep/er && echo x > deep/er/x.txt");
  await ada.openFile("deep/er/x.txt");
  await ada.editor("deep/er/x.txt").expectText("x\n");
});

test("a guest's new file lands on the disk, is renamed and deleted by the page", async ({ share, join }) => {
  const agent = await share({ "src/lib.rs": "// lib\n" });
  const ada = await join(agent.editorLink, "Ada");
  const bob = await join(agent.viewerLink, "Bob");
  await bob.entry("src").click();
  await expect(bob.entry("lib.rs")).toBeVisible();

  await ada.entry("src").click();
  await ada.page.getByRole("button", { name: "New file" }).click();
  await ada.page.getByRole("textbox", { name: "Name of the new file" }).fill("main.rs");
  await ada.page.keyboard.press("Enter");
  const editor = ada.editor("src/main.rs");
  await expect(editor.content).toBeFocused();
  await ada.page.keyboard.type("fn main");
  await agent.expectOnDisk("src/main.rs", "fn main");
  await expect(bob.entry("main.rs")).toBeVisible();
  const reading = await bob.edit("src/main.rs");
  await reading.expectText("fn main");

  // A new name: whoever has it open stays in it.
  await ada.entry("main.rs").click();
  await ada.tree.focus();
  await ada.page.keyboard.press("F2");
  const name = ada.page.getByRole("textbox", { name: "New name" });
  await expect(name).toHaveValue("main.rs");
  await name.fill("app.rs");
  await ada.page.keyboard.press("Enter");
  await expect(ada.entry("app.rs")).toBeVisible();
  await agent.expectFile("src/main.rs", "gone");
  await expect(bob.tab("app.rs")).toBeVisible();
  await ada.editor("src/app.rs").typeBehind("fn main", " again");
  await bob.editor("src/app.rs").expectText("fn main again");
  await agent.expectOnDisk("src/app.rs", "fn main again");

  // A name that is taken is said, and nothing is overwritten.
  await ada.entry("app.rs").click({ button: "right" });
  await ada.page.getByRole("menuitem", { name: "Rename" }).click();
  await name.fill("lib.rs");
  await ada.page.keyboard.press("Enter");
  await expect(ada.page.getByText(/is there already/)).toBeVisible();
  expect(await agent.read("src/lib.rs")).toBe("// lib\n");
  await ada.page.keyboard.press("Escape");

  await ada.entry("app.rs").click();
  await ada.tree.focus();
  await ada.page.keyboard.press("Delete");
  const question = ada.page.getByRole("dialog", { name: /Delete “app.rs”/ });
  await question.getByRole("button", { name: "Cancel" }).click();
  await agent.expectFile("src/app.rs", "there");
  await ada.page.keyboard.press("Delete");
  await question.getByRole("button", { name: "Delete" }).click();
  await agent.expectFile("src/app.rs", "gone");
  await expect(bob.entry("app.rs")).toHaveCount(0);
  // The text is safe where it is open, and says so.
  await expect(bob.page.getByText("This file was deleted on the host’s disk.")).toBeVisible();
});

test("images are shown as images; other files are what they are", async ({ share, join }) => {
  const picture = await readFile(path.join(root, "examples/python-web/static/garden.png"));
  const noise = Uint8Array.from({ length: 40_000 }, (_, at) => (at * 37) % 256);
  const agent = await share({
    "garden.png": picture,
    "drawing.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><script>document.title = "owned"</script><rect width="40" height="30"/></svg>',
    "data.bin": noise,
    "huge.txt": Buffer.alloc(17 * 1024 * 1024, "0123456789abcde\n"),
  });
  const ada = await join(agent.editorLink, "Ada");
  const natural = (name: string) =>
    expect.poll(() => ada.page.getByRole("img", { name }).evaluate((image) => [(image as HTMLImageElement).naturalWidth, (image as HTMLImageElement).naturalHeight]));

  await ada.openFile("garden.png");
  await expect(ada.page.getByRole("img", { name: "garden.png" })).toBeVisible();
  await natural("garden.png").toEqual([picture.readUInt32BE(16), picture.readUInt32BE(20)]);
  await expect(ada.page.getByText(`${picture.readUInt32BE(16)} × ${picture.readUInt32BE(20)} px`)).toBeVisible();

  await ada.openFile("drawing.svg");
  await natural("drawing.svg").toEqual([40, 30]);
  await expect(ada.page).not.toHaveTitle("owned");
  await ada.page.getByRole("button", { name: "Open as text" }).click();
  await ada.editor("drawing.svg").expectToContain("<rect");

  await ada.openFile("data.bin");
  await expect(ada.notice).toContainText("Not a text file");
  await expect(ada.notice).toContainText("40.0 KB");
  await ada.openFile("huge.txt");
  await expect(ada.notice).toContainText("Too large to open here");
  await expect(ada.notice).toContainText("17.8 MB");
  for (const name of ["data.bin", "huge.txt"]) await ada.page.getByRole("button", { name: `Close ${name}` }).click();
  expect(await readFile(agent.path("data.bin"))).toEqual(Buffer.from(noise));
});

test("finding a word in the file and going to a line", async ({ share, join }) => {
  const lines = Array.from({ length: 400 }, (_, at) => `line ${at + 1}${at % 100 === 41 ? " needle" : ""}`);
  const agent = await share({ "long.txt": `${lines.join("\n")}\n` });
  const ada = await join(agent.editorLink, "Ada");
  const editor = await ada.edit("long.txt");
  await editor.content.focus();

  await ada.page.keyboard.press("Control+f");
  const find = ada.page.getByRole("search", { name: "Find" });
  await find.getByRole("textbox", { name: "Find" }).fill("needle");
  await ada.page.keyboard.press("Enter");
  await expect(find.getByRole("status")).toHaveText("1 of 4");
  await expect(editor.content.getByText("line 42 needle")).toBeVisible();
  await ada.page.keyboard.press("Enter");
  await expect(find.getByRole("status")).toHaveText("2 of 4");
  await expect(editor.content.getByText("line 142 needle")).toBeVisible();
  await ada.page.keyboard.press("Escape");
  await expect(find).toBeHidden();

  await ada.page.keyboard.press("Control+g");
  await ada.page.getByRole("textbox", { name: "Go to line" }).fill("333:3");
  await ada.page.keyboard.press("Enter");
  await expect(ada.page.getByText("Ln 333, Col 3")).toBeVisible();
  await expect(editor.content.getByText("line 333")).toBeVisible();
  await ada.page.keyboard.type("!");
  await expect.poll(async () => (await agent.read("long.txt")).split("\n")[332]).toBe("li!ne 333");
});
