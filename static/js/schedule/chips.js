// How one thing that stands on a day looks, wherever it stands; and the little window with all things of a day.
import { h, icon, t } from "../dom.js";
import { say, saySpan, sayTime } from "./days.js";
import { conflictText, kindName, stateName } from "./model.js";
import { hideTip } from "./tip.js";

const SIGNS = { deadline: "flag", filming: "camera", meeting: "users", review: "eye", milestone: "target", personal: "lock", other: "calendar" };

/** The sign of an item's kind. */
export const signOf = (item) => item.type === "deadline" ? "flag" : item.type === "phase" ? (item.phase.phase === "filming" ? "camera" : null) : SIGNS[item.entry.kind];

/** All about an item in a sentence. */
export function words(item) {
  const when = item.at ? `${saySpan(item.from, item.to)} ${sayTime(item.at)} – ${sayTime(item.until)}` : saySpan(item.from, item.to);
  const parts = item.type === "entry" ? [`${kindName(item.entry.kind)}: ${item.title}`, item.project?.name || t("js.calendar.own"), when, item.entry.place] : item.type === "phase" ? [item.title, when, stateName(item.state), item.phase.assignee?.nickname, ...item.clash.map((c) => `⚠ ${conflictText(c)}`)] : [item.title, when];
  return parts.filter(Boolean).join(" · ");
}

/** The button that stands for an item. */
export function chip(item, open, cls = "") {
  const sign = item.clash?.length ? "alert" : item.state === "done" ? "check" : signOf(item);
  const el = h("button", { class: `item-chip ${item.type} ${item.state || ""} ${item.entry?.kind || ""} ${item.clash?.length ? "clash" : ""} ${item.at ? "timed" : ""} ${cls}`, type: "button", "data-item": item.id, "aria-label": words(item), "data-tip": words(item), onclick: (event) => { event.stopPropagation(); hideTip(); open(item); } },
    sign && icon(sign, "s"), item.at && h("span", { class: "num chip-time" }, sayTime(item.at)), h("span", { class: "cut" }, item.title));
  el.style.setProperty("--hue", item.color);
  return el;
}

/** A window beside `anchor` with all items of a day, and the button for a new one. */
export function dayPopover(anchor, { day, list, memos, holiday, on, may }) {
  const close = () => box.hidePopover();
  const box = h("div", { class: "day-pop", popover: "auto", role: "dialog", "aria-label": say(day) },
    h("div", { class: "day-pop-head" }, h("b", null, say(day)), holiday && h("span", { class: "holiday-name" }, holiday)),
    h("div", { class: "day-pop-list" }, list.map((item) => chip(item, (it) => { close(); on.open(it); }, "row"))),
    memos.map((m) => h("button", { class: "memo-line", type: "button", onclick: () => { close(); on.memo(day, m.project_id); } }, icon("note", "s"), h("span", null, m.text))),
    h("div", { class: "day-pop-foot" }, h("button", { class: "btn s", type: "button", onclick: () => { close(); on.add(day); } }, icon("plus", "s"), t("js.calendar.entry_new")), may && h("button", { class: "btn s quiet", type: "button", onclick: () => { close(); on.memo(day, null); } }, icon("note", "s"), t("js.calendar.memo"))));
  document.body.append(box);
  box.addEventListener("toggle", (event) => { if (event.newState === "closed") { box.remove(); if (document.activeElement === document.body) anchor.focus?.(); } });
  box.showPopover();
  const [at, own] = [anchor.getBoundingClientRect(), box.getBoundingClientRect()];
  const left = Math.max(8, Math.min(innerWidth - own.width - 8, at.left + at.width / 2 - own.width / 2));
  const top = Math.max(8, Math.min(innerHeight - own.height - 8, at.top - 20));
  box.style.setProperty("left", `${left}px`);
  box.style.setProperty("top", `${top}px`);
  box.querySelector("button")?.focus({ preventScroll: true });
}

/**
 * Days with what stands on them, one below the other: the calendar of narrow screens. What lasts is told on its first
 * day; on the first of these days all that is under way.
 */
export function agenda({ first, last, list, memos, holidays, on }) {
  const rows = [];
  for (let day = first; day <= last; day += 1) {
    const here = list.filter((i) => (day === first ? i.from <= day && i.to >= day : i.from === day));
    const notes = memos.get(day) || [];
    const holiday = holidays.get(day);
    if (!here.length && !notes.length && !holiday && day !== first) continue;
    rows.push(h("section", { class: "agenda-day", "data-agenda": day },
      h("h3", { class: holiday ? "off" : null }, say(day), holiday && h("span", { class: "holiday-name" }, holiday), h("button", { class: "btn quiet s icon-only", type: "button", "aria-label": `${t("js.calendar.entry_new")}, ${say(day)}`, onclick: () => on.add(day) }, icon("plus", "s"))),
      here.map((item) => chip(item, on.open, "row")),
      !here.length && !notes.length && h("p", { class: "small faint" }, t("js.calendar.nothing_day")),
      notes.map((m) => h("button", { class: "memo-line", type: "button", onclick: () => on.memo(day, m.project_id) }, icon("note", "s"), h("span", null, m.text)))));
  }
  return h("div", { class: "agenda" }, rows);
}
