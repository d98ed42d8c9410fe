// Everything of one shot, beside the board.
import { $, confirmed, h, icon, t } from "../dom.js";
import { Fields, labelled } from "./fields.js";
import { pictureTools } from "./picture.js";
import { ANGLES, INSERTS, MOVEMENTS, pictureUrl, PURPOSES, shotName, SIZES, STAGES, TRANSITIONS } from "./words.js";

/** Answers `{show, draw}`; `show(key)` builds the fields of a shot, `show(null)` those of none. */
export function shotPanel(desk) {
  const { store } = desk;
  const place = $("#shot");
  let fields = null;
  let shown = null;

  function show(key) {
    if (shown === key && fields) return;
    shown = key;
    fields = null;
    if (key === null || !store.shot(key)) {
      place.replaceChildren(h("div", { class: "empty" }, icon("board"), h("p", null, t("js.plan.choose_shot"))));
      return;
    }
    build(key, `shot ${key}`);
    draw();
    place.scrollTop = 0;
  }

  function build(key, part) {
    fields = new Fields(store, desk.may);
    const mine = fields;
    const name = h("h2", { class: "num", id: "shot-name" });
    const where = h("span", { class: "small muted" });
    const picture = h("img", { class: "frame-big", alt: "" });
    const go = (by, sign, label) => h("button", { class: "btn s quiet icon-only", type: "button", "aria-label": t(label), title: t(label), onclick: () => desk.step(by) }, icon(sign));
    const tools = desk.may && pictureTools(desk, key);
    const again = desk.mayDraft && h("button", { class: "btn s", type: "button", onclick: () => redraft(key, part) }, icon("loop", "s"), t("js.plan.again_shot"));
    const text = (what, most) => labelled(t(`js.plan.${what}`), mine.area(part, what, { maxlength: String(most) }));
    const choice = (what, values) => labelled(t(`js.plan.${what}.title`), mine.choice(part, what, values, `js.plan.${what}`));
    place.replaceChildren(
      h("div", { class: "shot-top" }, name, where, h("span", { class: "grow" }), go(-1, "back", "js.plan.previous_shot"), go(1, "right", "js.plan.next_shot")),
      h("div", { class: "frame-box" }, picture), tools || "",
      labelled(t("js.plan.shot_title"), mine.line(part, "title", { maxlength: "200" })),
      text("description", 2000),
      h("div", { class: "fields two" }, choice("size", SIZES), choice("angle", ANGLES), choice("movement", MOVEMENTS), choice("transition", TRANSITIONS),
        labelled(t("js.plan.shot_seconds"), mine.number(part, "duration_ms", { scale: 1000, min: "0.5", max: "600", step: "0.5" }))),
      text("dialogue", 1000), text("voice_over", 1000), text("subtitle", 500),
      inserts(mine, part),
      desk.may ? h("div", { class: "shot-foot" }, again || "", h("span", { class: "grow" }), lockSwitch(mine, part)) : "");
    let src = "";
    mine.also(() => {
      const shot = store.shot(key);
      if (!shot) return;
      const at = store.value("order", "keys").indexOf(key);
      name.textContent = shotName(at);
      where.textContent = t(`js.plan.stage.${STAGES[Math.floor(at / 3)]}`);
      const next = pictureUrl(store.plan.id, store.at(part), store.known("order", "keys").indexOf(key));
      if (next !== src) { src = next; picture.src = next; }
      picture.alt = t("js.plan.picture_of", { name: shotName(at), title: shot.title });
      if (again) { again.disabled = desk.drafting?.busy || Boolean(shot.locked); again.title = t(shot.locked ? "js.plan.again_locked" : "js.plan.again_shot_hint"); }
    });
  }

  /** What was written by hand is given up only by who says so. */
  async function redraft(key, part) {
    if (store.value(part, "edited")) {
      if (!await confirmed({ title: t("js.plan.again_edited_title"), text: t("js.plan.again_edited_text"), action: t("js.plan.again_shot"), danger: false })) return;
      store.edit(part, "edited", false, true);
    }
    desk.drafting.start({ regenerate: true, part: { shot: key } });
  }

  function lockSwitch(mine, part) {
    const input = h("input", { type: "checkbox", onchange: () => store.edit(part, "locked", input.checked, true) });
    mine.also(() => { input.checked = Boolean(store.value(part, "locked")); });
    return h("label", { class: "switch", title: t("js.plan.lock") }, input, t("js.plan.locked"));
  }

  /** The small shots between: they are one field, whose rows are built again when others have changed their number. */
  function inserts(mine, part) {
    const rows = h("div", { class: "stack" });
    const add = desk.may && h("button", { class: "btn s quiet", type: "button", onclick: () => { put([...now(), { purpose: "detail", description: "" }]); $("textarea", rows.lastChild)?.focus(); } }, icon("plus", "s"), t("js.plan.insert_add"));
    const now = () => store.value(part, "inserts") || [];
    const put = (list) => { store.edit(part, "inserts", list); shape(); };
    function shape() {
      if (rows.children.length !== now().length || !desk.may) rows.replaceChildren(...now().map((_, at) => row(at)));
      [...rows.children].forEach((el, at) => el.pull?.(now()[at]));
      if (add) add.hidden = now().length >= INSERTS;
    }
    function row(at) {
      const one = now()[at];
      if (!desk.may) return h("p", { class: "said" }, h("span", { class: "tag" }, t(`js.plan.purpose.${one.purpose}`)), " ", one.description);
      const change = (more) => put(now().map((o, i) => (i === at ? { ...o, ...more } : o)));
      const purpose = h("select", { class: "select s", "aria-label": t("js.plan.purpose.title"), onchange: () => change({ purpose: purpose.value }) }, PURPOSES.map((p) => h("option", { value: p }, t(`js.plan.purpose.${p}`))));
      const text = h("textarea", { class: "textarea grows", rows: "1", maxlength: "500", "aria-label": t("js.plan.insert"), placeholder: t("js.plan.insert_example"), oninput: () => change({ description: text.value }), onblur: () => store.leave(part) });
      const el = h("div", { class: "insert" }, h("div", { class: "row between" }, purpose, h("button", { class: "btn s quiet icon-only", type: "button", "aria-label": t("js.plan.insert_remove"), title: t("js.plan.insert_remove"), onclick: () => put(now().filter((_, i) => i !== at)) }, icon("x", "s"))), text);
      el.pull = (insert) => {
        purpose.value = insert.purpose;
        if (document.activeElement !== text && text.value !== insert.description) text.value = insert.description;
      };
      return el;
    }
    mine.also(shape);
    return h("div", { class: "field" }, h("span", { class: "label" }, t("js.plan.inserts")), rows, add || "");
  }

  function draw() {
    if (shown !== null && !store.shot(shown)) show(null);
    fields?.draw();
  }

  return { show, draw };
}
