import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { Poll } from "../src/poll.js";
import { createPollServer } from "../src/server.js";

const poll = new Poll(["Soup", "Noodles"]);
const server = createPollServer(poll);
let origin;

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${server.address().port}`;
});

after(() => {
  server.close();
  server.closeAllConnections();
});

const vote = (body) => fetch(`${origin}/vote`, { method: "POST", body });

test("the page and its files are served, nothing else", async () => {
  const page = await fetch(`${origin}/`);
  assert.match(page.headers.get("content-type"), /^text\/html/);
  assert.match(await page.text(), /Where do we eat/);
  for (const path of ["/package.json", "/../src/main.js", "/toString"]) {
    assert.equal((await fetch(origin + path)).status, 404, path);
  }
});

test("a vote is counted and told to whoever follows", async () => {
  const events = (await fetch(`${origin}/events`)).body.pipeThrough(new TextDecoderStream()).getReader();
  await events.read();
  const answer = await vote(JSON.stringify({ voter: "Ada", option: "Soup" }));
  assert.equal((await answer.json())[0].votes, 1);
  assert.match((await events.read()).value, /"option":"Soup","votes":1/);
  await events.cancel();
});

test("bad votes are refused with a reason", async () => {
  assert.equal((await vote("no json")).status, 400);
  assert.equal((await vote("null")).status, 400);
  assert.match((await (await vote(JSON.stringify({ voter: "Bob", option: "Pizza" }))).json()).error, /no “Pizza”/);
  assert.equal((await vote("x".repeat(5000))).status, 413);
});
