// The line under the picture: played, buffered, the sound, the cuts, where comments are, and a look ahead under the
// pointer, the finger, or the keys.
import { h, t } from "../dom.js";
import { drawPeaks } from "./beside.js";

/** The size of the small picture at the most, in pixels. */
const LOOK = [176, 160];

export class Timeline {
  /** `marks()` gives the comments to show: [{id, start_ms, end_ms, done, anon, internal, text, who}]. */
  constructor(root, player, beside, { pick }) {
    this.root = root;
    this.player = player;
    this.beside = beside;
    this.pick = pick;
    this.buffered = h("i", { class: "buffered" });
    this.played = h("i", { class: "played" });
    this.pin = h("div", { class: "head-pin" });
    this.ghost = h("div", { class: "ghost", hidden: true });
    this.lane = h("div", { class: "lane" });
    this.span = h("div", { class: "range-now", hidden: true });
    this.people = h("div", { class: "heads" });
    this.cuts = h("div", { class: "cut-marks" });
    this.wave = h("canvas", { class: "wave" });
    this.waveNow = h("canvas", { class: "wave now" });
    this.cardImage = h("img", { alt: "" });
    this.cardSheet = h("div", { class: "look", hidden: true });
    this.cardTime = h("b");
    this.cardText = h("p");
    this.card = h("div", { class: "hover-card", hidden: true }, this.cardSheet, this.cardImage, this.cardTime, this.cardText);
    // The slider is one thing for keyboards and screen readers, the marks beside it are others.
    this.rail = h("div", { class: "rail", role: "slider", tabindex: "0", "aria-label": t("js.player.position"), "aria-valuemin": "0" },
      this.wave, this.waveNow, h("div", { class: "track" }, this.buffered, this.played, this.cuts), this.span, this.ghost, this.pin);
    root.append(this.rail, this.lane, this.people, this.card);
    root.addEventListener("pointerdown", (event) => this.press(event));
    root.addEventListener("pointermove", (event) => this.look(event));
    root.addEventListener("pointerleave", () => this.away());
    // The page's keys move the film after this: then there is something to look at.
    this.rail.addEventListener("keydown", (event) => { if (/^(Arrow|Home|End|Comma|Period|Bracket)/.test(event.code)) setTimeout(() => this.lookAtHead()); });
    this.rail.addEventListener("blur", () => this.away());
    new ResizeObserver(() => this.drawWave()).observe(root);
    this.cardImage.addEventListener("error", () => { this.cardImage.hidden = true; });
    this.marks = new Map();
  }

  at(event) {
    const box = this.root.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * this.player.durationMs;
  }

  press(event) {
    if (event.button !== 0 || event.target.closest(".mark") || !this.player.durationMs) return;
    const resume = this.player.playing;
    this.player.pause();
    this.root.setPointerCapture(event.pointerId);
    this.player.seek(this.at(event));
    this.look(event);
    const move = (e) => this.player.seek(this.at(e));
    const up = () => {
      this.root.removeEventListener("pointermove", move);
      if (resume) this.player.play();
      if (event.pointerType !== "mouse") this.away();
    };
    this.root.addEventListener("pointermove", move);
    this.root.addEventListener("pointerup", up, { once: true });
    this.root.addEventListener("pointercancel", up, { once: true });
  }

  look(event) {
    const total = this.player.durationMs;
    if (!total) return;
    const mark = event.target.closest?.(".mark");
    const note = mark ? this.marks.get(Number(mark.dataset.id))?.note : null;
    this.show(note ? note.start_ms : this.at(event), note);
  }

  /** The look at where the playhead is, for a moment. */
  lookAtHead() {
    if (!this.player.durationMs) return;
    this.show(this.player.stampMs);
    this.ghost.hidden = true;
    clearTimeout(this.hider);
    this.hider = setTimeout(() => this.away(), 1600);
  }

  show(ms, note = null) {
    clearTimeout(this.hider);
    const total = this.player.durationMs;
    const box = this.root.getBoundingClientRect();
    const x = (ms / total) * box.width;
    this.ghost.hidden = false;
    this.ghost.style.left = `${x}px`;
    const half = Math.min(this.picture(ms, total) / 2 + 4, box.width / 2);
    this.cardTime.textContent = this.player.counter.code(ms);
    this.cardText.hidden = !note;
    if (note) this.cardText.textContent = `${note.who}: ${note.text}`;
    this.card.hidden = false;
    this.card.style.left = `${Math.max(half, Math.min(box.width - half, x))}px`;
  }

  /** Shows the small picture of `ms` in the card; answers how wide that makes it. */
  picture(ms, total) {
    const small = this.beside.pictureAt(ms);
    this.cardSheet.hidden = !small;
    if (small) {
      const { cue, sheet } = small;
      const scale = Math.min(LOOK[0] / cue.w, LOOK[1] / cue.h);
      const style = this.cardSheet.style;
      style.width = `${Math.round(cue.w * scale)}px`;
      style.height = `${Math.round(cue.h * scale)}px`;
      style.backgroundImage = `url("${sheet.url}")`;
      style.backgroundSize = `${sheet.width * scale}px ${sheet.height * scale}px`;
      style.backgroundPosition = `${-cue.x * scale}px ${-cue.y * scale}px`;
    }
    // Until the sheet is there, the few pictures that are made first.
    const thumbs = small ? [] : this.player.media?.urls?.thumbs || [];
    const thumb = thumbs.length ? thumbs[Math.min(thumbs.length - 1, Math.floor((ms / total) * thumbs.length))] : null;
    if (thumb && this.cardImage.getAttribute("src") !== thumb) { this.cardImage.src = thumb; this.cardImage.hidden = false; }
    if (!thumb) { this.cardImage.hidden = true; this.cardImage.removeAttribute("src"); }
    return small || thumb ? LOOK[0] : 84;
  }

  away() {
    clearTimeout(this.hider);
    this.ghost.hidden = true;
    this.card.hidden = true;
  }

  /** What was made beside the film has come, or another film. */
  drawBeside() {
    const total = this.player.durationMs;
    const { scenes, peaks } = this.beside;
    if (this.drawn?.every((known, i) => known === [scenes, peaks, total][i])) return;
    this.drawn = [scenes, peaks, total];
    this.root.classList.toggle("loud", Boolean(peaks));
    this.cuts.replaceChildren(...(total ? scenes.slice(1) : []).map((scene) => {
      const mark = h("i");
      mark.style.left = `${(scene.start_ms / total) * 100}%`;
      return mark;
    }));
    this.drawWave();
    this.draw();
  }

  drawWave() {
    const { peaks } = this.beside;
    if (!peaks) return;
    for (const canvas of [this.wave, this.waveNow]) drawPeaks(canvas, peaks, this.player.durationMs, { step: 2, gap: 0.5 });
  }

  /** The range that is being chosen for a comment, [from, to] or null. */
  showRange(range) {
    const total = this.player.durationMs;
    this.span.hidden = !range || !total;
    if (!range || !total) return;
    this.span.style.left = `${(range[0] / total) * 100}%`;
    this.span.style.width = `${Math.max(0.3, ((range[1] - range[0]) / total) * 100)}%`;
  }

  setMarks(notes) {
    const total = this.player.durationMs;
    this.notes = notes;
    const seen = new Set();
    for (const note of total ? notes : []) {
      seen.add(note.id);
      let mark = this.marks.get(note.id);
      if (!mark) {
        const el = h("button", { type: "button", tabindex: "-1", "data-id": note.id, onclick: () => this.pick(note.id) });
        mark = { el };
        this.marks.set(note.id, mark);
        this.lane.append(el);
      }
      mark.note = note;
      const long = note.end_ms > note.start_ms;
      mark.el.className = `mark${long ? " span" : ""}${note.done ? " done" : ""}${note.anon ? " anon" : ""}${note.internal ? " internal" : ""}${note.id === this.near ? " on" : ""}`;
      mark.el.setAttribute("aria-label", `${this.player.counter.code(note.start_ms)} ${note.who}: ${note.text.slice(0, 80)}`);
      mark.el.style.left = `${Math.min(100, (note.start_ms / total) * 100)}%`;
      mark.el.style.width = long ? `${((Math.min(note.end_ms, total) - note.start_ms) / total) * 100}%` : "";
    }
    for (const [id, mark] of this.marks) if (!seen.has(id)) { mark.el.remove(); this.marks.delete(id); }
  }

  highlight(id) {
    if (this.near === id) return;
    this.marks.get(this.near)?.el.classList.remove("on");
    this.near = id;
    this.marks.get(id)?.el.classList.add("on");
  }

  draw() {
    const total = this.player.durationMs;
    const ms = Math.min(this.player.ms, total || 0);
    const part = total ? (ms / total) * 100 : 0;
    this.played.style.width = `${part}%`;
    this.pin.style.left = `${part}%`;
    if (this.beside.peaks) this.waveNow.style.clipPath = `inset(0 ${100 - part}% 0 0)`;
    const ranges = this.player.video?.buffered;
    let far = 0;
    if (ranges && total) for (let i = 0; i < ranges.length; i += 1) if (ranges.start(i) * 1000 <= ms + 200) far = Math.max(far, ranges.end(i) * 1000);
    this.buffered.style.width = `${total ? Math.min(100, (far / total) * 100) : 0}%`;
    this.rail.setAttribute("aria-valuemax", String(Math.round(total / 1000)));
    this.rail.setAttribute("aria-valuenow", String(Math.round(ms / 1000)));
    this.rail.setAttribute("aria-valuetext", this.player.counter.code(ms));
  }
}
