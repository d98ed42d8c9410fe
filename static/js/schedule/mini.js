// The next three weeks of one's projects in a strip: for the dashboard.
import { h, t } from "../dom.js";
import { localDay } from "../form.js";
import { num, say, saySpan, today, weekday } from "./days.js";
import { phaseName } from "./model.js";
import { tips } from "./tip.js";

const DAYS = 21;

/**
 * Draws into `el` what falls into the next three weeks. `data`: the answer of `GET /gantt?page_size=8`.
 * Needs css/schedule.css on the page.
 */
export function drawMini(el, data) {
  const first = today() - 2;
  const last = first + DAYS - 1;
  const place = (node, from, to) => {
    node.style.setProperty("--left", (from - first) / DAYS);
    node.style.setProperty("--width", (to - from + 1) / DAYS);
    return node;
  };
  const days = h("div", { class: "mini-days", "aria-hidden": "true" });
  for (let day = first; day <= last; day += 1) {
    if (weekday(day) === 0 || weekday(day) === 6) days.append(place(h("i", { class: "mini-off" }), day, day));
    // Beside "today" there is no room for another word.
    if ((weekday(day) === 1 && Math.abs(day - today()) > 2) || day === today()) days.append(place(h("span", { class: day === today() ? "now" : null }, day === today() ? t("js.calendar.today") : say(day, { month: "numeric", day: "numeric" })), day, day));
  }
  days.append(place(h("i", { class: "mini-now" }), today(), today()));
  const rows = data.results.flatMap(({ project, phases }) => {
    const bars = phases.filter((p) => p.start || p.end).map((p) => ({ ...p, from: num(p.start || p.end), to: num(p.end || p.start) })).filter((p) => p.to >= first && p.from <= last);
    const end = project.deadline ? num(localDay(project.deadline)) : null;
    if (!bars.length && !(end >= first && end <= last)) return [];
    const track = h("span", { class: "mini-track" }, bars.map((p) => place(h("i", { class: `mini-bar ${p.state}`, role: "img", "aria-label": `${phaseName(p.phase)}: ${saySpan(p.from, p.to)}`, "data-tip": `${phaseName(p.phase)}: ${saySpan(p.from, p.to)} · ${p.progress}%` }), Math.max(first, p.from), Math.min(last, p.to))));
    if (end >= first && end <= last) track.append(place(h("i", { class: "mini-end", role: "img", "aria-label": `${t("js.calendar.deadline")}: ${say(end)}`, "data-tip": `${t("js.calendar.deadline")}: ${say(end)}` }), end, end));
    const row = h("a", { class: "mini-row", href: `/projects/${project.id}/schedule` }, h("span", { class: "mini-name cut" }, project.name), track);
    row.style.setProperty("--hue", project.color);
    return [row];
  });
  el.classList.add("mini");
  el.replaceChildren(...(rows.length ? [days, ...rows] : [h("p", { class: "muted small" }, t("js.calendar.mini_empty"))]));
  tips(el);
}
