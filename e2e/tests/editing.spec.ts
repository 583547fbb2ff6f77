//! Editing together: what is typed, by whom and how, is the same for everybody and on the host's disk.

import { execFileSync } from "node:child_process";
import { expect, test } from "../lib/test.ts";

test("two guests and the host type in one file at once", async ({ share, join }) => {
  const agent = await share({ "story.md": "# Story\n\nAda: \nBob: \nHanna: \n" });
  const host = await join(agent.hostLink, "Hanna");
  const ada = await join(agent.editorLink, "Ada");
  const bob = await join(agent.editorLink, "Bob");
  const sentence = (who: string) => `${who} was here and wrote this line at the same time as everybody else.`;
  const rooms = [host, ada, bob];
  const editors = await Promise.all(rooms.map((room) => room.edit("story.md")));

  await Promise.all(editors.map((editor) => editor.typeBehind(`${editor.room.name}: `, sentence(editor.room.name))));
  const lines = ["Ada", "Bob", "Hanna"].map((name) => `${name}: ${sentence(name)}\n`);
  const whole = `# Story\n\n${lines.join("")}`;
  for (const editor of editors) await editor.expectText(whole);
  for (const room of rooms) await room.expectSaved();
  await agent.expectOnDisk("story.md", whole);

  // Saved by hand, everybody is told whose hand it was, also if there was nothing new.
  await ada.page.keyboard.press("Control+s");
  await expect(ada.sync).toHaveText("Saved by you");
  for (const room of [host, bob]) await expect(room.sync).toHaveText("Saved by Ada");

  // Undo takes back one's own and nobody else's.
  await bob.page.keyboard.press("Control+z");
  await expect.poll(() => editors[2]?.text()).not.toContain(sentence("Bob"));
  for (const editor of editors) {
    await editor.expectToContain(sentence("Ada"));
    await editor.expectToContain(sentence("Hanna"));
  }
});

test("emoji, joined and astral, stay whole between two who type around them", async ({ share, join }) => {
  const family = "👨‍👩‍👧‍👦";
  const agent = await share({ "emoji.txt": `a${family}b𝒳c🇩🇪d\n` });
  const ada = await join(agent.editorLink, "Ada");
  const bob = await join(agent.editorLink, "Bob");
  const [one, other] = [await ada.edit("emoji.txt"), await bob.edit("emoji.txt")];

  await Promise.all([one.typeBehind(family, "🎉👍🏽"), other.typeBehind("𝒳", "é😀")]);
  const whole = `a${family}🎉👍🏽b𝒳é😀c🇩🇪d\n`;
  await one.expectText(whole);
  await other.expectText(whole);
  await agent.expectOnDisk("emoji.txt", whole);

  // One key takes one character, however many units and people it is made of.
  await one.caret("behind", family);
  await ada.page.keyboard.press("Backspace");
  const without = whole.replace(family, "");
  await one.expectText(without);
  await other.expectText(without);
  await agent.expectOnDisk("emoji.txt", without);
  // Over its other end a caret steps in one go.
  await one.caret("before", "🇩🇪");
  await ada.page.keyboard.press("ArrowRight");
  await ada.page.keyboard.type("!");
  await other.expectToContain("🇩🇪!d");
});

test("files keep their line ends and their tabs", async ({ share, join }) => {
  const agent = await share({
    "dos.txt": "one\r\ntwo\r\nthree\r\n",
    "mixed.txt": "one\r\ntwo\nthree",
    "Makefile": "all:\n\techo one\n",
    "bom.txt": "\ufeffwith a mark\n",
  });
  const ada = await join(agent.editorLink, "Ada");

  const dos = await ada.edit("dos.txt");
  await expect(ada.page.getByText("CRLF", { exact: true })).toBeVisible();
  await dos.typeBehind("two", " and a half");
  await ada.page.keyboard.press("Enter");
  await ada.page.keyboard.type("new line");
  await agent.expectOnDisk("dos.txt", "one\r\ntwo and a half\r\nnew line\r\nthree\r\n");

  const mixed = await ada.edit("mixed.txt");
  await mixed.typeBehind("three", "!");
  await agent.expectOnDisk("mixed.txt", "one\r\ntwo\nthree!");

  const makefile = await ada.edit("Makefile");
  await makefile.caret("behind", "echo one");
  await ada.page.keyboard.press("Enter");
  await ada.page.keyboard.type("echo two");
  await ada.page.keyboard.press("Home");
  await ada.page.keyboard.press("Tab");
  await makefile.expectToContain("\techo two\n");
  await expect.poll(() => agent.read("Makefile")).toMatch(/^all:\n\techo one\n\t+echo two\n$/);

  const bom = await ada.edit("bom.txt");
  await bom.expectText("with a mark\n");
  await bom.typeBehind("mark", "er");
  await agent.expectOnDisk("bom.txt", "\ufeffwith a marker\n");
});

test("an input method composes in the very line that somebody else edits", async ({ share, join }) => {
  const agent = await share({ "ime.txt": "abc\ndefgh\nijk\n" });
  const ada = await join(agent.editorLink, "Ada");
  const bob = await join(agent.editorLink, "Bob");
  const [one, other] = [await ada.edit("ime.txt"), await bob.edit("ime.txt")];
  await one.caret("behind", "de");

  await ada.compose("に");
  await ada.compose("にほ");
  await other.typeBehind("gh", "++");
  await other.expectToContain("gh++");
  await ada.compose("にほん");
  await other.caret("before", "de");
  await bob.page.keyboard.type("- ");
  await ada.compose("日本");
  await ada.commit("日本");
  // Remote edits that came meanwhile are all there, and what was composed stands once.
  const whole = "abc\n- de日本fgh++\nijk\n";
  await one.expectText(whole);
  await other.expectText(whole);
  await agent.expectOnDisk("ime.txt", whole);
  await expect(one.content).toContainText("- de日本fgh++");

  // Text that comes in one piece, as from a phone's keyboard or an emoji panel.
  await one.caret("behind", "ijk");
  await ada.commit(" 漢字🎌");
  await other.expectToContain("ijk 漢字🎌\n");
});

test("a shell changes the file while guests type in it", async ({ share, join }) => {
  const agent = await share({ "log.txt": "top\nmiddle\n" });
  const ada = await join(agent.editorLink, "Ada");
  const editor = await ada.edit("log.txt");
  const typed = "words that nobody may lose while a program writes to the same file";

  const shell = (script: string) => execFileSync("sh", ["-c", script], { cwd: agent.folder });
  await editor.caret("behind", "middle");
  const [first, rest] = [typed.slice(0, 30), typed.slice(30)];
  await ada.page.keyboard.type(first);
  shell("printf 'appended by a shell\\n' >> log.txt");
  await ada.page.keyboard.type(rest);
  await editor.expectText(`top\nmiddle${typed}\nappended by a shell\n`);
  await agent.expectOnDisk("log.txt", `top\nmiddle${typed}\nappended by a shell\n`);

  // An editor that writes a new file and renames it over the old one, as most do.
  shell("sed 's/^top$/TOP of the file/' log.txt > log.new && mv log.new log.txt");
  await editor.expectText(`TOP of the file\nmiddle${typed}\nappended by a shell\n`);
  await ada.page.keyboard.type("!");
  await agent.expectOnDisk("log.txt", `TOP of the file\nmiddle${typed}!\nappended by a shell\n`);
  await ada.expectSaved();
});

test("a viewer sees everything and changes nothing, also with a changed page", async ({ share, join }) => {
  const agent = await share({ "notes.txt": "for all to see\n" });
  const host = await join(agent.hostLink, "Hanna");
  const vera = await join(agent.viewerLink, "Vera");
  const [writing, reading] = [await host.edit("notes.txt"), await vera.edit("notes.txt")];
  await expect(vera.role).toHaveAttribute("data-role", "viewer");
  await expect(vera.role).toHaveText("viewer");
  await expect(reading.content).toHaveAttribute("aria-readonly", "true");
  await expect(vera.page.getByRole("button", { name: "New file" })).toBeDisabled();

  await reading.caret("behind", "for");
  await vera.page.keyboard.type("bidden");
  await vera.page.keyboard.press("Backspace");
  await expect(vera.toast("You are a viewer")).toBeVisible();
  await reading.expectText("for all to see\n");

  // The page's own check is only good manners: the host refuses, and the page shows the truth again.
  await reading.force(0, "FORCED ");
  await expect(vera.toast(/could not be merged|does not allow editing/)).toBeVisible();
  await reading.expectText("for all to see\n");
  await writing.typeBehind("see", ", still");
  await reading.expectText("for all to see, still\n");
  await agent.expectOnDisk("notes.txt", "for all to see, still\n");
  await writing.expectText("for all to see, still\n");

  // The host changes the role, and it holds at once.
  await (await host.person("Vera")).getByRole("button", { name: "Let edit: Vera" }).click();
  await expect(vera.role).toHaveAttribute("data-role", "editor");
  await reading.typeBehind("still", " here");
  await writing.expectToContain("still here");
  await agent.expectOnDisk("notes.txt", "for all to see, still here\n");
});

test("everybody's carets show, all of them, with a name", async ({ share, join }) => {
  const agent = await share({ "poem.txt": `one\ntwo\nthree\nfour\n${"and so on\n".repeat(300)}` });
  const ada = await join(agent.editorLink, "Ada");
  const bob = await join(agent.editorLink, "Bob");
  const host = await join(agent.hostLink, "Hanna");
  const [mine, his, hosts] = [await ada.edit("poem.txt"), await bob.edit("poem.txt"), await host.edit("poem.txt")];

  // Others are told of what a person does, so the last step of each is a key.
  await his.select([0, 2, 6, 6, 9, 9]);
  await bob.page.keyboard.press("Shift+ArrowRight");
  await hosts.select([17, 17]);
  await host.page.keyboard.press("ArrowRight");
  await expect(ada.caretsOf("Bob")).toHaveCount(3);
  await expect(ada.caretsOf("Hanna")).toHaveCount(1);
  await expect(ada.caretsOf("Bob").first().getByText("Bob")).toBeVisible();
  await expect(ada.page.locator(".parlor-peer-selection")).toHaveCount(3);
  // Different people have different colours and shapes.
  const shape = (name: string) => ada.caretsOf(name).first().locator(".parlor-flag-shape").textContent();
  expect(await shape("Bob")).not.toBe(await shape("Hanna"));

  // They stay at their text when somebody types before them.
  const place = async () => (await ada.caretsOf("Hanna").boundingBox())?.y ?? 0;
  const before = await place();
  await mine.caret("before", "one");
  await ada.page.keyboard.press("Enter");
  await expect.poll(place).toBeGreaterThan(before);
  expect(await hosts.selection()).toEqual([19, 19]);

  // A press on somebody's place leads there, from where it is out of sight.
  await mine.select([19, 19]);
  await ada.page.keyboard.press("Control+End");
  await expect(ada.caretsOf("Bob")).toHaveCount(0);
  await (await ada.person("Bob")).getByRole("button", { name: "Go to Bob in poem.txt" }).click();
  await expect(ada.caretsOf("Bob")).toHaveCount(3);
  await bob.page.close();
  await expect(ada.caretsOf("Bob")).toHaveCount(0);
  await expect(ada.caretsOf("Hanna")).toHaveCount(1);
});

test("the connection breaks while somebody types, and nothing is lost", async ({ share, browserOf, join }) => {
  const agent = await share({ "notes.txt": "start\n" });
  const ada = await browserOf();
  const network = await ada.network();
  await ada.join(agent.editorLink, "Ada");
  const bob = await join(agent.editorLink, "Bob");
  const [one, other] = [await ada.edit("notes.txt"), await bob.edit("notes.txt")];
  await one.typeBehind("start", " online");
  await other.expectText("start online\n");

  network.cut();
  await ada.expectConnection("reconnecting");
  await expect(ada.page.getByText("Keep typing: nothing is lost")).toBeVisible();
  await expect(ada.sync).toHaveAttribute("data-state", "offline");
  await one.typeBehind("online", " offline");
  await other.typeBehind("start", " and");
  await agent.expectOnDisk("notes.txt", "start and online\n");
  network.mend();
  // The button goes away when it is pressed; the keyboard goes on in the text.
  await ada.page.getByRole("button", { name: "Try now" }).press("Enter");
  await ada.page.keyboard.type(" again");
  await ada.expectConnection("live");
  for (const editor of [one, other]) await editor.expectText("start and online offline again\n");
  await agent.expectOnDisk("notes.txt", "start and online offline again\n");
  await ada.expectSaved();
});

test("undo goes on after the connection was away, and takes back one's own typing only", async ({ share, browserOf, join }) => {
  const agent = await share({ "notes.txt": "one\ntwo\n" });
  const ada = await browserOf();
  const network = await ada.network();
  await ada.join(agent.editorLink, "Ada");
  const bob = await join(agent.editorLink, "Bob");
  const [one, other] = [await ada.edit("notes.txt"), await bob.edit("notes.txt")];
  // Inserted at once: one step of undo, however slow the machine is.
  const insertBehind = async (editor: typeof one, part: string, inserted: string) => {
    await editor.caret("behind", part);
    await editor.room.page.keyboard.insertText(inserted);
  };
  await insertBehind(one, "one", " before");
  await other.expectText("one before\ntwo\n");

  network.cut();
  await ada.expectConnection("reconnecting");
  await insertBehind(one, "two", " away");
  await insertBehind(other, "one", " Bob");
  await agent.expectOnDisk("notes.txt", "one Bob before\ntwo\n");
  network.mend();
  await ada.expectConnection("live");
  for (const editor of [one, other]) await editor.expectText("one Bob before\ntwo away\n");

  await one.content.focus();
  await ada.page.keyboard.press("Control+z");
  for (const editor of [one, other]) await editor.expectText("one Bob before\ntwo\n");
  await ada.page.keyboard.press("Control+z");
  for (const editor of [one, other]) await editor.expectText("one Bob\ntwo\n");
  await ada.page.keyboard.press("Control+Shift+z");
  await other.expectText("one Bob before\ntwo\n");
  await agent.expectOnDisk("notes.txt", "one Bob before\ntwo\n");
});

test("undo survives that a text is taken from the host anew", async ({ share, join }) => {
  const agent = await share({ "notes.txt": "one\ntwo\n" });
  const host = await join(agent.hostLink, "Hanna");
  const ada = await join(agent.editorLink, "Ada");
  const [hosts, mine] = [await host.edit("notes.txt"), await ada.edit("notes.txt")];
  await mine.caret("behind", "one");
  await ada.page.keyboard.insertText(" mine");
  await hosts.expectText("one mine\ntwo\n");

  // What the host refuses makes the page forget its text and take the host's.
  await (await host.person("Ada")).getByRole("button", { name: "Make read-only: Ada" }).click();
  await expect(ada.role).toHaveAttribute("data-role", "viewer");
  await mine.force(0, "FORCED ");
  await expect(ada.toast(/could not be merged|does not allow editing/)).toBeVisible();
  await mine.expectText("one mine\ntwo\n");
  await hosts.caret("before", "two");
  await host.page.keyboard.insertText("theirs ");
  await mine.expectText("one mine\ntheirs two\n");

  await (await host.person("Ada")).getByRole("button", { name: "Let edit: Ada" }).click();
  await expect(ada.role).toHaveAttribute("data-role", "editor");
  await mine.content.focus();
  await ada.page.keyboard.press("Control+z");
  for (const editor of [mine, hosts]) await editor.expectText("one\ntheirs two\n");
});

test("the last change of anybody can be undone, by who may edit, and the page says whose it was", async ({ share, join }) => {
  const agent = await share({ "notes.txt": "one\ntwo\n" });
  const ada = await join(agent.editorLink, "Ada");
  const bob = await join(agent.editorLink, "Bob");
  const vera = await join(agent.viewerLink, "Vera");
  const [one, other] = [await ada.edit("notes.txt"), await bob.edit("notes.txt")];
  await one.content.focus();
  await ada.command("Edit: Undo Last Change by Anyone");
  await expect(ada.toast("Nothing has changed in this file")).toBeVisible();

  await other.caret("behind", "one");
  await bob.page.keyboard.insertText(" Bob");
  await one.expectText("one Bob\ntwo\n");
  await ada.command("Edit: Undo Last Change by Anyone");
  await expect(ada.toast("Undid Bob’s last change")).toBeVisible();
  for (const editor of [one, other]) await editor.expectText("one\ntwo\n");
  // The own undo takes that back, with the keyboard in the text already.
  await expect(one.content).toBeFocused();
  await ada.page.keyboard.press("Control+z");
  for (const editor of [one, other]) await editor.expectText("one Bob\ntwo\n");
  await agent.expectOnDisk("notes.txt", "one Bob\ntwo\n");

  await agent.write("notes.txt", "one Bob\ntwo\nthree\n");
  await one.expectText("one Bob\ntwo\nthree\n");
  await ada.command("Edit: Undo Last Change by Anyone");
  await expect(ada.toast("came from the host’s disk")).toBeVisible();
  await agent.expectOnDisk("notes.txt", "one Bob\ntwo\n");

  await vera.edit("notes.txt");
  await vera.page.keyboard.press("F1");
  await vera.palette.getByRole("combobox").fill("Undo Last Change");
  await expect(vera.palette.getByRole("option")).toHaveCount(0);
});

test("the agent is killed and started again: the same links, and nothing that was typed is lost", async ({ share, join }) => {
  const agent = await share({ "notes.txt": "start\n" });
  const ada = await join(agent.editorLink, "Ada");
  const bob = await join(agent.editorLink, "Bob");
  const [one, other] = [await ada.edit("notes.txt"), await bob.edit("notes.txt")];
  const links = [agent.hostLink, agent.editorLink, agent.viewerLink];
  await one.typeBehind("start", " seen by others and perhaps not on the disk yet");
  await other.expectToContain("disk yet");

  await agent.kill();
  await ada.expectConnection("reconnecting");
  await one.typeBehind("disk yet", ", typed alone");
  await agent.run();
  expect([agent.hostLink, agent.editorLink, agent.viewerLink]).toEqual(links);
  const whole = "start seen by others and perhaps not on the disk yet, typed alone\n";
  for (const room of [ada, bob]) {
    const now = room.page.getByRole("button", { name: "Try now" });
    await expect(async () => {
      if (await now.isVisible()) await now.click();
      await expect(room.connection).toHaveAttribute("data-state", "live", { timeout: 1000 });
    }).toPass();
  }
  for (const editor of [one, other]) await editor.expectText(whole);
  await agent.expectOnDisk("notes.txt", whole);
  // It does not merely look alive.
  await other.typeBehind("alone", " once more");
  await one.expectToContain("alone once more");
});
