// A sheet to draw a frame on: pen, eraser, undo. Lines follow the pen's pressure where there is one. What lies below is
// for tracing and is not part of the drawing, unless it was drawn here before.
import { dialog, h, icon, t, toast } from "../dom.js";
import { ratio } from "./words.js";

const LONG_SIDE = 1280;
const WIDTHS = [3, 7, 16];
/** Steps that can be taken back. */
const STEPS = 40;

/**
 * Opens the sheet. `below`: the address of the shot's picture; `drawn`: it is a drawing, which is drawn on. Resolves to a
 * PNG or JPEG of at most `most` bytes, or to null.
 */
export async function drawPicture({ format, below, drawn, title, most }) {
  const wide = ratio(format);
  const [width, height] = wide >= 1 ? [LONG_SIDE, Math.round(LONG_SIDE / wide)] : [Math.round(LONG_SIDE * wide), LONG_SIDE];
  const canvas = h("canvas", { width, height, class: "sheet-canvas", tabindex: "0", "aria-label": t("js.plan.draw.sheet") });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.lineCap = "round";
  pen.lineJoin = "round";
  const under = h("img", { class: "sheet-below", alt: "", src: below, hidden: drawn });
  const image = await load(below);
  if (drawn && image) contain(image);

  const state = { tool: "pen", width: 1, line: null, steps: [], undone: [], saving: false };

  // Lines ------------------------------------------------------------------------------------------------------------

  const spot = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * width, y: ((event.clientY - box.top) / box.height) * height, press: event.pointerType === "pen" && event.pressure > 0 ? event.pressure : 0.5 };
  };

  function snap() {
    state.steps.push(pen.getImageData(0, 0, width, height));
    if (state.steps.length > STEPS) state.steps.shift();
    state.undone = [];
    draw();
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    snap();
    const at = spot(event);
    state.line = { last: at, middle: at, path: [at] };
    stroke(at);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!state.line) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) stroke(spot(one));
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { state.line = null; });

  /** A curve through the middles between the places of the pointer: a mouse draws corners, a hand does not. */
  function stroke(at) {
    if (state.tool === "marker") { shade(at); return; }
    const { last, middle } = state.line;
    const next = { x: (last.x + at.x) / 2, y: (last.y + at.y) / 2 };
    const rubs = state.tool === "eraser";
    pen.globalCompositeOperation = rubs ? "destination-out" : "source-over";
    pen.strokeStyle = "#16181d";
    pen.lineWidth = WIDTHS[state.width] * (rubs ? 4 : 1) * (0.4 + at.press * 1.2);
    pen.beginPath();
    pen.moveTo(middle.x, middle.y);
    pen.quadraticCurveTo(last.x, last.y, next.x, next.y);
    if (last === at) pen.lineTo(at.x + 0.1, at.y);
    pen.stroke();
    state.line = { last: at, middle: next };
  }

  /** One even tone along the whole line: it is drawn anew from where it began, or its parts would darken each other. */
  function shade(at) {
    const { path } = state.line;
    path.push(at);
    pen.putImageData(state.steps.at(-1), 0, 0);
    pen.globalCompositeOperation = "source-over";
    pen.strokeStyle = "rgb(22 24 29 / 20%)";
    pen.lineWidth = WIDTHS[state.width] * 7;
    pen.beginPath();
    pen.moveTo(path[0].x, path[0].y);
    for (let i = 1; i < path.length; i += 1) pen.quadraticCurveTo(path[i - 1].x, path[i - 1].y, (path[i - 1].x + path[i].x) / 2, (path[i - 1].y + path[i].y) / 2);
    pen.lineTo(at.x + 0.1, at.y);
    pen.stroke();
  }

  const swap = (from, to) => {
    const step = from.pop();
    if (!step) return;
    to.push(pen.getImageData(0, 0, width, height));
    pen.putImageData(step, 0, 0);
    draw();
  };
  const undo = () => swap(state.steps, state.undone);
  const redo = () => swap(state.undone, state.steps);

  function clear() {
    snap();
    pen.clearRect(0, 0, width, height);
  }

  function contain(picture) {
    const scale = Math.min(width / picture.naturalWidth, height / picture.naturalHeight);
    const [w, tall] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
    pen.drawImage(picture, (width - w) / 2, (height - tall) / 2, w, tall);
  }

  // The sheet --------------------------------------------------------------------------------------------------------

  const tool = (name, sign) => h("button", { class: "btn s", type: "button", "data-tool": name, onclick: () => { state.tool = name; draw(); } }, icon(sign, "s"), t(`js.plan.draw.${name}`));
  const tools = [tool("pen", "edit"), tool("marker", "shade"), tool("eraser", "eraser")];
  const widths = WIDTHS.map((w, at) => {
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    dot.setAttribute("viewBox", "0 0 20 20");
    dot.setAttribute("class", "pen-dot");
    const circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    for (const [key, value] of Object.entries({ cx: 10, cy: 10, r: 1.5 + at * 2.6 })) circle.setAttribute(key, value);
    dot.append(circle);
    return h("button", { class: "btn s icon-only", type: "button", "aria-label": t(`js.plan.draw.width_${at}`), title: t(`js.plan.draw.width_${at}`), onclick: () => { state.width = at; draw(); } }, dot);
  });
  const back = h("button", { class: "btn s quiet icon-only", type: "button", "aria-label": t("js.plan.draw.undo"), title: `${t("js.plan.draw.undo")} (Ctrl+Z)`, onclick: undo }, icon("reply", "s"));
  const on = h("button", { class: "btn s quiet icon-only flip", type: "button", "aria-label": t("js.plan.draw.redo"), title: `${t("js.plan.draw.redo")} (Ctrl+Shift+Z)`, onclick: redo }, icon("reply", "s"));
  const trace = h("input", { type: "checkbox", checked: !drawn, onchange: () => { under.hidden = !trace.checked; } });
  const keep = h("button", { class: "btn primary", type: "button", onclick: save }, t("js.plan.draw.keep"));

  function draw() {
    for (const el of tools) el.setAttribute("aria-pressed", String(el.dataset.tool === state.tool));
    widths.forEach((el, at) => el.setAttribute("aria-pressed", String(at === state.width)));
    back.disabled = state.steps.length === 0;
    on.disabled = state.undone.length === 0;
    canvas.classList.toggle("rubs", state.tool === "eraser");
  }

  const stage = h("div", { class: "sheet-stage" }, under, canvas);
  stage.style.setProperty("--ratio", String(wide));
  const box = dialog({
    title: t("js.plan.draw.title", { title }),
    body: [h("div", { class: "sheet-tools" }, h("span", { class: "row" }, tools), h("span", { class: "row" }, widths), h("span", { class: "row" }, back, on, h("button", { class: "btn s quiet", type: "button", onclick: clear }, t("js.plan.draw.clear"))),
      h("label", { class: "switch" }, trace, t("js.plan.draw.trace"))), stage],
    foot: [h("button", { class: "btn", type: "button", onclick: () => box.close("cancel") }, t("js.cancel")), keep],
  });
  box.el.classList.add("drawing-sheet");
  // A stray click beside the sheet must not throw the drawing away.
  box.el.addEventListener("click", (event) => { if (event.target === box.el) event.stopImmediatePropagation(); }, true);
  box.el.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    if (event.shiftKey) redo(); else undo();
  });
  draw();

  let made = null;
  async function save() {
    if (state.steps.length === 0) { toast(t("js.plan.draw.nothing"), "info"); return; }
    if (state.saving) return;
    state.saving = true;
    // On paper: what was rubbed out is white, not nothing.
    pen.globalCompositeOperation = "destination-over";
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, width, height);
    const blob = async (type, quality) => new Promise((resolve) => canvas.toBlob(resolve, type, quality));
    made = await blob("image/png");
    if (made && made.size > most) made = await blob("image/jpeg", 0.85);
    box.close("keep");
  }

  await box.closed;
  return made;
}

function load(src) {
  return new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => resolve(null);
    image.src = src;
  });
}
