// An entry of the calendar: a meeting, a shooting day, a deadline … of a project, or of one's own.
import { api, sendForm } from "../api.js";
import { avatar, confirmed, h, icon, page, t, toast } from "../dom.js";
import { choice, field, formDialog, membersOf, toggle } from "./fields.js";
import { moment, num, ofLocal, saySpan, sayTime, str } from "./days.js";
import { KINDS, entryDays, kindName } from "./model.js";

const two = (n) => String(n).padStart(2, "0");
const clock = (at) => `${two(at.getHours())}:${two(at.getMinutes())}`;
const minutes = (text) => { const [hour, minute] = text.split(":").map(Number); return hour * 60 + minute; };

/** Start and end of an entry as the wire wants them. A whole day is written as UTC midnight, whoever looks. */
export function times({ allDay, from, to, begin, finish }) {
  if (allDay) return { all_day: true, start: `${str(from)}T00:00:00.000Z`, end: `${str(to)}T00:00:00.000Z` };
  return { all_day: false, start: moment(from, minutes(begin)).toISOString(), end: moment(to, minutes(finish)).toISOString() };
}

/**
 * Opens the dialog of an entry, or of a new one on `day` (at `minute` of it, if a time was pointed at).
 * `projects`: where the person may plan. `done(entry | null)` is called after a change.
 */
export async function entryDialog({ entry = null, day = null, minute = null, project = null, projects, done }) {
  const own = entry && !entry.project_id;
  const may = !entry || (own ? entry.user_id === page.me?.id : projects.some((p) => p.id === entry.project_id));
  const [from, to] = entry ? entryDays(entry) : [day, day];
  const begin = entry && !entry.all_day ? clock(new Date(entry.start)) : minute === null ? "10:00" : `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
  const finish = entry && !entry.all_day ? clock(new Date(entry.end)) : `${two(Math.min(23, Number(begin.slice(0, 2)) + 1))}:${begin.slice(3)}`;
  const lastDay = entry && !entry.all_day ? ofLocal(new Date(entry.end)) : to;

  const title = h("input", { class: "input", name: "title", maxlength: "200", autofocus: true, value: entry?.title || "", autocomplete: "off" });
  const kind = choice("kind", KINDS.map((k) => [k, kindName(k)]), entry?.kind || "meeting");
  const places = projects.some((p) => p.id === entry?.project_id) || !entry?.project_id ? projects : [...projects, { id: entry.project_id, name: entry.project_name || "–" }];
  const place = choice("project_id", [["", t("js.calendar.own")], ...places.map((p) => [p.id, p.name])], entry ? entry.project_id ?? "" : project ?? "", { disabled: Boolean(entry) });
  const allDay = toggle("all_day", t("js.calendar.all_day"), entry ? entry.all_day : minute === null);
  const date = (name, n) => h("input", { class: "input", type: "date", name, value: str(n), max: "2100-12-31" });
  const hour = (name, value) => h("input", { class: "input time", type: "time", name, value, step: "300" });
  const first = date("first", from);
  const last = date("last", lastDay);
  const beginAt = hour("begin", begin);
  const finishAt = hour("finish", finish);
  const whole = allDay.querySelector("input");
  const showTimes = () => { beginAt.hidden = finishAt.hidden = whole.checked; };
  whole.addEventListener("change", showTimes);
  showTimes();
  first.addEventListener("change", () => { if (first.value && last.value < first.value) last.value = first.value; });
  kind.addEventListener("change", () => { if (kind.value === "personal" && !place.disabled) { place.value = ""; people(); } });
  const where = h("input", { class: "input", name: "place", maxlength: "200", value: entry?.place || "", autocomplete: "off" });
  const note = h("textarea", { class: "textarea", name: "note", maxlength: "2000" });
  note.value = entry?.note || "";
  const crowd = h("div", { class: "crowd" });
  const chosen = new Set(entry?.people || []);

  async function people() {
    const id = Number(place.value) || null;
    let members = [];
    try { members = id ? await membersOf(id) : entry?.persons || []; } catch { /* said by a toast */ }
    crowd.replaceChildren(...members.map((p) => h("label", { class: "pick" }, h("input", { type: "checkbox", value: String(p.id), checked: chosen.has(p.id), disabled: !may, onchange: (event) => { if (event.target.checked) chosen.add(p.id); else chosen.delete(p.id); } }), avatar(p, "s"), p.nickname)));
    crowd.parentElement?.toggleAttribute("hidden", members.length === 0);
  }
  place.addEventListener("change", () => { chosen.clear(); people(); });

  const foot = entry && may ? [h("button", { class: "btn quiet bad s", type: "button", onclick: remove }, icon("trash", "s"), t("js.delete"))] : [];
  const box = formDialog({
    title: entry ? t(may ? "js.calendar.entry_edit" : "js.calendar.entry") : t("js.calendar.entry_new"),
    readonly: !may, foot,
    body: [
      field(t("js.calendar.entry_title"), title, { wide: true }),
      field(t("js.calendar.entry_kind"), kind), field(t("js.calendar.project"), place),
      h("div", { class: "wide when" }, allDay,
        h("div", { class: "when-line" }, h("span", { class: "label" }, t("js.calendar.from")), first, beginAt, h("span", { class: "label" }, t("js.calendar.to")), last, finishAt)),
      field(t("js.calendar.place"), where, { wide: true }),
      h("fieldset", { class: "field wide plain" }, h("legend", { class: "label" }, t("js.calendar.people")), crowd),
      field(t("js.calendar.note"), note, { wide: true }),
    ],
    async send(form) {
      const answer = await sendForm(form, entry ? "PATCH" : "POST", entry ? `/entries/${entry.id}` : "/entries", () => ({
        ...(!entry && { project_id: Number(place.value) || null }),
        kind: kind.value, title: title.value, place: where.value, note: note.value, people: [...chosen],
        ...times({ allDay: whole.checked, from: num(first.value || str(from)), to: num(last.value || first.value || str(to)), begin: beginAt.value || "10:00", finish: finishAt.value || "11:00" }),
      }));
      if (answer) { done(answer); toast(t(entry ? "js.calendar.saved" : "js.calendar.entry_added"), "good"); }
      return Boolean(answer);
    },
  });
  for (const [input, label] of [[first, "js.calendar.start"], [last, "js.calendar.end"], [beginAt, "js.calendar.begin_at"], [finishAt, "js.calendar.finish_at"]]) input.setAttribute("aria-label", t(label));
  // The server names start and end; their boxes here are days and hours.
  first.closest(".when").append(h("input", { type: "hidden", name: "start" }), h("input", { type: "hidden", name: "end" }));
  await people();

  async function remove() {
    if (!await confirmed({ title: t("js.calendar.entry_delete"), text: t("js.calendar.entry_delete_text", { title: entry.title }), action: t("js.delete") })) return;
    try {
      await api("DELETE", `/entries/${entry.id}`);
      box.close();
      done(null);
      toast(t("js.calendar.entry_deleted"), "good");
    } catch { /* said by a toast */ }
  }
  return box.closed;
}

/** When an entry is, in words. */
export function entryWhen(entry) {
  const [from, to] = entryDays(entry);
  if (entry.all_day) return saySpan(from, to);
  return `${saySpan(from, to)} ${sayTime(new Date(entry.start))} – ${sayTime(new Date(entry.end))}`;
}

/** Moves an entry by whole days and minutes, with a way back. */
export async function moveEntry(entry, days, mins, done) {
  const shifted = (sign) => {
    if (entry.all_day) { const [from, to] = entryDays(entry); return times({ allDay: true, from: from + (sign ? days : 0), to: to + (sign ? days : 0) }); }
    const by = (iso) => {
      const at = new Date(iso);
      if (sign) { at.setDate(at.getDate() + days); at.setMinutes(at.getMinutes() + mins); }
      return at.toISOString();
    };
    return { all_day: false, start: by(entry.start), end: by(entry.end) };
  };
  const patch = async (body) => { try { done(await api("PATCH", `/entries/${entry.id}`, body)); return true; } catch { done(null); return false; } };
  if (await patch(shifted(true))) toast(t("js.calendar.moved", { title: entry.title }), "good", { label: t("js.calendar.undo"), run: () => patch(shifted(false)) });
}
