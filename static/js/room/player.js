// The picture: one version's film in a <video>, stepped by exact frames, shuttled by J K L, swapped to its proxy when
// that is ready without losing the place.
import { h, icon, t, toast } from "../dom.js";
import { Counter, frameAt, frameMiddle } from "../timecode.js";
import { dressStage } from "./stage.js";

const STORE = "vp.player";

/** Can this browser play a ladder by itself? */
const ladders = Boolean(document.createElement("video").canPlayType("application/vnd.apple.mpegurl"));

/** The files of a version that this browser can play: kind → URL. */
export function sourcesOf(media) {
  return Object.fromEntries([["proxy", media.urls.proxy], ["original", media.playable && media.urls.original], ["hls", ladders && media.urls.hls]].filter(([, url]) => url));
}

/** What is shown of a version: {kind, url}, or null when there is nothing for a browser yet. The proxy is exact to the frame. */
export function sourceOf(media, choice) {
  if (media.facts?.still) {
    const url = media.urls.image || media.urls.poster;
    return url ? { kind: "still", url } : null;
  }
  const sources = sourcesOf(media);
  const kind = [choice, "proxy", "original"].find((k) => k && sources[k]);
  return kind ? { kind, url: sources[kind] } : null;
}

export class Player {
  /**
   * `screen`: the element that holds the picture. `listen(name)`: "time", "play", "rate", "volume", "loaded", "full",
   * "remake", and "hand" before a person moves the film.
   */
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
    this.nudged = false;
    this.choice = null;
    this.play_button = h("button", { class: "big-play", type: "button", "aria-label": t("js.player.play"), onclick: () => this.toggle() }, icon("play"));
    screen.addEventListener("click", (event) => { if (event.target.matches("video, .poster")) this.toggle(); });
    screen.addEventListener("dblclick", (event) => { if (event.target.matches("video, .still")) this.listen("full"); });
  }

  /** Shows `media`, at `ms` if given. */
  show(media, ms = 0) {
    this.drop();
    if (this.media?.id !== media.id) this.choice = null;
    this.media = media;
    this.counter = new Counter(media.facts);
    this.unshown = false;
    const src = sourceOf(media, this.choice);
    this.src = src;
    if (src?.kind === "still") {
      this.image = h("img", { class: "still", src: src.url, alt: media.name, onload: () => this.listen("loaded") });
      this.screen.prepend(this.image);
    } else if (src) {
      this.video = this.build(src.url, media.urls.poster);
      this.screen.prepend(this.video);
      this.pendingMs = ms;
      // Where it was wanted last: a link to a comment may come after the film and before its length is known.
      this.video.addEventListener("loadedmetadata", () => { if (this.pendingMs) this.place(this.pendingMs); }, { once: true });
    }
    this.dress();
  }

  /** New facts about the version that is shown: progress, ready, failed. Keeps place, speed and playing state. */
  update(media) {
    this.media = media;
    if (media.facts) this.counter = new Counter(media.facts);
    const src = sourceOf(media, this.choice);
    // By kind: a signature in the address may have changed since.
    if (src && src.kind !== this.src?.kind) this.change(src);
    this.dress();
    this.listen("loaded");
  }

  /** Plays another file of the same version, by its kind; null is the one that is best for review. */
  choose(kind) {
    this.choice = kind;
    const src = sourceOf(this.media, kind);
    if (src && src.kind !== this.src?.kind) this.change(src, true);
    this.listen("rate");
  }

  change(src, asked = false) {
    if (this.video && !this.unshown && this.video.readyState > 0) { this.swap(src, asked); return; }
    const playing = this.video && !this.video.paused;
    this.show(this.media, this.ms);
    if (playing) this.play();
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
      this.unshown = !video.videoWidth && !this.soundOnly;
      this.dress();
      this.listen("loaded");
    }));
    video.addEventListener("error", own(() => {
      if (this.choice) { this.refuse(); return; }
      this.unshown = true;
      this.dress();
    }));
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

  /** A file that was asked for does not play here: back to the one that does. */
  refuse() {
    toast(t("js.quality.refused"), "bad");
    this.choice = null;
    this.src = sourceOf(this.media);
    const playing = this.playing;
    this.show(this.media, this.ms);
    if (playing) this.play();
    this.listen("rate");
  }

  /** Loads `src` behind the picture, brings it to the same place, and only then changes over. */
  swap(src, asked) {
    const old = this.video;
    this.coming?.remove();
    const next = this.build(src.url, null);
    this.coming = next;
    this.src = src;
    next.className = "next";
    old.after(next);
    // While the film runs, the other one waits for it a little ahead; further ahead where it came too late.
    let lead = 0;
    const aim = () => { next.currentTime = Math.max(0.001, old.currentTime + (old.paused ? 0 : lead * old.playbackRate)); };
    const change = () => {
      if (this.video !== old || this.coming !== next) { next.remove(); return; }
      const ahead = next.currentTime - old.currentTime;
      if (old.paused && Math.abs(ahead) > 0.002) { aim(); return; }
      if (!old.paused && ahead < -0.04 && lead < 1.5) { lead += 0.3; aim(); return; }
      if (!old.paused && ahead > 0.01) { setTimeout(change, (ahead / old.playbackRate) * 1000); return; }
      const playing = !old.paused;
      next.removeEventListener("seeked", change);
      this.video = next;
      this.coming = null;
      this.shownMs = undefined;
      next.className = "";
      next.playbackRate = old.playbackRate;
      old.pause();
      old.removeAttribute("src");
      old.load();
      old.remove();
      if (playing) next.play().catch(() => {});
      this.dress();
      this.listen("loaded");
      if (!asked) toast(t("js.player.swapped"), "good");
    };
    next.addEventListener("loadeddata", () => {
      next.addEventListener("seeked", change);
      lead = 0.3;
      aim();
    }, { once: true });
    next.addEventListener("error", () => {
      if (this.coming !== next) return;
      this.coming = null;
      next.remove();
      if (asked) { this.refuse(); return; }
      // What plays goes on; the next news of this version tries again.
      this.src = sourceOf({ ...this.media, urls: { ...this.media.urls, proxy: null } }) || src;
    });
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
    this.coming?.remove();
    this.coming = null;
    this.image?.remove();
    this.image = null;
    this.video = null;
    this.shownMs = undefined;
  }

  /** Everything on the picture that is not the picture. */
  dress() {
    dressStage(this);
  }

  // Where we are ---------------------------------------------------------------------------------------------------

  /** A picture without a time. */
  get still() {
    return Boolean(this.media?.facts?.still);
  }

  /** A sound without a picture. */
  get soundOnly() {
    return Boolean(this.media?.facts && !this.media.facts.still && !this.media.facts.width);
  }

  get durationMs() {
    if (this.still) return 0;
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

  /** The speed that is meant: who follows somebody is a little faster or slower for moments. */
  get speed() {
    return this.nudged ? this.rate : this.video?.playbackRate ?? this.rate;
  }

  get playing() {
    return Boolean(this.video && !this.video.paused) || this.reverse > 0;
  }

  // Moving ---------------------------------------------------------------------------------------------------------

  /** Goes to `ms`, as a person wishes. */
  seek(ms) {
    this.listen("hand");
    this.place(ms);
  }

  /** Goes to `ms`; with a known rate to the middle of its frame, so that exactly that frame is shown. */
  place(ms) {
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
    this.listen("hand");
    this.stopReverse();
    this.touched = true;
    if (this.range && this.loop && (this.ms < this.range[0] || this.ms >= this.range[1])) this.seek(this.range[0]);
    else if (this.video.ended) this.video.currentTime = 0;
    this.video.playbackRate = this.rate;
    this.video.play().catch((error) => { if (error.name === "NotAllowedError") toast(t("js.player.blocked")); });
  }

  pause() {
    this.listen("hand");
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
    this.listen("hand");
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
    this.listen("hand");
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
    const picture = this.image || this.video;
    const [width, height] = [picture?.videoWidth || picture?.naturalWidth, picture?.videoHeight || picture?.naturalHeight];
    if (!width) { toast(t("js.shot.none"), "bad"); return; }
    const canvas = h("canvas", { width, height });
    canvas.getContext("2d").drawImage(picture, 0, 0);
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
