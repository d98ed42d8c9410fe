// The automatic schedule: a start day gives all eight phases their days. Seen before it is taken.
import { api, explain } from "../api.js";
import { confirmed, h, t } from "../dom.js";
import { field, formDialog, toggle } from "./fields.js";
import { num, saySpan, str, today } from "./days.js";
import { extent, phaseName } from "./model.js";

/** Opens the dialog; `done(schedule)` gets the schedule that was taken. */
export function autoDialog(group, done) {
  const path = `/projects/${group.project.id}/schedule/auto`;
  const start = h("input", { class: "input", type: "date", name: "start", value: str(today()), max: "2100-12-31", autofocus: true });
  const seen = h("div", { class: "wide", "aria-live": "polite" });
  let asked = 0;
  const wanted = (form, preview) => ({ start: start.value, skip_weekends: form.elements.skip_weekends.checked, skip_holidays: form.elements.skip_holidays.checked, preview });

  const box = formDialog({
    title: t("js.calendar.auto.title"),
    action: t("js.calendar.auto.apply"),
    body: [
      h("p", { class: "wide muted small" }, t("js.calendar.auto.hint")),
      field(t("js.calendar.auto.start"), start),
      h("div", { class: "stack auto-skip" }, toggle("skip_weekends", t("js.calendar.auto.weekends"), true), toggle("skip_holidays", t("js.calendar.auto.holidays"), true)),
      seen,
    ],
    async send(form) {
      if (!start.value) { start.focus(); return false; }
      const dated = extent(group.phases);
      if (dated && !await confirmed({ title: t("js.calendar.auto.replace_title"), text: t("js.calendar.auto.replace_text", { span: saySpan(...dated) }), action: t("js.calendar.auto.replace"), danger: false })) return false;
      try {
        done(await api("POST", path, wanted(form, false), { quiet: true }));
        return true;
      } catch (error) { explain(error); return false; }
    },
  });

  async function preview() {
    const own = asked += 1;
    if (!start.value) { seen.replaceChildren(); return; }
    try {
      const answer = await api("POST", path, wanted(box.form, true), { quiet: true });
      if (own === asked) draw(answer);
    } catch (error) { if (own === asked) seen.replaceChildren(h("p", { class: "problem" }, Object.values(error.fields || {})[0] || error.message)); }
  }

  function draw({ phases }) {
    const days = extent(phases);
    if (!days) { seen.replaceChildren(); return; }
    const [lo, hi] = days;
    const strip = h("div", { class: "preview" });
    strip.style.setProperty("--hue", group.project.color);
    for (const phase of phases) {
      if (!phase.start) continue;
      const bar = h("i", { class: "preview-bar" });
      bar.style.setProperty("--left", (num(phase.start) - lo) / (hi - lo + 1));
      bar.style.setProperty("--width", (num(phase.end) - num(phase.start) + 1) / (hi - lo + 1));
      strip.append(h("span", { class: "cut" }, phaseName(phase.phase)), h("span", { class: "preview-track" }, bar), h("span", { class: "num muted nowrap" }, saySpan(num(phase.start), num(phase.end))));
    }
    const late = group.project.deadline && str(hi) > group.project.deadline.slice(0, 10);
    seen.replaceChildren(strip, h("p", { class: late ? "small due-soon" : "small muted" }, t(late ? "js.calendar.auto.late" : "js.calendar.auto.span", { span: saySpan(lo, hi) })));
  }

  box.form.addEventListener("input", preview);
  preview();
  return box.closed;
}
