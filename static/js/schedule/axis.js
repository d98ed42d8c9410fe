// The head of the gantt: months over days, weeks or nothing (years over months), and the holidays with their names.
import { h, t } from "../dom.js";
import { localDay } from "../form.js";
import { addMonths, monthStart, num, parts, say, today, weekday, weekStart } from "./days.js";

/** So many pixels apart two flags do not touch. */
const FLAG = 64;

/** The axis of a gantt; `gantt.lo` … `gantt.hi` are its days. */
export function axis(gantt) {
  const { lo, hi, zoom } = gantt;
  const cell = (cls, from, to, ...content) => {
    const el = h("span", { class: cls }, h("span", { class: "cut" }, ...content));
    el.style.setProperty("--from", from - lo);
    el.style.setProperty("--span", to - from);
    return el;
  };
  const upper = [];
  const lower = [];
  if (zoom === "month") {
    for (let at = monthStart(lo); at <= hi; at = addMonths(at, 1)) {
      const { y, m } = parts(at);
      if (m === 1 || at <= lo) upper.push(cell("g-unit", Math.max(at, lo), Math.min(num(`${y + 1}-01-01`), hi + 1), say(at, { year: "numeric" })));
      lower.push(cell("g-tick", Math.max(at, lo), Math.min(addMonths(at, 1), hi + 1), say(at, { month: "short" })));
    }
  } else {
    for (let at = monthStart(lo); at <= hi; at = addMonths(at, 1)) upper.push(cell("g-unit", Math.max(at, lo), Math.min(addMonths(at, 1), hi + 1), say(at, { year: "numeric", month: "long" })));
    if (zoom === "week") for (let at = weekStart(lo) + 7; at <= hi; at += 7) lower.push(cell("g-tick", at, Math.min(at + 7, hi + 1), say(at, { month: "numeric", day: "numeric" })));
    else for (let at = lo; at <= hi; at += 1) {
      const off = gantt.holidays.has(at) || weekday(at) === 0 ? " off" : weekday(at) === 6 ? " sat" : "";
      const el = cell(`g-tick day${off}${at === today() ? " now" : ""}`, at, at + 1, String(parts(at).d));
      el.append(h("small", null, say(at, { weekday: "narrow" })));
      lower.push(el);
    }
  }
  const marks = [];
  for (const [day, name] of gantt.holidays) {
    if (day < lo || day > hi) continue;
    marks.push(mark("g-mark", day, lo, `${say(day)} · ${name}`));
  }
  marks.sort((a, b) => a.dataset.day - b.dataset.day);
  const deadline = !gantt.folds && gantt.groups[0]?.project.deadline;
  const end = deadline ? num(localDay(deadline)) : null;
  // Two flags that would cover each other stand on either side of their lines.
  const near = end !== null && end !== today() && Math.abs(end - today()) * gantt.dx < FLAG;
  const side = (first) => (near ? (first ? " before" : " after") : "");
  const flags = [mark(`g-flag now${side(today() < end)}`, today(), lo, `${t("js.calendar.today")} · ${say(today())}`, t("js.calendar.today"))];
  if (end !== null) flags.push(mark(`g-flag end${side(end < today())}`, end, lo, `${t("js.calendar.deadline")} · ${say(end)}`, t("js.calendar.deadline")));
  const holidays = h("div", { class: "g-marks", role: "group", "aria-label": t("js.calendar.holidays") }, marks);
  rovingRow(holidays, marks);
  return h("div", { class: "g-axis" }, h("div", { class: "g-line" }, upper), h("div", { class: "g-line low" }, lower), holidays, flags);
}

function mark(cls, day, lo, tip, text) {
  const el = h("span", { class: cls, role: "img", tabindex: "-1", "aria-label": tip, "data-tip": tip, "data-day": day }, text);
  el.style.setProperty("--from", day - lo);
  return el;
}

/** Tab reaches the next holiday, the arrow keys the others. */
function rovingRow(row, marks) {
  const first = marks.find((m) => Number(m.dataset.day) >= today()) || marks[0];
  if (first) first.tabIndex = 0;
  row.addEventListener("keydown", (event) => {
    const to = marks[marks.indexOf(event.target) + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] || 0)];
    if (!to || to === event.target) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });
}
