//! At the door: good links, bad links, waiting, being let in, being sent away, and the end.

import { expect, test } from "../lib/test.ts";

/** What stands in a link behind the version: the host's key and the secret. */
const keyOf = (link: string) => Buffer.from(link.split("#1.")[1] ?? "", "base64url").subarray(0, 32);

/** A fragment with some of its bytes replaced. */
function withBytes(fragment: string, at: number, bytes: Iterable<number>): string {
  const changed = Buffer.from(fragment.slice(2), "base64url");
  changed.set([...bytes], at);
  return `${fragment.slice(0, 2)}${changed.toString("base64url")}`;
}

test("a guest joins by the link and sees the host's tree", async ({ share, browserOf }) => {
  const agent = await share({ "README.md": "# Hello\n", "src/main.py": "print('hello')\n", ".git/HEAD": "ref: refs/heads/main\n" });
  const guest = await browserOf();
  await guest.page.goto(agent.editorLink);
  await expect(guest.page.getByText("You are invited as editor")).toBeVisible();
  await expect(guest.nameField).toBeFocused();
  await guest.joinButton.click();
  await expect(guest.page.getByText("Type a name, so that the others know who you are.")).toBeVisible();

  await guest.nameField.fill("Ada");
  await guest.joinButton.click();
  await guest.expectConnection("live");
  await expect(guest.role).toHaveAttribute("data-role", "editor");
  await expect(guest.tree.getByRole("treeitem")).toHaveText(["src", "README.md"]);
  await guest.entry("src").click();
  await expect(guest.entry("main.py")).toHaveAttribute("aria-level", "2");
  await agent.line((line) => line.event === "guest_joined" && line.name === "Ada" && line.role === "editor");

  await (await guest.edit("README.md")).expectText("# Hello\n");
  await expect(guest.page).toHaveTitle(/README\.md - project/);
  await expect(await guest.person("Ada")).toContainText("you");
});

test("links that lead nowhere say what to do and let nobody in", async ({ share, browserOf }) => {
  const agent = await share({ "secret.txt": "s" });
  const [page, secret] = agent.editorLink.split("#") as [string, string];
  const other = await share({});
  const guest = await browserOf();

  const expectFailed = async (link: string, title: string) => {
    // Another page in between: a link that differs behind the # only would not load anew.
    await guest.page.goto("about:blank");
    await guest.page.goto(link);
    // A link whose fault only the host can tell has a join page first.
    await expect(guest.joinButton.or(guest.page.getByRole("heading", { name: title }))).toBeVisible();
    if (await guest.joinButton.isVisible()) {
      await guest.nameField.fill("Eve");
      await guest.joinButton.click();
    }
    await expect(guest.page.getByRole("heading", { name: title })).toBeVisible();
    await guest.expectConnection("ended");
    await expect(guest.tree).toHaveCount(0);
  };

  await expectFailed(page, "This link has lost its end");
  await expectFailed(`${page}#${secret.slice(0, -9)}`, "This link is not complete");
  await expectFailed(`${page}#7${secret.slice(1)}`, "This link is for another version");
  // Another host's key: whoever answers can not prove to be who made the link.
  await expectFailed(`${page}#${withBytes(secret, 0, keyOf(other.editorLink))}`, "This link does not fit this host");
  // The right host, another secret.
  await expectFailed(`${page}#${withBytes(secret, 40, [1, 2, 3])}`, "This invite does not open the door any more");
  // A session that is not shared there.
  await expectFailed(`${other.editorLink.split("#")[0]}#${secret}`, "This invite does not open the door any more");

  expect(agent.lines.filter((line) => line.event.startsWith("guest"))).toEqual([]);
  expect(other.lines.filter((line) => line.event.startsWith("guest"))).toEqual([]);
});

test("the host looks at who knocks before anybody is in", async ({ share, join, browserOf }) => {
  const agent = await share({ "plan.txt": "plan\n" }, "--approve", "always");
  const host = await join(agent.hostLink, "Hanna");
  const ada = await browserOf();
  await ada.knock(agent.editorLink, "Ada");
  await ada.expectConnection("lobby");
  await expect(ada.tree).toHaveCount(0);

  const knock = host.page.getByRole("dialog", { name: "Ada wants to join" });
  await expect(knock).toBeVisible();
  const words = await ada.page.getByRole("listitem").allTextContents();
  expect(words).toHaveLength(6);
  expect(await knock.getByRole("listitem").allTextContents()).toEqual(words);
  await knock.getByRole("button", { name: "Admit" }).click();
  await ada.expectConnection("live");
  await (await ada.edit("plan.txt")).expectText("plan\n");
  await expect(knock).toBeHidden();

  const eve = await browserOf();
  await eve.knock(agent.editorLink, "Eve");
  await eve.expectConnection("lobby");
  await host.page.getByRole("dialog", { name: "Eve wants to join" }).getByRole("button", { name: "Deny" }).click();
  await expect(eve.page.getByRole("heading", { name: "The host did not let you in" })).toBeVisible();
  await eve.expectConnection("ended");
  expect(agent.lines.filter((line) => line.event === "guest_joined").map((line) => line.name)).not.toContain("Eve");
});

test("a guest who is removed is out at once and stays out", async ({ share, join }) => {
  const agent = await share({ "notes.txt": "one\n" });
  const host = await join(agent.hostLink, "Hanna");
  const ada = await join(agent.editorLink, "Ada");
  await (await ada.edit("notes.txt")).typeBehind("one", " two");
  await ada.expectSaved();

  await host.personMenu("Ada", "Remove");
  await host.page.getByRole("dialog", { name: "Remove Ada?" }).getByRole("button", { name: "Remove", exact: true }).click();
  await ada.expectConnection("removed");
  await expect(ada.page.getByRole("heading", { name: "The host removed you" })).toBeVisible();
  await expect(await host.person("Ada")).toHaveCount(0);

  // The tab would join by itself after a reload; the host's decision holds for this browser.
  await ada.page.reload();
  await ada.expectConnection("removed");
  await expect(ada.tree).toHaveCount(0);
  expect(await agent.read("notes.txt")).toBe("one two\n");
});

test("the host ends the session: everybody is told, everything is on the disk", async ({ share, join }) => {
  const agent = await share({ "notes.txt": "" });
  const host = await join(agent.hostLink, "Hanna");
  const ada = await join(agent.editorLink, "Ada");
  const editor = await ada.edit("notes.txt");
  await editor.content.focus();
  await ada.page.keyboard.type("the last words");

  await host.command("Live Share: End Collaboration Session");
  await host.page.getByRole("dialog", { name: "End the session?" }).getByRole("button", { name: "End session" }).click();
  for (const room of [host, ada]) {
    await expect(room.page.getByRole("heading", { name: "The session is over" })).toBeVisible();
    await room.expectConnection("ended");
  }
  await agent.over();
  expect(await agent.read("notes.txt")).toBe("the last words");
});

test("one person in two tabs is in the room twice, and neither loses anything", async ({ share, join, tabOf }) => {
  const agent = await share({ "a.txt": "a\n", "b.txt": "b\n" });
  const first = await join(agent.editorLink, "Ada");
  await first.edit("a.txt");
  const second = await tabOf(first);
  await second.page.goto(agent.editorLink);
  await expect(second.nameField).toHaveValue("Ada");
  await second.joinButton.click();
  await second.expectConnection("live");
  await second.edit("b.txt");

  await first.editor("a.txt").typeBehind("a", "!");
  await second.editor("b.txt").typeBehind("b", "?");
  await first.expectSaved();
  await second.expectSaved();
  await agent.expectOnDisk("a.txt", "a!\n");
  await agent.expectOnDisk("b.txt", "b?\n");
  await first.expectConnection("live");
  await second.expectConnection("live");
});
