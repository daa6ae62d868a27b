/**
 * The reference client of the feed (subprotocol aggregator.feed.v1).
 *
 * A topic's view starts as a snapshot and changes by JSON merge patches (RFC 7386), each of
 * which names the number it builds on. Snapshots and heartbeats carry the SHA-256 of the view
 * as canonical JSON (RFC 8785); where the browser offers no hashing (plain HTTP from another
 * machine) the view counts as unverified. Whatever does not fit makes the client ask for a
 * fresh snapshot. After a lost line it resumes from the last number it has.
 */

const SUBPROTOCOL = "aggregator.feed.v1";
const SESSION_OVER = 4401;
const LONGEST_WAIT = 20_000;
const SILENT_BEATS = 2.5;
const QUIET_AFTER = 50;

export class Feed {
  /**
   * `ticket` returns a promise of a ticket, or null for an anonymous reader;
   * `onState` hears `connecting`, `live`, `reconnecting` and `ended`;
   * `onTime` hears each server time, and all that was sent before it has been heard by then.
   * `heartbeat` is how many seconds there are between two, `heardAt` when anything came last, by
   * `performance.now()`.
   */
  constructor({ url, ticket, onState, onTime }) {
    this.url = url;
    this.ticket = ticket;
    this.onState = onState;
    this.onTime = onTime;
    this.topics = new Map();
    this.failures = 0;
    this.heartbeat = 5;
    this.heardAt = performance.now();
    this.canVerify = Boolean(globalThis.crypto?.subtle);
  }

  start() {
    this.watchdog = setInterval(() => this.watch(), 1000);
    this.connect();
  }

  /** Follow a topic. `onView` hears every view; `onRefused` hears why there is none. */
  subscribe(topic, onView, onRefused = () => {}) {
    this.topics.set(topic, { onView, onRefused, epoch: null, seq: null, view: null });
    if (this.isOpen) this.ask(topic);
  }

  async connect() {
    this.onState("connecting");
    let ticket;
    try {
      ticket = await this.ticket();
    } catch (error) {
      if (error.status === 401) return this.end();
      return this.retry();
    }
    const socket = new WebSocket(this.url, SUBPROTOCOL);
    this.socket = socket;
    this.heardAt = performance.now();
    socket.onopen = () => this.send({ op: "hello", client: "pages/1", ...(ticket ? { ticket } : {}) });
    socket.onmessage = ({ data }) => this.take(JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.socket === socket && this.lost(code, reason);
    return undefined;
  }

  get isOpen() {
    return this.isWelcome && this.socket?.readyState === WebSocket.OPEN;
  }

  send(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  ask(topic, { afresh = false } = {}) {
    const { epoch, seq } = this.topics.get(topic);
    const since = !afresh && epoch ? { since: { epoch, seq } } : {};
    this.send({ op: "subscribe", topic, ...since });
  }

  take(frame) {
    this.heardAt = performance.now();
    if (frame.server_time) this.onTime(frame.server_time);
    if (frame.op === "welcome") return this.welcome(frame);
    if (frame.op === "heartbeat") return this.compare(frame.topics);
    const topic = this.topics.get(frame.topic);
    if (!topic) return undefined;
    if (frame.op === "snapshot") this.snapshot(topic, frame);
    if (frame.op === "delta") return this.delta(topic, frame);
    if (frame.op === "resumed") return this.resume(topic, frame.topic);
    if (frame.op === "refused") {
      this.topics.delete(frame.topic);
      topic.onRefused(frame);
    }
    return this.arrived(frame.topic);
  }

  welcome({ heartbeat_s: heartbeat }) {
    this.isWelcome = true;
    this.failures = 0;
    this.heartbeat = heartbeat;
    this.awaited = new Set(this.topics.keys());
    for (const topic of this.topics.keys()) this.ask(topic);
    this.arrived(null);
  }

  /** Only a line over which every topic has come is a live one. */
  arrived(name) {
    if (!this.awaited) return;
    this.awaited.delete(name);
    if (this.awaited.size > 0) return;
    this.awaited = null;
    this.onState("live");
  }

  /** What was missed comes in one go; only the end of it is news. */
  resume(topic, name) {
    clearTimeout(topic.resuming);
    topic.resuming = setTimeout(() => {
      topic.resuming = null;
      topic.onView(topic.view);
      this.arrived(name);
    }, QUIET_AFTER);
  }

  snapshot(topic, { topic: name, epoch, seq, data, digest }) {
    clearTimeout(topic.resuming);
    topic.resuming = null;
    Object.assign(topic, { epoch, seq, view: data });
    topic.onView(data);
    this.verify(name, topic, seq, digest);
  }

  delta(topic, { topic: name, seq, prev, data }) {
    if (topic.seq !== prev) return this.ask(name, { afresh: true });
    topic.view = merged(topic.view, data);
    topic.seq = seq;
    return topic.resuming ? this.resume(topic, name) : topic.onView(topic.view);
  }

  compare(told) {
    for (const [name, { seq, digest }] of Object.entries(told)) {
      const topic = this.topics.get(name);
      if (!topic || topic.seq === null) continue;
      if (topic.seq !== seq) this.ask(name, { afresh: true });
      else this.verify(name, topic, seq, digest);
    }
  }

  async verify(name, topic, seq, digest) {
    if (!this.canVerify) return;
    const text = canonical(topic.view);
    const found = await sha256(text);
    // While the digest was made the view may have moved on; then the next heartbeat tells.
    if (topic.seq === seq && found !== digest && this.isOpen) this.ask(name, { afresh: true });
  }

  watch() {
    if (this.socket && performance.now() - this.heardAt > this.heartbeat * SILENT_BEATS * 1000) {
      const silent = this.socket;
      this.lost(0, "silent");
      silent.close();
    }
  }

  lost(code, reason) {
    this.isWelcome = false;
    this.awaited = null;
    this.socket = null;
    if (code === SESSION_OVER && this.failures > 1) return this.end();
    const told = Number(/^retry_ms=(\d+)/.exec(reason ?? "")?.[1] ?? 0);
    return this.retry(told);
  }

  retry(atLeast = 0) {
    this.failures += 1;
    this.onState("reconnecting");
    const longest = Math.min(LONGEST_WAIT, 250 * 2 ** this.failures);
    setTimeout(() => this.connect(), atLeast + longest * (0.5 + Math.random() / 2));
  }

  end() {
    clearInterval(this.watchdog);
    this.onState("ended");
  }
}

/** Return `target` with a merge patch applied (RFC 7386). */
export function merged(target, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const found = target !== null && typeof target === "object" && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete found[name];
    else found[name] = merged(found[name], value);
  }
  return found;
}

/** Return canonical JSON: members sorted, no spaces. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

/** Return the SHA-256 of a text, in hex. */
export async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
