// The conversation about the plan: the comments of its feedback, those of one shot by the shot's name in their section.
// The feedback is made when the first word is said.
import { api, explain } from "../api.js";
import { $, h, icon, t } from "../dom.js";
import { TypingSignal } from "../live.js";
import { NoteView } from "../room/note.js";
import { Thread } from "../room/thread.js";
import { openDecision } from "../room/verdict.js";
import { Counter } from "../timecode.js";
import { shotName } from "./words.js";

const FILTERS = ["all", "open", "resolved"];
const SHOT = /^S(0[1-9]|1[0-2])$/;

export class Discussion {
  constructor(desk) {
    this.desk = desk;
    this.filter = "all";
    /** The shot whose comments alone are shown, by its name. */
    this.only = null;
    /** The shot that what is written is about. */
    this.about = null;
    this.views = new Map();
    this.room = this.asRoom();
    this.build();
    this.open(desk.store.plan.feedback_id);
  }

  /** What the review room's notes know of their room: there is no film here. */
  asRoom() {
    const { desk } = this;
    const self = this;
    return {
      me: desk.me, rights: desk.rights, versions: [], player: { media: null, counter: new Counter(), durationMs: 0 },
      get feedbackId() { return self.feedbackId; },
      get feedback() { return desk.feedback ?? { decisions: [] }; },
      get thread() { return self.thread; },
      typing: { key() {}, stop() {}, said() {} },
      composer: { takeBack: (mine) => self.takeBack(mine) },
      versionOf() {}, counterOf() { return this.player.counter; }, goTo() {},
      mark: (comment) => (SHOT.test(comment.section) ? self.chip(comment.section) : null),
      setFeedback(next) { desk.feedback = { ...desk.feedback, ...next }; desk.draw(); },
      refetchFeedback: () => this.refetchFeedback(),
    };
  }

  /** Begins to follow the feedback, once there is one. */
  open(id) {
    if (!id || this.feedbackId === id) return;
    this.feedbackId = id;
    this.thread = new Thread(id, this.desk.me, () => this.refresh());
    this.thread.load().catch(() => {});
    this.refetchFeedback();
    this.signal();
    if (this.box) this.dress();
  }

  /** The line is there by the time of the first word. */
  signal() {
    if (this.feedbackId && this.desk.line) this.room.typing = new TypingSignal(this.desk.line, this.feedbackId);
  }

  async refetchFeedback() {
    const next = await api("GET", `/feedbacks/${this.feedbackId}`, undefined, { quiet: true }).catch(() => null);
    if (next) this.room.setFeedback(next);
  }

  /** The feedback's id; makes it if need be. */
  async made() {
    if (this.feedbackId) return this.feedbackId;
    const { feedback_id: id } = await api("POST", `${this.desk.store.base}/feedback`, undefined, { quiet: true });
    this.open(id);
    return id;
  }

  async decide() {
    try { await this.made(); } catch (error) { explain(error); return; }
    await this.refetchFeedback();
    openDecision(this.room);
  }

  // The list ---------------------------------------------------------------------------------------------------------

  build() {
    const { desk } = this;
    this.tabs = h("div", { class: "tabs", role: "group", "aria-label": t("js.filter.title") }, FILTERS.map((name) =>
      h("button", { type: "button", "data-filter": name, onclick: () => { this.filter = name; this.draw(); } }, t(`js.filter.${name}`), h("span", { class: "n" }))));
    this.onlyBar = h("div", { class: "panel-opts", hidden: true });
    $("#panel-head").replaceChildren(this.tabs, this.onlyBar);
    this.list = $("#comments");
    this.body = h("div");
    this.list.replaceChildren(this.body);
    const place = $("#composer");
    if (!desk.rights.comment) { place.append(h("p", { class: "say" }, t("js.say.viewer"))); return; }
    this.store = `vp.draft.plan.${desk.store.plan.id}`;
    this.area = h("textarea", { id: "say", rows: "2", maxlength: "5000", placeholder: t("js.plan.say"), "aria-label": t("js.say.label") });
    this.top = h("div", { class: "box-top" });
    this.anon = h("input", { type: "checkbox", onchange: () => { this.room.typing.stop(); this.dress(); } });
    this.internal = h("input", { type: "checkbox", onchange: () => this.dress() });
    this.box = h("div", { class: "box" }, this.top, this.area, h("div", { class: "box-foot" },
      h("label", { class: "switch", title: t("js.anon.explain") }, this.anon, t("js.anonymous")),
      desk.rights.internal && h("label", { class: "switch", title: t("js.internal.explain") }, this.internal, t("js.internal")),
      h("button", { class: "btn s primary", type: "submit", title: "Ctrl+Enter" }, t("js.send"))));
    this.form = h("form", { onsubmit: (event) => { event.preventDefault(); this.send(); } }, this.box);
    this.wait = h("p", { class: "say" }, t("js.plan.say_later"));
    place.append(this.form, this.wait);
    this.area.addEventListener("input", () => { if (this.area.value && !this.anon.checked) this.room.typing.key(); this.keep(); });
    this.area.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.send(); }
      if (event.key === "Escape") { this.area.blur(); event.stopPropagation(); }
    });
    try { this.area.value = sessionStorage.getItem(this.store) || ""; } catch { /* storage is off: nothing was kept */ }
    this.dress();
  }

  /** A shot's chip on a comment: leads to the shot. */
  chip(name) {
    return h("button", { class: "chip", type: "button", title: t("js.plan.go_shot"), onclick: () => this.desk.showShot(name) }, name);
  }

  inScope(comment) {
    return !this.only || comment.section === this.only;
  }

  passes(comment) {
    return this.filter === "all" || (this.filter === "open") === !comment.resolved_at;
  }

  /** Comments about a shot that are not resolved. */
  countOf(name) {
    if (!this.thread) return 0;
    let n = 0;
    for (const c of this.thread.byId.values()) if (c.section === name && !c.resolved_at && !c.parent_id) n += 1;
    return n;
  }

  get unresolved() {
    return this.thread ? [...this.thread.byId.values()].filter((c) => !c.parent_id && !c.resolved_at).length : 0;
  }

  refresh() {
    if (this.waiting) return;
    this.waiting = true;
    queueMicrotask(() => { this.waiting = false; this.draw(); this.desk.draw(); });
  }

  draw() {
    const { thread, room } = this;
    const { roots, children } = thread ? thread.tree() : { roots: [], children: new Map() };
    const scoped = roots.filter((c) => this.inScope(c));
    const counts = { all: scoped.length, open: scoped.filter((c) => !c.resolved_at).length };
    counts.resolved = counts.all - counts.open;
    for (const button of this.tabs.children) {
      button.setAttribute("aria-pressed", String(button.dataset.filter === this.filter));
      $(".n", button).textContent = counts[button.dataset.filter] || "";
    }
    this.onlyBar.hidden = !this.only;
    if (this.only) this.onlyBar.replaceChildren(h("span", { class: "chip" }, this.only, h("button", { class: "x", type: "button", "aria-label": t("js.plan.all_comments"), onclick: () => this.narrow(null) }, icon("x", "s"))), h("button", { class: "act", type: "button", onclick: () => this.narrow(null) }, t("js.plan.all_comments")));
    const outbox = thread?.outbox ?? [];
    const rows = scoped.filter((c) => this.passes(c)).map((c) => ({ key: `c${c.id}`, comment: c, created: c.created, id: c.id }));
    for (const mine of outbox) if (!mine.body.parent_id && (!this.only || mine.body.section === this.only)) rows.push({ key: mine.client_id, mine, created: mine.created, id: Infinity });
    rows.sort((a, b) => a.created.localeCompare(b.created) || a.id - b.id);
    const seen = new Set();
    let place = null;
    for (const row of rows) {
      seen.add(row.key);
      let view = this.views.get(row.key);
      if (!view) { view = new NoteView(room); this.views.set(row.key, view); }
      if (row.mine) view.drawPending(row.mine, [], `${row.mine.state}|${row.mine.error}`);
      else {
        const replies = [...(children.get(row.comment.id) || [])];
        for (const mine of outbox) if (mine.body.parent_id === row.comment.id) replies.push({ mine });
        view.draw(row.comment, replies, `${thread.revision.get(row.id)}|${replies.map((r) => (r.mine ? `${r.mine.client_id}${r.mine.state}` : `${r.id}.${thread.revision.get(r.id)}`)).join()}`);
      }
      const want = place ? place.nextSibling : this.body.firstChild;
      if (want !== view.el) this.body.insertBefore(view.el, want);
      place = view.el;
    }
    for (const [key, view] of this.views) if (!seen.has(key)) { view.el.remove(); this.views.delete(key); }
    this.empty?.remove();
    if (rows.length === 0) {
      const loading = thread && !thread.loaded;
      this.empty = h("div", { class: "empty" }, loading ? h("span", { class: "spin" }) : icon("comment"),
        h("h3", null, t(loading ? "js.empty.loading" : scoped.length ? "js.empty.filtered" : "js.empty.none")), !loading && !scoped.length && this.desk.rights.comment && h("p", null, t("js.plan.say_hint")));
      this.list.prepend(this.empty);
    }
  }

  /** Shows the comments of one shot alone, or all. */
  narrow(name) {
    this.only = name;
    if (name) this.filter = "all";
    this.setAbout(name);
    this.draw();
  }

  /** Scrolls to a comment and marks it for a moment. */
  reveal(id) {
    const comment = this.thread?.byId.get(id);
    if (!comment) return false;
    this.only = null;
    this.filter = "all";
    this.draw();
    document.getElementById(`comment-${id}`)?.scrollIntoView({ block: "center" });
    this.views.get(`c${comment.parent_id || id}`)?.el.classList.add("linked");
    return true;
  }

  // What is said -----------------------------------------------------------------------------------------------------

  setAbout(name) {
    this.about = name;
    if (this.box) this.dress();
  }

  dress() {
    // Who may not change the plan waits until it is shown for review.
    this.form.hidden = !this.feedbackId && !this.desk.rights.plan;
    this.wait.hidden = !this.form.hidden;
    this.box.classList.toggle("anon", this.anon.checked);
    this.box.classList.toggle("internal", this.internal.checked);
    const at = this.desk.selected ? shotName(this.desk.store.value("order", "keys").indexOf(this.desk.selected)) : null;
    this.top.replaceChildren(this.about ? h("span", { class: "chip" }, this.about, h("button", { class: "x", type: "button", "aria-label": t("js.plan.about_remove"), onclick: () => this.setAbout(null) }, icon("x", "s")))
      : at ? h("button", { class: "chip off", type: "button", onclick: () => this.setAbout(at) }, icon("plus", "s"), at) : h("span", { class: "chip off" }, t("js.plan.about_all")));
    this.keep();
  }

  async send() {
    const text = this.area.value.trim();
    if (!text) { this.area.focus(); return; }
    try { await this.made(); } catch (error) { explain(error); return; }
    this.room.typing.said();
    this.thread.say({ text, section: this.about ?? "", start_ms: null, security: this.anon.checked, internal: this.internal.checked });
    this.area.value = "";
    this.filter = "all";
    this.dress();
    this.draw();
    this.body.lastElementChild?.scrollIntoView({ block: "nearest" });
  }

  takeBack(mine) {
    const { body } = mine;
    this.area.value = this.area.value ? `${this.area.value}\n${body.text}` : body.text;
    this.anon.checked = body.security;
    this.internal.checked = body.internal;
    this.about = body.section || null;
    this.thread.discard(mine);
    this.dress();
    this.area.focus();
  }

  keep() {
    this.box.classList.toggle("filled", Boolean(this.area.value || this.anon.checked || this.internal.checked));
    try {
      if (this.area.value) sessionStorage.setItem(this.store, this.area.value);
      else sessionStorage.removeItem(this.store);
    } catch { /* storage is off: the text stays in the box */ }
  }
}
