// The storyboard: four stages, and beside each its three shots. Shots are moved by hand, by buttons and by Alt with the
// arrow keys; a shot takes its stage from its place.
import { $, $$, h, icon, t } from "../dom.js";
import { labelled } from "./fields.js";
import { KEY_POINTS, length, pictureUrl, ratio, seconds, shotName, STAGES } from "./words.js";

/** Builds the board; answers `{draw, flash, focus}`. */
export function board(desk) {
  const { store, fields, rights } = desk;
  const place = $("#board");
  const cards = new Map();
  const lists = new Map();
  const strip = h("div", { class: "time-strip", role: "group", "aria-label": t("js.plan.timeline") });
  const total = h("p", { class: "total num" });
  const head = h("div", { class: "board-head" }, h("h2", null, t("js.plan.storyboard")), strip, total);
  let dragged = null;

  // Stages -----------------------------------------------------------------------------------------------------------

  function stage(name) {
    const part = `stage ${name}`;
    const list = h("ol", { class: "shots" });
    lists.set(name, list);
    const lock = toggle(part);
    const again = h("button", { class: "btn s quiet", type: "button", title: t("js.plan.again_stage_hint"), onclick: () => desk.drafting.start({ regenerate: true, part: { stage: name } }) }, icon("loop", "s"), t("js.plan.again"));
    const long = h("span", { class: "faint small num" });
    const edited = editedMark(part);
    fields.also(() => {
      const mine = store.shots.filter((s) => s.stage === name);
      long.textContent = seconds(mine.reduce((sum, s) => sum + s.duration_ms, 0));
      again.disabled = desk.drafting?.busy;
    });
    const more = (label, el) => labelled(t(`js.plan.stage_${label}`), el);
    return h("section", { class: `board-row act-${name}`, "data-stage": name, "aria-label": t(`js.plan.stage.${name}`) },
      h("div", { class: "stage-card" },
        h("div", { class: "stage-head" }, h("span", { class: "stage-sign", "aria-hidden": "true" }, t(`js.plan.stage_sign.${name}`)), h("span", { class: "small strong" }, t(`js.plan.stage.${name}`)), long, h("span", { class: "grow" }), edited, lock),
        fields.line(part, "title", { class: "plain title", maxlength: "200", "aria-label": t("js.plan.stage_title"), placeholder: t("js.plan.stage_title") }),
        fields.area(part, "summary", { class: "plain", maxlength: "1000", "aria-label": t("js.plan.stage_summary"), placeholder: t("js.plan.stage_summary") }),
        h("details", { class: "stage-more" }, h("summary", { class: "small" }, icon("right", "s"), t("js.plan.stage_more")),
          more("content", fields.area(part, "content", { maxlength: "5000" })),
          more("objective", fields.area(part, "objective", { maxlength: "1000" })),
          more("length_hint", fields.line(part, "length_hint", { maxlength: "100" })),
          more("key_points", fields.list(part, "key_points", KEY_POINTS, { placeholder: t("js.plan.key_points_hint") }))),
        desk.mayDraft && h("div", { class: "stage-do" }, again)),
      list);
  }

  function toggle(part) {
    const button = h("button", { class: "act-btn lock", type: "button", onclick: () => store.edit(part, "locked", !store.value(part, "locked"), true) }, icon("lock", "s"));
    fields.also(() => {
      const on = Boolean(store.value(part, "locked"));
      button.setAttribute("aria-pressed", String(on));
      button.title = t(on ? "js.plan.unlock" : "js.plan.lock");
      button.setAttribute("aria-label", button.title);
      button.disabled = !desk.may;
      button.hidden = !desk.may && !on;
    });
    return button;
  }

  /** A part that somebody has written in is kept by a new draft, until it is given free again. */
  function editedMark(part) {
    const mark = h("button", { class: "tag edited", type: "button", title: t("js.plan.edited_hint"), onclick: () => store.edit(part, "edited", false, true) }, t("js.plan.edited"), icon("x", "s"));
    fields.also(() => {
      mark.hidden = !store.value(part, "edited") || store.value(part, "locked");
      mark.disabled = !desk.may;
    });
    return mark;
  }

  // Shots ------------------------------------------------------------------------------------------------------------

  function card(key) {
    const part = `shot ${key}`;
    const picture = h("img", { alt: "", loading: "lazy", decoding: "async", draggable: "false" });
    const number = h("span", { class: "shot-n num" });
    const time = h("span", { class: "shot-s num" });
    const open = h("button", { class: "frame", type: "button", onclick: () => desk.openShot(key) }, picture, number, time);
    const chips = h("div", { class: "shot-chips" });
    const says = h("div", { class: "says" });
    const talk = h("button", { class: "act-btn talk num", type: "button", onclick: () => desk.openTalk(key) }, icon("comment", "s"), h("span"));
    const mover = (by, sign) => h("button", { class: "act-btn mover", type: "button", "aria-label": t(by < 0 ? "js.plan.move_back" : "js.plan.move_on"), title: t(by < 0 ? "js.plan.move_back" : "js.plan.move_on"), onclick: () => move(key, by) }, icon(sign, "s"));
    const [back, on] = [mover(-1, "back"), mover(1, "right")];
    const grip = desk.may && h("span", { class: "grip", draggable: "true", title: t("js.plan.drag"), "aria-hidden": "true" }, icon("grip", "s"));
    const el = h("li", { class: "shot", "data-key": String(key), tabindex: "-1" },
      open,
      h("div", { class: "shot-bar" }, chips, editedMark(part), h("span", { class: "grow" }), grip, desk.may && back, desk.may && on, talk, toggle(part)),
      fields.line(part, "title", { class: "plain title", maxlength: "200", "aria-label": t("js.plan.shot_title"), placeholder: t("js.plan.shot_title") }),
      fields.area(part, "description", { class: "plain text", maxlength: "2000", "aria-label": t("js.plan.description"), placeholder: t("js.plan.description") }),
      says);
    let src = "";
    fields.also(() => {
      const shot = store.shot(key);
      const at = store.value("order", "keys").indexOf(key);
      if (!shot || at < 0) return;
      const name = shotName(at);
      el.id = name;
      // As the server has it by now: what is on its way there is not in its picture yet.
      const next = pictureUrl(store.plan.id, store.at(part), store.known("order", "keys").indexOf(key));
      if (next !== src) { src = next; picture.src = next; }
      picture.alt = `${name} ${shot.title}`;
      open.setAttribute("aria-label", t("js.plan.open_shot", { name, title: shot.title }));
      number.textContent = name;
      time.textContent = seconds(shot.duration_ms);
      chips.replaceChildren(...["size", "angle", "movement"].filter((set) => set === "size" || !["eye_level", "static"].includes(shot[set])).map((set) => h("span", { class: "tag", title: t(`js.plan.${set}.title`) }, t(`js.plan.${set}.${shot[set]}`))));
      says.replaceChildren(...[["dialogue", "comment"], ["voice_over", "volume"], ["subtitle", "keyboard"]].filter(([what]) => shot[what]).map(([what, sign]) => h("p", { title: t(`js.plan.${what}`) }, icon(sign, "s"), h("span", null, h("span", { class: "sr" }, `${t(`js.plan.${what}`)}: `), shot[what]))),
        shot.inserts.length ? h("p", { class: "faint", title: t("js.plan.inserts") }, icon("layers", "s"), h("span", null, t("js.plan.inserts_n", { n: shot.inserts.length }))) : "");
      const n = desk.talk?.countOf(name) ?? 0;
      talk.lastChild.textContent = n || "";
      talk.hidden = !n && !rights.comment;
      talk.setAttribute("aria-label", t("js.plan.talk_of", { name, n }));
      talk.title = t("js.plan.talk_of", { name, n });
      talk.classList.toggle("some", n > 0);
      back.disabled = at === 0;
      on.disabled = at === cards.size - 1;
      el.classList.toggle("current", desk.selected === key);
      el.classList.toggle("locked", Boolean(shot.locked));
    });
    if (grip) drag(grip);
    el.addEventListener("dragover", (event) => {
      if (dragged === null || dragged === key) return;
      event.preventDefault();
      for (const other of $$(".drop-here", place)) if (other !== el) other.classList.remove("drop-here");
      el.classList.add("drop-here");
    });
    el.addEventListener("dragleave", (event) => { if (!el.contains(event.relatedTarget)) el.classList.remove("drop-here"); });
    el.addEventListener("drop", (event) => {
      if (dragged === null) return;
      event.preventDefault();
      put(dragged, store.value("order", "keys").indexOf(key));
    });
    return el;

    function drag(handle) {
      handle.addEventListener("dragstart", (event) => {
        dragged = key;
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", el.id);
        event.dataTransfer.setDragImage(open, 20, 20);
        place.classList.add("moving");
        el.classList.add("dragged");
      });
      handle.addEventListener("dragend", () => {
        dragged = null;
        place.classList.remove("moving");
        for (const other of $$(".dragged, .drop-here", place)) other.classList.remove("dragged", "drop-here");
      });
    }
  }

  /** Moves a shot by so many places. */
  function move(key, by) {
    const at = store.value("order", "keys").indexOf(key) + by;
    if (desk.may && at >= 0 && at < cards.size) put(key, at);
  }

  function put(key, at) {
    const keys = store.value("order", "keys").filter((k) => k !== key);
    keys.splice(at, 0, key);
    store.edit("order", "keys", keys);
    draw();
    $("#said").textContent = t("js.plan.moved_to", { name: shotName(at), stage: t(`js.plan.stage.${STAGES[Math.floor(at / 3)]}`) });
  }

  place.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const el = event.target.closest(".shot");
    if (!el) return;
    event.preventDefault();
    move(Number(el.dataset.key), event.key === "ArrowUp" ? -1 : 1);
  });

  // The whole --------------------------------------------------------------------------------------------------------

  function build() {
    for (const shot of store.shots) cards.set(shot.key, card(shot.key));
    place.replaceChildren(head, ...STAGES.map(stage));
  }

  function draw() {
    const format = store.value("inputs", "format");
    place.dataset.format = format;
    place.style.setProperty("--ratio", String(ratio(format)));
    arrange();
    drawStrip();
  }

  /** Puts the cards in their order. Moving an element takes its focus: only what stands at the wrong place moves. */
  function arrange() {
    const held = document.activeElement;
    const keys = store.value("order", "keys");
    keys.forEach((key, at) => {
      const list = lists.get(STAGES[Math.floor(at / 3)]);
      const el = cards.get(key);
      if (list.children[at % 3] !== el) list.insertBefore(el, list.children[at % 3] ?? null);
    });
    if (held !== document.activeElement && held?.isConnected) held.focus();
  }

  let shown = "";
  function drawStrip() {
    const { shots } = store;
    const sum = shots.reduce((all, s) => all + s.duration_ms, 0);
    const target = store.value("inputs", "duration_s") * 1000;
    const key = JSON.stringify([shots.map((s) => [s.key, s.duration_ms, s.title]), target, desk.selected]);
    if (key === shown) return;
    shown = key;
    const off = Math.abs(sum - target) / target;
    total.replaceChildren(h("b", { class: off > 0.05 ? "off" : "" }, length(sum)), h("span", { class: "faint" }, ` / ${length(target)}`));
    total.title = t(off > 0.05 ? "js.plan.total_off" : "js.plan.total", { sum: length(sum), target: length(target) });
    const whole = Math.max(sum, target);
    strip.replaceChildren(...shots.map((s, at) => {
      const el = h("button", { class: `span ${s.stage}${desk.selected === s.key ? " on" : ""}`, type: "button", tabindex: "-1", title: `${shotName(at)} ${s.title} · ${seconds(s.duration_ms)}`, "aria-label": `${shotName(at)} ${seconds(s.duration_ms)}`, onclick: () => { focus(s.key); if (desk.selected) desk.openShot(s.key); } }, h("span", null, String(at + 1)));
      el.style.width = `${(s.duration_ms / whole) * 100}%`;
      return el;
    }), mark(target / whole));
  }

  function mark(part) {
    const el = h("i", { class: "aim", title: t("js.plan.aim") });
    el.style.left = `${part * 100}%`;
    return el;
  }

  /** Shows who has changed a part, for a moment. */
  function flash(part, name) {
    const [kind, id] = part.split(" ");
    const el = kind === "shot" ? cards.get(Number(id)) : $(`[data-stage="${id}"] .stage-card`, place);
    if (!el) return;
    el.querySelector(":scope > .by")?.remove();
    const by = h("span", { class: "by" }, name);
    el.append(by);
    // Drawn once without, so that it begins anew; a window behind others has no animation frames.
    el.classList.remove("touched");
    el.getBoundingClientRect();
    el.classList.add("touched");
    clearTimeout(el.calm);
    el.calm = setTimeout(() => { by.remove(); el.classList.remove("touched"); }, 2600);
  }

  /** Brings a shot into sight; `hold`: and the focus to it. */
  function focus(key, hold = true) {
    const el = cards.get(key);
    el?.scrollIntoView({ block: hold ? "center" : "nearest", behavior: "smooth" });
    if (el && hold) $(".frame", el).focus({ preventScroll: true });
  }

  build();
  return { draw, flash, focus };
}
