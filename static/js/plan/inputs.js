// What the storyboard is asked for: the story in one line, and the conditions around it.
import { $, dialog, h, icon, t } from "../dom.js";
import { labelled } from "./fields.js";
import { chooseFilm } from "./film.js";
import { FORMATS, INTENSITIES, PRESETS, STYLES, TEMPOS } from "./words.js";

/** A script of so many letters is a long film. */
const LONGEST_SCRIPT = 100_000;

/** Builds the panel; answers `draw`. */
export function inputs(desk) {
  const { store, fields } = desk;
  const one = fields.area("inputs", "one_liner", { class: "one-liner", maxlength: "500", placeholder: t("js.plan.one_liner_example"), "aria-label": t("js.plan.one_liner"), id: "one-liner" });
  const field = (name, build) => labelled(t(`js.plan.${name}`), build);
  const rest = h("div", { class: "wishes" },
    field("tone", fields.line("inputs", "tone", { maxlength: "200", placeholder: t("js.plan.tone_example") })),
    field("genre", fields.line("inputs", "genre", { maxlength: "100", placeholder: t("js.plan.genre_example") })),
    field("target", fields.line("inputs", "target", { maxlength: "200", placeholder: t("js.plan.target_example") })),
    field("duration", fields.number("inputs", "duration_s", { min: "10", max: "3600", step: "1" })),
    field("style.title", fields.choice("inputs", "style", STYLES, "js.plan.style")),
    field("tempo.title", fields.choice("inputs", "tempo", TEMPOS, "js.plan.tempo")),
    field("intensity.title", fields.choice("inputs", "intensity", INTENSITIES, "js.plan.intensity")),
    field("format.title", fields.choice("inputs", "format", FORMATS, "js.plan.format")));

  const presets = h("div", { class: "presets", role: "group", "aria-label": t("js.plan.preset.title") }, h("span", { class: "label" }, t("js.plan.preset.title")),
    PRESETS.filter((name) => desk.presets[name]).map((name) => h("button", { class: "btn s", type: "button", onclick: () => take(desk.presets[name]) }, t(`js.plan.preset.${name}`))));

  /** A preset fills everything but the story itself. */
  function take(preset) {
    for (const [name, value] of Object.entries(preset)) if (!["one_liner", "seed"].includes(name)) store.edit("inputs", name, value, true);
  }

  const make = h("button", { class: "btn primary", type: "button", onclick: () => desk.drafting.start({ source: desk.generator.model ? "model" : "rules" }) });
  const sources = h("div", { class: "menu-panel" },
    h("div", { class: "menu-title" }, t("js.plan.source.title")),
    source("board", "rules", () => desk.drafting.start({ source: "rules" })),
    desk.generator.model && source("globe", "model", () => desk.drafting.start({ source: "model" })),
    source("file", "script", fromScript),
    source("film", "cut", fromCut));
  const menu = h("details", { class: "menu" }, h("summary", { class: "btn primary icon-only", "aria-label": t("js.plan.source.title"), title: t("js.plan.source.title") }, icon("down")), sources);

  function source(sign, name, run) {
    return h("button", { class: "menu-item two-lines", type: "button", onclick: run }, icon(sign), h("span", null, t(`js.plan.source.${name}`), h("small", null, t(`js.plan.source.${name}_hint`))));
  }

  function fromScript() {
    const text = h("textarea", { class: "textarea script", rows: "14", maxlength: String(LONGEST_SCRIPT), placeholder: t("js.plan.script_example"), "aria-label": t("js.plan.source.script"), autofocus: true, spellcheck: "false" });
    const box = dialog({ title: t("js.plan.source.script"), wide: true, body: [h("p", { class: "small muted" }, t("js.plan.script_hint")), text], foot: [
      h("button", { class: "btn", type: "button", onclick: () => box.close() }, t("js.cancel")),
      h("button", { class: "btn primary", type: "button", onclick: () => {
        if (!text.value.trim()) { text.focus(); return; }
        box.close();
        desk.drafting.start({ source: "script", script: text.value });
      } }, t("js.plan.script_read"))] });
  }

  async function fromCut() {
    const media = await chooseFilm(desk.project.id, { title: t("js.plan.source.cut"), hint: t("js.plan.cut_hint") });
    if (media) desk.drafting.start({ source: "cut", media_id: media.id });
  }

  const facts = h("span", { class: "facts-line" });
  const details = h("details", { class: "conditions", open: store.blank && desk.may },
    h("summary", null, icon("right", "s"), h("b", null, t("js.plan.conditions")), facts), desk.may && presets, rest);
  $("#inputs").append(
    h("div", { class: "story-line" }, h("div", { class: "grow" }, h("span", { class: "eyebrow" }, t("js.plan.one_liner")), one),
      desk.mayDraft && h("div", { class: "split make" }, make, menu)),
    details);

  return function draw() {
    const value = (name) => store.value("inputs", name);
    const first = store.blank;
    make.replaceChildren(icon("board", "s"), t(first ? "js.plan.make" : "js.plan.remake"));
    const missing = !value("one_liner")?.trim();
    make.disabled = missing || desk.drafting?.busy;
    make.title = missing ? t("js.plan.one_liner_missing") : first ? "" : t("js.plan.remake_hint");
    menu.classList.toggle("off", Boolean(desk.drafting?.busy));
    facts.textContent = [t(`js.plan.style.${value("style")}`), value("tone"), value("genre"), t("js.plan.for_seconds", { n: value("duration_s") }), t(`js.plan.tempo.${value("tempo")}`), value("format")].filter(Boolean).join(" · ");
  };
}
