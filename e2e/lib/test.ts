//! What every journey stands on: agents and guests that are there when asked for, and that nothing went wrong unseen.

import { type BrowserContextOptions, expect, test as base } from "@playwright/test";
import { Agent, type Files } from "./agent.ts";
import { Room } from "./room.ts";
import { Typist, type Typing } from "./typist.ts";

interface Parlor {
  /** Shares a fresh folder with these files. The session is ended with the test, and what is left of it looked at. */
  share: (files: Files, ...flags: string[]) => Promise<Agent>;
  /** A browser of its own, as another person has it: own identity, own storage. */
  browserOf: (options?: BrowserContextOptions) => Promise<Room>;
  /** Another tab of the same browser. */
  tabOf: (room: Room) => Promise<Room>;
  /** A browser that has joined. */
  join: (link: string, name: string, options?: BrowserContextOptions) => Promise<Room>;
  /** A guest without a browser that types. */
  typist: (link: string, file: string, typing: Typing) => Typist;
}

/** What a page may say on its console without being broken: that a host is away. */
const EXPECTED = /WebSocket connection to .* failed|net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE)/;

export const test = base.extend<Parlor & { complaints: string[]; agents: Agent[] }>({
  complaints: async ({}, use) => {
    const complaints: string[] = [];
    await use(complaints);
    expect(complaints, "errors in pages").toEqual([]);
  },

  agents: async ({}, use, info) => {
    const agents: Agent[] = [];
    await use(agents);
    try {
      for (const agent of agents) await agent.end();
    } finally {
      for (const agent of agents) {
        if (info.status !== info.expectedStatus) await info.attach("agent.log", { body: agent.log });
        await agent.clean();
      }
    }
  },

  share: async ({ agents }, use) => {
    await use(async (files, ...flags) => {
      const agent = await Agent.start(files, flags);
      agents.push(agent);
      return agent;
    });
  },

  // Guests go before the agents, as they come after them.
  browserOf: async ({ browser, complaints, agents: _ }, use) => {
    const contexts: { close(): Promise<void> }[] = [];
    await use(async (options = {}) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      contexts.push(context);
      context.on("weberror", (error) => complaints.push(error.error().message));
      context.on("console", (message) => {
        if (message.type() === "error" && !EXPECTED.test(message.text())) complaints.push(message.text());
      });
      return new Room(await context.newPage());
    });
    for (const context of contexts) await context.close();
  },

  tabOf: async ({ browserOf: _ }, use) => {
    await use(async (room) => new Room(await room.context.newPage()));
  },

  join: async ({ browserOf }, use) => {
    await use(async (link, name, options) => {
      const room = await browserOf(options);
      await room.join(link, name);
      return room;
    });
  },

  typist: async ({ agents: _ }, use) => {
    const typists: Typist[] = [];
    await use((link, file, typing) => {
      const typist = new Typist(link, file, typing);
      typists.push(typist);
      return typist;
    });
    for (const typist of typists) typist.kill();
  },
});

export { expect };
