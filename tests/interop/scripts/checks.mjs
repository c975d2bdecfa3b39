// The checks of a JavaScript WebSocket, for a browser and for Node.

const LENGTHS = [0, 1, 125, 126, 65535, 65536];
const MIB = 1024 * 1024;
const CLOSE = { code: 4321, reason: "auf Wiedersehen, tschüß" };

// Returns an ASCII text of `length` bytes that compresses well.
function letters(length) {
  return "the quick brown fox ".repeat(length / 20 + 1).slice(0, length);
}

function json(length) {
  const records = [];
  for (let size = 1; ; ) {
    const id = records.length;
    const record = JSON.stringify({ id, name: `item ${id}`, price: (id * 7919) % 10007, open: id % 3 === 0 });
    size += record.length + 1;
    if (size > length) break;
    records.push(record);
  }
  return `[${records.join(",")}]`.padEnd(length, " ");
}

function random(length) {
  const bytes = new Uint8Array(length);
  // One call returns at most 65536 bytes.
  for (let at = 0; at < length; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65536));
  }
  return bytes;
}

function encode(text) {
  return new TextEncoder().encode(text);
}

function same(sent, received) {
  if (typeof sent === "string" || typeof received === "string") return sent === received;
  const view = new Uint8Array(received);
  return view.length === sent.length && sent.every((byte, at) => byte === view[at]);
}

function describe(message) {
  const kind = typeof message === "string" ? "text" : "binary";
  return `${kind} of ${message.length ?? message.byteLength}`;
}

// Collects the messages of a socket in their order, and its end. Must be created before a message
// can arrive.
export class Inbox {
  #messages = [];
  #waiting = null;

  constructor(socket) {
    socket.binaryType = "arraybuffer";
    this.closed = new Promise((resolve) => socket.addEventListener("close", resolve));
    this.closed.then(() => this.#waiting?.reject(new Error("the connection ended")));
    socket.addEventListener("message", ({ data }) => {
      // Cleared here, because more messages may arrive before the waiting function runs.
      const waiting = this.#waiting;
      this.#waiting = null;
      if (waiting) waiting.resolve(data);
      else this.#messages.push(data);
    });
  }

  async next() {
    if (this.#messages.length > 0) return this.#messages.shift();
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }
}

async function echo(socket, inbox, ...messages) {
  for (const message of messages) socket.send(message);
  for (const sent of messages) await expect(inbox, sent);
}

export async function expect(inbox, sent) {
  const received = await inbox.next();
  if (!same(sent, received)) {
    throw new Error(`${describe(sent)} came back as ${describe(received)}`);
  }
}

async function close(socket, inbox, { code, reason }) {
  socket.close(code, reason);
  await closed(inbox, code);
}

// Only the code is compared. An endpoint that answers a Close returns its code, but not necessarily
// its reason.
async function closed(inbox, expected) {
  const { code, wasClean } = await inbox.closed;
  if (!wasClean) throw new Error("the connection did not close cleanly");
  if (code !== expected) throw new Error(`the close code is ${code}, expected ${expected}`);
}

// Takes the steps of a dialogue: `{ send: TEXT }`, `{ receive: TEXT }`, `{ close: CODE }`, or
// `{ closed: CODE }` if the server closes.
async function dialogue(socket, inbox, steps) {
  for (const step of steps) {
    const [[kind, value]] = Object.entries(step);
    if (kind === "send") socket.send(value);
    else if (kind === "receive") await receive(inbox, value);
    else if (kind === "close") await close(socket, inbox, { code: value, reason: "" });
    else if (kind === "closed") await closed(inbox, value);
    else throw new Error(`there is no step "${kind}"`);
  }
}

async function receive(inbox, text) {
  const received = await inbox.next();
  if (received !== text) throw new Error(`expected "${text}", received "${received}"`);
}

// Follows a plan over an open connection. Calls `report` with a line for each check: `ok NAME` or
// `failed NAME: REASON`. `more` has checks that only one API supports.
export async function follow({ compressed, steps }, socket, inbox, report, more = {}) {
  const checks = {
    negotiated: () => {
      const agreed = socket.extensions.startsWith("permessage-deflate");
      if (agreed !== compressed) {
        throw new Error(`compressed: ${compressed}, but agreed on "${socket.extensions}"`);
      }
    },
    ...(steps ? { dialogue: () => dialogue(socket, inbox, steps) } : allChecks(socket, inbox, more)),
  };
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      report(`ok ${name}`);
    } catch (error) {
      report(`failed ${name}: ${error.message}`);
    }
  }
}

// Connects to the server of a plan, and follows the plan. Returns the lines. For browsers.
export async function visit(plan) {
  const lines = [];
  try {
    const socket = new WebSocket(plan.url);
    const inbox = new Inbox(socket);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", () => reject(new Error("the browser could not connect")));
    });
    await follow(plan, socket, inbox, (line) => lines.push(line));
  } catch (error) {
    lines.push(`failed connection: ${error.message}`);
  }
  return lines;
}

function allChecks(socket, inbox, more) {
  const small = Array.from({ length: 200 }, (_, id) => JSON.stringify({ event: "price", of: "something", id }));
  return {
    text: () => echo(socket, inbox, ...LENGTHS.map(letters)),
    binary: () => echo(socket, inbox, ...LENGTHS.map(letters).map(encode)),
    json: () => echo(socket, inbox, json(MIB)),
    incompressible: () => echo(socket, inbox, random(MIB)),
    "non-ascii": () => echo(socket, inbox, "κόσμε", "ß€😀 ".repeat(20_000)),
    "many small": () => echo(socket, inbox, ...small),
    ...more,
    close: () => close(socket, inbox, CLOSE),
  };
}
