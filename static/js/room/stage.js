// Everything on the picture that is not the picture: play button, poster, progress, failure, and the way out of it.
import { bytes, duration, h, icon, t } from "../dom.js";

/** A short word in the middle of the picture: "▶ 2×", "−5 s". */
export function flash(screen, text) {
  screen.querySelector(".stage-flash")?.remove();
  const el = h("div", { class: "stage-flash" }, text);
  screen.append(el);
  setTimeout(() => el.remove(), 700);
}

/** What is being made of a version, in words. */
function making(media) {
  if (media.state === "received" || media.state === "probing") return t(`js.media.${media.state}`);
  if (media.state === "ready") return t("js.media.remaking");
  return t(media.urls?.proxy || media.facts?.still ? "js.media.making_rest" : "js.media.processing");
}

/** Puts what belongs on the stage of `player` there. Called after each change of its state. */
export function dressStage(player) {
  const { media, screen, video } = player;
  const old = screen.querySelectorAll(".screen-note:not(.none), .stage-flag, .poster, .big-play");
  // A button that is being reached by keyboard is not taken away under the finger.
  const focus = document.activeElement?.dataset?.act;
  for (const el of old) el.remove();
  screen.classList.toggle("has-sound", player.soundOnly && Boolean(video) && !player.unshown);
  if (!media) return;
  const remaking = media.state === "ready" && Boolean(media.progress || media.remaking);
  const working = ["received", "probing", "processing"].includes(media.state) || remaking;
  const progress = media.progress || null;
  const percent = progress?.percent ?? null;
  const bar = () => { const p = h("progress", { max: "100", "aria-label": making(media) }); if (percent !== null) p.value = percent; return p; };
  const detail = () => percent >= 99.5 ? t("js.media.finishing") : [percent === null ? null : `${Math.floor(percent)}%`,
    progress?.eta_ms ? t("js.upload.eta", { time: duration(progress.eta_ms) }) : null,
    progress?.speed ? `${Number(progress.speed).toFixed(1)}×` : null,
    progress?.fps ? `${Math.round(progress.fps)} fps` : null].filter(Boolean).join(" · ");
  const note = (bad, ...parts) => screen.append(h("div", { class: `screen-note${bad ? " bad" : ""}`, role: bad ? "alert" : "status" }, parts));
  const again = (word, primary) => player.mayRemake && h("button", { class: `btn s${primary ? " primary" : ""}`, type: "button", "data-act": "remake", onclick: () => player.listen("remake") }, icon("loop", "s"), t(word));
  const fetchIt = () => h("a", { class: "btn s", href: `${media.urls.original}?download=1` }, icon("download", "s"), t("js.media.download", { size: bytes(media.size_bytes) }));

  if ((video && !player.unshown) || player.image) {
    const original = player.src?.kind === "original" && !media.urls.proxy;
    if (working) screen.append(h("div", { class: "stage-flag", title: original ? t("js.media.original_hint") : null }, h("span", null, original ? t("js.media.original") : making(media)), bar(), h("span", { class: "num" }, detail())));
    if (media.state === "failed") screen.append(h("div", { class: "stage-flag" }, icon("alert", "s"), h("span", null, media.error?.message || t("js.media.failed")), again("js.media.again")));
    if (video?.paused && !player.touched) screen.append(player.play_button);
  } else {
    if (media.urls?.poster) screen.append(h("img", { class: "poster", src: media.urls.poster, alt: "" }));
    if (media.state === "failed") {
      note(true, icon("alert"), h("h2", null, t("js.media.failed")), h("p", null, media.error?.message || t("js.media.failed_hint")), h("div", { class: "row" }, again("js.media.again"), fetchIt()));
    } else if (working) {
      note(false, h("h2", null, making(media)), bar(), h("p", { class: "num" }, detail()), h("p", null, t(remaking ? "js.media.remaking_hint" : ["received", "probing"].includes(media.state) ? "js.media.looking" : player.unshown ? "js.media.unshown_wait" : "js.media.wait")));
    } else if (player.unshown) {
      note(true, icon("alert"), h("h2", null, t("js.media.unshown")), h("p", null, t("js.media.unshown_hint")),
        h("button", { class: "btn s", type: "button", onclick: () => player.show(media, player.ms) }, t("js.retry")));
    } else if (!player.src) {
      note(false, icon("film"), h("h2", null, t("js.media.away")), h("p", null, t(player.mayRemake ? "js.media.away_hint" : "js.media.away_viewer")), h("div", { class: "row" }, again("js.media.remake", true), fetchIt()));
    }
  }
  if (focus) screen.querySelector(`[data-act="${focus}"]`)?.focus();
}
