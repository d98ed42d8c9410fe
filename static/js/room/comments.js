// The list beside the picture: filters, order, and following the playhead.
import { $, h, icon, t } from "../dom.js";
import { NoteView } from "./note.js";

const FILTERS = ["all", "open", "resolved", "mine"];

export class Comments {
  constructor(head, list, room) {
    this.list = list;
    this.room = room;
    this.views = new Map();
    this.filter = "all";
    this.order = "time";
    this.scope = "version";
    this.follow = localStorage.getItem("vp.follow") !== "off";
    this.handled = 0;
    this.body = h("div");
    this.below = h("div", { class: "new-below", hidden: true });
    list.append(this.body, this.below);
    for (const name of ["wheel", "touchstart", "keydown"]) list.addEventListener(name, () => { this.handled = Date.now(); }, { passive: true });
    this.build(head);
  }

  build(head) {
    this.tabs = h("div", { class: "tabs", role: "group", "aria-label": t("js.filter.title") }, FILTERS.map((name) =>
      h("button", { type: "button", "data-filter": name, "aria-pressed": String(name === this.filter), onclick: () => { this.filter = name; this.draw(); } }, t(`js.filter.${name}`), h("span", { class: "n" }))));
    const order = h("select", { class: "select s", "aria-label": t("js.order.title"), onchange: (event) => { this.order = event.target.value; this.draw(); } },
      h("option", { value: "time" }, t("js.order.time")), h("option", { value: "created" }, t("js.order.created")));
    this.scopes = h("select", { class: "select s", "aria-label": t("js.scope.title"), onchange: (event) => { this.scope = event.target.value; this.draw(); } },
      h("option", { value: "version" }, t("js.scope.version")), h("option", { value: "all" }, t("js.scope.all")));
    const follow = h("button", { class: "act", type: "button", title: t("js.follow.hint"), "aria-pressed": String(this.follow), onclick: () => {
      this.follow = !this.follow;
      follow.setAttribute("aria-pressed", String(this.follow));
      try { localStorage.setItem("vp.follow", this.follow ? "on" : "off"); } catch { /* not kept in private mode */ }
    } }, icon("target"), t("js.follow"));
    head.append(this.tabs, h("div", { class: "panel-opts" }, h("span", { class: "row" }, order, this.scopes), follow));
  }

  /** The comments that belong to the shown version, whatever the filter. */
  inScope(comment) {
    return this.scope === "all" || !comment.media_id || comment.media_id === this.room.player.media?.id;
  }

  passes(comment) {
    if (this.filter === "open") return !comment.resolved_at;
    if (this.filter === "resolved") return Boolean(comment.resolved_at);
    if (this.filter === "mine") return comment.is_mine;
    return true;
  }

  draw() {
    const { room } = this;
    const { roots, children } = room.thread.tree();
    const scoped = roots.filter((c) => this.inScope(c));
    const counts = { all: scoped.length, open: 0, resolved: 0, mine: 0 };
    for (const c of scoped) { counts[c.resolved_at ? "resolved" : "open"] += 1; if (c.is_mine) counts.mine += 1; }
    for (const button of this.tabs.children) {
      button.setAttribute("aria-pressed", String(button.dataset.filter === this.filter));
      $(".n", button).textContent = counts[button.dataset.filter] || "";
    }
    this.scopes.hidden = room.versions.length < 2;

    const rows = scoped.filter((c) => this.passes(c)).map((c) => ({ key: `c${c.id}`, comment: c, at: c.start_ms, created: c.created, id: c.id }));
    for (const mine of room.thread.outbox) if (!mine.body.parent_id) rows.push({ key: mine.client_id, mine, at: mine.body.start_ms, created: mine.created, id: Infinity });
    const byCreated = (a, b) => a.created.localeCompare(b.created) || a.id - b.id;
    const late = (row) => (row.at === null || row.at === undefined ? Infinity : row.at);
    rows.sort(this.order === "time" ? (a, b) => (late(a) === late(b) ? byCreated(a, b) : late(a) - late(b)) : byCreated);

    const seen = new Set();
    let place = null;
    for (const row of rows) {
      seen.add(row.key);
      let view = this.views.get(row.key);
      if (!view) { view = new NoteView(room); this.views.set(row.key, view); }
      if (row.mine) view.drawPending(row.mine, [], `${row.mine.state}|${row.mine.error}`);
      else {
        const replies = [...(children.get(row.comment.id) || [])];
        for (const mine of room.thread.outbox) if (mine.body.parent_id === row.comment.id) replies.push({ mine });
        const key = `${room.thread.revision.get(row.id)}|${room.player.media?.id}|${replies.map((r) => (r.mine ? `${r.mine.client_id}${r.mine.state}` : `${r.id}.${room.thread.revision.get(r.id)}`)).join()}`;
        view.draw(row.comment, replies, key);
      }
      // Moving an element loses its focus: only move what stands at the wrong place.
      const want = place ? place.nextSibling : this.body.firstChild;
      if (want !== view.el) this.body.insertBefore(view.el, want);
      place = view.el;
    }
    for (const [key, view] of this.views) if (!seen.has(key)) { view.el.remove(); this.views.delete(key); }
    this.empty?.remove();
    if (rows.length === 0) {
      const which = !room.thread.loaded ? "loading" : scoped.length ? "filtered" : room.rights.comment ? "none" : "none_viewer";
      this.empty = h("div", { class: "empty" }, which === "loading" ? h("span", { class: "spin" }) : icon("comment"), h("h3", null, t(`js.empty.${which}`)), which === "none" && h("p", null, t(!room.versions.length ? "js.empty.none_film" : matchMedia("(hover: none)").matches ? "js.empty.none_touch" : "js.empty.none_hint")));
      this.list.prepend(this.empty);
    }
    this.timed = rows.filter((r) => r.comment && late(r) !== Infinity && (!r.comment.media_id || r.comment.media_id === room.player.media?.id)).sort((a, b) => a.at - b.at);
    room.timeline.setMarks(this.timed.map(({ comment: c }) => ({ id: c.id, start_ms: c.start_ms, end_ms: c.end_ms, done: Boolean(c.resolved_at), anon: c.security, internal: c.internal, text: c.text, who: (c.security ? null : c.user?.nickname) || t("js.anonymous") })));
    this.near = undefined;
    this.followTo(room.player.ms, false);
  }

  /** Highlights the comment that the playhead is at or has just passed, and keeps it in view. */
  followTo(ms, scroll = true) {
    const timed = this.timed || [];
    let low = 0;
    let high = timed.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (timed[mid].at <= ms + 20) low = mid + 1;
      else high = mid;
    }
    let row = low ? timed[low - 1] : null;
    // A comment is "near" inside its range, or for a few seconds after its moment.
    if (row && ms > Math.max(row.comment.end_ms || 0, row.at) + 4000) row = null;
    const id = row?.comment.id;
    if (id === this.near) return;
    for (const el of this.body.querySelectorAll(".near")) el.classList.remove("near");
    this.near = id;
    this.room.timeline.highlight(id);
    if (!row) return;
    const el = this.views.get(row.key)?.el;
    el?.classList.add("near");
    const busy = Date.now() - this.handled < 4000 || this.body.contains(document.activeElement?.closest?.("textarea"));
    if (scroll && this.follow && !busy) el?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  /** Scrolls to a comment and marks it for a moment; shows it even if a filter hid it. */
  reveal(id) {
    const comment = this.room.thread.byId.get(id);
    if (!comment) return false;
    const root = comment.parent_id || id;
    const rootComment = this.room.thread.byId.get(root);
    if (rootComment && !this.passes(rootComment)) this.filter = "all";
    if (rootComment && !this.inScope(rootComment)) { this.scope = "all"; this.scopes.value = "all"; }
    this.draw();
    const el = document.getElementById(`comment-${id}`);
    el?.scrollIntoView({ block: "center" });
    const note = this.views.get(`c${root}`)?.el;
    note?.classList.remove("linked");
    requestAnimationFrame(() => note?.classList.add("linked"));
    return Boolean(el);
  }

  /** A new comment of somebody else that is out of sight. */
  announce(comment) {
    if (comment.is_mine || !comment.start_ms) return;
    const el = this.views.get(`c${comment.parent_id || comment.id}`)?.el;
    if (!el) return;
    const box = this.list.getBoundingClientRect();
    const at = el.getBoundingClientRect();
    if (at.top < box.bottom && at.bottom > box.top) return;
    this.below.hidden = false;
    this.below.replaceChildren(h("button", { class: "btn s primary", type: "button", onclick: () => { this.below.hidden = true; this.reveal(comment.id); } },
      t("js.new_comment", { name: (comment.security ? null : comment.user?.nickname) || t("js.anonymous") })));
    clearTimeout(this.hider);
    this.hider = setTimeout(() => { this.below.hidden = true; }, 8000);
  }
}
