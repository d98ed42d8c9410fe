// Dates in forms: the browser's local day, on the wire the end of that day.

/** "2026-10-17" → the last second of that day here, as RFC 3339; empty → null. */
export function endOfDay(value) {
  if (!value) return null;
  const [y, m, d] = value.split("-").map(Number);
  return new Date(y, m - 1, d, 23, 59, 59).toISOString();
}

/** The local day of an RFC 3339 time, for <input type="date">. */
export function localDay(iso) {
  if (!iso) return "";
  const at = new Date(iso);
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;
}
