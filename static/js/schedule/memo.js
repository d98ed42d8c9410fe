// A memo: what a project has to remember on one day.
import { sendForm } from "../api.js";
import { h, t, toast } from "../dom.js";
import { choice, field, formDialog } from "./fields.js";
import { num, say, str } from "./days.js";

/**
 * Opens the memos of a day. `projects`: {id, name, may}[] of those whose memo can be read or written; `memos`: {project_id,
 * day, text}[]; `done(memo)` gets what was stored.
 */
export function memoDialog({ day, project = null, projects, memos, done }) {
  const textOf = (id) => memos.find((m) => m.project_id === id && num(m.day) === day)?.text || "";
  const shown = projects.filter((p) => p.may || textOf(p.id));
  const id = project ?? (shown.find((p) => textOf(p.id)) || shown[0])?.id;
  if (!id) { toast(t("js.calendar.memo_nowhere"), "info"); return null; }
  const select = choice("project", shown.map((p) => [p.id, textOf(p.id) ? `● ${p.name}` : p.name]), id);
  const text = h("textarea", { class: "textarea tall", name: "text", maxlength: "2000", autofocus: true, placeholder: t("js.calendar.memo_hint") });
  const of = () => shown.find((p) => p.id === Number(select.value));
  const show = () => { text.value = textOf(Number(select.value)); text.readOnly = !of().may; };
  select.addEventListener("change", show);
  show();
  return formDialog({
    title: t("js.calendar.memo_of", { day: say(day) }), wide: false, readonly: !shown.some((p) => p.may),
    body: [shown.length > 1 ? field(t("js.calendar.project"), select, { wide: true }) : h("p", { class: "wide muted small" }, of().name), field(t("js.calendar.memo"), text, { wide: true, hint: t("js.calendar.memo_empty") })],
    async send(form) {
      if (!of().may) return true;
      const answer = await sendForm(form, "PUT", `/projects/${of().id}/memos/${str(day)}`, () => ({ text: text.value.trim() }));
      if (answer) { done({ project_id: of().id, day: str(day), text: text.value.trim() }); toast(t(text.value.trim() ? "js.calendar.memo_saved" : "js.calendar.memo_deleted"), "good"); }
      return Boolean(answer);
    },
  }).closed;
}
