// What a shot's frame may be instead of the one that the program draws: a sketch, a drawing, a frame of a film.
import { api, ApiError, explain } from "../api.js";
import { h, icon, t, toast } from "../dom.js";
import { drawPicture } from "./draw.js";
import { chooseFrame } from "./film.js";
import { pictureUrl } from "./words.js";

/** What the server takes. */
const MOST_BYTES = 1024 * 1024;
const LONGEST_SIDE = 1600;

/** The buttons below a shot's frame. */
export function pictureTools(desk, key) {
  const { store } = desk;
  const input = h("input", { class: "sr", type: "file", accept: "image/*", tabindex: "-1", onchange: () => { const [file] = input.files; input.value = ""; if (file) sketch(file); } });
  const base = `${store.base}/shots/${key}/picture`;

  async function keep(blob) {
    try {
      const answer = await fetch(`/api/v1${base}`, { method: "PUT", body: blob, credentials: "same-origin", headers: { "Content-Type": blob.type, Accept: "application/json" } }).catch(() => { throw new ApiError(0); });
      const body = await answer.json().catch(() => null);
      if (!answer.ok) throw new ApiError(answer.status, body);
      await took(body);
    } catch (error) { explain(error); }
  }

  async function took(plan) {
    if (plan?.story) store.take(plan);
    else await desk.refetch();
    toast(t("js.plan.picture_kept"), "good");
  }

  async function sketch(file) {
    const blob = await fit(file).catch(() => null);
    if (blob) keep(blob);
    else toast(t("js.plan.picture_unreadable"), "bad");
  }

  async function draw() {
    const shot = store.at(`shot ${key}`);
    const blob = await drawPicture({ format: store.value("inputs", "format"), below: pictureUrl(store.plan.id, shot, store.known("order", "keys").indexOf(key)), drawn: shot.picture.kind === "sketch", title: shot.title, most: MOST_BYTES });
    if (blob) keep(blob);
  }

  async function frame() {
    const at = await chooseFrame(desk.project.id);
    if (!at) return;
    try { await took(await api("PUT", base, at, { quiet: true })); } catch (error) { explain(error); }
  }

  async function conti() {
    try { await took(await api("DELETE", base, undefined, { quiet: true })); } catch (error) { explain(error); }
  }

  const back = h("button", { class: "btn s quiet", type: "button", title: t("js.plan.picture_conti_hint"), onclick: conti }, icon("loop", "s"), t("js.plan.picture_conti"));
  const el = h("div", { class: "picture-tools" },
    h("button", { class: "btn s", type: "button", onclick: draw }, icon("edit", "s"), t("js.plan.picture_draw")),
    h("button", { class: "btn s", type: "button", onclick: () => input.click() }, icon("upload", "s"), t("js.plan.picture_upload")),
    h("button", { class: "btn s", type: "button", onclick: frame }, icon("film", "s"), t("js.plan.picture_film")), back, input);
  desk.onDraw.add(() => { back.hidden = (store.shot(key)?.picture.kind ?? "conti") === "conti"; });
  back.hidden = (store.shot(key)?.picture.kind ?? "conti") === "conti";
  return el;
}

/** A picture as the server takes it: PNG or JPEG, not too large. */
async function fit(file) {
  if (["image/png", "image/jpeg"].includes(file.type) && file.size <= MOST_BYTES) return file;
  const image = await createImageBitmap(file);
  for (let side = LONGEST_SIDE; side >= 400; side *= 0.75) {
    const scale = Math.min(1, side / Math.max(image.width, image.height));
    const canvas = h("canvas", { width: Math.round(image.width * scale), height: Math.round(image.height * scale) });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.86));
    if (blob && blob.size <= MOST_BYTES) return blob;
  }
  return null;
}
