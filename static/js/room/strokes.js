// Lines drawn on the picture while people watch together: an overlay that lies exactly on the picture, whatever bars the
// screen has around it. Places are parts of the picture, so that a line stands where it was meant on every screen.
import { $ } from "../dom.js";

const SVG = "http://www.w3.org/2000/svg";
/** Points go out in portions: at most so often, and so many. */
const FLUSH_MS = 70;
const PORTION = 200;
/** A point closer to the last one than this part of the picture says nothing new. */
const STEP = 0.0025;
const WIDTH = 0.005;
const round = (n) => Math.round(n * 10_000) / 10_000;

export class Strokes {
  /** `said(stroke)`: a portion of one's own line is to be told. */
  constructor(screen, player, said) {
    this.screen = screen;
    this.player = player;
    this.said = said;
    this.lines = new Map();
    this.pen = false;
    this.color = "#ff4d57";
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("class", "strokes");
    this.svg.setAttribute("aria-hidden", "true");
    screen.append(this.svg);
    for (const [name, run] of [["pointerdown", "begin"], ["pointermove", "move"], ["pointerup", "finish"], ["pointercancel", "finish"]]) this.svg.addEventListener(name, (event) => this[run](event));
    new ResizeObserver(() => this.place()).observe(screen);
  }

  get empty() {
    return this.lines.size === 0;
  }

  /** Lays the overlay on the picture: where `object-fit: contain` has put it. */
  place() {
    const picture = $("video:not(.next), img.still", this.screen);
    const [w, h] = [picture?.videoWidth || picture?.naturalWidth || 0, picture?.videoHeight || picture?.naturalHeight || 0];
    const [width, height] = [this.screen.clientWidth, this.screen.clientHeight];
    this.svg.toggleAttribute("hidden", !w || !width);
    if (!w || !width) return;
    const scale = Math.min(width / w, height / h);
    const style = this.svg.style;
    style.width = `${w * scale}px`;
    style.height = `${h * scale}px`;
    style.left = `${(width - w * scale) / 2}px`;
    style.top = `${(height - h * scale) / 2}px`;
    const tall = Math.round((1000 * h) / w);
    if (this.tall === tall) return;
    this.tall = tall;
    this.svg.setAttribute("viewBox", `0 0 1000 ${tall}`);
    for (const line of this.lines.values()) this.draw(line);
  }

  /** Takes the pen up or puts it away. */
  setPen(on) {
    this.pen = on;
    this.finish();
    this.place();
    this.svg.classList.toggle("drawing", on);
  }

  /** A portion of a line, one's own or another's; a known id goes on. */
  add({ id, color, width, points }) {
    let line = this.lines.get(id);
    if (!line) {
      line = { points: [], path: document.createElementNS(SVG, "path") };
      line.path.setAttribute("stroke", color);
      line.path.setAttribute("stroke-width", String(width * 1000));
      this.lines.set(id, line);
      this.svg.append(line.path);
      this.place();
    }
    line.points.push(...points);
    this.draw(line);
  }

  /** Shows these lines and no others. */
  set(strokes) {
    this.clear();
    for (const stroke of strokes || []) this.add(stroke);
  }

  clear() {
    this.current = null;
    this.lines.clear();
    this.svg.replaceChildren();
  }

  /** The line as a curve through the middles between its points: a mouse draws corners, a hand does not. */
  draw({ points, path }) {
    const at = points.map(([x, y]) => [x * 1000, y * (this.tall || 562)]);
    const say = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
    let d = `M${say(at[0])}`;
    if (at.length === 1) d += "l0.1 0";
    for (let i = 1; i < at.length - 1; i += 1) d += `Q${say(at[i])} ${say([(at[i][0] + at[i + 1][0]) / 2, (at[i][1] + at[i + 1][1]) / 2])}`;
    if (at.length > 1) d += `L${say(at.at(-1))}`;
    path.setAttribute("d", d);
  }

  // One's own hand ---------------------------------------------------------------------------------------------------

  spot(event) {
    const box = this.svg.getBoundingClientRect();
    const part = (n) => round(Math.max(0, Math.min(1, n)));
    return [part((event.clientX - box.left) / box.width), part((event.clientY - box.top) / box.height)];
  }

  begin(event) {
    if (!this.pen || event.button !== 0) return;
    event.preventDefault();
    this.svg.setPointerCapture(event.pointerId);
    this.current = { id: crypto.getRandomValues(new Uint32Array(1))[0].toString(36), color: this.color, width: WIDTH };
    this.waiting = [];
    this.point(this.spot(event));
  }

  move(event) {
    if (!this.current) return;
    const events = event.getCoalescedEvents?.() || [];
    for (const one of events.length ? events : [event]) {
      const [x, y] = this.spot(one);
      if (Math.hypot(x - this.last[0], y - this.last[1]) >= STEP) this.point([x, y]);
    }
  }

  point(at) {
    this.last = at;
    this.waiting.push(at);
    this.add({ ...this.current, points: [at] });
    this.flusher ||= setTimeout(() => this.flush(), FLUSH_MS);
  }

  flush() {
    clearTimeout(this.flusher);
    this.flusher = null;
    const { current } = this;
    if (!current || !this.waiting.length) return;
    this.said({ ...current, points: this.waiting.splice(0, PORTION) });
    if (this.waiting.length) this.flusher = setTimeout(() => this.flush(), FLUSH_MS);
  }

  finish() {
    if (!this.current) return;
    this.flush();
    while (this.waiting.length) this.flush();
    this.current = null;
  }
}
