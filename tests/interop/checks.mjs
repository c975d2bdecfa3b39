// What every pairing with a WebSocket of JavaScript goes through, in a browser and in Node.

const LENGTHS = [0, 1, 125, 126, 65535, 65536];
const MIB = 1024 * 1024;
const CLOSE = { code: 4321, reason: "auf Wiedersehen, tschüß" };

// Something that compresses, of `length` octets.
function letters(length) {
  return "the quick brown fox ".repeat(length / 20 + 1).slice(0, length);
}

function json(length) {
  const records = [];
  for (let size = 0; size < length; ) {
    const id = records.length;
    const record = JSON.stringify({ id, name: `item ${id}`, price: (id * 7919) % 10007, open: id % 3 === 0 });
    records.push(record);
    size += record.length + 1;
  }
  return `[${records.join(",")}]`.padEnd(length, " ");
}

function random(length) {
  const octets = new Uint8Array(length);
  // That many are the most that one call gives.
  for (let at = 0; at < length; at += 65536) {
    crypto.getRandomValues(octets.subarray(at, at + 65536));
  }
  return octets;
}

function octets(text) {
  return new TextEncoder().encode(text);
}

function same(sent, received) {
  if (typeof sent === "string" || typeof received === "string") return sent === received;
  const view = new Uint8Array(received);
  return view.length === sent.length && sent.every((octet, at) => octet === view[at]);
}

function told(message) {
  const kind = typeof message === "string" ? "text" : "binary";
  return `${kind} of ${message.length ?? message.byteLength}`;
}

// Messages in the order in which they arrive, and the end. Made before anything can arrive.
export class Inbox {
  #messages = [];
  #waiting = null;

  constructor(socket) {
    socket.binaryType = "arraybuffer";
    this.closed = new Promise((resolve) => socket.addEventListener("close", resolve));
    this.closed.then(() => this.#waiting?.reject(new Error("the connection ended")));
    socket.addEventListener("message", ({ data }) => {
      // Several may arrive before whoever waits gets to run.
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
  if (!same(sent, received)) throw new Error(`${told(sent)} came back as ${told(received)}`);
}

async function close(socket, inbox) {
  socket.close(CLOSE.code, CLOSE.reason);
  // The reason is for the other end: whoever answers a Close returns the code.
  const { code, wasClean } = await inbox.closed;
  if (!wasClean) throw new Error("the end is not clean");
  if (code !== CLOSE.code) throw new Error(`the close code came back as ${code}`);
}

// Goes through all checks over an open connection. Gives `report` a line for each: `ok NAME` or
// `failed NAME: why`. `more` are checks that only one API can do.
export async function runChecks(socket, inbox, report, more = {}) {
  const small = Array.from({ length: 200 }, (_, id) => JSON.stringify({ event: "price", of: "something", id }));
  const checks = {
    negotiated: () => {
      if (!socket.extensions.startsWith("permessage-deflate")) throw new Error(`agreed on "${socket.extensions}"`);
    },
    text: () => echo(socket, inbox, ...LENGTHS.map(letters)),
    binary: () => echo(socket, inbox, ...LENGTHS.map(letters).map(octets)),
    json: () => echo(socket, inbox, json(MIB)),
    incompressible: () => echo(socket, inbox, random(MIB)),
    "non-ascii": () => echo(socket, inbox, "κόσμε", "ß€😀 ".repeat(20_000)),
    "many small": () => echo(socket, inbox, ...small),
    ...more,
    close: () => close(socket, inbox),
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
