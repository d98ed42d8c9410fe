// The closed sets of a plan, and how its numbers are written.
import { t } from "../dom.js";

export const STAGES = ["opening", "development", "climax", "resolution"];
export const SIZES = ["extreme_wide", "wide", "full", "medium", "medium_close_up", "close_up", "extreme_close_up"];
export const ANGLES = ["eye_level", "high", "low", "over_shoulder", "dutch", "overhead"];
export const MOVEMENTS = ["static", "pan", "tilt", "zoom", "dolly", "tracking"];
export const TRANSITIONS = ["cut", "fade", "dissolve", "wipe", "slide"];
export const PURPOSES = ["information", "rhythm", "detail", "relationship"];
export const TEMPOS = ["fast", "normal", "slow"];
export const STYLES = ["classic", "hook", "inductive", "deductive", "documentary", "pixar"];
export const INTENSITIES = ["minimal", "moderate", "rich"];
export const FORMATS = ["16:9", "9:16", "1:1", "2.39:1"];
export const PRESETS = ["ad", "drama", "documentary", "social"];
/** Insert shots of a shot and key points of a stage, at the most. */
export const INSERTS = 3;
export const KEY_POINTS = 8;

/** The name of the shot at a place that counts from 0: S07. */
export const shotName = (place) => `S${String(place + 1).padStart(2, "0")}`;

/** 6.5 s as people write it: "6.5초". */
export const seconds = (ms) => t("js.plan.seconds", { n: String(Math.round(ms / 100) / 10) });

/** A whole film's length: "1:20". */
export function length(ms) {
  const s = Math.round(ms / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

/** Width by height of a format's picture. */
export function ratio(format) {
  const [w, h] = format.split(":").map(Number);
  return w / h;
}

/**
 * Where the picture of a shot is. Whatever it is drawn from is part of the address, since an address is kept for ever: the
 * version of the picture, the place that stands on it, and the revision of the words.
 */
export function pictureUrl(planId, shot, place) {
  const words = shot.picture.kind === "conti" ? `.${place + 1}.${digest(JSON.stringify([shot.title, shot.description, shot.size, shot.angle, shot.movement]))}` : "";
  return `/api/v1/plans/${planId}/shots/${shot.key}/picture?v=${shot.picture_version}${words}`;
}

/** FNV-1a: the same words have the same address. */
function digest(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(36);
}
