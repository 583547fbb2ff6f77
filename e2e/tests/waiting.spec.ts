//! People who wait for an answer: each is seen, and each button answers the person beside it.

import type { Room } from "../lib/room.ts";
import { expect, test } from "../lib/test.ts";

const SHELL = { shell: "exec env PS1='$ ' TERM=xterm-256color bash --norc --noprofile -i\n", other: "echo other; exec cat\n" };

test("the card turns to the next who knocks, and its buttons with it", async ({ share, join, browserOf }) => {
  const agent = await share({ "plan.txt": "plan\n" }, "--approve", "always");
  const host = await join(agent.hostLink, "Hanna");
  const names = ["Ada", "Ben", "Cem"];
  const guests = [];
  for (const name of names) {
    const guest = await browserOf();
    await guest.knock(agent.editorLink, name);
    await guest.expectConnection("lobby");
    guests.push(guest);
    await expect(host.page.getByRole("region", { name: "Ada wants to join" })).toBeVisible();
  }
  const [ada, ben, cem] = guests;
  await expect(host.page.getByText("2 more are waiting")).toBeVisible();

  await host.page.getByRole("region", { name: "Ada wants to join" }).getByRole("button", { name: "Admit" }).click();
  await ada!.expectConnection("live");
  const bens = host.page.getByRole("region", { name: "Ben wants to join" });
  await expect(bens).toBeVisible();
  expect(await bens.getByRole("listitem").allTextContents()).toEqual(await ben!.page.getByRole("listitem").allTextContents());
  await bens.getByRole("button", { name: "Deny" }).click();
  await expect(ben!.page.getByRole("heading", { name: "The host did not let you in" })).toBeVisible();
  await host.page.getByRole("region", { name: "Cem wants to join" }).getByRole("button", { name: "Admit" }).click();
  await cem!.expectConnection("live");
  await expect(host.page.getByTestId("approval")).toHaveCount(0);
  await expect(host.page.getByTestId("toast")).toHaveCount(0);
});

test("everybody who waits is answered in People, in any order, with the keyboard alone", async ({ share, join, browserOf }) => {
  const agent = await share({ "plan.txt": "plan\n" }, "--approve", "always");
  const host = await join(agent.hostLink, "Hanna");
  const guests = [];
  for (const name of ["Ada", "Ben", "Cem"]) {
    const guest = await browserOf();
    await guest.knock(agent.editorLink, name);
    await guest.expectConnection("lobby");
    guests.push(guest);
  }
  const [ada, ben, cem] = guests;
  await expect(host.page.getByRole("button", { name: "People", exact: true }).first()).toHaveAttribute("aria-description", "3 people are waiting for you");
  await host.people();
  const waiting = host.page.getByRole("list", { name: "Waiting for you" });
  await expect(waiting.getByTestId("approval")).toHaveCount(3);
  // Once, not also on a card over it.
  await expect(host.page.getByTestId("approval")).toHaveCount(3);
  const of = (name: string) => waiting.getByRole("region", { name: `${name} wants to join` });

  // The last first.
  await of("Cem").getByRole("button", { name: "Admit" }).focus();
  await host.page.keyboard.press("Enter");
  await cem!.expectConnection("live");
  // The row of the next has the keyboard, and a key pressed twice answers nobody else.
  await expect(of("Ada")).toBeFocused();
  await host.page.keyboard.press("Enter");
  await host.page.keyboard.press("Tab");
  await expect(of("Ada").getByRole("button", { name: "Deny" })).toBeFocused();
  await host.page.keyboard.press("Enter");
  await expect(ada!.page.getByRole("heading", { name: "The host did not let you in" })).toBeVisible();
  await of("Ben").getByRole("button", { name: "Admit" }).click();
  await ben!.expectConnection("live");
  await expect(waiting).toHaveCount(0);
});

test("with the keyboard alone the card is reached, answered, and left", async ({ share, join, browserOf }) => {
  const agent = await share({ "plan.txt": "plan\n" }, "--approve", "always");
  const host = await join(agent.hostLink, "Hanna");
  const editor = await host.edit("plan.txt");
  await editor.content.focus();
  const guests = [];
  for (const name of ["Ada", "Ben"]) {
    const guest = await browserOf();
    await guest.knock(agent.editorLink, name);
    await guest.expectConnection("lobby");
    guests.push(guest);
  }
  // It took nothing from who was typing.
  await expect(editor.content).toBeFocused();
  const card = host.page.getByRole("region", { name: "Ada wants to join" });
  await host.pressUntil("F6", card);
  await host.pressUntil("Tab", card.getByRole("button", { name: "Admit" }));
  await host.page.keyboard.press("Enter");
  await guests[0]!.expectConnection("live");
  const next = host.page.getByRole("region", { name: "Ben wants to join" });
  await expect(next.getByRole("dialog")).toBeFocused();
  await host.pressUntil("Tab", next.getByRole("button", { name: "Admit" }));
  await host.page.keyboard.press("Enter");
  await guests[1]!.expectConnection("live");
  await expect(editor.content).toBeFocused();
});

test("two who ask to type, in two terminals: each is answered", async ({ share, join }) => {
  const agent = await share(SHELL, "--terminal", "sh ./shell");
  const host = await join(agent.hostLink, "Hanna");
  await host.command("Terminal: Focus");
  const hosts = await host.terminal();
  const rooms: Room[] = [];
  for (const name of ["Ada", "Ben", "Cem"]) {
    const guest = await join(agent.editorLink, name);
    await guest.terminal();
    await guest.page.getByRole("button", { name: "Ask to type" }).click();
    await expect(guest.page.getByRole("button", { name: "Asked" })).toBeVisible();
    rooms.push(guest);
  }
  const [ada, ben, cem] = rooms;
  const badge = (room: Room) => room.page.getByTestId("terminal-read-only");
  const card = (name: string) => host.page.getByRole("region", { name: `${name} asks to type in sh ./shell` });

  await card("Ada").getByRole("button", { name: "Not now" }).click();
  await card("Ben").getByRole("button", { name: "Allow" }).click();
  await expect(badge(ben!)).toHaveCount(0);
  await expect(badge(ada!)).toBeVisible();
  await (await ben!.terminal()).run("echo bens-$((1 + 1))");
  await hosts.expectToContain("bens-2");

  await host.people();
  const waiting = host.page.getByRole("list", { name: "Waiting for you" });
  await expect(waiting.getByTestId("typing-wish")).toHaveCount(1);
  await card("Cem").getByRole("button", { name: "Allow" }).click();
  await expect(badge(cem!)).toHaveCount(0);
  await expect(waiting).toHaveCount(0);
  await expect(badge(ada!)).toBeVisible();
});

test("buttons of what is shown for one thing after another act on what is shown", async ({ share, join }) => {
  const agent = await share(
    { ...SHELL, "a.bin": new Uint8Array([0, 1, 2, 3]), "b.bin": new Uint8Array([0, 1, 2, 3]) },
    "--terminal",
    "sh ./shell",
    "--terminal",
    "sh ./other",
  );
  const host = await join(agent.hostLink, "Hanna");
  // The notice of a file that is no text.
  await host.openFile("a.bin");
  await expect(host.notice).toContainText("a.bin");
  await host.openFile("b.bin");
  await expect(host.notice).toContainText("b.bin");
  // From one to the other at once, without anything between.
  await host.tab("a.bin").click();
  await expect(host.notice).toContainText("a.bin");
  await host.notice.getByRole("button", { name: "Close" }).click();
  await expect(host.tab("a.bin")).toHaveCount(0);
  await expect(host.tab("b.bin")).toHaveCount(1);

  // The menu of the terminal that is shown: of one and then of the other.
  await host.command("Terminal: Focus");
  for (const name of ["sh ./shell", "sh ./other", "sh ./shell"]) {
    await host.terminalPanel.getByRole("tab", { name }).click();
    await host.terminal(name);
    await host.terminalMenu("Move into editor area");
    await expect(host.tab(name)).toHaveAttribute("aria-selected", "true");
    await host.terminalMenu("Move to panel", host.terminalEditor);
    await expect(host.tab(name)).toHaveCount(0);
  }
});
