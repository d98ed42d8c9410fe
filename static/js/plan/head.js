// The bar on top: title, state and what may come after it, how the keeping goes, and the menu.
import { api, explain } from "../api.js";
import { $, confirmed, h, icon, lang, t, toast } from "../dom.js";
import { showVersions } from "./versions.js";

/** What may follow a state, the foremost first. */
const FLOW = { draft: ["in_review"], in_review: ["approved", "draft"], approved: ["published", "draft"], published: ["archived", "draft"], archived: ["draft"] };
const SIGNS = { in_review: "send", approved: "check", published: "flag", archived: "folder", draft: "edit" };
const hour = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hour12: false });

/** Builds the bar; answers `{draw, said}`. */
export function head(desk) {
  const { store, fields, rights } = desk;
  const heading = $("#heading");
  heading.classList.toggle("sr", desk.may);
  if (desk.may) {
    const title = fields.line("plan", "title", { class: "title-input", maxlength: "200", "aria-label": t("js.plan.title"), required: true,
      onkeydown: (event) => { if (event.key === "Enter" || event.key === "Escape") title.blur(); } });
    $("#title-place").append(title);
  }
  const pill = h("span", { class: "pill" });
  const menu = h("div", { class: "menu-panel" });
  $("#status").append(pill);
  $("#tools").append(h("details", { class: "menu" }, h("summary", { class: "btn s quiet icon-only", "aria-label": t("js.more"), title: t("js.more") }, icon("more")), menu));

  async function move(status) {
    if (!await store.settled()) { toast(t("js.plan.not_kept"), "bad"); return; }
    try {
      const plan = await api("PATCH", store.base, { status }, { quiet: true });
      store.take(plan);
      toast(t(`js.plan.moved.${status}`), "good");
    } catch (error) { explain(error); }
  }

  async function remove() {
    const { title } = store.plan;
    if (!await confirmed({ title: t("js.plan.delete_title"), text: t("js.plan.delete_text", { title }), action: t("js.delete") })) return;
    try {
      desk.gone = true;
      await api("DELETE", store.base);
      store.pending.clear();
      location.assign(`/projects/${store.plan.project_id}/plans`);
    } catch { desk.gone = false; }
  }

  const link = (href, sign, text, more = {}) => h("a", { class: "menu-item", href, ...more }, icon(sign), text);
  const item = (sign, text, run, bad) => h("button", { class: `menu-item${bad ? " bad" : ""}`, type: "button", onclick: run }, icon(sign), text);

  let drawn = null;
  function draw() {
    const { plan } = store;
    heading.textContent = store.value("plan", "title");
    document.title = `${store.value("plan", "title")} · VideoPlanet`;
    const key = `${plan.status} ${store.blank} ${desk.feedback?.decisions?.length} ${plan.feedback_id}`;
    if (key === drawn) return;
    drawn = key;
    pill.className = `pill plan-${plan.status}`;
    pill.textContent = t(`js.plan.status.${plan.status}`);
    const step = (status, at) => h("button", { class: `btn s ${at === 0 && status !== "archived" && !store.blank ? "primary" : "quiet"}`, type: "button", onclick: () => move(status) }, icon(SIGNS[status], "s"), t(`js.plan.to.${status}`));
    const steps = rights.plan ? FLOW[plan.status] : [];
    const decide = rights.decide && !rights.plan && plan.status !== "draft";
    $("#flow").replaceChildren(...steps.map(step), decide ? h("button", { class: "btn s primary", type: "button", onclick: () => desk.talk.decide() }, icon("flag", "s"), t("js.decision.open")) : "");
    const file = (format) => `/api/v1${store.base}/export?format=${format}`;
    menu.replaceChildren(...[
      h("div", { class: "menu-title" }, t("js.plan.export")),
      link(file("pdf"), "file", t("js.plan.export_pdf"), { download: true }),
      link(file("csv"), "download", t("js.plan.export_csv"), { download: true }),
      link(file("json"), "download", t("js.plan.export_json"), { download: true }),
      link(`/plans/${plan.id}/print`, "print", t("js.plan.export_print"), { target: "_blank" }),
      h("div", { class: "menu-line" }),
      item("clock", t("js.plan.versions"), () => showVersions(desk)),
      rights.decide && plan.status !== "draft" && item("flag", t("js.decision.see"), () => desk.talk.decide()),
      ...steps.map((status) => h("button", { class: "menu-item narrow-only", type: "button", onclick: () => move(status) }, icon(SIGNS[status]), t(`js.plan.to.${status}`))),
      rights.plan && plan.status !== "archived" && plan.status !== "published" && item("folder", t("js.plan.to.archived"), () => move("archived")),
      ...(rights.plan ? [h("div", { class: "menu-line" }), item("trash", t("js.plan.delete"), remove, true)] : []),
    ].filter(Boolean));
  }

  const saved = $("#saved");
  function said(state, at) {
    saved.className = `saved ${state}`;
    const words = state === "kept" ? t("js.plan.kept", { time: hour.format(at) }) : t(`js.plan.${state}`);
    if ($("span", saved)?.textContent === words) return;
    saved.title = words;
    saved.replaceChildren(icon(state === "kept" ? "check" : state === "keeping" ? "loop" : "alert", "s"), h("span", null, words));
  }
  return { draw, said };
}
