// The film as its cuts: a strip with a picture of each scene, where it begins and how long it is. Shows where the
// playhead is, and goes where it is asked to.
import { $, h, icon, t } from "../dom.js";
import { lastAt } from "./beside.js";

const STORE = "vp.cuts";

/** A length as editors say it: seconds and one digit, minutes above that. */
function length(ms) {
  if (ms >= 60_000) return t("js.cuts.minutes", { m: Math.floor(ms / 60_000), s: Math.round((ms % 60_000) / 1000) });
  return t("js.cuts.seconds", { n: (ms / 1000).toFixed(1) });
}

export class Cuts {
  constructor(root, player, beside) {
    this.root = root;
    this.player = player;
    this.beside = beside;
    this.at = -1;
    this.touched = 0;
    let kept = null;
    try { kept = localStorage.getItem(STORE); } catch { /* not kept in private mode */ }
    // A small screen is for the conversation; there the strip opens when it is asked for.
    this.open = kept ? kept === "on" : matchMedia("(min-width: 821px) and (min-height: 720px)").matches;
    this.head = h("div", { class: "cuts-head" });
    this.strip = h("ol", { class: "cuts-strip", "aria-label": t("js.cuts.title") });
    root.append(this.head, this.strip);
    for (const name of ["wheel", "pointerdown", "keydown"]) this.strip.addEventListener(name, () => { this.touched = Date.now(); }, { passive: true });
    this.strip.addEventListener("keydown", (event) => this.key(event));
    this.strip.addEventListener("click", (event) => {
      const shot = event.target.closest(".cut-shot");
      if (shot) this.go(Number(shot.dataset.index));
    });
  }

  get some() {
    return this.beside.scenes.length > 1;
  }

  go(index) {
    const scene = this.beside.scenes[index];
    if (scene) this.player.seek(scene.start_ms);
  }

  toggle(open = !this.open) {
    this.open = open;
    try { localStorage.setItem(STORE, open ? "on" : "off"); } catch { /* not kept in private mode */ }
    this.draw();
    this.player.listen("rate");
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    const shots = [...this.strip.querySelectorAll(".cut-shot")];
    const at = shots.indexOf(document.activeElement);
    if (!step || at < 0) return;
    // Here arrows go from scene to scene, not through the film.
    event.preventDefault();
    event.stopPropagation();
    this.reach(shots, Math.max(0, Math.min(shots.length - 1, at + step)));
  }

  /** One stop for the Tab key, however many scenes there are. */
  reach(shots, at) {
    for (const [i, shot] of shots.entries()) shot.tabIndex = i === at ? 0 : -1;
    shots[at].focus({ preventScroll: true });
    shots[at].scrollIntoView({ inline: "nearest", block: "nearest" });
  }

  /** Draws the scenes anew: another version is shown, or they have just been found. */
  draw() {
    this.root.hidden = !this.some || !this.open;
    const { scenes } = this.beside;
    if (this.drawn === scenes) { this.tick(); return; }
    this.drawn = scenes;
    this.at = -1;
    const { counter } = this.player;
    this.head.replaceChildren(h("b", null, t("js.cuts.title")), h("span", { class: "faint num" }, t("js.cuts.count", { n: scenes.length })),
      h("span", { class: "grow" }), h("button", { class: "ctl", type: "button", title: t("js.cuts.hide"), "aria-label": t("js.cuts.hide"), onclick: () => this.toggle(false) }, icon("down", "s")));
    this.strip.replaceChildren(...scenes.map((scene, i) => {
      const [head, tail] = counter.short(scene.start_ms);
      const long = length(scene.end_ms - scene.start_ms);
      return h("li", null, h("button", { class: "cut-shot", type: "button", tabindex: i ? "-1" : "0", "data-index": i, "aria-label": t("js.cuts.one", { n: scene.index, time: counter.code(scene.start_ms), length: long }) },
        h("span", { class: "cut-picture" }, h("img", { src: scene.url, alt: "", loading: "lazy", decoding: "async", draggable: "false", onerror: (event) => { event.target.hidden = true; } }), h("span", { class: "cut-n" }, String(scene.index))),
        h("span", { class: "cut-time" }, h("b", null, head, tail && h("small", null, tail)), h("span", null, long))));
    }));
    this.strip.scrollLeft = 0;
    this.tick();
  }

  /** Marks the scene that is on screen. */
  tick() {
    if (this.root.hidden) return;
    const at = lastAt(this.beside.scenes, this.player.stampMs, "start_ms");
    if (at === this.at) return;
    $(".cut-shot[aria-current]", this.strip)?.removeAttribute("aria-current");
    this.at = at;
    const shot = this.strip.children[at]?.firstChild;
    if (!shot) return;
    shot.setAttribute("aria-current", "true");
    if (Date.now() - this.touched < 4000 || this.strip.contains(document.activeElement)) return;
    const item = shot.parentElement;
    const [from, to] = [item.offsetLeft - this.strip.offsetLeft, item.offsetLeft - this.strip.offsetLeft + item.offsetWidth];
    const { scrollLeft, clientWidth } = this.strip;
    if (from < scrollLeft || to > scrollLeft + clientWidth) this.strip.scrollTo({ left: from - clientWidth / 3, behavior: "smooth" });
  }
}
