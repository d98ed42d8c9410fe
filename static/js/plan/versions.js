// What the plan was: its versions, what differs between each and the one before it or the present one, and the way back.
import { api, explain } from "../api.js";
import { avatar, confirmed, dialog, h, icon, t, timeTag, toast } from "../dom.js";
import { seconds, shotName } from "./words.js";

/** Words of a text that are compared; longer ones are shown whole. */
const MOST_WORDS = 400;

/** Opens the list of versions, at one of them if asked. */
export async function showVersions(desk, wanted = null) {
  const { store } = desk;
  if (!await store.settled()) { toast(t("js.plan.not_kept"), "bad"); return; }
  const answer = await api("GET", `${store.base}/versions`).catch(() => null);
  if (!answer) return;
  const all = answer.results ?? answer;
  const list = h("ol", { class: "version-list", role: "listbox", "aria-label": t("js.plan.versions") });
  const diff = h("div", { class: "version-diff", tabindex: "0", "aria-live": "polite" });
  const back = desk.may && h("button", { class: "btn", type: "button", onclick: restore }, icon("loop", "s"), t("js.plan.version_restore"));
  let at = null;
  let against = "before";
  const modes = h("div", { class: "tabs", role: "group", "aria-label": t("js.plan.version_against") }, ["before", "now"].map((name) =>
    h("button", { type: "button", "data-mode": name, onclick: () => { against = name; look(at); } }, t(`js.plan.version_${name}`))));
  const box = dialog({ title: t("js.plan.versions"), wide: true,
    body: [h("div", { class: "version-pair" }, list, h("div", { class: "version-side" }, modes, diff))],
    foot: [back || "", h("span", { class: "grow" }), h("button", { class: "btn", type: "button", onclick: () => box.close() }, t("js.close"))] });
  box.el.classList.add("versions-box");
  list.append(...all.map((v) => h("li", null, h("button", { class: "version", type: "button", role: "option", "data-version": String(v.version), onclick: () => look(v) },
    v.user ? avatar(v.user, "s") : h("span", { class: "avatar s more" }, icon("layers", "s")),
    h("span", { class: "grow" }, h("span", { class: "row" }, h("b", { class: "num" }, `v${v.version}`), h("span", { class: "small" }, t(`js.plan.reason.${v.reason}`))),
      h("span", { class: "faint tiny row" }, v.user?.nickname ?? t("js.plan.program"), timeTag(v.created)))))));
  look(all.find((v) => v.version === wanted) ?? all[0]);

  async function look(v) {
    if (!v) return;
    at = v;
    for (const el of list.querySelectorAll(".version")) el.setAttribute("aria-selected", String(Number(el.dataset.version) === v.version));
    for (const el of modes.children) el.setAttribute("aria-pressed", String(el.dataset.mode === against));
    const newest = v.version === store.plan.version;
    if (back) back.hidden = newest;
    diff.replaceChildren(h("span", { class: "spin" }));
    // Against the present: what going back would do the other way round.
    const path = against === "now" ? `${store.base}/versions/${store.plan.version}/diff?with=${v.version}` : `${store.base}/versions/${v.version}/diff`;
    const found = newest && against === "now" ? { changes: [] } : await api("GET", path, undefined, { quiet: true }).catch((error) => { explain(error); return null; });
    if (at !== v || !found) return;
    const changes = found.changes.filter((c) => !["picture_version", "edited", "stage", "seed"].includes(c.field));
    diff.replaceChildren(...changes.length ? changes.map(change) : [h("div", { class: "empty" }, icon("check-circle"), h("p", null, t(newest && against === "now" ? "js.plan.version_is_now" : v.version === 1 ? "js.plan.version_first" : "js.plan.version_same")))]);
    diff.scrollTop = 0;
  }

  async function restore() {
    if (!await confirmed({ title: t("js.plan.version_restore_title", { n: at.version }), text: t("js.plan.version_restore_text"), action: t("js.plan.version_restore"), danger: false })) return;
    try {
      store.take(await api("POST", `${store.base}/versions/${at.version}/restore`, undefined, { quiet: true }));
      toast(t("js.plan.version_restored", { n: at.version }), "good");
      box.close();
    } catch (error) { explain(error); }
  }
}

function change({ path, stage, shot, place, field, before, after }) {
  const where = shot ? shotName(place - 1) : stage ? t(`js.plan.stage.${stage}`) : path.startsWith("inputs.") ? t("js.plan.conditions") : "";
  const [was, is] = [written(field, before), written(field, after)];
  const [left, right] = marked(was, is);
  return h("article", { class: "diff" }, h("h3", { class: "small" }, where && h("span", { class: "tag" }, where), fieldName(field, Boolean(stage && !shot))),
    h("div", { class: "diff-pair" }, h("p", { class: "diff-was" }, h("span", { class: "sr" }, t("js.plan.diff_was")), left.length ? left : "–"), h("p", { class: "diff-is" }, h("span", { class: "sr" }, t("js.plan.diff_is")), right.length ? right : "–")));
}

const SETS = ["size", "angle", "movement", "transition", "tempo", "style", "intensity", "format"];
const OF_STAGE = ["title", "summary", "content", "objective", "length_hint", "key_points"];

function fieldName(field, ofStage) {
  if (SETS.includes(field)) return t(`js.plan.${field}.title`);
  if (ofStage && OF_STAGE.includes(field)) return t(`js.plan.stage_${field}`);
  return t(`js.plan.field.${field}`);
}

/** A value as text. */
function written(field, value) {
  if (value === null || value === undefined) return "";
  if (SETS.includes(field)) return t(`js.plan.${field}.${value}`);
  if (field === "duration_ms") return seconds(value);
  if (field === "duration_s") return t("js.plan.for_seconds", { n: value });
  if (field === "place") return shotName(value - 1);
  if (field === "locked") return t(value ? "js.plan.yes" : "js.plan.no");
  if (field === "picture") return t(`js.plan.picture_kind.${value.kind}`);
  if (field === "inserts") return value.map((i) => `${t(`js.plan.purpose.${i.purpose}`)}: ${i.description}`).join("\n");
  if (Array.isArray(value)) return value.join("\n");
  return String(value);
}

/** Two texts as parts, where the words that differ are marked. */
export function marked(was, is) {
  const [a, b] = [split(was), split(is)];
  if (a.length > MOST_WORDS || b.length > MOST_WORDS) return [[was], [is]];
  // The longest common sequence of words.
  const long = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) for (let j = b.length - 1; j >= 0; j -= 1) long[i][j] = a[i] === b[j] ? long[i + 1][j + 1] + 1 : Math.max(long[i + 1][j], long[i][j + 1]);
  const [left, right] = [[], []];
  const put = (side, word, tag) => {
    const last = side.at(-1);
    if (last && last.tag === tag) last.text += word;
    else side.push({ tag, text: word });
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { put(left, a[i], null); put(right, b[j], null); i += 1; j += 1; }
    else if (j >= b.length || (i < a.length && long[i + 1][j] >= long[i][j + 1])) { put(left, a[i], "del"); i += 1; }
    else { put(right, b[j], "ins"); j += 1; }
  }
  const build = (side) => side.map(({ tag, text }) => (tag ? h(tag, null, text) : text));
  return [build(left), build(right)];
}

const split = (text) => text.match(/\s+|[^\s]+/g) ?? [];
