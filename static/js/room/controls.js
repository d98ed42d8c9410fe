// The row of controls under the timeline.
import { copy, h, icon, t, toast } from "../dom.js";
import { sourcesOf } from "./player.js";

const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];

/** The row of controls under the timeline. Returns `draw()`. */
export function controls(root, player, { shot, info, cuts, help, full }) {
  const ctl = (name, label, run, extra = "") => h("button", { class: `ctl ${extra}`, type: "button", title: label, "aria-label": label, onclick: run }, icon(name));
  const play = ctl("play", t("js.player.play"), () => player.toggle(), "play timed");
  const mute = ctl("volume", t("js.player.mute"), () => player.setVolume(player.volume || 1, !player.muted), "timed");
  const volume = h("input", { class: "volume wide-only timed", type: "range", min: "0", max: "1", step: "0.05", "aria-label": t("js.player.volume"), oninput: (event) => player.setVolume(Number(event.target.value)) });
  const loop = ctl("loop", t("js.player.loop"), () => { player.loop = !player.loop; loop.setAttribute("aria-pressed", String(player.loop)); }, "wide-only rare timed");
  loop.setAttribute("aria-pressed", "false");

  const now = h("span");
  const total = h("small", { class: "wide-only" });
  const field = h("input", { class: "input s mono", "aria-label": t("js.clock.goto"), autocomplete: "off", spellcheck: "false" });
  const jump = h("form", { class: "jump", onsubmit: (event) => {
    event.preventDefault();
    const ms = player.counter.parse(field.value);
    if (ms === null) { toast(t("js.clock.unreadable"), "bad"); return; }
    player.pause();
    player.seek(ms);
    clock.open = false;
  } }, h("label", { class: "label" }, t("js.clock.goto")), field,
  h("div", { class: "row end" },
    h("button", { class: "btn s", type: "button", onclick: async () => { if (await copy(player.counter.code(player.stampMs))) toast(t("js.copied"), "good"); } }, icon("copy", "s"), t("js.copy")),
    h("button", { class: "btn s primary", type: "submit" }, t("js.clock.go"))));
  const clock = h("details", { class: "menu timed", ontoggle: () => { if (clock.open) { player.pause(); field.value = player.counter.code(player.stampMs); field.select(); } } },
    h("summary", { class: "clock", title: t("js.clock.hint") }, now, total), h("div", { class: "menu-panel left up" }, jump));

  const speedLabel = h("span", null, "1×");
  const speeds = h("div", { class: "menu-panel up speeds", role: "menu" }, SPEEDS.map((s) => h("button", { class: "menu-item", type: "button", role: "menuitemradio", "data-rate": s, onclick: () => player.setRate(s) }, `${s}×`)));
  const speed = h("details", { class: "menu timed" }, h("summary", { class: "ctl", title: t("js.player.speed"), "aria-label": t("js.player.speed") }, speedLabel), speeds);

  const qualityLabel = h("span");
  const qualities = h("div", { class: "menu-panel up qualities", role: "menu" });
  const quality = h("details", { class: "menu timed" }, h("summary", { class: "ctl", title: t("js.quality.title"), "aria-label": t("js.quality.title") }, qualityLabel), qualities);

  const shots = ctl("cuts", t("js.cuts.toggle"), () => cuts.toggle(), "timed");
  root.replaceChildren(play, ctl("frame-back", t("js.player.prev"), () => player.step(-1), "timed pictured"), ctl("frame-next", t("js.player.next"), () => player.step(1), "timed pictured"), clock,
    h("span", { class: "grow" }), loop, mute, volume, speed, quality, shots, ctl("camera", t("js.shot.take"), shot, "wide-only rare pictured"), ctl("info", t("js.info.open"), info, "wide-only rare"), ctl("keyboard", t("js.keys.title"), help, "wide-only rare"), ctl("full", t("js.player.full"), full));

  let was = "";
  return function draw() {
    const code = player.counter.code(player.video ? player.stampMs : 0);
    if (now.textContent !== code) now.textContent = code;
    const long = `/ ${player.counter.code(player.durationMs)}`;
    if (total.textContent !== long) total.textContent = long;
    const rate = player.reverse ? -player.reverse : player.speed;
    const sources = player.media && !player.still ? Object.keys(sourcesOf(player.media)) : [];
    const kind = player.src?.kind;
    const key = `${player.playing}|${rate}|${player.muted}|${player.volume}|${sources}|${kind}|${cuts.some}|${cuts.open}|${player.still}|${player.soundOnly}|${player.media?.id}`;
    if (key === was) return;
    was = key;
    root.classList.toggle("still", player.still);
    root.classList.toggle("sound-only", player.soundOnly);
    shots.hidden = !cuts.some;
    shots.setAttribute("aria-pressed", String(cuts.open));
    // One file is no choice.
    quality.hidden = sources.length < 2;
    qualityLabel.textContent = kind ? t(`js.quality.${kind}`) : "";
    qualities.replaceChildren(...sources.map((name) => h("button", { class: "menu-item", type: "button", role: "menuitemradio", "aria-checked": String(name === kind), onclick: () => { player.choose(name); quality.firstChild.focus(); } },
      h("span", { class: "grow" }, t(`js.quality.${name}`), h("span", { class: "faint tiny" }, h("br"), t(`js.quality.${name}_hint`))))));
    play.replaceChildren(icon(player.playing ? "pause" : "play"));
    const label = t(player.playing ? "js.player.pause" : "js.player.play");
    play.title = label;
    play.setAttribute("aria-label", label);
    speedLabel.textContent = `${String(rate).replace("-", "−")}×`;
    for (const item of speeds.children) item.setAttribute("aria-checked", String(Number(item.dataset.rate) === rate));
    mute.replaceChildren(icon(player.muted || player.volume === 0 ? "mute" : "volume"));
    volume.value = player.muted ? 0 : player.volume;
  };
}
