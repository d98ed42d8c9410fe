// The plan as the server knows it, and over it what has been typed and is not kept yet. A part (the title, a stage, a
// shot …) is sent by itself, a moment after the last key; one request at a time, again and again until it has arrived.
import { api, explain } from "../api.js";

/** A part is sent when nobody has touched it for so long. */
const WAIT_MS = 700;
const LONGEST_MS = 20_000;

const same = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b);

export class Store {
  /** `changed()`: something that could be seen is different. `said(state)`: how the keeping goes. */
  constructor(plan, { changed, said }) {
    this.plan = plan;
    this.base = `/plans/${plan.id}`;
    this.changed = changed;
    this.said = said;
    /** part → field → value that is not kept yet. */
    this.pending = new Map();
    /** part → when it is to be sent. */
    this.due = new Map();
    /** "part field" → why the server does not take it. */
    this.refused = new Map();
    this.tries = 0;
    this.keptAt = new Date(plan.updated);
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.hurry(); });
    addEventListener("beforeunload", (event) => {
      if (this.clean) return;
      this.hurry();
      event.preventDefault();
    });
  }

  /** Is everything kept that has been typed? */
  get clean() {
    return this.pending.size === 0;
  }

  // What is there ----------------------------------------------------------------------------------------------------

  /** A field as the server knows it. */
  known(part, field) {
    return this.at(part)?.[field];
  }

  /** A field as it is on the page. */
  value(part, field) {
    const fields = this.pending.get(part);
    return fields?.has(field) ? fields.get(field) : this.known(part, field);
  }

  /** The object of the plan in which a part's fields are. */
  at(part) {
    const [kind, name] = part.split(" ");
    if (kind === "plan") return this.plan;
    if (kind === "inputs") return this.plan.inputs;
    if (kind === "order") return { keys: this.plan.story.shots.map((s) => s.key) };
    if (kind === "stage") return this.plan.story.stages.find((s) => s.stage === name);
    return this.plan.story.shots.find((s) => s.key === Number(name));
  }

  /** A whole part as it is on the page. */
  whole(part) {
    const known = this.at(part);
    const fields = this.pending.get(part);
    return fields && known ? { ...known, ...Object.fromEntries(fields) } : known;
  }

  /** The shots in their order on the page; a shot's stage follows its place. */
  get shots() {
    return this.value("order", "keys").map((key, place) => ({ ...this.whole(`shot ${key}`), stage: this.plan.story.stages[Math.floor(place / 3)].stage }));
  }

  shot(key) {
    return this.whole(`shot ${key}`);
  }

  /** Is nothing told yet? */
  get blank() {
    return !this.plan.notice && this.shots.every((s) => !s.title && !s.description);
  }

  /** May the story be changed? What was approved is what was approved. */
  get open() {
    return ["draft", "in_review"].includes(this.plan.status);
  }

  // What is typed ----------------------------------------------------------------------------------------------------

  /** Takes a field's new value. `now`: it is not being typed, but chosen. */
  edit(part, field, value, now = false) {
    const fields = this.pending.get(part) ?? new Map();
    this.refused.delete(`${part} ${field}`);
    // Typed and taken back: nothing to keep, unless the other value is on its way.
    if (same(value, this.known(part, field)) && this.sending !== part) fields.delete(field);
    else fields.set(field, value);
    if (fields.size) {
      this.pending.set(part, fields);
      this.due.set(part, Date.now() + (now ? 0 : WAIT_MS));
    } else {
      this.pending.delete(part);
      this.due.delete(part);
    }
    this.tell();
    this.changed();
    this.pump();
  }

  /** Nobody types in it any more: it is sent at once. */
  leave(part) {
    if (!this.due.has(part)) return;
    this.due.set(part, Date.now());
    this.pump();
  }

  hurry() {
    for (const part of this.due.keys()) this.due.set(part, 0);
    this.pump();
  }

  /** Resolves to true when all is kept, to false if it cannot be. */
  async settled() {
    this.hurry();
    while (this.sending) await this.sent;
    return this.clean;
  }

  pump() {
    clearTimeout(this.timer);
    if (this.sending) return;
    const [part, at] = [...this.due].sort((a, b) => a[1] - b[1])[0] ?? [];
    if (!part) return;
    if (at > Date.now()) { this.timer = setTimeout(() => this.pump(), at - Date.now()); return; }
    this.due.delete(part);
    this.sending = part;
    this.tell();
    this.sent = this.send(part).then(() => {
      this.sending = null;
      this.tell();
      this.pump();
    });
  }

  async send(part) {
    const sent = new Map([...(this.pending.get(part) ?? [])].filter(([field]) => !this.refused.has(`${part} ${field}`)));
    if (sent.size === 0) return;
    const body = Object.fromEntries(sent);
    const [kind, name] = part.split(" ");
    try {
      const plan = kind === "order" ? await api("PUT", `${this.base}/order`, body, { quiet: true })
        : kind === "plan" ? await api("PATCH", this.base, body, { quiet: true })
          : kind === "inputs" ? await api("PATCH", this.base, { inputs: body }, { quiet: true })
            : await api("PATCH", `${this.base}/${kind}s/${name}`, body, { quiet: true });
      const left = this.pending.get(part);
      for (const [field, value] of sent) if (same(left?.get(field), value)) left.delete(field);
      if (left?.size === 0) this.pending.delete(part);
      this.tries = 0;
      this.keptAt = new Date();
      this.take(plan);
      // The words on the page may be newer than the answer, and an older answer is none.
      this.changed();
    } catch (error) {
      this.failed(part, sent, error);
    }
  }

  failed(part, sent, error) {
    if (error.status === 0 || error.status === 429 || error.status >= 500) {
      const wait = error.retryAfter ? error.retryAfter * 1000 : Math.min(LONGEST_MS, 1000 * 2 ** this.tries);
      this.tries = Math.min(this.tries + 1, 6);
      if (!this.due.has(part)) this.due.set(part, Date.now() + wait);
      return;
    }
    // Of several fields those that are named are refused, the others go out again.
    const named = [...sent.keys()].filter((field) => Object.keys(error.fields || {}).some((name) => name.split(".").includes(field)));
    for (const field of named.length ? named : sent.keys()) this.refused.set(`${part} ${field}`, Object.values(error.fields || {})[0] || error.message);
    if (named.length && named.length < sent.size && !this.due.has(part)) this.due.set(part, Date.now());
    explain(error);
    this.changed();
  }

  tell() {
    const state = this.refused.size ? "refused" : this.clean ? "kept" : this.tries > 0 ? "waiting" : "keeping";
    this.said(state, this.keptAt);
  }

  // What is heard ----------------------------------------------------------------------------------------------------

  /** Takes the plan as the server tells it, unless it is older than what is known. True if it was news. */
  take(plan) {
    if (!plan?.id || plan.rev <= this.plan.rev) return false;
    this.plan = plan;
    if (this.clean) this.keptAt = new Date(plan.updated);
    this.tell();
    this.changed();
    return true;
  }
}
