// The page: one room over one WebSocket, which is opened again whenever it is lost.
// The messages are described in README.md. client/view.rs does the same for terminals.

const VERSION = "chat.v1";
/** The longest delays before another attempt, in milliseconds. */
const FIRST_DELAY = 1000, LONGEST_DELAY = 30_000;
/** The server sends its place at least every 15 s. After this silence, the connection is dead. */
const SILENCE = 40_000;
/** The messages in the document. */
const SHOWN = 2000;
/** The identities that are remembered, to ignore messages that come twice. */
const REMEMBERED = 20_000;
/** The time within which messages of one person are shown under one name. */
const TOGETHER = 5 * 60_000;

const element = id => document.getElementById(id);
const [entrance, chat, log, messages, outbox] =
  ["entrance", "chat", "log", "messages", "outbox"].map(element);
const [text, newer, people] = ["text", "newer", "people"].map(element);

/** Makes an element. Texts of others become text, never markup. */
function make(tag, className, content = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = content;
  return made;
}

/** Returns 128 random bits. `crypto.randomUUID` exists over HTTPS only. */
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
}

/** What a tab remembers of a room, so that a reload does not lose unsent messages. */
const unsentIn = room => `chat.unsent.${room}`;

function loadUnsent(room) {
  try {
    return JSON.parse(sessionStorage.getItem(unsentIn(room))) ?? [];
  } catch {
    return [];
  }
}

/** A room, from entering it to leaving it. */
class Room {
  constructor(room, name) {
    this.room = room;
    this.name = name;
    this.seen = new Set();
    this.unsent = loadUnsent(room);
    // "catching up": unsent messages may be among those that are still to come.
    this.sending = "catching up";
    this.failures = 0;
    this.unread = 0;
    this.left = false;
  }

  // ---- The connection

  connect() {
    clearTimeout(this.timer);
    this.state(this.failures ? "connecting again…" : "connecting…");
    const url = new URL("chat", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.hash = "";
    const ws = this.ws = new WebSocket(url, VERSION);
    // Events of an older connection do not count.
    const current = handle => event => ws === this.ws && handle(event);
    ws.onopen = current(() => {
      this.sending = "catching up";
      log.setAttribute("aria-live", "off");
      this.send({ t: "join", room: this.room, name: this.name, cursor: this.cursor });
    });
    ws.onmessage = current(({ data }) => {
      this.listen();
      this.receive(JSON.parse(data));
    });
    ws.onclose = current(({ code, reason }) => this.lost(code, reason));
    this.listen();
  }

  /** Gives up a connection that is silent for too long. */
  listen() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.drop("no answer"), SILENCE);
  }

  /** Gives up the connection without waiting for the answer to the Close. */
  drop(reason) {
    const ws = this.ws;
    this.lost(1006, reason);
    ws?.close();
  }

  lost(code, reason) {
    if (!this.ws) return;
    this.ws = null;
    clearTimeout(this.watchdog);
    this.sending = "catching up";
    if (this.left) return;
    if (code === 1008 || code >= 4000) return leave(reason || `refused with code ${code}`);
    if (reason === "too slow") {
      this.note("You were disconnected, because your connection is too slow. Missed messages follow.", true);
    }
    this.wait(reason);
  }

  /** Connects again after a random delay, so that the clients of a restarted server spread. */
  wait(reason) {
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.failures++);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), Math.random() * longest);
    this.state(navigator.onLine ? `not connected${reason && `: ${reason}`}` : "offline", "waiting");
    this.drawUnsent();
  }

  retryNow() {
    if (!this.ws && !this.left) this.connect();
  }

  state(label, name = "connecting") {
    element("state").textContent = label;
    element("state").className = name;
    element("retry").hidden = name !== "waiting";
  }

  leave() {
    this.left = true;
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.ws?.close(1000);
    this.ws = null;
  }

  send(message) {
    if (this.ws?.readyState === WebSocket.OPEN) this.ws.send(JSON.stringify(message));
  }

  // ---- Sending: one message at a time, and the next one when the last one has come back. So their
  // order is kept, whatever fails in between.

  say(content) {
    this.unsent.push({ id: randomId(), text: content });
    this.sendNext();
    this.drawUnsent();
    scrollDown();
  }

  sendNext() {
    const [next] = this.unsent;
    if (this.sending !== "idle" || !next) return;
    this.sending = "sent";
    this.send({ t: "say", ...next });
  }

  storeUnsent() {
    sessionStorage.setItem(unsentIn(this.room), JSON.stringify(this.unsent));
  }

  // ---- Receiving

  receive(message) {
    switch (message.t) {
      case "welcome":
        text.maxLength = message.max_text;
        break;
      case "message": return this.said(message);
      case "here": return this.here(message);
      case "at": return this.at(message);
      case "gap": return this.gap(message);
      case "refused": return this.refused(message);
    }
  }

  said(message) {
    if (this.unsent[0]?.id === message.id) {
      this.unsent.shift();
      if (this.sending === "sent") this.sending = "idle";
      this.drawUnsent();
      this.sendNext();
    }
    if (this.seen.has(message.id)) return;
    this.seen.add(message.id);
    if (this.seen.size > REMEMBERED) this.seen.delete(this.seen.values().next().value);
    this.draw(message);
    if (this.sending !== "catching up") this.count();
  }

  at({ cursor }) {
    this.cursor = cursor;
    if (this.sending !== "catching up") return;
    this.sending = "idle";
    this.failures = 0;
    this.state("connected", "open");
    // From now on, a screen reader reads messages aloud. The history would be too much.
    log.setAttribute("aria-live", "polite");
    this.drawUnsent();
    this.sendNext();
  }

  gap({ missed }) {
    this.note(missed === null
      ? "Messages may be missing here, because the store has restarted."
      : `${missed} older messages are not kept any more.`, true);
  }

  refused({ id, retry_ms }) {
    if (this.unsent[0]?.id !== id) return;
    if (retry_ms === null) {
      const { text: refusedText } = this.unsent.shift();
      this.note(`Not accepted: ${refusedText}`, true);
      this.sending = "idle";
      this.drawUnsent();
      return this.sendNext();
    }
    const ws = this.ws;
    setTimeout(() => {
      if (ws !== this.ws || this.sending !== "sent") return;
      this.sending = "idle";
      this.sendNext();
    }, retry_ms);
  }

  here({ count, names }) {
    element("show-people").textContent = `${count} here`;
    element("people-title").textContent = `Here: ${count}`;
    const items = names.map(name => {
      const item = make("li", "");
      item.append(make("bdi", "", name), name === this.name ? " (you)" : "");
      return item;
    });
    if (count > names.length) items.push(make("li", "more", `and ${count - names.length} more`));
    element("names").replaceChildren(...items);
  }

  // ---- Drawing

  draw({ name, text: content, time }) {
    const date = new Date(time), day = date.toDateString();
    if (this.day !== day) {
      const long = { weekday: "long", day: "numeric", month: "long" };
      this.note(date.toLocaleDateString([], long));
      this.day = day;
    }
    const item = make("article", "message");
    item.classList.toggle("own", name === this.name);
    item.classList.toggle("follows", this.last?.name === name && time - this.last.time < TOGETHER);
    const header = make("header", "");
    const clock = make("time", "", date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    clock.dateTime = date.toISOString();
    header.append(make("bdi", "name", name), clock);
    item.style.setProperty("--hue", hue(name));
    const paragraph = make("p", "", content);
    paragraph.dir = "auto";
    item.append(header, paragraph);
    this.append(item);
    this.last = { name, time };
  }

  note(content, isWarning = false) {
    this.append(make("p", isWarning ? "note warning" : "note", content));
    this.last = null;
  }

  append(item) {
    messages.append(item);
    if (messages.childElementCount > SHOWN) messages.firstElementChild.remove();
    if (isAtEnd) scrollDown();
  }

  drawUnsent() {
    this.storeUnsent();
    const isOpen = this.sending !== "catching up";
    outbox.replaceChildren(...this.unsent.map(({ text: content }) => {
      const item = make("article", "message own waiting");
      const paragraph = make("p", "", content);
      paragraph.dir = "auto";
      item.append(paragraph, make("span", "wait", isOpen ? "sending…" : "not sent yet"));
      return item;
    }));
    if (isAtEnd) scrollDown();
  }

  /** Counts a message that the user has not seen: behind the window, or below the visible part. */
  count() {
    if (isAtEnd && !document.hidden) return;
    this.unread += 1;
    this.drawUnread();
  }

  drawUnread() {
    document.title = `${this.unread ? `(${this.unread}) ` : ""}#${this.room}`;
    newer.textContent = this.unread === 1 ? "1 new message ↓" : `${this.unread} new messages ↓`;
    newer.hidden = !this.unread || isAtEnd;
  }

  sawEnd() {
    if (document.hidden || !isAtEnd) return;
    this.unread = 0;
    this.drawUnread();
  }
}

/** Returns a color for a name. */
function hue(name) {
  let sum = 7;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) % 360;
  return sum;
}

/** `true` while the end of the messages is visible. Then messages and keyboards do not hide it. */
let isAtEnd = true;

function scrollDown() {
  isAtEnd = true;
  log.scrollTop = log.scrollHeight;
}

// ---- The room of this page

let current = null;

function enter(room, name) {
  localStorage.setItem("chat.name", name);
  history.replaceState(null, "", `#${encodeURIComponent(room)}`);
  entrance.hidden = true;
  chat.hidden = false;
  messages.replaceChildren();
  isAtEnd = true;
  element("names").replaceChildren();
  element("title").textContent = `#${room}`;
  current = new Room(room, name);
  current.drawUnread();
  current.drawUnsent();
  current.connect();
  text.focus();
}

/** Shows the entrance, with the reason if the server did not let the user in. */
function leave(refusal = "") {
  current?.leave();
  current = null;
  chat.hidden = true;
  entrance.hidden = false;
  document.title = "Chat";
  element("refusal").textContent = refusal;
  element("refusal").hidden = !refusal;
  element("name").value = localStorage.getItem("chat.name") ?? "";
  element("room").value = roomOfPage() || "lobby";
  element(element("name").value ? "room" : "name").focus();
}

function roomOfPage() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

element("enter").onsubmit = event => {
  event.preventDefault();
  enter(element("room").value.toLowerCase(), element("name").value.trim());
};

element("write").onsubmit = event => {
  event.preventDefault();
  const content = text.value.trimEnd();
  if (content) current?.say(content);
  text.value = "";
  text.focus();
};

text.onkeydown = event => {
  // During a composition, the key Enter accepts a suggestion.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  element("write").requestSubmit();
};

element("show-people").onclick = ({ currentTarget }) => {
  const isOpen = people.classList.toggle("open");
  currentTarget.setAttribute("aria-expanded", isOpen);
};

element("leave").onclick = () => leave();
element("retry").onclick = () => {
  current?.retryNow();
  text.focus();
};
newer.onclick = () => {
  scrollDown();
  text.focus();
};
log.onscroll = () => {
  isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  current?.sawEnd();
};
new ResizeObserver(() => isAtEnd && scrollDown()).observe(log);
log.onkeydown = event => {
  if (event.key === "Escape") text.focus();
};
document.onvisibilitychange = () => current?.sawEnd();
onhashchange = () => {
  const room = roomOfPage();
  if (current && room && room !== current.room) {
    const { name } = current;
    leave();
    enter(room, name);
  }
};
ononline = () => current?.retryNow();
// A connection over a network that is gone would only be noticed after a long time.
onoffline = () => current?.drop("");

/** Keeps the input above the keyboard in browsers that do not know `interactive-widget`. */
function fit() {
  document.documentElement.style.setProperty("--height", `${visualViewport.height}px`);
  scrollTo(0, 0);
}
visualViewport?.addEventListener("resize", fit);

leave();
if (roomOfPage() && element("name").value) enter(roomOfPage(), element("name").value);
