//! What stands between browsers and an agent: passes pages on and, as long as the network works, sockets.

import { type IncomingMessage, request as ask, type Server, createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Agent } from "./agent.ts";

/** A way to an agent that can break. Its sockets are cut in the middle of whatever they carry. */
export class Proxy {
  #server: Server;
  #sockets = new Set<Socket>();
  #broken = false;

  private constructor(
    private readonly agent: () => Agent,
    server: Server,
  ) {
    this.#server = server;
  }

  /** Stands before an agent, or before whichever agent there is at the time. */
  static async before(agent: Agent | (() => Agent)): Promise<Proxy> {
    const server = createServer();
    const proxy = new Proxy(typeof agent === "function" ? agent : () => agent, server);
    server.on("request", (request, response) => {
      if (!proxy.agent().shares) return void response.destroy();
      const { hostname, port } = proxy.#target;
      const passed = ask({ hostname, port, path: request.url, method: request.method, headers: proxy.#headers(request) }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      passed.on("error", () => response.destroy());
      request.pipe(passed);
    });
    server.on("upgrade", (request, socket: Socket, head) => proxy.#upgrade(request, socket, head));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  /** The same link, by this way. */
  link(link: string): string {
    const url = new URL(link);
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  /** Ends every socket at once, and lets none through. Pages still load. */
  cut(): void {
    this.#broken = true;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  /** Lets sockets through again. */
  mend(): void {
    this.#broken = false;
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get #target(): { hostname: string; port: string } {
    const { port } = new URL(this.agent().hostLink);
    return { hostname: "127.0.0.1", port };
  }

  /** The agent answers to its own name only, and takes sockets from its own page. */
  #headers(request: IncomingMessage): NodeJS.Dict<string | string[]> {
    const own = new URL(this.agent().hostLink);
    const headers: NodeJS.Dict<string | string[]> = { ...request.headers, host: own.host };
    if (headers.origin) headers.origin = own.origin;
    return headers;
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (this.#broken || !this.agent().shares) return void socket.destroy();
    const { hostname, port } = this.#target;
    const agent = connect(Number(port), hostname);
    for (const [one, other] of [[socket, agent], [agent, socket]] as const) {
      this.#sockets.add(one);
      one.setNoDelay(true);
      one.on("error", () => one.destroy());
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    const lines = Object.entries(this.#headers(request)).flatMap(([name, value]) => [value ?? []].flat().map((one) => `${name}: ${one}`));
    agent.write([`${request.method} ${request.url} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
    agent.write(head);
    socket.pipe(agent).pipe(socket);
  }
}
