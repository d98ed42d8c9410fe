// The live line of VideoPlanet: one WebSocket that comes back by itself, misses nothing and says nothing twice.
// One file without imports; works on any page, with the cookie or with a token:
//
//   const line = new LiveLine({ url: "https://vp.example.com/ws/projects/7", token: () => session.access, renew: () => session.refresh(),
//     onMessage: (message) => …, onState: (state, reason) => … });
//   const { comment } = await line.ask({ type: "comment_add", comment: { feedback_id: 1, text: "…" } });

/** Close codes after which trying again would not help. */
const TERMINAL = { 4001: "signed_out", 4003: "forbidden", 4011: "disconnected" };
/** Proxies close silent connections, most of them after 60 s. */
const PING_MS = 25_000;
const SILENT_MS = 60_000;
/** How long a line that has slept may take to answer before it is taken for dead. */
const PROBE_MS = 5_000;
const LONGEST_MS = 30_000;
/** After this long behind other pages a line that may rest does. */
const REST_MS = 60_000;
/** Questions that wait for a line or an answer, at most. The server takes 40 messages a second. */
const OUTBOX = 32;

/** Why a question was not answered as wished. `code` is the server's, or "offline", "interrupted", "full", "closed". */
export class LiveError extends Error {
  constructor(frame) {
    super(frame.message || frame.code);
    this.code = frame.code;
    this.fields = frame.fields || {};
    this.retryAfterMs = (frame.retry_after_s || 0) * 1000;
  }
}

/** A name for a message, by which its answer is known and a repetition recognised. */
export function clientId() {
  return `c-${[...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("")}`;
}

const page = typeof document === "undefined" ? null : document;

export class LiveLine {
  /**
   * `project`: id, on this page's own server; or `url`: http(s) or ws(s), also relative, such as "/ws/me".
   * `since`: the highest seq that is known already; null begins with the newest state.
   * `token`: a string, or an async function that is called before each connection; without one the cookie is used.
   * `renew()`: called once after the server said "signed out" (4001); if it does not fail, the line is tried again.
   * `rests`: a page that nobody has seen for a while gives its place up and comes back when it is seen again; a person
   * has few places.
   * `onMessage(message)` gets `initial_state` and every message of every batch, each journal message once: one's own
   * comment too, whether its `ack` or the room's word came first. `ack` and `error` go to whoever asked; those nobody
   * asked for come here.
   * `onState(state, reason)`: "connecting", "open", "waiting" ("too_many"), "closed" ("signed_out", "forbidden",
   * "disconnected", "left").
   */
  constructor({ url, project, since = null, token = null, renew = null, rests = false, onMessage, onState = () => {} }) {
    const full = new URL(url ?? `/ws/projects/${project}`, page?.baseURI);
    full.protocol = full.protocol.replace("http", "ws");
    this.url = full;
    this.seq = since;
    this.token = token;
    this.renew = renew;
    this.rests = rests;
    this.onMessage = onMessage;
    this.onState = onState;
    this.tries = 0;
    this.ended = false;
    /** client_id → {message, kept, resolve, reject}, in the order in which they were asked. */
    this.asked = new Map();
    /** Seqs that `ack` has told of: the room's own word of them is not news. */
    this.acked = new Set();
    this.clock = null;
    this.listen();
    this.connect();
  }

  listen() {
    const wake = () => {
      clearTimeout(this.rester);
      if (!page || page.visibilityState === "visible") this.wake();
      else if (this.rests) this.rester = setTimeout(() => this.drop(1000), REST_MS);
    };
    const away = () => this.drop(1000);
    const places = [[page, "visibilitychange", wake], [globalThis, "online", wake], [globalThis, "pageshow", (event) => { if (event.persisted) this.wake(); }], [globalThis, "pagehide", away]];
    for (const [target, name, run] of places) target?.addEventListener?.(name, run);
    this.deafen = () => { for (const [target, name, run] of places) target?.removeEventListener?.(name, run); };
  }

  // The connection ---------------------------------------------------------------------------------------------------

  async connect() {
    clearTimeout(this.timer);
    if (this.ended || this.socket || this.dialling) return;
    this.dialling = true;
    this.set("connecting");
    let token;
    try {
      token = typeof this.token === "function" ? await this.token() : this.token;
    } catch {
      this.dialling = false;
      this.again();
      return;
    }
    this.dialling = false;
    if (this.ended || this.socket) return;
    const url = new URL(this.url);
    if (this.seq !== null) url.searchParams.set("since", String(this.since ?? this.seq));
    this.since = null;
    /** What a replay tells again of what was told before this connection. */
    this.floor = this.seq ?? 0;
    const socket = new WebSocket(url, token ? [`bearer.${token}`] : []);
    this.socket = socket;
    this.dialled = performance.now();
    const own = (run) => (event) => { if (this.socket === socket) run(event); };
    socket.onopen = own(() => {
      this.heard = Date.now();
      this.pinged = 0;
      this.sentAt = 0;
      this.clock = null;
      this.pinger = setInterval(() => this.beat(), PING_MS);
      // A clock worth the name from the beginning.
      this.measures = [50, 600, 2000].map((ms) => setTimeout(() => this.ping(), ms));
      this.set("open");
      for (const question of this.asked.values()) this.send(question.message);
    });
    socket.onmessage = own((event) => {
      this.heard = Date.now();
      this.tries = 0;
      this.renewed = false;
      clearTimeout(this.prober);
      let frame;
      try { frame = JSON.parse(event.data); } catch { return; }
      if (frame.type !== "batch") this.take(frame);
      else for (const message of frame.messages) this.take(message);
    });
    socket.onclose = own((event) => this.lost(event.code, event.reason));
  }

  /** Leaves the socket without waiting for its farewell, which a dead line never says. */
  drop(code) {
    const socket = this.socket;
    if (!socket) return;
    this.release();
    socket.close(code);
    if (!this.ended) this.set("waiting");
  }

  release() {
    clearInterval(this.pinger);
    clearTimeout(this.prober);
    for (const timer of this.measures || []) clearTimeout(timer);
    this.socket = null;
    for (const [id, question] of this.asked) if (!question.kept) this.settle(id, null, { code: "interrupted" });
  }

  async lost(code, reason = "") {
    this.release();
    if (code === 4001 && this.renew && !this.renewed) {
      this.renewed = true;
      this.dialling = true;
      this.set("waiting");
      const renewed = await Promise.resolve().then(() => this.renew()).then((answer) => answer !== false, () => false);
      this.dialling = false;
      if (renewed) { this.connect(); return; }
    }
    if (TERMINAL[code]) { this.end(TERMINAL[code]); return; }
    const number = (name) => { const found = new RegExp(`${name}=(\\d+)`).exec(reason); return found && Number(found[1]); };
    // The server could not tell us everything: what it did not is told from there.
    const told = code === 4008 ? number("seq") : null;
    if (told !== null) this.since = this.seq === null ? told : Math.min(told, this.seq);
    // Each socket of a server that stops has its own time to come back, so that not all come at once.
    this.again(code, code === 1001 ? number("retry_ms") : null);
  }

  again(code, wait = null) {
    // 4029: too many windows of this person. Come back slowly instead of fighting for the place.
    const floor = code === 4029 ? LONGEST_MS : 500;
    const most = Math.min(LONGEST_MS, 500 * 2 ** this.tries);
    this.tries = Math.min(this.tries + 1, 8);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), wait === null ? floor + Math.random() * most : Math.min(wait, 10 * LONGEST_MS));
    this.set("waiting", code === 4029 ? "too_many" : undefined);
  }

  /** Somebody looks again, or the network is back: nobody waits for a timer then. */
  wake() {
    if (this.ended || this.dialling) return;
    if (!this.socket) { this.connect(); return; }
    if (this.socket.readyState !== WebSocket.OPEN) return;
    clearTimeout(this.prober);
    this.prober = setTimeout(() => { this.drop(4000); this.connect(); }, PROBE_MS);
    this.ping();
  }

  beat() {
    // Timers of hidden pages run late: only an unanswered ping speaks against the line.
    if (this.pinged > this.heard && Date.now() - this.heard > SILENT_MS) { this.drop(4000); this.again(); } else this.ping();
  }

  ping() {
    // One at a time, or the answers could not be told apart.
    if (!this.sentAt) this.sentAt = performance.now();
    if (this.send({ type: "ping" })) this.pinged = Date.now();
    else this.sentAt = 0;
  }

  end(reason) {
    this.ended = true;
    clearTimeout(this.timer);
    this.deafen();
    for (const id of [...this.asked.keys()]) this.settle(id, null, { code: "closed" });
    this.set("closed", reason);
  }

  /** Leaves for good. */
  close() {
    this.drop(1000);
    if (!this.ended) this.end("left");
  }

  set(state, reason) {
    this.state = state;
    this.onState(state, reason);
  }

  // What is heard ----------------------------------------------------------------------------------------------------

  take(message) {
    const { type, seq } = message;
    if (message.at_ms !== undefined) this.tell(type, message.at_ms);
    if (type === "pong") return;
    if (type === "ack" || type === "error") {
      this.answered(message);
      return;
    }
    if (type === "initial_state") [this.seq, this.floor] = [seq, -1];
    else if (typeof seq === "number") {
      if (seq <= this.floor || this.acked.delete(seq)) return;
      this.seq = Math.max(this.seq ?? 0, seq);
    }
    // One's own comment has come back before its ack.
    const id = type === "comment" && message.comment?.client_id;
    if (id && this.asked.has(id)) this.settle(id, { type: "ack", action: "comment_add", client_id: id, comment: message.comment, seq });
    this.onMessage(message);
  }

  answered(message) {
    const id = message.client_id;
    const question = id && this.asked.get(id);
    if (message.type === "error") {
      if (!question) { if (!this.recent?.has(id)) this.onMessage(message); return; }
      // Said too often: what must not be lost is said again when it may.
      if (question.kept && message.code === "rate_limited") setTimeout(() => { if (this.asked.has(id)) this.send(question.message); }, (message.retry_after_s || 5) * 1000);
      else this.settle(id, null, message);
      return;
    }
    // The room's own word of a comment may come later, or has been here: it is given once, and the ack to whoever asked.
    if (message.action === "comment_add" && message.comment && typeof message.seq === "number" && message.seq > (this.seq ?? 0)) {
      this.seq = message.seq;
      this.acked.add(message.seq);
      this.onMessage({ type: "comment", seq: message.seq, user_id: message.comment.user_id, comment: message.comment });
    }
    if (question) this.settle(id, message);
    else if (!this.recent?.has(id)) this.onMessage(message);
  }

  settle(id, answer, refusal) {
    const question = this.asked.get(id);
    this.asked.delete(id);
    // A comment may be answered twice, by its ack and by the room.
    this.recent = new Set([...(this.recent || []), id].slice(-OUTBOX));
    if (answer) question.resolve(answer);
    else question.reject(new LiveError(refusal));
  }

  // What is said -----------------------------------------------------------------------------------------------------

  /** Sends if the line is open; true if it was handed over. */
  send(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /**
   * Says something and resolves to its `ack`; rejects with a `LiveError`. A `comment_add` outlives a broken line: it is
   * said again on the next one under the same `client_id`, by which the server knows it. Anything else is refused while
   * the line is down.
   */
  ask(message) {
    const asked = { ...message, client_id: message.client_id || clientId() };
    return new Promise((resolve, reject) => {
      const kept = message.type === "comment_add";
      if (this.ended) { reject(new LiveError({ code: "closed" })); return; }
      if (this.asked.size >= OUTBOX) { reject(new LiveError({ code: "full" })); return; }
      if (!this.send(asked) && !kept) { reject(new LiveError({ code: "offline" })); return; }
      this.asked.set(asked.client_id, { message: asked, kept, resolve, reject });
    });
  }

  // The server's clock -----------------------------------------------------------------------------------------------

  tell(type, at) {
    const now = performance.now();
    if (type === "pong" && this.sentAt) {
      const trip = now - this.sentAt;
      this.sentAt = 0;
      // The shortest trip knows best, but no knowledge is for ever: clocks drift apart.
      if (!this.clock || trip <= this.clock.trip || now - this.clock.taken > 600_000) this.clock = { trip, taken: now, offset: at + trip / 2 - now };
    } else if (type === "initial_state" && !this.clock) {
      this.clock = { trip: now - this.dialled, taken: now, offset: at - now };
    }
  }

  /** Milliseconds since 1970 by the server's clock; by our own as long as it is not known. */
  serverNow() {
    return this.clock ? performance.now() + this.clock.offset : Date.now();
  }

  /** Milliseconds that a message takes to the server, as far as is known. */
  get delay() {
    return this.clock ? Math.min(this.clock.trip / 2, 1000) : 0;
  }
}

/** Tells others that somebody writes: at most every 3 s (the limit is 30 a minute), and that it ended. */
export class TypingSignal {
  constructor(line, feedbackId) {
    this.line = line;
    this.feedbackId = feedbackId;
    this.on = false;
    this.last = 0;
  }

  key() {
    const now = Date.now();
    if (!this.on || now - this.last > 3000) {
      this.on = this.line.send({ type: "typing_indicator", feedback_id: this.feedbackId, is_typing: true });
      this.last = now;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.stop(), 4000);
  }

  /** The words themselves are about to arrive and say it: a signal of its own would only make them wait their turn. */
  said() {
    clearTimeout(this.timer);
    this.on = false;
  }

  stop() {
    clearTimeout(this.timer);
    if (this.on) this.line.send({ type: "typing_indicator", feedback_id: this.feedbackId, is_typing: false });
    this.on = false;
  }
}
