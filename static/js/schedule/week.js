// The week: whole days above, hours below. On narrow screens the days as a list.
import { h, t } from "../dom.js";
import { moment, parts, say, sayTime, today, weekStart, weekday } from "./days.js";
import { agenda, chip } from "./chips.js";
import { weekRow } from "./grid.js";
import { hideTip } from "./tip.js";

const HOUR = 46;
const SNAP = 15;
const DAY_MINUTES = 1440;

const minuteOf = (at, day) => Math.round((at - moment(day)) / 60_000);

/** The week of `day`. */
export function week(day, view) {
  const first = weekStart(day);
  const timed = view.list.filter((i) => i.at && i.from === i.to);
  const whole = { ...view, list: view.list.filter((i) => !timed.includes(i)), month: null };
  const names = Array.from({ length: 7 }, (_, i) => {
    const at = first + i;
    const cls = `cal-name${view.holidays.has(at) || weekday(at) === 0 ? " off" : weekday(at) === 6 ? " sat" : ""}${at === today() ? " now" : ""}`;
    return h("div", { class: cls, role: "columnheader", "aria-label": say(at) }, say(at, { weekday: "short" }), " ", h("b", { class: "num" }, String(parts(at).d)));
  });
  const hours = h("div", { class: "hours" }, Array.from({ length: 24 }, (_, hour) => h("span", { class: "hour num" }, hour ? sayTime(moment(first, hour * 60)) : "")));
  const columns = Array.from({ length: 7 }, (_, i) => column(first + i, timed, view));
  const scroll = h("div", { class: "week-scroll" }, h("div", { class: "week-hours" }, hours, columns));
  scroll.style.setProperty("--hour", `${HOUR}px`);
  moves(scroll, first, view);
  const grid = h("div", { class: "cal-month one", role: "grid", "aria-label": t("js.calendar.week_of", { day: say(first) }) }, h("div", { class: "cal-names", role: "row" }, names), weekRow(first, whole, 12));
  queueMicrotask(() => {
    // The working day is what is looked for.
    const earliest = Math.min(9 * 60, ...timed.filter((i) => i.from >= first && i.from <= first + 6).map((i) => minuteOf(i.at, i.from)));
    scroll.scrollTop = Math.max(0, (earliest / 60 - 1) * HOUR - 12);
  });
  return [
    h("div", { class: "cal-weekview wide-only-cal" }, grid, scroll),
    h("div", { class: "narrow-only" }, agenda({ ...view, first, last: first + 6 })),
  ];
}

function column(day, timed, view) {
  const el = h("div", { class: `week-day${day === today() ? " now" : ""}${view.holidays.has(day) || [0, 6].includes(weekday(day)) ? " off" : ""}`, "data-column": day });
  const here = timed.filter((i) => i.from === day).map((item) => ({ item, top: minuteOf(item.at, day), end: Math.max(minuteOf(item.until, day), minuteOf(item.at, day) + 20) }));
  // Side by side what is at the same time: each takes the first column that is free, a group shares the width.
  let group = [];
  let until = -1;
  const close = () => { const n = Math.max(0, ...group.map((g) => g.col + 1)); for (const g of group) g.cols = n; group = []; };
  for (const one of here) {
    if (one.top >= until) close();
    const taken = new Set(group.filter((g) => g.end > one.top).map((g) => g.col));
    one.col = 0;
    while (taken.has(one.col)) one.col += 1;
    group.push(one);
    until = Math.max(until, one.end);
  }
  close();
  for (const { item, top, end, col, cols } of here) {
    const block = chip(item, view.on.open, "block");
    for (const [name, value] of [["--top", top / 60], ["--height", (Math.min(end, DAY_MINUTES) - top) / 60], ["--col", col], ["--cols", cols]]) block.style.setProperty(name, value);
    if (view.canMove(item)) block.dataset.block = item.id;
    el.append(block);
  }
  if (day === today()) {
    const now = h("i", { class: "now-line", "aria-hidden": "true" });
    now.style.setProperty("--top", minuteOf(new Date(), day) / 60);
    el.append(now);
  }
  return el;
}

/** A press on an hour adds an entry there; an entry is dragged to another hour or day. */
function moves(scroll, first, view) {
  let drag = null;
  const place = (event) => {
    const columns = [...scroll.querySelectorAll("[data-column]")];
    const box = columns[0].getBoundingClientRect();
    const i = Math.max(0, Math.min(6, Math.floor((event.clientX - box.left) / box.width)));
    return { day: first + i, minute: Math.max(0, Math.min(DAY_MINUTES - SNAP, ((event.clientY - box.top) / HOUR) * 60)), column: columns[i] };
  };
  scroll.addEventListener("pointerdown", (event) => {
    const el = event.target.closest("[data-block]");
    if (!el || event.button !== 0 || event.pointerType === "touch") return;
    drag = { el, from: place(event), x: event.clientX, y: event.clientY, top: Number(el.style.getPropertyValue("--top")) * 60 };
    el.setPointerCapture(event.pointerId);
  });
  scroll.addEventListener("pointermove", (event) => {
    if (!drag || (!drag.begun && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < 5)) return;
    drag.begun = true;
    hideTip();
    const to = place(event);
    drag.days = to.day - drag.from.day;
    drag.minutes = Math.round((to.minute - drag.from.minute) / SNAP) * SNAP;
    drag.el.classList.add("held");
    drag.el.style.setProperty("--top", Math.max(0, drag.top + drag.minutes) / 60);
    if (drag.el.parentElement !== to.column) to.column.append(drag.el);
  });
  const end = (keep) => {
    if (!drag) return;
    const { begun, el, days, minutes } = drag;
    drag = null;
    if (!begun) return;
    scroll.dataset.dropped = "1";
    setTimeout(() => { delete scroll.dataset.dropped; });
    if (keep && (days || minutes)) view.on.move(el.dataset.block, days, minutes);
    else view.on.redraw();
  };
  scroll.addEventListener("pointerup", () => end(true));
  scroll.addEventListener("pointercancel", () => end(false));
  scroll.addEventListener("click", (event) => {
    if (scroll.dataset.dropped) { event.stopPropagation(); event.preventDefault(); return; }
    const at = event.target.closest("[data-column]");
    if (!at || event.target.closest("button")) return;
    const { day, minute } = place(event);
    view.on.add(day, Math.floor(minute / 30) * 30);
  }, true);
}
