// Time codes with exact fractions. A rate is {num, den}: 24000/1001, 30000/1001, 25/1. Frames are whole numbers; all
// products stay far below 2^53 (30 fps × 24 h × 1001 000 ≈ 3e12), so plain numbers are exact here.

/** The frame shown at `ms`. */
export function frameAt(ms, rate) {
  return Math.max(0, Math.floor((ms * rate.num) / (1000 * rate.den) + 1e-9));
}

/** First whole millisecond at which `frame` is shown. */
export function frameStart(frame, rate) {
  return Math.ceil((frame * 1000 * rate.den) / rate.num - 1e-9);
}

/** Seconds in the middle of `frame`: the only safe place to seek to, rounding errors on either side miss nothing. */
export function frameMiddle(frame, rate) {
  return ((frame + 0.5) * rate.den) / rate.num;
}

/** Frames per counted second: 30 for 30000/1001. */
export const nominal = (rate) => Math.round(rate.num / rate.den);

/** Frame numbers dropped per minute in drop-frame counting (2 at 29.97, 4 at 59.94); 0 where it is not defined. */
function dropped(rate) {
  return rate.den === 1001 && nominal(rate) % 30 === 0 ? nominal(rate) / 15 : 0;
}

const two = (n) => String(n).padStart(2, "0");

/** HH:MM:SS:FF of a frame count; with `drop`, HH:MM:SS;FF with the numbers skipped that drop-frame skips. */
export function codeOf(frame, rate, drop = false) {
  const fps = nominal(rate);
  let n = frame;
  const skip = drop ? dropped(rate) : 0;
  if (skip) {
    const perMinute = fps * 60 - skip;
    const perTen = fps * 600 - skip * 9;
    const tens = Math.floor(n / perTen);
    const rest = n % perTen;
    n += skip * 9 * tens;
    if (rest >= fps * 60) n += skip * (Math.floor((rest - fps * 60) / perMinute) + 1);
  }
  const ff = n % fps;
  const seconds = Math.floor(n / fps);
  const hh = Math.floor(seconds / 3600) % 24;
  return `${two(hh)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${skip ? ";" : ":"}${two(ff)}`;
}

/** The frame count of HH:MM:SS:FF (or ;FF); null when it is not one. */
export function frameOfCode(code, rate) {
  const m = /^(\d{1,2})[:;.](\d{2})[:;.](\d{2})([:;.])(\d{2,3})$/.exec(code.trim());
  if (!m) return null;
  const fps = nominal(rate);
  const [hh, mm, ss, ff] = [Number(m[1]), Number(m[2]), Number(m[3]), Number(m[5])];
  if (mm > 59 || ss > 59 || ff >= fps) return null;
  const minutes = hh * 60 + mm;
  const skip = m[4] === ";" ? dropped(rate) : 0;
  return (minutes * 60 + ss) * fps + ff - skip * (minutes - Math.floor(minutes / 10));
}

/** m:ss or h:mm:ss, for people. */
export function clock(ms) {
  const s = Math.floor(Math.max(0, ms) / 1000);
  const hours = Math.floor(s / 3600);
  const tail = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return hours ? `${hours}:${tail}` : tail;
}

/** How one version's time is counted and shown. */
export class Counter {
  constructor(facts) {
    this.rate = facts?.frame_rate?.num > 0 && facts.frame_rate.den > 0 ? facts.frame_rate : null;
    this.start = facts?.start_timecode || null;
    this.drop = Boolean(this.rate && this.start?.includes(";"));
    this.first = this.rate && this.start ? frameOfCode(this.start, this.rate) ?? 0 : 0;
    this.long = (facts?.duration_ms || 0) >= 3_600_000;
  }

  /** Full time code, in the film's own counting. */
  code(ms) {
    if (!this.rate) return `${clock(ms)}.${String(Math.floor(ms % 1000)).padStart(3, "0")}`;
    return codeOf(this.first + frameAt(ms, this.rate), this.rate, this.drop);
  }

  /** Frame number, null when the rate is unknown. */
  frame(ms) {
    return this.rate ? frameAt(ms, this.rate) : null;
  }

  /** [mm:ss, :ff] for a chip: the second part is set smaller. */
  short(ms) {
    if (!this.rate) return [clock(ms), ""];
    const frame = frameAt(ms, this.rate);
    const code = codeOf(this.first && this.start ? this.first + frame : frame, this.rate, this.drop);
    const head = this.first && this.start ? code.slice(0, 8) : clock(frameStart(frame, this.rate));
    return [head, code.slice(8)];
  }

  /** The time that a person typed: time code, h:mm:ss(.mmm), m:ss, seconds, or a frame as `120f`. Null if none. */
  parse(text) {
    const clean = text.trim();
    const frames = /^(\d+)\s*(f|프레임)$/i.exec(clean);
    if (frames && this.rate) return frameStart(Number(frames[1]), this.rate);
    if (this.rate) {
      const frame = frameOfCode(clean, this.rate);
      if (frame !== null) return frameStart(Math.max(0, frame >= this.first ? frame - this.first : frame), this.rate);
    }
    const m = /^(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,5})(?:\.(\d{1,3}))?$/.exec(clean);
    if (!m) return null;
    if (this.rate && m[4] === undefined) {
      // Whole seconds are meant as the display counts them: 00:12 is frame 00:00:12:00, also at 23.976.
      const all = (Number(m[1] || 0) * 60 + Number(m[2] || 0)) * 60 + Number(m[3]);
      const code = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60].map(two).join(":");
      const frame = frameOfCode(`${code}${this.drop ? ";" : ":"}00`, this.rate);
      if (frame !== null) return frameStart(frame, this.rate);
    }
    return ((Number(m[1] || 0) * 60 + Number(m[2] || 0)) * 60 + Number(m[3])) * 1000 + Number((m[4] || "0").padEnd(3, "0"));
  }
}
