// A film of the project, and a moment of it.
import { api, explain, feed } from "../api.js";
import { $, dialog, h, icon, t } from "../dom.js";
import { length } from "./words.js";

/** Feedbacks that are looked through for their films. */
const LOOKED_AT = 200;

/** Asks for a film that is ready; resolves to its media, or to null. */
export async function chooseFilm(projectId, { title, hint }) {
  let chosen = null;
  const list = h("ul", { class: "film-list" }, h("li", { class: "empty" }, h("span", { class: "spin" })));
  const box = dialog({ title, wide: true, body: [hint && h("p", { class: "small muted" }, hint), list] });
  const found = [];
  try {
    await feed(`/projects/${projectId}/feedbacks`, (rows) => found.push(...rows.filter((f) => f.latest_media?.state === "ready" && f.latest_media.duration_ms)), LOOKED_AT);
  } catch { box.close(); return null; }
  list.replaceChildren(...found.map(({ title: name, latest_media: media }) => h("li", null, h("button", { class: "film", type: "button", onclick: () => { chosen = media; box.close("chosen"); } },
    h("span", { class: "thumb" }, icon("film"), media.poster_url && h("img", { src: media.poster_url, alt: "", loading: "lazy" }), h("span", { class: "ver num" }, `v${media.version}`), h("span", { class: "len" }, length(media.duration_ms))),
    h("span", { class: "strong" }, name)))));
  if (!found.length) list.replaceChildren(h("li", { class: "empty" }, icon("film"), h("h3", null, t("js.plan.no_film")), h("p", null, t("js.plan.no_film_hint"))));
  else $("button", list).focus();
  await box.closed;
  return chosen;
}

/** Asks for a frame of a film; resolves to `{media_id, at_ms}`, or to null. */
export async function chooseFrame(projectId) {
  const chosen = await chooseFilm(projectId, { title: t("js.plan.picture_film") });
  if (!chosen) return null;
  const media = await api("GET", `/media/${chosen.id}`, undefined, { quiet: true }).catch((error) => { explain(error); return null; });
  const source = media?.urls.proxy || media?.urls.original;
  if (!source) return null;
  const video = h("video", { class: "film-video", src: source, controls: true, muted: true, playsinline: true, preload: "auto" });
  const step = 1 / (media.facts?.frame_rate || media.facts?.fps || 25);
  const move = (by) => { video.pause(); video.currentTime = Math.max(0, video.currentTime + by * step); };
  let at = null;
  const use = h("button", { class: "btn primary", type: "button", autofocus: true, onclick: () => { at = Math.round(video.currentTime * 1000); box.close("use"); } }, icon("camera", "s"), t("js.plan.frame_use"));
  const box = dialog({ title: t("js.plan.frame_choose"), wide: true, body: [video], foot: [
    h("button", { class: "btn icon-only", type: "button", "aria-label": t("js.player.prev"), title: t("js.player.prev"), onclick: () => move(-1) }, icon("frame-back")),
    h("button", { class: "btn icon-only", type: "button", "aria-label": t("js.player.next"), title: t("js.player.next"), onclick: () => move(1) }, icon("frame-next")),
    h("span", { class: "grow" }), h("button", { class: "btn", type: "button", onclick: () => box.close() }, t("js.cancel")), use] });
  await box.closed;
  video.removeAttribute("src");
  return at === null ? null : { media_id: media.id, at_ms: at };
}
