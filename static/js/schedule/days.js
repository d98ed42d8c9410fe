// Civil dates without time zones: inside a day is a number (days since 1970-01-01), on the wire "YYYY-MM-DD".
import { lang } from "../dom.js";

const MS = 86_400_000;

/** "2026-11-28" → 20785. */
export const num = (day) => {
  const [y, m, d] = day.split("-").map(Number);
  return Math.round(Date.UTC(y, m - 1, d) / MS);
};
/** 20785 → "2026-11-28". */
export const str = (n) => new Date(n * MS).toISOString().slice(0, 10);

/** Today where the reader is. */
export function today() {
  return ofLocal(new Date());
}
/** The day of a moment where the reader is. */
export function ofLocal(at) {
  return Math.round(Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) / MS);
}
/** The moment at which a day begins where the reader is, `minutes` later. */
export function moment(n, minutes = 0) {
  const { y, m, d } = parts(n);
  return new Date(y, m - 1, d, 0, minutes);
}

/** 0 is Sunday. 1970-01-01 was a Thursday. */
export const weekday = (n) => (((n + 4) % 7) + 7) % 7;
export const weekStart = (n) => n - weekday(n);
export function parts(n) {
  const at = new Date(n * MS);
  return { y: at.getUTCFullYear(), m: at.getUTCMonth() + 1, d: at.getUTCDate() };
}
export const monthStart = (n) => n - parts(n).d + 1;
/** The same day `k` months on; the 31st becomes the last day of a shorter month. */
export function addMonths(n, k) {
  const { y, m, d } = parts(n);
  const first = Math.round(Date.UTC(y, m - 1 + k, 1) / MS);
  const last = Math.round(Date.UTC(y, m + k, 0) / MS);
  return Math.min(first + d - 1, last);
}

const written = new Map();
/** A day in the reader's words; `options` as for Intl.DateTimeFormat. */
export function say(n, options = { month: "long", day: "numeric", weekday: "short" }) {
  const key = JSON.stringify(options);
  if (!written.has(key)) written.set(key, new Intl.DateTimeFormat(lang, { ...options, timeZone: "UTC" }));
  return written.get(key).format(new Date(n * MS));
}
/** "11월 28일 ~ 12월 2일"; one day is said once, another year is named. */
export function saySpan(from, to) {
  const year = parts(from).y !== parts(to).y || parts(from).y !== parts(today()).y;
  const options = { month: "short", day: "numeric", weekday: "short", ...(year && { year: "numeric" }) };
  return from === to ? say(from, options) : `${say(from, options)} – ${say(to, options)}`;
}
const clock = new Intl.DateTimeFormat(lang, { hour: "numeric", minute: "2-digit" });
export const sayTime = (at) => clock.format(at);
