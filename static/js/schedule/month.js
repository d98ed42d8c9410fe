// The month: weeks of days, and below them, on narrow screens, the days as a list.
import { h, t } from "../dom.js";
import { addMonths, monthStart, say, weekStart } from "./days.js";
import { agenda } from "./chips.js";
import { weekRow } from "./grid.js";

/** First and last day that the month of `day` shows. */
export function monthReach(day) {
  const first = weekStart(monthStart(day));
  const last = weekStart(addMonths(monthStart(day), 1) - 1) + 6;
  return [first, last];
}

/** The month of `day`. */
export function month(day, view) {
  const [first, last] = monthReach(day);
  const weeks = [];
  for (let at = first; at <= last; at += 7) weeks.push(weekRow(at, view, 5));
  const names = Array.from({ length: 7 }, (_, i) => h("div", { class: `cal-name${i === 0 ? " off" : i === 6 ? " sat" : ""}`, role: "columnheader", "aria-label": say(first + i, { weekday: "long" }) }, say(first + i, { weekday: "short" })));
  return [
    h("div", { class: "cal-month", role: "grid", "aria-label": say(day, { year: "numeric", month: "long" }) }, h("div", { class: "cal-names", role: "row" }, names), weeks),
    h("div", { class: "narrow-only" }, h("h2", { class: "agenda-title" }, t("js.calendar.agenda")), agenda({ ...view, first: day, last: addMonths(monthStart(day), 1) - 1 })),
  ];
}
