// What was made beside a film: the sheet of small pictures with its map, the peaks of its sound, the list of its scenes.
// Each is fetched once it is there; what is missing or unreadable is simply not shown.

const clockMs = (text) => {
  const m = /^(?:(\d+):)?(\d{2}):(\d{2})\.(\d{3})$/.exec(text);
  return m ? ((Number(m[1] || 0) * 60 + Number(m[2])) * 60 + Number(m[3])) * 1000 + Number(m[4]) : null;
};

/** The cues of a map in WebVTT, in their order: {start, end, x, y, w, h} in milliseconds and pixels. */
export function parseCues(text) {
  const cues = [];
  for (const block of text.split(/\r?\n\s*\r?\n/)) {
    const lines = block.trim().split(/\r?\n/);
    const at = lines.findIndex((line) => line.includes("-->"));
    if (at < 0) continue;
    const [start, end] = lines[at].split("-->").map((part) => clockMs(part.trim().split(/\s/)[0]));
    const box = /#xywh=(\d+),(\d+),(\d+),(\d+)$/.exec((lines[at + 1] || "").trim());
    if (start === null || end === null || !box) continue;
    const [x, y, w, h] = box.slice(1).map(Number);
    if (w && h) cues.push({ start, end, x, y, w, h });
  }
  return cues;
}

/** The last of `list` (in order of `key`) that begins at `ms` or before; −1 if none does. */
export function lastAt(list, ms, key = "start") {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (list[mid][key] <= ms) low = mid + 1;
    else high = mid;
  }
  return low - 1;
}

async function take(url, kind) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer[kind]();
}

export class Beside {
  /** `changed()` is called when something more is known. */
  constructor(changed) {
    this.changed = changed;
    this.clear(null);
  }

  clear(id) {
    this.id = id;
    this.asked = new Set();
    this.sheet = null;
    this.peaks = null;
    this.scenes = [];
  }

  /** The version that is shown, with what has been made of it by now. */
  show(media) {
    if (media.id !== this.id) { this.clear(media.id); this.changed(); }
    const { urls } = media;
    this.fetch("sheet", urls.sprite && urls.sprite_vtt, async () => {
      const cues = parseCues(await take(urls.sprite_vtt, "text"));
      const width = Math.max(...cues.map((c) => c.x + c.w));
      const height = Math.max(...cues.map((c) => c.y + c.h));
      return cues.length ? { cues, width, height, url: urls.sprite } : null;
    });
    this.fetch("peaks", urls.waveform, async () => {
      const { peaks, interval_ms: each } = await take(urls.waveform, "json");
      return peaks?.length && each > 0 ? { peaks, each } : null;
    });
    this.fetch("scenes", urls.scenes, async () => {
      // Beside the list, with the list's signature.
      const list = new URL(urls.scenes, location.href);
      const { scenes } = await take(urls.scenes, "json");
      return scenes.map((s) => { const url = new URL(s.picture, list); url.search = list.search; return { ...s, url: url.href }; });
    });
  }

  async fetch(name, url, get) {
    if (!url || this.asked.has(name)) return;
    this.asked.add(name);
    const { id } = this;
    const got = await get().catch(() => null);
    if (this.id !== id) return;
    // The line broke: the next news of this version asks again.
    if (got === null) { this.asked.delete(name); return; }
    this[name] = got;
    this.changed();
  }

  /** The small picture at `ms`: {cue, sheet}, or null. */
  pictureAt(ms) {
    if (!this.sheet) return null;
    const { cues } = this.sheet;
    return { cue: cues[Math.max(0, lastAt(cues, ms))], sheet: this.sheet };
  }

  /** Where the scene before (−1) or after (1) the frame at `ms` begins, in milliseconds; null if there is none. */
  cut(ms, direction, slack = 1) {
    if (direction > 0) return this.scenes.find((s) => s.start_ms > ms + 1)?.start_ms ?? null;
    return this.scenes.findLast((s) => s.start_ms < ms - slack)?.start_ms ?? null;
  }
}

/** Draws peaks on `canvas` in its own CSS colour, at the size it has: one bar of `step` pixels, the loudest of its stretch. */
export function drawPeaks(canvas, { peaks, each }, totalMs, { step = 2, gap = 0, middle = false } = {}) {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width || !height || !totalMs) return;
  const ratio = Math.min(3, devicePixelRatio || 1);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.fillStyle = getComputedStyle(canvas).color;
  const path = new Path2D();
  const perPixel = totalMs / each / width;
  for (let x = 0; x < width; x += step) {
    const to = Math.min(peaks.length, Math.max(Math.floor(x * perPixel) + 1, Math.floor((x + step) * perPixel)));
    let loud = 0;
    for (let i = Math.floor(x * perPixel); i < to; i += 1) if (peaks[i] > loud) loud = peaks[i];
    // A root, as ears have it: speech is not a flat line beside a shout.
    const tall = Math.max(middle ? 1 : 0.5, Math.sqrt(loud / 100) * height);
    path.rect(x, middle ? (height - tall) / 2 : height - tall, step - gap, tall);
  }
  context.fill(path);
}
