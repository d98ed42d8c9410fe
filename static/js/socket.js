// The project's live line. Reconnects with jittered back-off and asks for what it missed by `since`.
import { randomId } from "./dom.js";

/** Close codes after which trying again would not help. */
const TERMINAL = { 4001: "signed_out", 4003: "forbidden" };
/** Proxies close silent connections, most of them after 60 s. */
const PING_MS = 25_000;
const SILENT_MS = 60_000;

export class LiveLine {
  /**
   * `onMessage(message)` gets every message of every batch, and `initial_state`, `ack`, `error` frames.
   * `onState(state, reason)`: "connecting", "open", "waiting", "closed".
   */
  constructor(projectId, { since = null, onMessage, onState = () => {} }) {
    this.url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/projects/${projectId}`;
    this.seq = since;
    this.onMessage = onMessage;
    this.onState = onState;
    this.tries = 0;
    this.ended = false;
    this.wake = () => { if (!this.ended && document.visibilityState === "visible" && this.state === "waiting") this.connect(); };
    document.addEventListener("visibilitychange", this.wake);
    addEventListener("online", this.wake);
    addEventListener("pagehide", () => this.socket?.close(1000));
    addEventListener("pageshow", (event) => { if (event.persisted) this.connect(); });
    this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return;
    this.set("connecting");
    const socket = new WebSocket(this.seq === null ? this.url : `${this.url}?since=${this.seq}`);
    this.socket = socket;
    socket.onopen = () => {
      this.heard = Date.now();
      this.pinger = setInterval(() => {
        if (Date.now() - this.heard > SILENT_MS) socket.close(4000);
        else this.send({ type: "ping" });
      }, PING_MS);
      this.set("open");
    };
    socket.onmessage = (event) => {
      this.heard = Date.now();
      this.tries = 0;
      let frame;
      try { frame = JSON.parse(event.data); } catch { return; }
      if (frame.type === "batch") for (const message of frame.messages) this.take(message);
      else this.take(frame);
    };
    socket.onclose = (event) => {
      clearInterval(this.pinger);
      if (this.socket !== socket || this.ended) return;
      if (TERMINAL[event.code]) {
        this.ended = true;
        this.set("closed", TERMINAL[event.code]);
        return;
      }
      // 4029: too many windows of this person. Come back slowly instead of fighting for the place.
      const floor = event.code === 4029 ? 30_000 : event.code === 1001 ? 300 : 500;
      const most = Math.min(30_000, 500 * 2 ** this.tries);
      this.tries = Math.min(this.tries + 1, 8);
      this.timer = setTimeout(() => this.connect(), floor + Math.random() * most);
      this.set("waiting", event.code === 4029 ? "too_many" : undefined);
    };
  }

  take(message) {
    if (typeof message.seq === "number") this.seq = Math.max(this.seq ?? 0, message.seq);
    if (message.type !== "pong") this.onMessage(message);
  }

  set(state, reason) {
    this.state = state;
    this.onState(state, reason);
  }

  /** Sends if the line is open; true if it was handed over. */
  send(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
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

export const clientId = () => `c-${randomId()}`;
