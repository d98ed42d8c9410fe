// What is known of a version: the file's facts, how loud it is, where it is black or silent.
import { bytes, dialog, h, t } from "../dom.js";
import { clock } from "../timecode.js";

/** Spans that are shown at once; the others on demand. */
const SPANS = 24;

const CODECS = { h264: "H.264 / AVC", hevc: "H.265 / HEVC", av1: "AV1", vp8: "VP8", vp9: "VP9", prores: "ProRes", dnxhd: "DNxHD", mpeg2video: "MPEG-2", mpeg4: "MPEG-4", mjpeg: "JPEG", png: "PNG", webp: "WebP", aac: "AAC", mp3: "MP3", opus: "Opus", flac: "FLAC", vorbis: "Vorbis", ac3: "Dolby Digital", eac3: "Dolby Digital Plus" };
const codec = (name) => CODECS[name] || (name.startsWith("pcm_") ? `PCM (${name.slice(4)})` : name);

const clean = (n, digits) => String(Number(n.toFixed(digits)));

function rate({ num, den }) {
  return den === 1 ? `${num} fps` : `${clean(num / den, 3)} fps (${num}/${den})`;
}

function size(facts) {
  const turned = facts.rotation % 180 === 90;
  const wide = facts.pixel_aspect ? Math.round((facts.width * facts.pixel_aspect.num) / facts.pixel_aspect.den) : facts.width;
  const seen = turned ? [facts.height, wide] : [wide, facts.height];
  const text = `${seen[0]} × ${seen[1]}`;
  return turned || wide !== facts.width ? `${text} (${t("js.info.stored", { size: `${facts.width} × ${facts.height}` })})` : text;
}

function dynamic(facts) {
  if (facts.color_transfer === "smpte2084") return "HDR (PQ)";
  if (facts.color_transfer === "arib-std-b67") return "HDR (HLG)";
  return t("js.info.sdr");
}

function sound({ codec: name, channels, sample_rate: hertz }) {
  const layout = { 1: t("js.info.mono"), 2: t("js.info.stereo"), 6: "5.1", 8: "7.1" }[channels] || t("js.info.channels", { n: channels });
  return [codec(name), layout, hertz ? `${clean(hertz / 1000, 1)} kHz` : null].filter(Boolean).join(" · ");
}

/** What each sound track is; its language in words, where the file tells. Heard is the first. */
function tracks({ audio, audio_tracks: all }) {
  if (!all?.length) return [sound(audio)];
  const words = new Intl.DisplayNames(document.documentElement.lang, { type: "language", fallback: "code" });
  const language = (code) => { try { return words.of(code); } catch { return code; } };
  return all.map((track, i) => [all.length > 1 ? `${i + 1}` : null, track.language && track.language !== "und" ? language(track.language) : null, track.title, sound(track)].filter(Boolean).join(" · "));
}

function long(ms, counter) {
  return counter.rate ? `${clock(ms)} (${counter.frame(ms + 1)} ${t("js.info.frames")})` : clock(ms);
}

/** Rows of [label, value]; those without a value are left out. */
function rows(list) {
  return h("dl", { class: "facts" }, list.filter(([, value]) => value).map(([label, value]) => h("div", null, h("dt", null, t(`js.info.${label}`)), h("dd", null, value))));
}

/** Where a loudness stands between what broadcasters and what streaming services ask for. */
function loudWords({ integrated_lufs: lufs, peak_dbfs: peak }) {
  const word = lufs <= -69 ? "silent" : lufs < -26 ? "low" : lufs <= -21 ? "broadcast" : lufs < -16 ? "between" : lufs <= -12 ? "streaming" : "high";
  return [t(`js.loud.${word}`), peak !== null && peak > -1 && lufs > -69 ? t("js.loud.peak") : null].filter(Boolean).join(" ");
}

function meter({ integrated_lufs: lufs }) {
  const part = (value) => Math.max(0, Math.min(100, ((value + 40) / 40) * 100));
  const line = h("div", { class: "loud-line", "aria-hidden": "true" });
  const at = (name, value, text) => { const el = h("i", { class: name }, text && h("span", null, text)); el.style.left = `${part(value)}%`; line.append(el); };
  at("loud-mark", -23, "−23");
  at("loud-mark", -14, "−14");
  at("loud-now", lufs);
  return line;
}

function spans(list, counter, go) {
  const buttons = list.map((span) => h("button", { class: "chip", type: "button", title: counter.code(span.start_ms), onclick: () => go(span.start_ms) },
    counter.short(span.start_ms)[0], h("small", null, counter.short(span.start_ms)[1]), h("span", { class: "dash" }, "·"), t("js.cuts.seconds", { n: ((span.end_ms - span.start_ms) / 1000).toFixed(1) })));
  if (buttons.length <= SPANS) return h("div", { class: "spans" }, buttons);
  const more = h("button", { class: "btn s", type: "button", onclick: () => { more.before(...buttons.slice(SPANS)); buttons[SPANS].focus(); more.remove(); } }, t("js.info.more", { n: buttons.length - SPANS }));
  return h("div", { class: "spans" }, buttons.slice(0, SPANS), more);
}

/** Shows what is known of `media`. `go(ms)` jumps to a moment of it. */
export function showInfo(media, counter, go) {
  const { facts, report } = media;
  const minus = (n) => String(n).replace("-", "−");
  const jump = (ms) => { box.close(); go(ms); };
  const body = [rows([
    ["name", media.name],
    ["size", bytes(media.size_bytes)],
    ["by", media.user?.nickname],
    ...(facts ? [
      ["container", facts.container?.toUpperCase()],
      ["duration", !facts.still && facts.duration_ms && long(facts.duration_ms, counter)],
      ["bit_rate", !facts.still && facts.bit_rate && (facts.bit_rate >= 1e6 ? `${clean(facts.bit_rate / 1e6, 1)} Mb/s` : `${Math.round(facts.bit_rate / 1e3)} kb/s`)],
      ["start", facts.start_timecode],
    ] : []),
  ])];
  if (facts?.width) {
    body.push(h("h3", null, t("js.info.picture")), rows([
      ["codec", codec(facts.video_codec) + (facts.video_profile ? ` (${facts.video_profile})` : "")],
      ["pixels", size(facts)],
      ["rate", !facts.still && facts.frame_rate && rate(facts.frame_rate) + (facts.variable_rate ? ` · ${t("js.info.variable")}` : "")],
      ["scan", facts.interlaced && t("js.info.interlaced")],
      ["rotation", facts.rotation ? `${facts.rotation}°` : null],
      ["colour", [dynamic(facts), facts.color_space, facts.pixel_format].filter(Boolean).join(" · ")],
    ]));
  }
  if (facts && !facts.still) body.push(h("h3", null, t("js.info.sound")), facts.audio ? rows(tracks(facts).map((track) => ["codec", track])) : h("p", { class: "muted small" }, t("js.info.no_sound")));
  if (report?.loudness) {
    const { integrated_lufs: lufs, range_lu: range, peak_dbfs: peak } = report.loudness;
    body.push(rows([
      ["loudness", `${minus(lufs.toFixed(1))} LUFS`],
      ["range", `${range.toFixed(1)} LU`],
      ["peak", peak === null ? null : `${minus(peak.toFixed(1))} dBFS`],
    ]), meter(report.loudness), h("p", { class: "muted small" }, loudWords(report.loudness)));
  }
  if (report && facts?.width) body.push(h("h3", null, t("js.info.black"), h("span", { class: "count" }, String(report.black.length))), report.black.length ? spans(report.black, counter, jump) : h("p", { class: "muted small" }, t("js.info.none")));
  if (report && facts?.audio) body.push(h("h3", null, t("js.info.silence"), h("span", { class: "count" }, String(report.silence.length))), report.silence.length ? spans(report.silence, counter, jump) : h("p", { class: "muted small" }, t("js.info.none")));
  const box = dialog({ title: t("js.info.title", { version: media.version }), body: h("div", { class: "info" }, body), wide: true });
}
