//! Editing while the host is away: through cuts, reloads, crashes and the agent's death, every character arrives once.

import type { Agent } from "../lib/agent.ts";
import { Proxy } from "../lib/proxy.ts";
import type { Editor, Room } from "../lib/room.ts";
import { expect, test as base } from "../lib/test.ts";

/** How long a cut lasts while somebody types through it. */
const CUT_MS = Number(process.env.CUT_MS ?? 3000);

const test = base.extend<{ wayTo: (agent: Agent | (() => Agent)) => Promise<Proxy> }>({
  // Guests go first, then the way, then the agent.
  wayTo: async ({ agents: _ }, use) => {
    const proxies: Proxy[] = [];
    await use(async (agent) => {
      const proxy = await Proxy.before(agent);
      proxies.push(proxy);
      return proxy;
    });
    for (const proxy of proxies) await proxy.stop();
  },
});

/** The bytes of every draft and copy that this browser keeps, as far as they are letters. */
async function kept(room: Room): Promise<string[]> {
  return room.page.evaluate(
    () =>
      new Promise<string[]>((resolve, reject) => {
        const opening = indexedDB.open("parlor");
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const database = opening.result;
          const request = database.transaction("drafts").objectStore("drafts").getAll();
          request.onerror = () => reject(request.error);
          request.onsuccess = () => {
            database.close();
            resolve(request.result.map((bytes: Uint8Array) => new TextDecoder().decode(bytes)));
          };
        };
      }),
  );
}

async function expectKept(room: Room, part: string): Promise<void> {
  await expect.poll(async () => (await kept(room)).some((text) => text.includes(part)), { message: `“${part}” is kept` }).toBe(true);
}

async function comeBack(room: Room): Promise<void> {
  const now = room.page.getByRole("button", { name: "Try now" });
  await expect(async () => {
    if (await now.isVisible()) await now.click({ timeout: 1000 }).catch(() => {});
    await expect(room.connection).toHaveAttribute("data-state", "live", { timeout: 1000 });
  }).toPass({ timeout: 30_000 });
}

function counted(text: string, alphabet: string): string {
  return [...text].filter((letter) => alphabet.includes(letter)).join("");
}

test("a guest types through a cut: it is marked, and arrives once", async ({ share, wayTo, browserOf, join }) => {
  // Longer than it takes until either side asks whether the other is still there.
  const cut = Math.max(CUT_MS, 30_000);
  test.setTimeout(60_000 + 2 * cut);
  const agent = await share({ "notes.txt": "start\n" });
  const way = await wayTo(agent);
  const ada = await browserOf();
  await ada.join(way.link(agent.editorLink), "Ada");
  const bob = await join(agent.editorLink, "Bob");
  const [one, other] = [await ada.edit("notes.txt"), await bob.edit("notes.txt")];
  await one.typeBehind("start", " ");

  let typed = "";
  const type = async (until: () => boolean) => {
    while (!until()) {
      const letter = "abcdefghij"[typed.length % 10] ?? "";
      await ada.page.keyboard.type(letter, { delay: 20 });
      typed += letter;
    }
  };
  await type(() => typed.length >= 20);
  way.cut();
  await ada.expectConnection("reconnecting");
  const mendAt = Date.now() + cut;
  await type(() => Date.now() >= mendAt);
  await expect(ada.sync).toHaveText("Not yet at the host");
  await expect(ada.sync).toHaveAttribute("title", /kept in this browser/);
  await expect(ada.page.getByText("Not yet at the host: 1 file.")).toBeVisible();
  await expect(ada.page.getByText(/^Next try in [1-9]\d* seconds?$/)).toBeVisible();
  await other.typeBehind("start", "BOB");
  way.mend();
  const end = typed.length + 50;
  await type(() => typed.length >= end);
  await comeBack(ada);
  const whole = `startBOB ${typed}\n`;
  for (const editor of [one, other]) await editor.expectText(whole);
  await agent.expectOnDisk("notes.txt", whole);
  await ada.expectSaved();
  await expect.poll(() => kept(ada)).toEqual([]);
  await ada.command("Check Sync");
  await expect(ada.page.getByText("1 file is equal with the host.")).toBeVisible();
});

test("a tab that is loaded anew while away has its text at once, and goes on", async ({ share, wayTo, browserOf, join }) => {
  const agent = await share({ "notes.txt": "start\n", "other.txt": "other\n" });
  const way = await wayTo(agent);
  const ada = await browserOf();
  await ada.join(way.link(agent.editorLink), "Ada");
  const bob = await join(agent.editorLink, "Bob");
  await ada.edit("other.txt");
  const [one, other] = [await ada.edit("notes.txt"), await bob.edit("notes.txt")];
  await one.typeBehind("start", " online");
  await other.expectText("start online\n");

  way.cut();
  await ada.expectConnection("reconnecting");
  await one.typeBehind("online", " offline");
  await expectKept(ada, " offline");
  await other.typeBehind("start", " bob");
  for (const round of ["one", "two"]) {
    await ada.page.reload();
    await ada.expectConnection("reconnecting");
    await expect(ada.role).toHaveAttribute("data-role", "editor");
    await one.expectToContain(" offline");
    await expect(ada.sync).toHaveText("Not yet at the host");
    // Loaded anew in the middle of a word: what was typed last is kept on the way out.
    await one.typeBehind(" offline", ` ${round}`);
  }
  await ada.page.reload();
  await one.expectToContain(" offline two one");
  way.mend();
  await comeBack(ada);
  const whole = "start bob online offline two one\n";
  for (const editor of [one, other]) await editor.expectText(whole);
  await agent.expectOnDisk("notes.txt", whole);
  await ada.expectSaved();
  await expect.poll(() => kept(ada)).toEqual([]);
  // The same participant as before, and everything else is there again.
  await expect(await bob.person("Ada")).toHaveCount(1);
  await expect(ada.tab("other.txt")).toBeVisible();
  await expect(ada.entry("notes.txt")).toBeVisible();
  await one.typeBehind("one", " and on");
  await other.expectToContain("one and on");
});

test("a tab that crashed while away is taken over by the next one", async ({ share, wayTo, browserOf, tabOf }) => {
  const agent = await share({ "notes.txt": "start\n" });
  const way = await wayTo(agent);
  const ada = await browserOf();
  await ada.join(way.link(agent.editorLink), "Ada");
  const one = await ada.edit("notes.txt");
  way.cut();
  await ada.expectConnection("reconnecting");
  await one.typeBehind("start", " offline");
  await expectKept(ada, " offline");
  // While the tab lives, another one of the same browser takes nothing from it.
  const second = await tabOf(ada);
  await second.knock(way.link(agent.editorLink), "Ada");
  await expect(second.page.getByText("Knocking at the door")).toBeVisible();
  await second.page.close();

  const crashed = ada.page.waitForEvent("crash");
  // Nobody is left to answer this.
  void (await ada.devtools()).send("Page.crash").catch(() => {});
  await crashed;
  const next = await tabOf(ada);
  await next.knock(way.link(agent.editorLink), "Ada");
  const editor = next.editor("notes.txt");
  await editor.expectText("start offline\n");
  await editor.typeBehind("offline", " again");
  way.mend();
  await comeBack(next);
  await agent.expectOnDisk("notes.txt", "start offline again\n");
  await expect.poll(() => kept(next)).toEqual([]);
});

test("a file that was renamed meanwhile gets the edits under its new name", async ({ share, wayTo, browserOf, join }) => {
  const agent = await share({ "notes.txt": "start\n" });
  const way = await wayTo(agent);
  const ada = await browserOf();
  await ada.join(way.link(agent.editorLink), "Ada");
  const bob = await join(agent.editorLink, "Bob");
  const one = await ada.edit("notes.txt");
  way.cut();
  await ada.expectConnection("reconnecting");
  await one.typeBehind("start", " offline");
  await expectKept(ada, " offline");
  await bob.entry("notes.txt").click();
  await bob.tree.focus();
  await bob.page.keyboard.press("F2");
  await bob.page.getByRole("textbox", { name: "New name" }).fill("renamed.txt");
  await bob.page.keyboard.press("Enter");
  await agent.expectFile("renamed.txt", "there");
  await ada.page.reload();
  await one.expectText("start offline\n");
  way.mend();
  await comeBack(ada);
  await expect(ada.tab("renamed.txt")).toBeVisible();
  await agent.expectOnDisk("renamed.txt", "start offline\n");
  await agent.expectFile("notes.txt", "gone");
});

test("two tabs of one person keep their texts apart", async ({ share, wayTo, browserOf, tabOf }) => {
  const agent = await share({ "one.txt": "one\n", "two.txt": "two\n" });
  const way = await wayTo(agent);
  const ada = await browserOf();
  await ada.join(way.link(agent.editorLink), "Ada");
  const second = await tabOf(ada);
  await second.join(way.link(agent.editorLink), "Ada");
  const [first, other] = [await ada.edit("one.txt"), await second.edit("two.txt")];
  way.cut();
  for (const room of [ada, second]) await room.expectConnection("reconnecting");
  await ada.page.bringToFront();
  await first.typeBehind("one", " mine");
  await expectKept(ada, " mine");
  await second.page.bringToFront();
  await other.typeBehind("two", " too");
  await expectKept(ada, " too");
  await second.page.reload();
  await other.expectText("two too\n");
  await expect(second.tab("one.txt")).toHaveCount(0);
  await ada.page.bringToFront();
  await ada.page.reload();
  await first.expectText("one mine\n");
  way.mend();
  await comeBack(ada);
  await comeBack(second);
  await agent.expectOnDisk("one.txt", "one mine\n");
  await agent.expectOnDisk("two.txt", "two too\n");
});

test("the agent is killed and started again while three guests type, cut off and reloaded: every character arrives once", async ({ share, wayTo, browserOf }) => {
  test.setTimeout(180_000 + 3 * CUT_MS);
  const start = `${"The text that stood there before, in upper case it is not.\n".repeat(30)}end\n`;
  const agent = await share({ "shared.txt": start });
  const alphabets = ["ABCDEFGH", "αβγδεζηθ", "0123456"];
  // The last word before the tabs are loaded anew is one that stands nowhere else.
  const lastWords = ["XYZ", "χψω", "789"];
  const guests = await Promise.all(
    alphabets.map(async (alphabet, index) => {
      const way = await wayTo(agent);
      const room = await browserOf();
      await room.join(way.link(agent.editorLink), `Guest ${index}`);
      return { alphabet, lastWord: lastWords[index] ?? "", way, room, editor: await room.edit("shared.txt"), typed: "" };
    }),
  );
  type Guest = (typeof guests)[number];
  const put = async (guest: Guest, text: string) => {
    await guest.room.page.keyboard.type(text, { delay: 25 });
    guest.typed += text;
  };
  const type = async (guest: Guest, count: number) => {
    for (let index = 0; index < count; index += 1) {
      await put(guest, guest.alphabet[guest.typed.length % guest.alphabet.length] ?? "");
    }
  };
  const ends = ["The text", "before", "end"];
  for (const [index, guest] of guests.entries()) await guest.editor.caret("behind", ends[index] ?? "end");
  const everybody = (count: number) => Promise.all(guests.map((guest) => type(guest, count)));

  await everybody(20);
  const typing = everybody(120);
  const haveTyped = (count: number) => expect.poll(() => Math.min(...guests.map((guest) => guest.typed.length))).toBeGreaterThan(count);
  await haveTyped(40);
  await agent.kill();
  await haveTyped(80);
  await agent.run();
  await typing;
  for (const guest of guests) await comeBack(guest.room);

  // Everybody is cut off at once, types, and is loaded anew.
  for (const guest of guests) guest.way.cut();
  for (const guest of guests) await guest.room.expectConnection("reconnecting");
  const before = Date.now();
  while (Date.now() < before + CUT_MS) await everybody(10);
  for (const guest of guests) await put(guest, guest.lastWord);
  for (const guest of guests) await expectKept(guest.room, guest.lastWord);
  for (const guest of guests) {
    const length = await guest.editor.length();
    await guest.room.page.reload();
    await expect.poll(() => guest.editor.length()).toBe(length);
    const at = (await guest.editor.text()).indexOf(guest.lastWord) + 3;
    await guest.editor.select([at, at]);
  }
  await everybody(10);
  for (const guest of guests) guest.way.mend();
  await everybody(10);
  for (const guest of guests) {
    await comeBack(guest.room);
    // Others may have sent more than a screen meanwhile; their edits are wanted.
    const send = guest.room.page.getByRole("button", { name: "Send my edits" });
    await expect(async () => {
      if (await send.isVisible()) await send.click();
      expect(await guest.room.sync.getAttribute("data-state")).toBe("saved");
    }).toPass({ timeout: 20_000 });
  }
  const letters = guests.reduce((sum, guest) => sum + guest.typed.length, 0);
  const texts = async () => [...(await Promise.all(guests.map((guest) => guest.editor.text()))), await agent.read("shared.txt")];
  await expect.poll(async () => (await texts()).map((text) => text.length), { timeout: 30_000 }).toEqual(Array(4).fill(start.length + letters));
  const [text = "", ...others] = await texts();
  for (const other of others) expect(other).toBe(text);
  for (const guest of guests) {
    const own = guest.alphabet + guest.lastWord;
    const mine = counted(text, own).split("").sort().join("");
    const expected = (counted(start, own) + guest.typed).split("").sort().join("");
    expect(mine, guest.room.name).toBe(expected);
  }
  console.log(`${letters} characters of three guests, each there once`);
});

test("edits are shown before they are sent when others changed the same lines", async ({ share, wayTo, browserOf, join }) => {
  const lines = Array.from({ length: 100 }, (_, index) => `line ${index} as it was\n`).join("");
  const agent = await share({ "code.txt": lines });
  const way = await wayTo(agent);
  const ada = await browserOf();
  await ada.join(way.link(agent.editorLink), "Ada");
  const editor = await ada.edit("code.txt");
  const bobs = await (await join(agent.editorLink, "Bob")).edit("code.txt");
  const away = async (typed: string, file: (text: string) => string) => {
    way.cut();
    await ada.expectConnection("reconnecting");
    await editor.typeBehind("line 50", typed);
    const changed = file(await agent.read("code.txt"));
    await agent.write("code.txt", changed);
    await bobs.expectText(changed);
    way.mend();
    await comeBack(ada);
  };
  const dialog = ada.page.getByRole("dialog", { name: "Send your edits of code.txt?" });

  // Escape decides nothing, a reload neither.
  const second = (text: string) => text.replaceAll("as it was", "rewritten by a program");
  await away(" MINE", second);
  await expect(dialog).toBeVisible();
  await expect(dialog.getByRole("region", { name: "Your edits in the host’s text" })).toContainText("line 50 MINE rewritten by a program");
  await ada.page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(ada.sync).toHaveAttribute("data-problem", "held");
  await expectKept(ada, " MINE");
  await ada.page.reload();
  await expect(dialog).toBeVisible();
  expect(await agent.read("code.txt")).toBe(second(lines));
  await expect(dialog.getByRole("button", { name: "Send my edits" })).toBeFocused();
  await ada.page.keyboard.press("Enter");
  const sent = second(lines).replace("line 50", "line 50 MINE");
  await agent.expectOnDisk("code.txt", sent);
  await editor.expectText(sent);

  // The other way out, by the keyboard too.
  await away(" MORE", (text) => text.replaceAll("rewritten by a program", "and again"));
  await expect(dialog).toBeVisible();
  await ada.pressUntil("Shift+Tab", dialog.getByRole("button", { name: "Keep a copy and take the host’s text" }));
  await ada.page.keyboard.press("Enter");
  const theirs = sent.replaceAll("rewritten by a program", "and again");
  await editor.expectText(theirs);
  await agent.expectOnDisk("code.txt", theirs);
  await expect(ada.toast("A copy of yours is kept")).toBeVisible();
  await ada.page.reload();
  await ada.toast("did not reach a host").getByRole("button", { name: "Show my text" }).click();
  const row = ada.page.getByTestId("unsent-text");
  await expect(row).toContainText("code.txt");
  await row.getByRole("button", { name: "Discard my text of code.txt" }).click();
  await expect(row).toHaveCount(0);
  await expect.poll(() => kept(ada)).toEqual([]);
});

test("text of a session that is over can be looked at and discarded", async ({ share, wayTo, browserOf, tabOf }) => {
  let agent = await share({ "notes.txt": "start\n" });
  const way = await wayTo(() => agent);
  const ada = await browserOf();
  await ada.join(way.link(agent.editorLink), "Ada");
  const one = await ada.edit("notes.txt");
  way.cut();
  await ada.expectConnection("reconnecting");
  await one.typeBehind("start", " never sent");
  await expectKept(ada, " never sent");
  await ada.page.close();
  await agent.end();
  agent = await share({ "notes.txt": "another\n" });
  way.mend();
  const next = await tabOf(ada);
  await next.join(way.link(agent.editorLink), "Ada");
  await next.toast("did not reach a host").getByRole("button", { name: "Show my text" }).click();
  const row = next.page.getByTestId("unsent-text");
  await expect(row).toContainText("notes.txt");
  await expect(row).toContainText("From an earlier session of project");
  await row.getByRole("button", { name: "Discard my text of notes.txt" }).click();
  await expect(next.page.getByText("There is nothing left here.")).toBeVisible();
  await expect.poll(() => kept(next)).toEqual([]);
});

test("a browser that keeps nothing says what does not survive", async ({ share, wayTo, browserOf }) => {
  const agent = await share({ "notes.txt": "start\n" });
  const way = await wayTo(agent);
  const ada = await browserOf();
  await ada.page.addInitScript(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException("refused", "SecurityError");
    };
  });
  await ada.join(way.link(agent.editorLink), "Ada");
  const editor: Editor = await ada.edit("notes.txt");
  way.cut();
  await ada.expectConnection("reconnecting");
  await editor.typeBehind("start", " offline");
  await expect(ada.page.getByText("does not survive a reload")).toBeVisible();
  await expect(ada.sync).toHaveAttribute("title", /kept in this tab alone/);
  way.mend();
  await comeBack(ada);
  await agent.expectOnDisk("notes.txt", "start offline\n");
});
