// The poll over HTTP.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { PollError } from "./poll.js";

const MAX_BODY_BYTES = 4096;

/** The files of the page; nothing else is served. */
const FILES = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/poll.js": ["poll.js", "text/javascript"],
  "/style.css": ["style.css", "text/css"],
};

/** @param {import("./poll.js").Poll} poll */
export function createPollServer(poll) {
  return createServer((request, response) => {
    answer(poll, request, response).catch((error) => {
      const status = error instanceof PollError ? 400 : error.status ?? 500;
      send(response, status, { error: status === 500 ? "Something went wrong." : error.message });
      if (status === 500) console.error(error);
    });
  });
}

async function answer(poll, request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const route = `${request.method} ${pathname}`;
  if (route === "GET /events") return follow(poll, request, response);
  if (route === "GET /counts") return send(response, 200, poll.counts());
  if (route === "POST /vote") {
    const { voter, option } = await readJson(request);
    poll.vote(voter, option);
    return send(response, 200, poll.counts());
  }
  const file = request.method === "GET" && FILES[pathname];
  if (!file) return send(response, 404, { error: "There is nothing here." });
  const [name, type] = file;
  response.writeHead(200, { "Content-Type": type, "Cache-Control": "no-cache" });
  response.end(await readFile(new URL(`../public/${name}`, import.meta.url)));
}

/** Server-sent events: the counts now and after each change. */
function follow(poll, request, response) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const push = (counts) => response.write(`data: ${JSON.stringify(counts)}\n\n`);
  push(poll.counts());
  poll.on("change", push);
  request.on("close", () => poll.off("change", push));
}

async function readJson(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw Object.assign(new Error("That is too much."), { status: 413 });
    chunks.push(chunk);
  }
  try {
    return Object(JSON.parse(Buffer.concat(chunks).toString("utf8")));
  } catch {
    throw Object.assign(new Error("That is no JSON."), { status: 400 });
  }
}

function send(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}
