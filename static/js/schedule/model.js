// What the schedule is made of, as the views want it: phases by part, and one kind of item for all that stands on days.
import { t } from "../dom.js";
import { num, ofLocal } from "./days.js";

export const PHASES = ["basic_plan", "story_board", "filming", "video_edit", "post_work", "video_preview", "confirmation", "video_delivery"];
export const PARTS = { planning: PHASES.slice(0, 2), filming: ["filming"], editing: PHASES.slice(3) };
export const STATES = ["planned", "in_progress", "done"];
export const KINDS = ["meeting", "deadline", "review", "milestone", "filming", "personal", "other"];

/** Whether a person of this role may plan; the server decides, this only draws the buttons. */
export const plans = (role) => ["owner", "manager", "editor"].includes(role);

export const phaseName = (phase) => t(`js.calendar.phase.${phase}`);
export const stateName = (state) => t(`js.calendar.state.${state}`);
export const kindName = (kind) => t(`js.calendar.kind.${kind}`);

/** How much a phase counts: by its days; one without days counts once it is under way. As the server counts. */
const weight = (p) => (p.start || p.end ? num(p.end || p.start) - num(p.start || p.end) + 1 : Number(p.state !== "planned" || p.progress > 0));

/** The three parts 기획, 촬영, 편집 of a schedule: dates over all their phases, progress by their days. */
export function three(phases) {
  return Object.entries(PARTS).map(([part, names]) => {
    const own = phases.filter((p) => names.includes(p.phase));
    const starts = own.map((p) => p.start || p.end).filter(Boolean).sort();
    const ends = own.map((p) => p.end || p.start).filter(Boolean).sort();
    const whole = own.reduce((sum, p) => sum + weight(p), 0);
    const progress = Math.floor(own.reduce((sum, p) => sum + weight(p) * p.progress, 0) / Math.max(1, whole));
    return { part, start: starts[0] || null, end: ends.at(-1) || null, progress };
  });
}

/** First and last day of what is dated, as day numbers; null without any. */
export function extent(phases) {
  const days = phases.flatMap((p) => [p.start, p.end]).filter(Boolean).map(num);
  return days.length ? [Math.min(...days), Math.max(...days)] : null;
}

/** Why an overlap is one, in a sentence; a project that the reader may not see has no name. */
export function conflictText(conflict) {
  const name = (side) => (side.project_name || t("js.calendar.conflict.hidden")) + (side.place ? ` (${side.place})` : "");
  return t("js.calendar.conflict.text", { name: conflict.user.nickname, a: name(conflict.a), b: name(conflict.b) });
}

/** First and last day of an entry where the reader is. A whole day is the same day everywhere. */
export function entryDays(entry) {
  if (entry.all_day) return [num(entry.start.slice(0, 10)), num(entry.end.slice(0, 10))];
  const from = new Date(entry.start);
  // An entry that ends at midnight does not stand on the next day.
  const to = new Date(Math.max(from.getTime(), new Date(entry.end).getTime() - 1));
  return [ofLocal(from), ofLocal(to)];
}

/**
 * Everything of a calendar answer that stands on days: {type, id, from, to, at, title, color, project, …}.
 * `at` is the moment of an entry with a time, else null. Those of projects in `hidden` are left out.
 */
export function items(data, hidden = new Set()) {
  const projects = new Map(data.projects.map((p) => [p.id, p]));
  const shown = (id) => !hidden.has(id ?? 0);
  const found = [];
  for (const p of data.phases) {
    const project = projects.get(p.project_id);
    if (!project || !shown(p.project_id) || !(p.start || p.end)) continue;
    const clash = data.conflicts.filter((c) => p.phase === "filming" && [c.a, c.b].some((s) => s.project_id === p.project_id));
    found.push({ type: "phase", id: `p${p.project_id}-${p.phase}`, from: num(p.start || p.end), to: num(p.end || p.start), at: null, title: `${phaseName(p.phase)} · ${project.name}`, color: project.color, project, phase: p, state: p.state, clash });
  }
  for (const entry of data.entries) {
    const project = projects.get(entry.project_id) || null;
    if (!shown(entry.project_id) || (entry.project_id && !project)) continue;
    const [from, to] = entryDays(entry);
    found.push({ type: "entry", id: `e${entry.id}`, from, to, at: entry.all_day ? null : new Date(entry.start), until: entry.all_day ? null : new Date(entry.end), title: entry.title, color: project?.color || "#5b6472", project, entry });
  }
  for (const d of data.deadlines) {
    const project = projects.get(d.project_id);
    if (!project || !shown(d.project_id)) continue;
    const day = num(d.day);
    found.push({ type: "deadline", id: `d${d.project_id}`, from: day, to: day, at: null, title: t("js.calendar.deadline_of", { name: project.name }), color: project.color, project });
  }
  return found.sort((a, b) => a.from - b.from || Number(Boolean(a.at)) - Number(Boolean(b.at)) || (a.at && b.at ? a.at - b.at : 0) || (b.to - b.from) - (a.to - a.from));
}

/** What must not be hidden stands above: deadlines and entries, what is under way, what is to come, what is done. */
const rank = (item) => (item.type === "deadline" ? 0 : item.type === "entry" ? 1 : item.state === "done" ? 4 : item.state === "in_progress" || item.clash.length ? 2 : 3);

/** Gives each item of a stretch of days the lowest lane that is free on all its days; answers [item, lane] pairs. */
export function lanes(list, first, last) {
  const taken = [];
  const here = list.filter((i) => i.to >= first && i.from <= last);
  return here.sort((a, b) => rank(a) - rank(b)).map((item) => {
    const [from, to] = [Math.max(item.from, first), Math.min(item.to, last)];
    let lane = taken.findIndex((spans) => spans.every(([a, b]) => b < from || a > to));
    if (lane < 0) lane = taken.push([]) - 1;
    taken[lane].push([from, to]);
    return [item, lane];
  });
}
