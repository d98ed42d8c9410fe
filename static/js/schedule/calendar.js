// The page /calendar: month, week and gantt over all projects of a person.
import "../frame.js";
import { api } from "../api.js";
import { $, $$, h, icon, lang, page, t } from "../dom.js";
import { LiveLine } from "../live.js";
import { Board, pushes, setPushes } from "./board.js";
import { addMonths, monthStart, num, say, str, today, weekStart } from "./days.js";
import { entryDialog, moveEntry } from "./entry.js";
import { feedDialog } from "./feed.js";
import { Gantt } from "./gantt.js";
import { dayKeys, rove } from "./grid.js";
import { memoDialog } from "./memo.js";
import { conflictText, items, plans } from "./model.js";
import { month, monthReach } from "./month.js";
import { tips } from "./tip.js";
import { week } from "./week.js";

const given = page.calendar;
// Unless a day is asked for it is today where the reader is, which may be another one than at the studio.
const asked = new URLSearchParams(location.search).get("day") === given.day;
const state = { view: given.view, day: asked ? num(given.day) : today() };
const narrow = matchMedia("(max-width: 720px)");
const stage = $("#stage");

const kept = (name, otherwise) => { try { return JSON.parse(localStorage.getItem(name)) ?? otherwise; } catch { return otherwise; } };
const keep = (name, value) => localStorage.setItem(name, JSON.stringify(value));

/** Projects whose things are not shown; 0 stands for one's own entries. */
const hidden = new Set(kept("vp_calendar_hidden", []));

const reach = (day = state.day) => (state.view === "week" ? [weekStart(day), weekStart(day) + 6] : monthReach(day));
// What was sent along is of no use if the two days are on different pages.
let data = (reach()[0] === reach(num(given.day))[0] && given.data) || null;

const holidayNames = () => new Map((data?.holidays || []).map((d) => [num(d.day), lang === "en" ? d.name_en || d.name : d.name]));
const planned = () => (data?.projects || []).filter((p) => plans(p.my_role));

// Month and week ----------------------------------------------------------------------------------------------------------

const on = {
  open(item) {
    if (item.type === "entry") entryDialog({ entry: item.entry, projects: planned(), done: refresh });
    else if (item.type === "phase") openPhase(item);
    else location.assign(`/projects/${item.project.id}/schedule`);
  },
  async add(day, minute = null) {
    await entryDialog({ day, minute, projects: planned(), done: refresh });
    back(day);
  },
  async memo(day, project) {
    await memoDialog({ day, project, projects: data.projects.map((p) => ({ id: p.id, name: p.name, may: plans(p.my_role) })), memos: data.memos, done: refresh });
    back(day);
  },
  move(id, days, minutes = 0) {
    const item = items(data).find((i) => i.id === id);
    if (item) moveEntry(item.entry, days, minutes, refresh);
  },
  redraw: () => draw(),
};

/** What a dialog was opened from may have been drawn anew meanwhile: the day of it gets the focus then. */
function back(day) {
  const grid = $(".cal-month", stage);
  if (grid && document.activeElement === document.body) rove(grid, day, true);
}

/** A phase is opened with its whole schedule: what it may follow, and who may change it. */
async function openPhase(item) {
  const { project } = item;
  const schedule = await api("GET", `/projects/${project.id}/schedule`);
  const group = { project, may: plans(project.my_role), phases: schedule.phases, conflicts: schedule.conflicts, rev: schedule.rev };
  new Board(refresh).open(group, schedule.phases.find((p) => p.phase === item.phase.phase));
}

function view() {
  const memos = new Map();
  for (const memo of data.memos) if (!hidden.has(memo.project_id)) memos.set(num(memo.day), [...(memos.get(num(memo.day)) || []), memo]);
  const planners = new Set(planned().map((p) => p.id));
  return { list: items(data, hidden), memos, holidays: holidayNames(), on, may: planners.size > 0, month: Number(str(state.day).slice(5, 7)),
    canMove: (item) => item.type === "entry" && (item.entry.project_id ? planners.has(item.entry.project_id) : item.entry.user_id === page.me.id) };
}

function drawDays(focus) {
  const held = focus || document.activeElement?.closest?.(".cal-day") === document.activeElement && stage.contains(document.activeElement);
  const chip = stage.contains(document.activeElement) ? document.activeElement.dataset.item : null;
  const scroll = $(".week-scroll", stage)?.scrollTop;
  stage.replaceChildren(...(state.view === "week" ? week : month)(state.day, view()));
  if (scroll !== undefined && state.view === "week") queueMicrotask(() => { $(".week-scroll", stage).scrollTop = scroll; });
  const grid = $(".cal-month", stage);
  dayKeys(grid, { at: () => state.day, go, on, narrow });
  if (held) rove(grid, state.day, true);
  else if (chip) stage.querySelector(`[data-item="${chip}"]`)?.focus({ preventScroll: true });
  legend();
  clashes(data.conflicts);
}

/** Goes to a day; a page is turned only when it is not on this one. */
function go(day, choose = false) {
  const [from, to] = reach();
  state.day = day;
  const inside = state.view === "week" ? day >= from && day <= to : monthStart(day) === monthStart(from + 10);
  if (!inside) { visit({ day, focus: true }); return; }
  address(false);
  // The list of a narrow screen begins with the day.
  if (choose) { draw(true); return; }
  rove($(".cal-month", stage), day, true);
}

function legend() {
  const own = { id: 0, name: t("js.calendar.own"), color: "#5b6472" };
  const present = new Set([...data.phases.map((p) => p.project_id), ...data.entries.map((e) => e.project_id ?? 0), ...data.deadlines.map((d) => d.project_id)]);
  const list = [own, ...data.projects].filter((p) => present.has(p.id) || (hidden.has(p.id) && p.id));
  $("#legend").replaceChildren(...(list.length > 1 || hidden.size ? list : []).map((p) => {
    const el = h("button", { class: "legend-item", type: "button", "aria-pressed": String(!hidden.has(p.id)), onclick: () => {
      if (!hidden.delete(p.id)) hidden.add(p.id);
      keep("vp_calendar_hidden", [...hidden]);
      draw();
      $$(".legend-item").find((b) => b.dataset.id === String(p.id))?.focus();
    }, "data-id": p.id }, h("i"), h("span", { class: "cut" }, p.name));
    el.style.setProperty("--hue", p.color);
    return el;
  }));
}

/** Filming that asks for one person at two places, in sentences. */
function clashes(conflicts) {
  const place = $("#clashes");
  place.hidden = !conflicts?.length;
  if (!conflicts?.length) { place.replaceChildren(); return; }
  place.replaceChildren(h("details", { class: "clash-list" }, h("summary", null, icon("alert"), t("js.calendar.conflict.title", { n: conflicts.length })),
    h("ul", null, conflicts.map((c) => h("li", null, h("b", { class: "num" }, say(num(c.day_from), { month: "short", day: "numeric" }), c.day_to === c.day_from ? "" : ` – ${say(num(c.day_to), { month: "short", day: "numeric" })}`), " ", conflictText(c))))));
}

// The gantt over all projects -----------------------------------------------------------------------------------------------

let gantt = null;
let groups = [];
const known = new Map();
let next = 1;
let loading = false;
const board = new Board((group) => { if (group) clash = [...clash.filter((c) => ![c.a, c.b].some((side) => side.project_id === group.project.id)), ...group.conflicts]; drawGantt(); });
const filter = { text: "", status: "open" };

let clash = [];
const groupOf = (row) => ({ project: row.project, may: plans(row.project.my_role), phases: row.phases, conflicts: clash.filter((c) => [c.a, c.b].some((side) => side.project_id === row.project.id)), progress: row.progress, rev: row.rev });
const shownGroups = () => groups.filter(({ project }) => (filter.status === "all" || (filter.status === "open" ? !["completed", "cancelled", "archived"].includes(project.status) : project.status === filter.status)) &&
  (!filter.text || `${project.name} ${project.client}`.toLowerCase().includes(filter.text)));

/** Takes a page over: a project that is known stays the same object, since a change of it may be on its way. */
function take(answer, fresh) {
  if (fresh) groups = [];
  clash = answer.conflicts;
  for (const row of answer.results) {
    const group = known.get(row.project.id) || {};
    known.set(row.project.id, group);
    if (!gantt?.unsettled(row.project.id) && row.rev >= (group.rev ?? 0)) Object.assign(group, groupOf(row));
    if (!groups.includes(group)) groups.push(group);
  }
  next = answer.page_info.has_next ? answer.page_info.current_page + 1 : null;
}

async function moreGantt(fresh = false) {
  if (loading || (!fresh && !next)) return;
  loading = true;
  try {
    const wanted = fresh ? Math.max(1, Math.ceil(groups.length / 25)) : 1;
    for (let i = 0; i < wanted; i += 1) take(await api("GET", `/gantt?page=${fresh ? i + 1 : next}&page_size=25`, undefined, { quiet: true }), fresh && i === 0);
    drawGantt();
  } finally { loading = false; }
}

function drawGantt() {
  if (state.view !== "gantt") return;
  const list = shownGroups();
  if (!gantt) {
    stage.replaceChildren(h("div", { id: "gantt" }), h("div", { id: "gantt-more" }));
    gantt = new Gantt($("#gantt"), { zoom: kept("vp_gantt_zoom", "week"), parts: kept("vp_gantt_parts", false), folds: true, open: new Set(kept("vp_gantt_open", [])), holidays: given.holidays, on: {
      move: (...change) => board.move(...change), open: (...what) => board.open(...what), fold: (open) => keep("vp_gantt_open", [...open].slice(-200)) } });
    board.gantt = gantt;
    gantt.scroller.addEventListener("scroll", nearEnd, { passive: true });
    tools();
  }
  gantt.set(list);
  $("#gantt").classList.toggle("bare", list.length === 0);
  $("#gantt-more").replaceChildren(...(list.length ? [] : [h("div", { class: "card empty" }, icon("calendar"), h("h3", null, t(groups.length ? "js.calendar.none_match" : "js.calendar.no_projects")))]),
    ...(next ? [h("button", { class: "btn s", type: "button", onclick: () => moreGantt() }, t("js.more"))] : []));
  clashes(clash);
  nearEnd();
}

/** More projects are asked for when the last ones come into sight. */
function nearEnd() {
  const { scrollTop, clientHeight, scrollHeight } = gantt.scroller;
  if (next && gantt.groups.length && scrollHeight - scrollTop - clientHeight < 400) moreGantt();
}

function tools() {
  const press = (name, value, now, text, run) => h("button", { type: "button", "aria-pressed": String(now === value), "data-value": value, onclick: (event) => { for (const b of event.target.parentElement.children) b.setAttribute("aria-pressed", String(b === event.target)); run(value); } }, text);
  $("#legend").replaceChildren(
    h("div", { class: "seg", role: "group", "aria-label": t("js.calendar.zoom") }, ["day", "week", "month"].map((z) => press("zoom", z, gantt.zoom, t(`js.calendar.zoom_${z}`), (v) => { gantt.zoom = v; keep("vp_gantt_zoom", v); gantt.draw(); }))),
    h("div", { class: "seg", role: "group", "aria-label": t("js.calendar.detail") }, [false, true].map((p) => press("parts", p, gantt.parts, t(p ? "js.calendar.three" : "js.calendar.eight"), (v) => { gantt.parts = v; keep("vp_gantt_parts", v); gantt.draw(); }))),
    h("button", { class: "btn s", type: "button", onclick: () => fold() }, t("js.calendar.fold_all")),
    h("select", { class: "select s", "aria-label": t("js.status.title"), onchange: (event) => { filter.status = event.target.value; drawGantt(); } }, [["open", t("js.calendar.open_projects")], ["all", t("js.calendar.all_projects")], ...["planning", "in_progress", "review", "completed", "on_hold", "cancelled", "archived"].map((s) => [s, t(`js.project_status.${s}`)])].map(([value, text]) => h("option", { value }, text))),
    h("input", { class: "input s legend-find", type: "search", placeholder: t("js.calendar.find"), "aria-label": t("js.calendar.find"), oninput: (event) => { filter.text = event.target.value.trim().toLowerCase(); drawGantt(); } }),
    h("label", { class: "switch", title: t("js.calendar.push_hint") }, h("input", { type: "checkbox", checked: pushes(), onchange: (event) => setPushes(event.target.checked) }), t("js.calendar.push")));
}

function fold() {
  const list = shownGroups().map((g) => g.project.id);
  const open = list.some((id) => gantt.unfolded.has(id));
  gantt.unfolded.clear();
  if (!open) for (const id of list) gantt.unfolded.add(id);
  keep("vp_gantt_open", [...gantt.unfolded].slice(-200));
  gantt.draw();
}

// Where we are ---------------------------------------------------------------------------------------------------------------

function address(push) {
  const url = `/calendar?view=${state.view}&day=${str(state.day)}`;
  history[push ? "pushState" : "replaceState"]({ ...state }, "", url);
  const title = state.view === "gantt" ? "" : state.view === "week" ? `${say(reach()[0], { year: "numeric", month: "short", day: "numeric" })} – ${say(reach()[1], { month: "short", day: "numeric" })}` : say(state.day, { year: "numeric", month: "long" });
  $("#when").textContent = title;
  for (const link of $$("[data-view]")) { link.toggleAttribute("aria-current", false); if (link.dataset.view === state.view) link.setAttribute("aria-current", "page"); link.href = `/calendar?view=${link.dataset.view}&day=${str(state.day)}`; }
  for (const link of $$("[data-step]")) link.href = `/calendar?view=${state.view}&day=${str(stepped(Number(link.dataset.step)))}`;
  $("#steps").toggleAttribute("data-gantt", state.view === "gantt");
}

const stepped = (by) => (state.view === "week" ? state.day + 7 * by : addMonths(state.day, by));

async function visit({ view: name = state.view, day = state.day, push = true, focus = false }) {
  const other = name !== state.view;
  Object.assign(state, { view: name, day });
  if (other) { gantt = null; $("#legend").replaceChildren(); clashes([]); }
  address(push);
  if (name === "gantt") {
    if (groups.length) drawGantt(); else await moreGantt(true);
    return;
  }
  await load();
  draw(focus);
}

async function load() {
  const [from, to] = reach();
  const asked = `${from}-${to}`;
  load.last = asked;
  stage.setAttribute("aria-busy", "true");
  try {
    const answer = await api("GET", `/calendar?from=${str(from)}&to=${str(to)}`, undefined, { quiet: Boolean(data) });
    if (load.last === asked) data = answer;
  } catch { /* what was there stays */ }
  stage.removeAttribute("aria-busy");
}

function draw(focus = false) {
  if (state.view === "gantt") drawGantt();
  else if (data) drawDays(focus);
}

async function refresh() {
  if (state.view === "gantt") { await moreGantt(true); return; }
  await load();
  draw();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-view], [data-step]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  if (link.dataset.view) visit({ view: link.dataset.view });
  else if (state.view === "gantt") gantt?.show(today() - 7, true);
  else visit({ day: link.dataset.step === "0" ? today() : stepped(Number(link.dataset.step)) });
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") || event.target.closest?.("input, select, textarea, [contenteditable]")) return;
  const held = Boolean(event.target.closest?.(".cal-day"));
  if (event.key === "PageUp" || event.key === "PageDown") { if (state.view === "gantt") return; event.preventDefault(); visit({ day: stepped(event.key === "PageUp" ? -1 : 1), focus: held }); }
  else if (event.key === "t" || event.key === "T") { if (state.view === "gantt") gantt?.show(today() - 7, true); else visit({ day: today(), focus: held }); }
});
addEventListener("popstate", (event) => { if (event.state) visit({ ...event.state, push: false }); });
narrow.addEventListener("change", () => draw());
$("#new-entry").addEventListener("click", () => on.add(state.view === "gantt" ? today() : state.day));
$("#feed").addEventListener("click", feedDialog);
tips(stage);

// What changes elsewhere is asked for again, once for all that comes meanwhile.
let soon = null;
const stale = () => { soon ||= setTimeout(async () => { soon = null; if (!document.hidden) await refresh(); }, 700); };
document.addEventListener("visibilitychange", () => { if (!document.hidden) stale(); });
new LiveLine({ url: "/ws/me", since: given.seq ?? null, rests: true, onMessage({ type }) { if (type === "dashboard" || type === "membership") stale(); } });

address(false);
if (state.view === "gantt") {
  if (given.gantt) take(given.gantt, true);
  if (given.gantt) drawGantt(); else await moreGantt(true);
} else if (data) draw(); else await refresh();
