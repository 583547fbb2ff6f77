//! What travels: nothing that somebody on the way could read, neither in a frame nor in an address.

import { expect, test } from "../lib/test.ts";
import type { Room } from "../lib/room.ts";

const NAME = "Zebedee-the-visitor";
const FILE = "quarterly-confessions.md";
const FOLDER = "very-private-folder";
const CONTENT = "The launch code is zero zero zero zero";
const TYPED = "Rhubarb and custard for everybody";

/** Shorter pieces of a secret say nothing: four bytes or less turn up in any ciphertext. */
const LEAST_TELLING = 6;

/** What was sent and received on the sockets of a page, and every address that it asked for. */
class Capture {
  readonly frames: Buffer[] = [];
  readonly addresses: string[] = [];
  sent = 0;
  received = 0;

  async listen(room: Room): Promise<void> {
    const devtools = await room.devtools();
    await devtools.send("Network.enable");
    const frame = ({ response }: { response: { opcode: number; payloadData: string } }) => {
      // A text frame comes as it is, a binary one in base64.
      this.frames.push(Buffer.from(response.payloadData, response.opcode === 1 ? "utf8" : "base64"));
    };
    devtools.on("Network.webSocketFrameSent", (event) => {
      this.sent += 1;
      frame(event);
    });
    devtools.on("Network.webSocketFrameReceived", (event) => {
      this.received += 1;
      frame(event);
    });
    devtools.on("Network.webSocketCreated", ({ url }) => this.addresses.push(url));
    devtools.on("Network.requestWillBeSent", ({ request }) => {
      const { url, headers, postData = "" } = request;
      this.addresses.push(`${url} ${JSON.stringify(headers)} ${postData}`);
    });
  }

  /** Which of these stand in anything that was captured, in any usual way to write text. */
  finds(secrets: string[]): string[] {
    const traffic = Buffer.concat([...this.frames, Buffer.from(this.addresses.join("\n"))]);
    return secrets.filter((secret) => {
      const wide = Buffer.from(secret, "utf16le");
      const ways = [Buffer.from(secret), wide, Buffer.from(wide).swap16(), Buffer.from(encodeURIComponent(secret))];
      // Base64 looks different at each of three offsets; its middle is enough.
      for (let shift = 0; shift < 3; shift++) {
        const encoded = Buffer.from("x".repeat(shift) + secret).toString("base64");
        ways.push(Buffer.from(encoded.slice(4, -4)), Buffer.from(Buffer.from("x".repeat(shift) + secret).toString("base64url").slice(4, -4)));
      }
      // A few bytes turn up in any ciphertext.
      return ways.some((way) => way.length >= LEAST_TELLING && traffic.includes(way));
    });
  }
}

test("a capture of a whole session holds no name, no content and no key", async ({ share, browserOf, join }) => {
  const agent = await share({ [`${FOLDER}/${FILE}`]: `${CONTENT}\n`, "picture.svg": `<svg xmlns="http://www.w3.org/2000/svg"><text>${CONTENT}</text></svg>` });
  const host = await join(agent.hostLink, "Hanna-who-hosts");
  const guest = await browserOf();
  const capture = new Capture();
  await capture.listen(guest);

  await guest.join(agent.editorLink, NAME);
  const editor = await guest.edit(`${FOLDER}/${FILE}`);
  await editor.typeBehind("zero", ` ${TYPED}`);
  await guest.expectSaved();
  const hosts = await host.edit(`${FOLDER}/${FILE}`);
  await hosts.expectToContain(TYPED);
  await hosts.typeBehind(TYPED, " said the host");
  await editor.expectToContain("said the host");
  await guest.openFile("picture.svg");
  await expect(guest.page.getByRole("img", { name: "picture.svg" })).toBeVisible();
  await guest.people();

  // There was traffic, and the search would find what it looks for.
  expect(capture.sent).toBeGreaterThan(10);
  expect(capture.received).toBeGreaterThan(10);
  const volume = Buffer.concat(capture.frames);
  expect(volume.length).toBeGreaterThan(3000);
  expect(capture.addresses.some((address) => address.startsWith("ws:"))).toBe(true);

  const fragment = agent.editorLink.split("#1.")[1] ?? "";
  expect(fragment.length).toBeGreaterThan(60);
  const raw = Buffer.from(fragment, "base64url");
  const secrets = [NAME, FILE, FOLDER, CONTENT, TYPED, "Hanna-who-hosts", "said the host", "picture.svg", "project", fragment, fragment.slice(0, 20), fragment.slice(-20)];
  expect(capture.finds(secrets)).toEqual([]);
  expect(volume.includes(raw.subarray(0, 32)), "the host's public key in clear").toBe(false);
  expect(volume.includes(raw.subarray(32)), "the secret in clear").toBe(false);

  const control = new Capture();
  control.frames.push(Buffer.from(`x${CONTENT}`), Buffer.from(NAME, "utf16le"), Buffer.from(Buffer.from(`yy${TYPED}`).toString("base64")));
  expect(control.finds([CONTENT, NAME, TYPED, FILE])).toEqual([CONTENT, NAME, TYPED]);
});
