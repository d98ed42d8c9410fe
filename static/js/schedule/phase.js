// One phase: its days, its state, who does it, what comes before it, a note.
import { avatar, h, icon, t } from "../dom.js";
import { choice, field, formDialog, membersOf, submitted, toggle } from "./fields.js";
import { PHASES, STATES, phaseName, stateName } from "./model.js";

/** Opens the dialog of a phase; `done(schedule)` gets the schedule as it is after the change. */
export async function phaseDialog(group, phase, { push, done }) {
  const { project, may } = group;
  const people = may ? await membersOf(project.id) : [phase.assignee].filter(Boolean);
  const date = (name, value) => h("input", { class: "input", type: "date", name, value: value || "", max: "2100-12-31" });
  const start = date("start", phase.start);
  start.autofocus = true;
  const end = date("end", phase.end);
  // The end follows a start that passes it.
  start.addEventListener("change", () => { if (start.value && (!end.value || end.value < start.value)) end.value = start.value; });
  const state = choice("state", STATES.map((s) => [s, stateName(s)]), phase.state);
  const number = h("output", { class: "num strong", for: "phase-progress" }, `${phase.progress}%`);
  const progress = h("input", { class: "range", type: "range", name: "progress", id: "phase-progress", min: "0", max: "100", step: "5", value: phase.progress });
  const tell = () => { number.textContent = `${progress.value}%`; };
  progress.addEventListener("input", () => {
    tell();
    if (state.value === "planned" && progress.value > 0) state.value = "in_progress";
    if (state.value === "done" && progress.value < 100) state.value = "in_progress";
  });
  state.addEventListener("change", () => {
    if (state.value === "done") progress.value = 100;
    if (state.value === "planned") progress.value = 0;
    tell();
  });
  const assignee = choice("assignee_id", [["", t("js.calendar.nobody")], ...people.map((p) => [p.id, p.nickname])], phase.assignee?.id ?? "");
  const others = PHASES.filter((name) => name !== phase.phase);
  const after = choice("after", [["", t("js.calendar.none")], ...others.map((name) => [name, phaseName(name)])], phase.after ?? "");
  const note = h("textarea", { class: "textarea", name: "note", maxlength: "2000" });
  note.value = phase.note || "";
  const clear = h("button", { class: "btn quiet s", type: "button", onclick: () => { start.value = ""; end.value = ""; start.focus(); } }, icon("x", "s"), t("js.calendar.clear_dates"));
  const box = formDialog({
    title: phaseName(phase.phase),
    readonly: !may,
    foot: may ? [clear] : [],
    body: [
      h("p", { class: "wide muted small row" }, h("span", { class: "cut" }, project.name), phase.assignee && avatar(phase.assignee, "s")),
      field(t("js.calendar.start"), start), field(t("js.calendar.end"), end),
      field(t("js.calendar.state"), state), h("div", { class: "field" }, h("label", { class: "row between", for: "phase-progress" }, t("js.calendar.progress"), number), progress),
      field(t("js.calendar.assignee"), assignee), field(t("js.calendar.after"), after),
      field(t("js.calendar.note"), note, { wide: true }),
      may && h("div", { class: "wide" }, toggle("push", t("js.calendar.push"), push)),
    ],
    async send(form) {
      const answer = await submitted(form, "PATCH", `/projects/${project.id}/schedule/${phase.phase}`, (body) => ({
        start: body.start || null, end: body.end || null, state: body.state, progress: Number(body.progress),
        assignee_id: body.assignee_id ? Number(body.assignee_id) : null, after: body.after || null, note: body.note, push: body.push === "on",
      }));
      if (answer) done(answer);
      return Boolean(answer);
    },
  });
  return box.closed;
}
