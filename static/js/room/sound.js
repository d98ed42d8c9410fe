// A sound without a picture: its waveform is the picture, and a click in it goes there.
import { h } from "../dom.js";
import { drawPeaks } from "./beside.js";

export class SoundPicture {
  constructor(screen, player, beside) {
    this.player = player;
    this.beside = beside;
    this.far = h("canvas", { class: "wave" });
    this.near = h("canvas", { class: "wave now" });
    this.head = h("i");
    // What the keyboard does here, the timeline's slider does.
    this.el = h("div", { class: "sound", hidden: true, "aria-hidden": "true", onclick: (event) => this.go(event) }, this.far, this.near, this.head);
    screen.append(this.el);
    new ResizeObserver(() => this.draw()).observe(this.el);
  }

  go(event) {
    event.stopPropagation();
    const box = this.el.getBoundingClientRect();
    this.player.seek(((event.clientX - box.left) / box.width) * this.player.durationMs);
  }

  draw() {
    const { peaks } = this.beside;
    this.el.hidden = !this.player.soundOnly || !this.player.video || !peaks;
    if (this.el.hidden) return;
    for (const canvas of [this.far, this.near]) drawPeaks(canvas, peaks, this.player.durationMs, { step: 4, gap: 1.5, middle: true });
    this.tick();
  }

  tick() {
    if (this.el.hidden) return;
    const part = this.player.durationMs ? (this.player.ms / this.player.durationMs) * 100 : 0;
    this.near.style.clipPath = `inset(0 ${100 - part}% 0 0)`;
    this.head.style.left = `${part}%`;
  }
}
