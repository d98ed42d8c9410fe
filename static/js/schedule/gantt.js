// The gantt: rows of bars on a time axis. Geometry is three numbers per bar in custom properties (--from, --span, in days)
// and one for the whole (--dx, pixels per day), so that zooming moves nothing by hand.
import { avatar, h, icon, lang, t } from "../dom.js";
import { localDay } from "../form.js";
import { axis } from "./axis.js";
import { num, say, saySpan, str, today } from "./days.js";
import { editing } from "./edit.js";
import { conflictText, extent, kindName, entryDays, phaseName, stateName, three } from "./model.js";
import { tips } from "./tip.js";

/** Pixels per day. */
export const ZOOMS = { day: 34, week: 13, month: 4.2 };
/** Holidays are told for three years, and nobody plans a film for longer. */
const FARTHEST = 1200;
const ROW = 38;
const SVG = "http://www.w3.org/2000/svg";

export class Gantt {
  /**
   * `groups` of {@link set}: [{project: {id, name, client, color, deadline}, may, phases, conflicts, entries?, progress}].
   * `folds`: projects are rows of their own that open and close. `on`: {move(group, phase, dates, before), open(group,
   * phase), entry(group, entry), fold(id, open)}.
   */
  constructor(root, { zoom = "week", parts = false, folds = false, open = new Set(), holidays = [], on }) {
    this.root = root;
    this.zoom = zoom;
    this.parts = parts;
    this.folds = folds;
    this.unfolded = open;
    this.holidays = new Map(holidays.map((d) => [num(d.day), lang === "en" ? d.name_en : d.name]));
    this.on = on;
    this.groups = [];
    this.voice = h("p", { class: "sr", "aria-live": "polite" });
    // One column that stays in place: as many as there are rows would make scrolling slow.
    this.labels = h("div", { class: "g-labels" });
    this.tracks = h("div", { class: "g-tracks" });
    this.body = h("div", { class: "g-body" }, this.labels, this.tracks);
    this.head = h("div", { class: "g-head" });
    this.scroller = h("div", { class: "gantt", tabindex: "-1" }, this.head, this.body);
    root.replaceChildren(this.scroller, this.voice);
    tips(root);
    editing(this);
    root.addEventListener("click", (event) => this.clicked(event));
    new ResizeObserver(() => { if (!this.editor && this.width !== this.scroller.clientWidth) this.draw(); }).observe(this.scroller);
  }

  /** Draws these projects; while somebody drags, afterwards. */
  set(groups) {
    this.groups = groups;
    this.draw();
  }

  draw() {
    if (this.editor) { this.late = true; return; }
    this.late = false;
    const held = this.root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const middle = this.lo === undefined ? null : this.lo + this.scroller.scrollLeft / this.dx;
    this.dx = ZOOMS[this.zoom];
    this.width = this.scroller.clientWidth;
    this.reach();
    this.rows = this.groups.flatMap((group) => this.rowsOf(group));
    const total = this.hi - this.lo + 1;
    for (const [name, value] of [["--dx", `${this.dx}px`], ["--days", total], ["--row", `${ROW}px`]]) this.scroller.style.setProperty(name, value);
    this.scroller.dataset.zoom = this.zoom;
    this.scroller.classList.toggle("folds", this.folds);
    // What is taken out of the page loses the focus; that is no leaving.
    this.drawing = true;
    this.head.replaceChildren(h("div", { class: "g-corner" }, t(this.folds ? "js.calendar.projects" : "js.calendar.phases")), axis(this));
    for (const row of this.rows) this.row(row);
    this.labels.replaceChildren(...this.rows.map((row) => row.label));
    this.tracks.replaceChildren(this.grid(), ...this.rows.map((row) => row.track), this.links());
    this.rove(held);
    this.drawing = false;
    if (middle === null) this.show(this.start());
    else this.scroller.scrollLeft = (middle - this.lo) * this.dx;
  }

  // What is shown ------------------------------------------------------------------------------------------------------

  /** The days of the axis: all that is dated, today, and room to plan on. */
  reach() {
    const now = today();
    let [lo, hi] = [now - 21, now + 70];
    for (const group of this.groups) {
      const days = extent(group.phases);
      const end = group.project.deadline ? num(localDay(group.project.deadline)) : null;
      if (days) { lo = Math.min(lo, days[0] - 14); hi = Math.max(hi, days[1] + 28); }
      if (end) hi = Math.max(hi, end + 14);
    }
    lo = Math.max(lo, now - FARTHEST);
    hi = Math.min(hi, now + FARTHEST);
    this.lo = lo;
    this.hi = Math.max(hi, lo + Math.ceil(this.width / this.dx));
  }

  /** Where to look first: a little before today, or where the work is if it is elsewhere. */
  start() {
    const days = this.groups.map((g) => extent(g.phases)).filter(Boolean);
    const now = today();
    if (!days.length || days.some(([a, b]) => a <= now + 21 && b >= now - 7)) return now - 7;
    return Math.min(...days.map((d) => d[0])) - 3;
  }

  /** Scrolls so that a day is the first that is seen. */
  show(day, smooth = false) {
    this.scroller.scrollTo({ left: Math.max(0, (day - this.lo) * this.dx), behavior: smooth ? "smooth" : "auto" });
  }

  rowsOf(group) {
    const rows = this.folds ? [{ type: "group", group }] : [];
    if (this.folds && !this.unfolded.has(group.project.id)) return rows;
    if (this.parts) return rows.concat(three(group.phases).map((part) => ({ type: "part", group, part })));
    rows.push(...group.phases.map((phase) => ({ type: "phase", group, phase })));
    if (group.entries?.length) rows.push({ type: "entries", group });
    return rows;
  }

  grid() {
    const place = (cls, day, extra = {}) => {
      const el = h("div", { class: cls, ...extra });
      el.style.setProperty("--from", day - this.lo);
      return el;
    };
    const grid = h("div", { class: "g-grid", "aria-hidden": "true" });
    // The pattern of weekends begins on the first Saturday.
    grid.style.setProperty("--saturday", (6 - ((this.lo + 4) % 7) + 7) % 7);
    for (const day of this.holidays.keys()) if (day >= this.lo && day <= this.hi) grid.append(place("g-holiday", day));
    if (!this.folds) {
      const end = this.groups[0]?.project.deadline;
      if (end) grid.append(place("g-deadline full", num(localDay(end))));
    }
    grid.append(place("g-today", today()));
    return grid;
  }

  row(row) {
    const { group } = row;
    const track = h("div", { class: `g-track ${row.type}` });
    row.label = this.label(row);
    row.label.classList.add(row.type);
    row.track = track;
    for (const el of [row.label, track]) el.style.setProperty("--hue", group.project.color);
    if (row.type === "group") this.groupTrack(row, track);
    else if (row.type === "part") { if (row.part.start) track.append(this.span("bar part", row.part, t(`js.calendar.part.${row.part.part}`))); }
    else if (row.type === "entries") for (const entry of group.entries) track.append(this.entry(row, entry));
    else this.phaseTrack(row, track);
  }

  label({ type, group, phase, part }) {
    const { project } = group;
    if (type === "group") {
      const open = this.unfolded.has(project.id);
      return h("div", { class: "g-label" },
        h("button", { class: "btn quiet s icon-only fold", type: "button", "data-fold": project.id, "data-key": `fold-${project.id}`, "aria-expanded": String(open), "aria-label": t(open ? "js.calendar.fold" : "js.calendar.unfold", { name: project.name }) }, icon("right", "s")),
        h("a", { class: "g-name cut", href: `/projects/${project.id}/schedule`, title: project.name }, project.name),
        this.clash(group), h("span", { class: "g-done num" }, `${group.progress ?? 0}%`));
    }
    if (type === "part") return h("div", { class: "g-label" }, h("span", { class: "cut" }, t(`js.calendar.part.${part.part}`)), h("span", { class: "g-done num" }, `${part.progress}%`));
    if (type === "entries") return h("div", { class: "g-label" }, h("span", { class: "cut" }, t("js.calendar.entries")));
    return h("div", { class: "g-label" }, h("span", { class: `g-state ${phase.state}`, title: stateName(phase.state) }), h("span", { class: "cut", title: phaseName(phase.phase) }, phaseName(phase.phase)),
      phase.phase === "filming" && this.clash(group), phase.assignee && avatar(phase.assignee, "s"));
  }

  clash(group) {
    if (!group.conflicts?.length) return null;
    const text = group.conflicts.map((c) => `${saySpan(num(c.day_from), num(c.day_to))}: ${conflictText(c)}`).join("\n");
    return h("span", { class: "g-clash", tabindex: "0", role: "img", "aria-label": text, "data-tip": text }, icon("alert", "s"));
  }

  groupTrack(row, track) {
    const { group } = row;
    for (const part of three(group.phases)) if (part.start) track.append(this.span(`bar part thin ${part.part}`, part, t(`js.calendar.part.${part.part}`)));
    if (!group.project.deadline) return;
    const day = num(localDay(group.project.deadline));
    const flag = h("span", { class: "g-deadline", "data-tip": `${t("js.calendar.deadline")}: ${say(day)}` }, icon("flag", "s"));
    flag.style.setProperty("--from", day - this.lo);
    track.append(flag);
  }

  phaseTrack(row, track) {
    const { group, phase } = row;
    const bar = this.bar(row);
    if (bar) { track.append(bar); return; }
    track.classList.add("blank");
    if (group.may) track.append(h("button", { class: "g-blank", type: "button", tabindex: "-1", "data-key": this.key(row), "data-blank": true, "aria-label": t("js.calendar.set_dates_of", { name: phaseName(phase.phase) }) }, icon("plus", "s"), t("js.calendar.set_dates")));
    else track.append(h("span", { class: "g-blank" }, t("js.calendar.no_dates")));
  }

  key({ group, phase }) {
    return `${group.project.id}/${phase.phase}`;
  }

  span(cls, { start, end, progress }, name) {
    const el = h("div", { class: cls, "data-tip": `${name}: ${saySpan(num(start), num(end))} · ${progress}%` }, h("i", { class: "fill" }));
    this.place(el, num(start), num(end));
    el.style.setProperty("--done", `${progress}%`);
    return el;
  }

  bar(row) {
    const { group, phase } = row;
    if (!phase.start && !phase.end) return null;
    const [from, to] = [num(phase.start || phase.end), num(phase.end || phase.start)];
    const clash = phase.phase === "filming" && group.conflicts?.length;
    const el = h("div", { class: `bar ${phase.state}${group.may ? " may" : ""}${clash ? " clash" : ""}`, role: "button", tabindex: "-1", "data-key": this.key(row), "aria-label": this.words(phase), "data-tip": this.words(phase) },
      h("i", { class: "fill" }), h("span", { class: "bar-text" }, phase.progress > 0 && phase.state !== "done" ? `${phase.progress}%` : phase.state === "done" ? icon("check", "s") : null),
      group.may && h("span", { class: "grip start", "data-grip": "start" }), group.may && h("span", { class: "grip end", "data-grip": "end" }));
    this.place(el, from, to);
    el.style.setProperty("--done", `${phase.progress}%`);
    row.bar = el;
    return el;
  }

  words(phase) {
    const from = phase.start || phase.end;
    const parts = [phaseName(phase.phase), from ? saySpan(num(from), num(phase.end || from)) : t("js.calendar.no_dates"), `${stateName(phase.state)} ${phase.progress}%`, phase.assignee?.nickname];
    return parts.filter(Boolean).join(" · ");
  }

  entry({ group }, entry) {
    const [from, to] = entryDays(entry);
    const name = `${kindName(entry.kind)} · ${entry.title} · ${saySpan(from, to)}`;
    const el = h("button", { class: `g-entry ${entry.kind}${from === to ? " point" : ""}`, type: "button", "data-entry": entry.id, "data-key": `entry-${entry.id}`, "aria-label": name, "data-tip": name, onclick: () => this.on.entry(group, entry) });
    this.place(el, from, to);
    return el;
  }

  /** Puts an element on its days. */
  place(el, from, to) {
    el.style.setProperty("--from", from - this.lo);
    el.style.setProperty("--span", to - from + 1);
  }

  /** Lines from what must end first to what begins after it. */
  links() {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "g-links");
    svg.setAttribute("aria-hidden", "true");
    if (this.parts) return svg;
    const at = new Map(this.rows.map((row, y) => [row.type === "phase" ? this.key(row) : null, y]));
    let d = "";
    let tips = "";
    for (const [y, row] of this.rows.entries()) {
      if (row.type !== "phase" || !row.phase.after || !row.phase.start) continue;
      const above = at.get(`${row.group.project.id}/${row.phase.after}`);
      const end = above === undefined ? null : this.rows[above].phase.end || this.rows[above].phase.start;
      if (!end) continue;
      const [x1, y1] = [(num(end) - this.lo + 1) * this.dx, (above + 0.5) * ROW];
      const [x2, y2] = [(num(row.phase.start) - this.lo) * this.dx, (y + 0.5) * ROW];
      const knee = y2 - Math.sign(y2 - y1) * ROW * 0.5;
      d += x2 - x1 >= 14 ? `M${x1} ${y1}H${x1 + 6}V${y2}H${x2 - 2}` : `M${x1} ${y1}h6V${knee}H${x2 - 9}V${y2}H${x2 - 2}`;
      tips += `M${x2 - 6} ${y2 - 3.5}L${x2 - 1} ${y2}L${x2 - 6} ${y2 + 3.5}Z`;
    }
    for (const [cls, path] of [["line", d], ["tips", tips]]) {
      const el = document.createElementNS(SVG, "path");
      el.setAttribute("class", cls);
      el.setAttribute("d", path);
      svg.append(el);
    }
    return svg;
  }

  // Moving about -------------------------------------------------------------------------------------------------------

  /** The row that an element belongs to. */
  rowOf(el) {
    const track = el?.closest?.(".g-track");
    return (track && this.rows.find((r) => r.track === track)) || null;
  }

  stops() {
    return [...this.tracks.querySelectorAll(".bar[data-key], .g-blank[data-key]")];
  }

  /** One bar is reached by Tab, the others from it with the arrow keys. */
  rove(key) {
    const stops = this.stops();
    const kept = key && this.root.querySelector(`[data-key="${CSS.escape(key)}"]`);
    const first = stops.includes(kept) ? kept : stops[0];
    for (const stop of stops) stop.tabIndex = stop === first ? 0 : -1;
    kept?.focus({ preventScroll: true });
  }

  clicked(event) {
    const fold = event.target.closest("[data-fold]");
    if (fold) {
      const id = Number(fold.dataset.fold);
      if (!this.unfolded.delete(id)) this.unfolded.add(id);
      this.on.fold?.(this.unfolded);
      this.draw();
      return;
    }
    if (this.moved) { this.moved = false; return; }
    const bar = event.target.closest(".bar[data-key], .g-blank[data-key]");
    const row = bar && this.rowOf(bar);
    if (row) this.on.open(row.group, row.phase);
  }

  /** Lets a day be known by words to whoever does not see the bar move. */
  announce(phase, from, to) {
    this.voice.textContent = `${phaseName(phase.phase)}: ${saySpan(from, to)}`;
  }

  /** The phase with other dates, drawn at once: its bar, the sums over it and the lines; the rest stays as it is. */
  optimistic(row, from, to) {
    row.phase.start = str(from);
    row.phase.end = str(to);
    if (this.late || !row.bar || from < this.lo || to > this.hi) { this.draw(); return; }
    this.place(row.bar, from, to);
    row.bar.setAttribute("aria-label", this.words(row.phase));
    row.bar.dataset.tip = this.words(row.phase);
    for (const sum of this.rows.filter((r) => r.group === row.group && r.type === "group")) {
      sum.track.replaceChildren();
      this.groupTrack(sum, sum.track);
    }
    this.tracks.querySelector(".g-links").replaceWith(this.links());
  }
}
