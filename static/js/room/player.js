// The picture: one version's film in a <video>, stepped by exact frames, shuttled by J K L, swapped to its proxy when
// that is ready without losing the place.
import { $, bytes, duration, h, icon, t, toast } from "../dom.js";
import { Counter, frameAt, frameMiddle } from "../timecode.js";

const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];
const STORE = "vp.player";

/** Which file of a version to play, or null when there is none for a browser yet. */
export function sourceOf(media) {
  return media.urls.proxy || (media.playable ? media.urls.original : null);
}

export class Player {
  /** `screen`: the element that holds the picture. `listen(name)`: "time", "play", "rate", "volume", "loaded". */
  constructor(screen, listen) {
    this.screen = screen;
    this.listen = listen;
    this.video = null;
    this.media = null;
    this.counter = new Counter(null);
    this.reverse = 0;
    this.loop = false;
    this.range = null;
    let kept = {};
    try { kept = JSON.parse(localStorage.getItem(STORE)) || {}; } catch { kept = {}; }
    this.volume = typeof kept.volume === "number" ? kept.volume : 1;
    this.muted = Boolean(kept.muted);
    this.rate = 1;
    this.play_button = h("button", { class: "big-play", type: "button", "aria-label": t("js.player.play"), onclick: () => this.toggle() }, icon("play"));
    screen.addEventListener("click", (event) => { if (event.target.tagName === "VIDEO" || event.target.classList.contains("poster")) this.toggle(); });
    screen.addEventListener("dblclick", (event) => { if (event.target.tagName === "VIDEO") this.listen("full"); });
  }

  /** Shows `media`, at `ms` if given. */
  show(media, ms = 0) {
    this.drop();
    this.media = media;
    this.counter = new Counter(media.facts);
    this.unshown = false;
    const src = sourceOf(media);
    this.src = src;
    if (src) {
      this.video = this.build(src, media.urls.poster);
      this.screen.prepend(this.video);
      this.pendingMs = ms;
      // Where it was wanted last: a link to a comment may come after the film and before its length is known.
      this.video.addEventListener("loadedmetadata", () => { if (this.pendingMs) this.seek(this.pendingMs); }, { once: true });
    }
    this.dress();
  }

  /** New facts about the version that is shown: progress, ready, failed. Keeps place, speed and playing state. */
  update(media) {
    this.media = media;
    if (media.facts) this.counter = new Counter(media.facts);
    const src = sourceOf(media);
    if (src && src !== this.src) {
      if (!this.video || !this.video.videoWidth) this.show(media, this.ms);
      else this.swap(src);
    }
    this.dress();
    this.listen("loaded");
  }

  build(src, poster) {
    const video = h("video", { preload: "auto", playsinline: true, tabindex: "-1", poster: poster || null, "aria-label": this.media.name });
    video.src = src;
    video.volume = this.volume;
    video.muted = this.muted;
    const own = (run) => () => { if (this.video === video) run(); };
    for (const name of ["play", "pause", "ended", "waiting", "playing"]) video.addEventListener(name, own(() => { this.dress(); this.listen("play"); }));
    for (const name of ["timeupdate", "seeked", "seeking", "progress"]) video.addEventListener(name, own(() => this.listen("time")));
    video.addEventListener("durationchange", own(() => this.listen("loaded")));
    video.addEventListener("ratechange", own(() => this.listen("rate")));
    video.addEventListener("loadeddata", own(() => {
      // A container whose picture this browser cannot decode loads without an error and has no width.
      this.unshown = !video.videoWidth && Boolean(this.media.facts?.width ?? true);
      this.dress();
      this.listen("loaded");
    }));
    video.addEventListener("error", own(() => { this.unshown = true; this.dress(); }));
    if (video.requestVideoFrameCallback) {
      const tick = (_, frame) => {
        if (this.video !== video) return;
        this.shownMs = frame.mediaTime * 1000;
        this.listen("time");
        video.requestVideoFrameCallback(tick);
      };
      video.requestVideoFrameCallback(tick);
    }
    return video;
  }

  /** Loads `src` behind the picture, brings it to the same place, and only then changes over. */
  swap(src) {
    const old = this.video;
    const next = this.build(src, null);
    this.src = src;
    next.className = "next";
    old.after(next);
    const change = () => {
      if (this.video !== old) { next.remove(); return; }
      const playing = !old.paused;
      this.video = next;
      next.className = "";
      next.playbackRate = old.playbackRate;
      old.pause();
      old.removeAttribute("src");
      old.load();
      old.remove();
      if (playing) next.play().catch(() => {});
      this.dress();
      this.listen("loaded");
      toast(t("js.player.swapped"), "good");
    };
    next.addEventListener("loadeddata", () => {
      next.addEventListener("seeked", change, { once: true });
      next.currentTime = Math.max(0.001, old.currentTime + (old.paused ? 0 : 0.12));
    }, { once: true });
    next.addEventListener("error", () => next.remove());
  }

  /** There is nothing to show any more. */
  empty() {
    this.drop();
    this.media = null;
    for (const el of this.screen.querySelectorAll(".screen-note, .stage-flag, .poster, .big-play")) el.remove();
    this.listen("loaded");
  }

  drop() {
    this.stopReverse();
    if (this.video) {
      this.video.pause();
      this.video.removeAttribute("src");
      this.video.load();
      this.video.remove();
    }
    this.video = null;
    this.shownMs = undefined;
  }

  /** Everything on the picture that is not the picture: play button, poster, progress, failure. */
  dress() {
    for (const el of this.screen.querySelectorAll(".screen-note, .stage-flag, .poster, .big-play")) el.remove();
    const media = this.media;
    if (!media) return;
    const video = this.video;
    const working = ["received", "probing", "processing"].includes(media.state);
    const progress = media.progress || null;
    const percent = progress?.percent ?? null;
    const bar = () => { const p = h("progress", { max: "100", "aria-label": t("js.media.processing") }); if (percent !== null) p.value = percent; return p; };
    const detail = () => percent >= 99.5 ? t("js.media.finishing") : [percent === null ? t(`js.media.${media.state}`) : `${Math.floor(percent)}%`,
      progress?.speed ? `${Number(progress.speed).toFixed(1)}×` : null,
      progress?.fps ? `${Math.round(progress.fps)} fps` : null,
      progress?.eta_ms ? t("js.upload.eta", { time: duration(progress.eta_ms) }) : null].filter(Boolean).join(" · ");
    if (video && !this.unshown) {
      if (working) this.screen.append(h("div", { class: "stage-flag", title: t("js.media.original_hint") }, h("span", null, t("js.media.original")), bar(), h("span", { class: "num" }, detail())));
      if (media.state === "failed") this.screen.append(h("div", { class: "stage-flag" }, icon("alert", "s"), h("span", null, media.error?.message || t("js.media.failed"))));
      if (video.paused && !this.touched) this.screen.append(this.play_button);
      return;
    }
    if (media.urls?.poster) this.screen.append(h("img", { class: "poster", src: media.urls.poster, alt: "" }));
    if (media.state === "failed") {
      this.screen.append(h("div", { class: "screen-note bad", role: "alert" }, icon("alert"), h("h2", null, t("js.media.failed")),
        h("p", null, media.error?.message || t("js.media.failed_hint")),
        h("a", { class: "btn s", href: `${media.urls.original}?download=1` }, icon("download", "s"), t("js.media.download", { size: bytes(media.size_bytes) }))));
    } else if (working) {
      this.screen.append(h("div", { class: "screen-note" }, h("h2", null, t("js.media.processing")), bar(), h("p", { class: "num" }, detail()), h("p", null, t(this.unshown ? "js.media.unshown_wait" : "js.media.wait"))));
    } else if (this.unshown) {
      this.screen.append(h("div", { class: "screen-note bad", role: "alert" }, icon("alert"), h("h2", null, t("js.media.unshown")), h("p", null, t("js.media.unshown_hint")),
        h("button", { class: "btn s", type: "button", onclick: () => this.show(this.media, this.ms) }, t("js.retry"))));
    }
  }

  // Where we are ---------------------------------------------------------------------------------------------------

  get durationMs() {
    const own = this.video?.duration;
    return Number.isFinite(own) && own > 0 ? own * 1000 : this.media?.facts?.duration_ms || 0;
  }

  get ms() {
    if (!this.video) return this.pendingMs || 0;
    return this.video.currentTime * 1000;
  }

  /** The time of the frame on screen: what a comment is stamped with. */
  get stampMs() {
    const rate = this.counter.rate;
    if (!rate) return Math.round(this.ms);
    // The presented frame's own time, if the browser tells it and we have not moved since.
    const near = this.shownMs !== undefined && Math.abs(this.shownMs - this.ms) < (1500 * rate.den) / rate.num;
    const frame = near ? Math.round((this.shownMs * rate.num) / (1000 * rate.den)) : frameAt(this.ms, rate);
    return Math.min(Math.ceil((frame * 1000 * rate.den) / rate.num - 1e-9), Math.max(0, Math.floor(this.durationMs) || Infinity));
  }

  get playing() {
    return Boolean(this.video && !this.video.paused) || this.reverse > 0;
  }

  // Moving ---------------------------------------------------------------------------------------------------------

  /** Goes to `ms`; with a known rate to the middle of its frame, so that exactly that frame is shown. */
  seek(ms) {
    this.pendingMs = ms;
    if (!this.video) return;
    const most = this.durationMs;
    let to = Math.max(0, ms);
    const rate = this.counter.rate;
    if (rate) {
      const last = most ? Math.max(0, frameAt(most - 1, rate)) : Infinity;
      to = frameMiddle(Math.min(frameAt(to, rate), last), rate) * 1000;
    } else if (most) to = Math.min(to, most - 1);
    this.shownMs = undefined;
    this.touched = true;
    this.video.currentTime = to / 1000;
    this.dress();
    this.listen("time");
  }

  step(frames) {
    this.pause();
    const rate = this.counter.rate;
    if (!rate) { this.seek(this.ms + frames * 40); return; }
    const at = frameAt(this.stampMs, rate) + frames;
    this.seek(frameMiddle(Math.max(0, at), rate) * 1000);
  }

  play() {
    if (!this.video || this.unshown) return;
    this.stopReverse();
    this.touched = true;
    if (this.range && this.loop && (this.ms < this.range[0] || this.ms >= this.range[1])) this.seek(this.range[0]);
    else if (this.video.ended) this.video.currentTime = 0;
    this.video.playbackRate = this.rate;
    this.video.play().catch((error) => { if (error.name === "NotAllowedError") toast(t("js.player.blocked")); });
  }

  pause() {
    this.stopReverse();
    this.video?.pause();
  }

  toggle() {
    if (this.playing) this.pause();
    else { this.rate = Math.min(this.rate, 2); this.play(); }
  }

  /** J, K, L: faster backwards, stop, faster forwards. */
  shuttle(direction) {
    if (!this.video) return;
    if (direction === 0) { this.rate = 1; this.video.playbackRate = 1; this.pause(); return; }
    if (direction > 0) {
      if (this.reverse) { this.stopReverse(); this.rate = 1; } else if (!this.video.paused) this.rate = Math.min(8, this.rate < 1 ? 1 : this.rate * 2); else this.rate = 1;
      this.play();
    } else {
      this.video.pause();
      this.rate = 1;
      this.startReverse(this.reverse ? Math.min(8, this.reverse * 2) : 1);
    }
    this.listen("rate");
  }

  startReverse(speed) {
    clearInterval(this.reverser);
    this.reverse = speed;
    let at = this.ms;
    let last = performance.now();
    // Browsers cannot play backwards: seek, and seek again when the frame has arrived.
    this.reverser = setInterval(() => {
      const now = performance.now();
      at -= (now - last) * speed;
      last = now;
      if (at <= 0) { this.stopReverse(); this.seek(0); return; }
      if (!this.video.seeking) this.video.currentTime = at / 1000;
    }, 40);
    this.touched = true;
    this.dress();
    this.listen("play");
  }

  stopReverse() {
    if (!this.reverse) return;
    clearInterval(this.reverser);
    this.reverse = 0;
    this.listen("play");
    this.listen("rate");
  }

  /** Called on every tick: the loop over the chosen range. */
  keepInRange() {
    if (!this.loop || !this.video || this.video.paused) return;
    const [from, to] = this.range || [0, this.durationMs];
    if (this.ms >= to - 20) this.seek(from);
  }

  setRate(rate) {
    this.rate = rate;
    this.stopReverse();
    if (this.video) this.video.playbackRate = rate;
    this.listen("rate");
  }

  setVolume(volume, muted = volume === 0) {
    this.volume = Math.max(0, Math.min(1, volume));
    this.muted = muted;
    if (this.video) { this.video.volume = this.volume; this.video.muted = this.muted; }
    try { localStorage.setItem(STORE, JSON.stringify({ volume: this.volume, muted: this.muted })); } catch { /* not kept in private mode */ }
    this.listen("volume");
  }

  // The frame as a picture -----------------------------------------------------------------------------------------

  /** Saves the shown frame as `project-{slug}_TC{mmssfff}_{YYYY-MM-DD}T{HHmmss}.jpg`. */
  async screenshot(slug) {
    if (!this.video?.videoWidth) { toast(t("js.shot.none"), "bad"); return; }
    const canvas = h("canvas", { width: this.video.videoWidth, height: this.video.videoHeight });
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    // A film from another origin may be watched but not copied out of the page.
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.94)).catch(() => null);
    if (!blob) { toast(t("js.shot.none"), "bad"); return; }
    const name = shotName(slug, this.stampMs, new Date());
    const link = h("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    toast(t("js.shot.saved", { name }), "good");
  }
}

const two = (n) => String(n).padStart(2, "0");

/** The screenshot's file name; the time is local, as an editor's clock shows it. */
export function shotName(slug, ms, now) {
  const s = Math.floor(ms / 1000);
  const code = `${two(Math.floor(s / 60))}${two(s % 60)}${String(Math.floor(ms % 1000)).padStart(3, "0")}`;
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return `project-${slug}_TC${code}_${day}T${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}.jpg`;
}

/** The row of controls under the timeline. Returns `draw()`. */
export function controls(root, player, { shot, help, full }) {
  const ctl = (name, label, run, extra = "") => h("button", { class: `ctl ${extra}`, type: "button", title: label, "aria-label": label, onclick: run }, icon(name));
  const play = ctl("play", t("js.player.play"), () => player.toggle(), "play");
  const mute = ctl("volume", t("js.player.mute"), () => player.setVolume(player.volume || 1, !player.muted));
  const volume = h("input", { class: "volume wide-only", type: "range", min: "0", max: "1", step: "0.05", "aria-label": t("js.player.volume"), oninput: (event) => player.setVolume(Number(event.target.value)) });
  const loop = ctl("loop", t("js.player.loop"), () => { player.loop = !player.loop; loop.setAttribute("aria-pressed", String(player.loop)); }, "wide-only rare");
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
    h("button", { class: "btn s", type: "button", onclick: async () => { const { copy } = await import("../dom.js"); if (await copy(player.counter.code(player.stampMs))) toast(t("js.copied"), "good"); } }, icon("copy", "s"), t("js.copy")),
    h("button", { class: "btn s primary", type: "submit" }, t("js.clock.go"))));
  const clock = h("details", { class: "menu", ontoggle: () => { if (clock.open) { player.pause(); field.value = player.counter.code(player.stampMs); field.select(); } } },
    h("summary", { class: "clock", title: t("js.clock.hint") }, now, total), h("div", { class: "menu-panel left up" }, jump));

  const speedLabel = h("span", null, "1×");
  const speeds = h("div", { class: "menu-panel up speeds", role: "menu" }, SPEEDS.map((s) => h("button", { class: "menu-item", type: "button", role: "menuitemradio", "data-rate": s, onclick: () => player.setRate(s) }, `${s}×`)));
  const speed = h("details", { class: "menu" }, h("summary", { class: "ctl", title: t("js.player.speed"), "aria-label": t("js.player.speed") }, speedLabel), speeds);

  root.replaceChildren(play, ctl("frame-back", t("js.player.prev"), () => player.step(-1)), ctl("frame-next", t("js.player.next"), () => player.step(1)), clock,
    h("span", { class: "grow" }), loop, mute, volume, speed, ctl("camera", t("js.shot.take"), shot, "wide-only rare"), ctl("keyboard", t("js.keys.title"), help, "wide-only rare"), ctl("full", t("js.player.full"), full));

  let was = "";
  return function draw() {
    const code = player.counter.code(player.video ? player.stampMs : 0);
    if (now.textContent !== code) now.textContent = code;
    const long = `/ ${player.counter.code(player.durationMs)}`;
    if (total.textContent !== long) total.textContent = long;
    const rate = player.reverse ? -player.reverse : player.video?.playbackRate ?? player.rate;
    const key = `${player.playing}|${rate}|${player.muted}|${player.volume}`;
    if (key === was) return;
    was = key;
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

/** A short word in the middle of the picture: "▶ 2×", "−5 s". */
export function flash(screen, text) {
  $(".stage-flash", screen)?.remove();
  const el = h("div", { class: "stage-flash" }, text);
  screen.append(el);
  setTimeout(() => el.remove(), 700);
}
