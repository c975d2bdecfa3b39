// A peer on the package ws. `peer.mjs client PLAN` checks a server. `peer.mjs server [CERTIFICATE
// KEY]` prints its URL and checks the first echo client that connects. Both print a line for each
// check. The plan is JSON, as in plan.rs. The files are in PEM and are for TLS.

import { readFileSync } from "node:fs";
import { createServer as createPlain } from "node:http";
import { createServer as createTls } from "node:https";
import { webcrypto } from "node:crypto";
import { WebSocket, WebSocketServer } from "ws";
import { Inbox, expect, follow } from "./checks.mjs";

// A threshold of 0 compresses every message. By default only messages of 1 KiB and more are
// compressed.
const options = { perMessageDeflate: { threshold: 0 }, maxPayload: 4 * 1024 * 1024 };

async function check(plan, socket, inbox) {
  await follow(plan, socket, inbox, (line) => console.log(line), {
    fragments: async () => {
      const parts = ["one ", "", "and two ", "and three ".repeat(10_000)];
      parts.forEach((part, at) => socket.send(part, { fin: at === parts.length - 1 }));
      await expect(inbox, parts.join(""));
    },
    ping: async () => {
      const pong = new Promise((resolve) => socket.once("pong", resolve));
      socket.ping("still there?");
      const payload = (await pong).toString();
      if (payload !== "still there?") throw new Error(`the payload of the Pong is "${payload}"`);
    },
  });
}

// Node 18 has no such global variable.
globalThis.crypto ??= webcrypto;

const [role, ...rest] = process.argv.slice(2);
if (role === "client") {
  const plan = JSON.parse(rest[0]);
  const { url, authority, headers, compressed } = plan;
  const socket = new WebSocket(url, {
    ...options,
    ...(!compressed && { perMessageDeflate: false }),
    headers: Object.fromEntries(headers),
    ca: authority && readFileSync(authority),
  });
  const inbox = new Inbox(socket);
  socket.on("error", (error) => console.log(`failed connection: ${error.message}`));
  socket.on("open", () => check(plan, socket, inbox));
} else {
  const [cert, key] = rest.map((file) => readFileSync(file));
  const http = cert ? createTls({ cert, key }) : createPlain();
  const origin = cert ? "wss://localhost" : "ws://127.0.0.1";
  http.listen(0, "127.0.0.1", () => console.log(`${origin}:${http.address().port}`));
  const server = new WebSocketServer({ ...options, server: http });
  server.once("connection", async (socket) => {
    const inbox = new Inbox(socket);
    socket.on("error", (error) => console.log(`failed connection: ${error.message}`));
    await check({ compressed: true }, socket, inbox);
    server.close();
    http.close();
  });
}
