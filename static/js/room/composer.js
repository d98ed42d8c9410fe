// The box in which a comment is written. It takes the playhead's time until the first letter is typed, or a range set
// by I and O, and keeps what was typed through reloads.
import { h, icon, t } from "../dom.js";

export class Composer {
  constructor(root, room) {
    this.room = room;
    this.store = `vp.draft.${room.feedbackId}`;
    this.stamp = "follow";
    this.from = null;
    this.to = null;
    this.area = h("textarea", { id: "say", rows: "2", maxlength: "5000", placeholder: t("js.say.placeholder"), "aria-label": t("js.say.label") });
    this.top = h("div", { class: "box-top" });
    this.anon = h("input", { type: "checkbox", onchange: () => { if (this.anon.checked) room.typing.stop(); this.dress(); } });
    this.internal = h("input", { type: "checkbox", onchange: () => this.dress() });
    this.button = h("button", { class: "btn s primary", type: "submit", title: "Ctrl+Enter" }, t("js.send"));
    this.hint = h("p", { class: "say", hidden: true });
    this.box = h("div", { class: "box" }, this.top, this.area, h("div", { class: "box-foot" },
      h("label", { class: "switch", title: t("js.anon.explain") }, this.anon, t("js.anonymous")),
      room.rights.internal && h("label", { class: "switch", title: t("js.internal.explain") }, this.internal, t("js.internal")),
      this.button));
    const form = h("form", { onsubmit: (event) => { event.preventDefault(); this.send(); } }, this.box);
    root.append(form, this.hint);
    this.area.addEventListener("input", () => this.typed());
    this.area.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.send(); }
      if (event.key === "Escape") { this.area.blur(); event.stopPropagation(); }
    });
    this.restore();
    this.dress();
  }

  typed() {
    const { room } = this;
    if (this.area.value && this.stamp === "follow") {
      this.fix(room.player.stampMs);
      this.halt();
    }
    if (!this.area.value && this.stamp === "fixed" && this.to === null && !this.kept) { this.stamp = "follow"; this.from = null; this.dress(); }
    if (this.area.value && !this.anon.checked) room.typing.key();
    this.keep();
  }

  /** Who writes looks at one moment, unless he watches together with others. */
  halt() {
    const { player, together } = this.room;
    if (player.playing && !together.following) player.pause();
  }

  fix(ms) {
    this.stamp = "fixed";
    this.from = ms;
    if (this.to !== null && this.to <= ms) this.to = null;
    this.dress();
  }

  /** T: the box gets the focus and the time of this frame. */
  stampNow() {
    if (this.room.player.still) { this.area.focus(); return; }
    this.kept = true;
    this.halt();
    this.to = null;
    this.fix(this.room.player.stampMs);
    this.area.focus();
  }

  /** I and O: where a range begins and ends. */
  setIn() {
    this.kept = true;
    this.fix(this.room.player.stampMs);
  }

  setOut() {
    const ms = this.room.player.stampMs;
    this.kept = true;
    if (this.stamp !== "fixed" || this.from === null || this.from >= ms) { this.to = null; this.fix(ms); return; }
    this.to = ms;
    this.dress();
  }

  clear() {
    this.stamp = "none";
    this.from = null;
    this.to = null;
    this.dress();
    this.keep();
  }

  reset() {
    this.stamp = "follow";
    this.from = null;
    this.to = null;
    this.kept = false;
    this.dress();
  }

  dress() {
    const { room } = this;
    this.box.classList.toggle("anon", this.anon.checked);
    this.box.classList.toggle("internal", this.internal.checked);
    this.fill();
    this.hint.hidden = !this.anon.checked && !this.internal.checked;
    this.hint.textContent = [this.anon.checked && t("js.anon.explain"), this.internal.checked && t("js.internal.explain")].filter(Boolean).join(" ");
    room.timeline.showRange(this.stamp === "fixed" && this.to !== null ? [this.from, this.to] : null);
    room.player.range = this.stamp === "fixed" && this.to !== null ? [this.from, this.to] : null;
    this.drawn = null;
    this.tick();
  }

  /** Called while the film moves: the chip follows the playhead until something is typed. */
  tick() {
    const { room } = this;
    const ms = this.stamp === "follow" ? room.player.stampMs : this.from;
    const key = `${room.player.media?.id}|${room.player.still}|${this.stamp}|${this.stamp === "none" ? "" : room.player.counter.code(ms ?? 0)}|${this.to}`;
    if (key === this.drawn) return;
    this.drawn = key;
    this.top.hidden = !room.player.media || room.player.still;
    this.area.placeholder = t(room.player.still ? "js.say.placeholder_still" : "js.say.placeholder");
    if (this.stamp === "none") {
      this.top.replaceChildren(h("button", { class: "chip off", type: "button", onclick: () => this.stampNow() }, icon("clock", "s"), t("js.say.no_time")));
      return;
    }
    const [head, tail] = room.player.counter.short(ms);
    const end = this.to === null ? null : room.player.counter.short(this.to);
    this.top.replaceChildren(h("span", { class: `chip${this.stamp === "follow" ? " off" : ""}`, title: room.player.counter.code(ms) }, icon("clock", "s"), head, tail && h("small", null, tail),
      end && h("span", { class: "dash" }, "–"), end && end[0], end && end[1] && h("small", null, end[1]),
      h("button", { class: "x", type: "button", "aria-label": t("js.say.remove_time"), onclick: () => this.clear() }, icon("x", "s"))));
  }

  send() {
    const { room } = this;
    const text = this.area.value.trim();
    if (!text) { this.area.focus(); return; }
    const timed = this.stamp !== "none" && Boolean(room.player.media) && !room.player.still;
    const from = this.stamp === "follow" ? room.player.stampMs : this.from;
    room.typing.said();
    const mine = room.thread.say({
      text,
      media_id: room.player.media?.id ?? null,
      start_ms: timed ? from : null,
      end_ms: timed && this.to !== null ? this.to : null,
      frame: timed ? room.player.counter.frame(from) : null,
      parent_id: null,
      security: this.anon.checked,
      internal: this.internal.checked,
    });
    this.area.value = "";
    this.reset();
    this.keep();
    room.comments.draw();
    room.comments.views.get(mine.client_id)?.el.scrollIntoView({ block: "nearest" });
  }

  /** An unsent comment comes back into the box. */
  takeBack(mine) {
    const { body } = mine;
    this.area.value = this.area.value ? `${this.area.value}\n${body.text}` : body.text;
    this.anon.checked = body.security;
    this.internal.checked = body.internal;
    this.stamp = body.start_ms === null ? "none" : "fixed";
    this.from = body.start_ms;
    this.to = body.end_ms;
    this.kept = true;
    this.room.thread.discard(mine);
    this.dress();
    this.keep();
    this.area.focus();
  }

  /** Whether there is something in the box that a small screen must not fold away. */
  fill() {
    this.box.classList.toggle("filled", Boolean(this.area.value || this.anon.checked || this.internal.checked || this.to !== null));
  }

  keep() {
    this.fill();
    try {
      if (!this.area.value) sessionStorage.removeItem(this.store);
      else sessionStorage.setItem(this.store, JSON.stringify({ text: this.area.value, stamp: this.stamp, from: this.from, to: this.to, anon: this.anon.checked, internal: this.internal.checked }));
    } catch { /* storage is off: the text stays in the box */ }
  }

  restore() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.store));
      if (!kept) return;
      this.area.value = kept.text;
      this.stamp = kept.stamp;
      this.from = kept.from;
      this.to = kept.to;
      this.anon.checked = kept.anon;
      this.internal.checked = kept.internal;
      this.kept = true;
    } catch { /* an unreadable draft is no draft */ }
  }
}
