// The page /projects/{id}/schedule: the gantt of one project, its entries and its memos, live.
import "../frame.js";
import { api } from "../api.js";
import { $, $$, h, icon, page, t, toast } from "../dom.js";
import { LiveLine } from "../live.js";
import { autoDialog } from "./auto.js";
import { Board, pushes, setPushes } from "./board.js";
import { num, say, saySpan, str, today } from "./days.js";
import { entryDialog, entryWhen } from "./entry.js";
import { Gantt } from "./gantt.js";
import { memoDialog } from "./memo.js";
import { conflictText, entryDays, kindName } from "./model.js";

const given = page.schedule;
const { project, may } = given;
const group = { project, may, entries: given.entries, ...given.schedule };
let memos = given.memos;

const kept = (name, otherwise) => { try { return JSON.parse(localStorage.getItem(name)) ?? otherwise; } catch { return otherwise; } };
const keep = (name, value) => localStorage.setItem(name, JSON.stringify(value));
const projects = may ? [project] : [];

// The gantt -----------------------------------------------------------------------------------------------------------------

const board = new Board(() => draw());
const gantt = new Gantt($("#stage"), { zoom: kept("vp_schedule_zoom", "week"), parts: kept("vp_schedule_parts", false), holidays: given.holidays, on: {
  move: (...change) => board.move(...change), open: (...what) => board.open(...what), entry: (_, entry) => openEntry(entry) } });
board.gantt = gantt;

function draw() {
  gantt.set([group]);
  const dated = group.phases.map((p) => [p.start, p.end]).flat().filter(Boolean).sort();
  $("#span").textContent = dated.length ? saySpan(num(dated[0]), num(dated.at(-1))) : t("js.calendar.no_dates");
  $("#progress").textContent = `${group.progress}%`;
  const clash = $("#clashes");
  clash.hidden = group.conflicts.length === 0;
  clash.replaceChildren(...(group.conflicts.length ? [h("div", { class: "notice warn" }, icon("alert"), h("div", { class: "grow" }, h("b", null, t("js.calendar.conflict.title", { n: group.conflicts.length })),
    h("ul", null, group.conflicts.map((c) => h("li", null, `${saySpan(num(c.day_from), num(c.day_to))}: ${conflictText(c)}`)))))] : []));
  $("#hint").hidden = !may || dated.length > 0;
}

function choices(id, values, now, name, set) {
  const place = $(id);
  place.replaceChildren(...values.map((value) => h("button", { type: "button", "aria-pressed": String(value === now), onclick: (event) => {
    for (const other of place.children) other.setAttribute("aria-pressed", String(other === event.target));
    set(value);
    gantt.draw();
  } }, name(value))));
}
choices("#zoom", ["day", "week", "month"], gantt.zoom, (z) => t(`js.calendar.zoom_${z}`), (z) => { gantt.zoom = z; keep("vp_schedule_zoom", z); });
choices("#detail", [false, true], gantt.parts, (p) => t(p ? "js.calendar.three" : "js.calendar.eight"), (p) => { gantt.parts = p; keep("vp_schedule_parts", p); });
$("#today").addEventListener("click", () => gantt.show(today() - 7, true));
const push = $("#push");
if (push) { push.checked = pushes(); push.addEventListener("change", () => setPushes(push.checked)); }
for (const button of $$("[data-auto]")) button.addEventListener("click", () => autoDialog(group, (answer) => { board.apply(group, answer); toast(t("js.calendar.auto.done"), "good"); gantt.show(gantt.start(), true); }));

// Entries -------------------------------------------------------------------------------------------------------------------

function openEntry(entry) {
  entryDialog({ entry: { ...entry, project_name: project.name }, projects, done: (now) => settle(now ? "changed" : "deleted", now || entry) });
}

/** One entry is other than it was. */
function settle(change, entry) {
  const others = group.entries.filter((e) => e.id !== entry.id);
  group.entries = (change === "deleted" ? others : [...others, entry]).sort((a, b) => a.start.localeCompare(b.start));
  drawEntries();
  draw();
  // A shooting day may ask for somebody who is elsewhere.
  if (entry.kind === "filming" || change === "deleted") fetchSchedule();
}

async function fetchSchedule() {
  try { board.apply(group, await api("GET", `/projects/${project.id}/schedule`, undefined, { quiet: true })); } catch { /* the next message brings it */ }
}

function drawEntries() {
  const now = today();
  const ahead = group.entries.filter((e) => entryDays(e)[1] >= now);
  const past = group.entries.filter((e) => entryDays(e)[1] < now).reverse();
  const line = (entry) => h("li", null, h("button", { class: "item entry-line", type: "button", "data-entry-line": entry.id, onclick: () => openEntry(entry) },
    h("span", { class: `kind ${entry.kind}` }, kindName(entry.kind)),
    h("span", { class: "cut" }, h("span", { class: "title cut" }, entry.title), h("span", { class: "meta" }, h("span", null, entryWhen(entry)), entry.place && h("span", { class: "cut" }, entry.place)))));
  const place = $("#entries");
  if (!ahead.length && !past.length) { place.replaceChildren(h("div", { class: "empty" }, icon("calendar"), h("p", null, t(may ? "js.calendar.entries_empty" : "js.calendar.entries_none")))); return; }
  place.replaceChildren(ahead.length ? h("ul", { class: "list" }, ahead.map(line)) : h("p", { class: "card-body muted small" }, t("js.calendar.entries_over")),
    past.length ? h("details", { class: "past" }, h("summary", null, t("js.calendar.past", { n: past.length })), h("ul", { class: "list" }, past.slice(0, 100).map(line))) : "");
}
$("#new-entry")?.addEventListener("click", () => entryDialog({ day: today(), project: project.id, projects, done: (now) => { if (now.project_id === project.id) settle("added", now); } }));

// Memos ---------------------------------------------------------------------------------------------------------------------

const openMemo = (day) => memoDialog({ day, project: project.id, projects: [{ id: project.id, name: project.name, may }], memos: memos.map((m) => ({ ...m, project_id: project.id })), done: noted });

function noted({ day, text }) {
  memos = memos.filter((m) => m.day !== day);
  if (text) memos = [...memos, { day, text }].sort((a, b) => b.day.localeCompare(a.day));
  drawMemos();
}

function drawMemos() {
  const place = $("#memos");
  if (!memos.length) { place.replaceChildren(h("div", { class: "empty" }, icon("note"), h("p", null, t(may ? "js.calendar.memos_empty" : "js.calendar.memos_none")))); return; }
  place.replaceChildren(h("ul", { class: "list" }, memos.map((m) => h("li", null, h("button", { class: "item memo-item", type: "button", onclick: () => openMemo(num(m.day)) }, h("b", { class: "num nowrap" }, say(num(m.day), { month: "short", day: "numeric" })), h("span", { class: "pre" }, m.text))))));
}
$("#new-memo")?.addEventListener("click", () => openMemo(today()));

// Live ------------------------------------------------------------------------------------------------------------------------

new LiveLine({
  project: project.id,
  since: given.seq ?? null,
  rests: true,
  onMessage(message) {
    if (message.type === "schedule") {
      if (message.project_id !== project.id) return;
      // The room is not told which other projects are meant; whoever may know asks.
      const clash = group.conflicts.length + message.schedule.conflicts.length > 0;
      board.apply(group, clash ? { ...message.schedule, conflicts: group.conflicts } : message.schedule);
      if (clash) fetchSchedule();
    }
    // Of one that is deleted only its id is told.
    else if (message.type === "entry") { if (message.change === "deleted" || message.entry.project_id === project.id) settle(message.change, message.entry); }
    else if (message.type === "memo") noted(message);
    // An initial state means that more was missed than can be told again.
    else if (message.type === "initial_state") again();
  },
  onState(state, reason) {
    if (state === "closed") toast(t(`js.live.${reason}`), "bad", { label: t("js.live.reload"), run: () => location.reload() });
  },
});

async function again() {
  await fetchSchedule();
  try {
    const [first, last] = [today() - 180, today() + 185];
    const [calendar, kept] = await Promise.all([api("GET", `/calendar?from=${str(first)}&to=${str(last)}`, undefined, { quiet: true }), api("GET", `/projects/${project.id}/memos`, undefined, { quiet: true })]);
    group.entries = calendar.entries.filter((e) => e.project_id === project.id);
    memos = kept.memos;
    drawEntries();
    drawMemos();
    draw();
  } catch { /* a reload shows it */ }
}

draw();
drawEntries();
drawMemos();
