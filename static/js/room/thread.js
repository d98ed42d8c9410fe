// What was said, as the room knows it: the server's comments, and those of mine that are still on their way.
import { api, feed } from "../api.js";
import { clientId } from "../live.js";

export class Thread {
  /** `change()` is called after every change that could be seen. */
  constructor(feedbackId, me, change) {
    this.feedbackId = feedbackId;
    this.me = me;
    this.change = change;
    this.byId = new Map();
    this.revision = new Map();
    this.gone = new Set();
    this.store = `vp.outbox.${feedbackId}`;
    this.outbox = [];
    this.loaded = false;
    try { this.outbox = JSON.parse(sessionStorage.getItem(this.store)) || []; } catch { this.outbox = []; }
    for (const mine of this.outbox) mine.state = "failed";
  }

  /** Fetches everything; called at start, and after a gap that the socket could not replay. */
  async load() {
    const seen = new Set();
    this.fresh = new Set();
    await feed(`/feedbacks/${this.feedbackId}/comments?order=created`, (results) => {
      for (const comment of results) { seen.add(comment.id); this.put(comment, true); }
      this.change();
    });
    if (this.loaded) for (const id of [...this.byId.keys()]) if (!seen.has(id) && !this.fresh.has(id)) this.byId.delete(id);
    this.fresh = null;
    this.loaded = true;
    this.change();
    for (const mine of this.outbox) if (mine.state === "failed" && !mine.refused) this.post(mine);
  }

  touch(id) {
    this.revision.set(id, (this.revision.get(id) || 0) + 1);
  }

  /**
   * Takes a comment. One that came over the socket was written for everybody: it does not know what is mine.
   */
  put(comment, own = false) {
    if (comment.feedback_id !== this.feedbackId || this.gone.has(comment.id)) return;
    const old = this.byId.get(comment.id);
    // A page of the list that was read before a change must not undo it.
    if (own && old && old.updated > comment.updated) return;
    if (!own) this.fresh?.add(comment.id);
    const waiting = this.outbox.find((m) => (comment.client_id && m.client_id === comment.client_id) || (!own && !old && this.looksLike(m, comment)));
    const next = { ...comment };
    if (!own) {
      next.is_mine = Boolean(comment.is_mine || old?.is_mine || waiting || (comment.user_id && comment.user_id === this.me.id));
      next.my_reactions = old?.my_reactions || [];
      if (next.is_mine && !next.user && old?.user) { next.user = old.user; next.user_id = old.user_id; }
    }
    if (waiting) this.settle(waiting);
    this.byId.set(comment.id, next);
    this.touch(comment.id);
    if (comment.parent_id) this.touch(comment.parent_id);
  }

  looksLike(mine, comment) {
    const body = mine.body;
    const author = comment.security ? body.security : comment.user_id === this.me.id;
    return author && body.text === comment.text && (body.parent_id ?? null) === (comment.parent_id ?? null) && (body.start_ms ?? null) === (comment.start_ms ?? null);
  }

  drop(id) {
    const old = this.byId.get(id);
    this.gone.add(id);
    this.byId.delete(id);
    if (old?.parent_id) this.touch(old.parent_id);
    for (const [other, comment] of this.byId) if (comment.parent_id === id) this.byId.delete(other);
    this.change();
  }

  react(id, reactions) {
    const comment = this.byId.get(id);
    if (!comment) return;
    comment.reactions = reactions;
    this.touch(id);
    if (comment.parent_id) this.touch(comment.parent_id);
    this.change();
  }

  replies(id) {
    const list = [...this.byId.values()].filter((c) => c.parent_id === id);
    return list.sort((a, b) => a.created.localeCompare(b.created) || a.id - b.id);
  }

  /** Root id → its replies, in one walk. */
  tree() {
    const children = new Map();
    const roots = [];
    for (const comment of this.byId.values()) {
      if (comment.parent_id && this.byId.has(comment.parent_id)) {
        if (!children.has(comment.parent_id)) children.set(comment.parent_id, []);
        children.get(comment.parent_id).push(comment);
      } else roots.push(comment);
    }
    for (const list of children.values()) list.sort((a, b) => a.created.localeCompare(b.created) || a.id - b.id);
    return { roots, children };
  }

  // My own words -----------------------------------------------------------------------------------------------------

  keep() {
    try { sessionStorage.setItem(this.store, JSON.stringify(this.outbox)); } catch { /* storage is full or off: kept in memory */ }
  }

  settle(mine) {
    this.outbox = this.outbox.filter((m) => m !== mine);
    this.keep();
  }

  /** Shows the comment at once and sends it. A name given by the client makes repeating it harmless. */
  say(body) {
    const mine = { client_id: clientId(), body, state: "sending", created: new Date().toISOString() };
    this.outbox.push(mine);
    this.keep();
    this.post(mine);
    return mine;
  }

  async post(mine) {
    mine.state = "sending";
    mine.error = null;
    this.change();
    try {
      const comment = await api("POST", `/feedbacks/${this.feedbackId}/comments`, { ...mine.body, client_id: mine.client_id }, { quiet: true, key: mine.client_id });
      this.settle(mine);
      this.put({ ...comment, is_mine: true }, true);
    } catch (error) {
      mine.state = "failed";
      mine.error = Object.values(error.fields || {})[0] || error.message;
      mine.refused = error.status >= 400 && error.status < 500 && error.status !== 429;
      this.keep();
      if (error.status === 429) setTimeout(() => { if (mine.state === "failed") this.post(mine); }, (error.retryAfter || 5) * 1000);
    }
    this.change();
  }

  /** After the line came back: everything that only failed for want of a connection goes out again. */
  retryAll() {
    for (const mine of this.outbox) if (mine.state === "failed" && !mine.refused) this.post(mine);
  }

  discard(mine) {
    this.settle(mine);
    this.change();
  }

  async edit(comment, changes) {
    const answer = await api("PATCH", `/comments/${comment.id}`, changes);
    this.put(answer?.id ? answer : { ...comment, ...changes, edited: new Date().toISOString() }, true);
    this.change();
  }

  async remove(comment) {
    await api("DELETE", `/comments/${comment.id}`);
    this.drop(comment.id);
  }

  async resolve(comment, done) {
    const before = { ...comment };
    this.put({ ...comment, resolved_at: done ? new Date().toISOString() : null, resolved_by: done ? { id: this.me.id, nickname: this.me.nickname } : null }, true);
    this.change();
    try {
      const answer = await api(done ? "POST" : "DELETE", `/comments/${comment.id}/resolution`);
      if (answer?.id) this.put(answer, true);
    } catch {
      this.put(before, true);
    }
    this.change();
  }

  async toggleReaction(comment, kind) {
    const on = !comment.my_reactions.includes(kind);
    const before = { ...comment, reactions: { ...comment.reactions }, my_reactions: [...comment.my_reactions] };
    const next = { ...comment, reactions: { ...comment.reactions }, my_reactions: on ? [...comment.my_reactions, kind] : comment.my_reactions.filter((k) => k !== kind) };
    next.reactions[kind] = Math.max(0, (next.reactions[kind] || 0) + (on ? 1 : -1));
    this.put(next, true);
    this.change();
    try {
      const answer = await api(on ? "PUT" : "DELETE", `/comments/${comment.id}/reactions/${kind}`);
      if (answer?.id) this.put(answer, true);
    } catch {
      this.put(before, true);
    }
    this.change();
  }
}
