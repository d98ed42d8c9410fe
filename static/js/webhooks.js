// Webhooks of a project or of the instance: adding, changing, secrets, tests, and the log of what was told.
import "./frame.js";
import { api, sendForm } from "./api.js";
import { $, $$, confirmed, copy, dialog, exactTime, h, icon, page, t, timeTag, toast } from "./dom.js";
import { refreshParts } from "./part.js";

const base = page.webhooks.base;
const refresh = () => refreshParts("webhooks", "failing");

// The dialog ---------------------------------------------------------------------------------------------------------

const box = $("#hook-dialog");
const form = $("#hook-form");
const internal = $("#wh-internal");
let edited = null;

function open(hook) {
  edited = hook;
  form.reset();
  for (const old of $$(".problem", form)) old.remove();
  $("#hook-dialog-head").textContent = t(hook ? "js.webhook.edit" : "js.webhook.add");
  if (hook) {
    for (const name of ["name", "url", "form"]) form.elements[name].value = hook[name];
    internal.checked = hook.include_internal;
  }
  for (const group of groups()) group.checked = hook?.verbs.includes(group.value) ?? false;
  warn();
  box.showModal();
}

const groups = () => $$("#wh-verbs input");
const warn = () => { $("#wh-internal-warning").hidden = !internal.checked; };
internal?.addEventListener("change", () => {
  warn();
  $("#wh-internal-warning").scrollIntoView({ block: "nearest" });
});

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  // Single events that a program has asked for stay; the boxes are groups.
  const names = groups().map((g) => g.value);
  const single = (edited?.verbs || []).filter((verb) => !names.includes(verb));
  const shape = ({ name, url, form: kind }) => ({ name, url, form: kind, include_internal: internal.checked, verbs: [...groups().filter((g) => g.checked).map((g) => g.value), ...single] });
  const made = edited ? await sendForm(form, "PATCH", `/webhooks/${edited.id}`, shape) : await sendForm(form, "POST", base, shape);
  if (!made?.id) return;
  box.close();
  await refresh();
  if (made.secret) showSecret(made, "js.webhook.secret_made");
  else toast(t("js.webhook.saved"), "good");
});

function showSecret(hook, text) {
  const field = h("input", { class: "input mono", readonly: true, value: hook.secret, "aria-label": t("js.webhook.secret") });
  dialog({ title: t("js.webhook.secret"), wide: true, body: [h("p", null, t(text, { name: hook.name })),
    h("div", { class: "copy-line" }, field, h("button", { class: "btn primary", type: "button", autofocus: true, onclick: async () => {
      field.select();
      const done = await copy(hook.secret);
      toast(t(done ? "js.copied" : "js.copy_failed"), done ? "good" : "bad");
    } }, icon("copy", "s"), t("js.copy")))] });
}

// What is done with one ----------------------------------------------------------------------------------------------

const acts = {
  async edit(id) { open(await api("GET", `/webhooks/${id}`)); },
  async on(id) {
    await api("PATCH", `/webhooks/${id}`, { enabled: true });
    toast(t("js.webhook.is_on"), "good");
    refresh();
  },
  async off(id) { await api("PATCH", `/webhooks/${id}`, { enabled: false }); refresh(); },
  async secret(id, name) {
    if (!await confirmed({ title: t("js.webhook.renew"), text: t("js.webhook.renew_ask", { name }), action: t("js.webhook.renew_yes"), danger: false })) return;
    showSecret(await api("POST", `/webhooks/${id}/secret`), "js.webhook.secret_renewed");
  },
  async delete(id, name) {
    if (!await confirmed({ title: t("js.webhook.delete"), text: t("js.webhook.delete_ask", { name }), action: t("js.webhook.delete_yes") })) return;
    await api("DELETE", `/webhooks/${id}`);
    toast(t("js.webhook.deleted"), "good");
    refresh();
  },
  async test(id, name) {
    const ping = await api("POST", `/webhooks/${id}/test`);
    log(id, name, ping.id);
  },
  async log(id, name) { log(id, name); },
};

document.addEventListener("click", async (event) => {
  if (event.target.closest("[data-hook-new]")) { open(null); return; }
  const button = event.target.closest(Object.keys(acts).map((act) => `[data-hook-${act}]`).join(","));
  const hook = button?.closest("[data-hook]");
  if (!hook) return;
  const act = Object.keys(acts).find((name) => button.hasAttribute(`data-hook-${name}`));
  button.setAttribute("aria-disabled", "true");
  // What went wrong has been said.
  await acts[act](hook.dataset.hook, hook.dataset.name).catch(() => null);
  button.removeAttribute("aria-disabled");
});

// The log ------------------------------------------------------------------------------------------------------------

/** What a webhook was told, newest first; `watch` is a telling that is looked at until it has ended. */
function log(id, name, watch) {
  const rows = h("div", { class: "told", role: "list", "aria-live": "polite" });
  const more = h("button", { class: "btn", type: "button", hidden: true, onclick: () => load(cursor) }, t("js.webhook.older"));
  const { el } = dialog({ title: t("js.webhook.log", { name }), body: [rows, more], wide: true });
  el.classList.add("told-dialog");
  let cursor = null;
  let timer = null;

  async function load(from) {
    const answer = await api("GET", `/webhooks/${id}/deliveries?page_size=20${from ? `&cursor=${encodeURIComponent(from)}` : ""}`).catch(() => null);
    if (!answer || !el.isConnected) return;
    cursor = answer.next_cursor;
    more.hidden = !answer.has_next;
    const fresh = answer.results.map((d) => row(d, again, d.id === watch));
    if (from) { rows.append(...fresh); return; }
    rows.replaceChildren(...(fresh.length ? fresh : [h("p", { class: "muted small" }, t("js.webhook.nothing_told"))]));
    const pending = answer.results.find((d) => d.id === watch && d.state === "waiting" && d.attempts === 0);
    if (pending) timer = setTimeout(() => load(null), 800);
    else if (watch) { watch = null; refresh(); }
  }

  async function again(delivery) {
    const copied = await api("POST", `/deliveries/${delivery.id}/redeliver`).catch(() => null);
    if (!copied) return;
    watch = copied.id;
    toast(t("js.webhook.told_again"), "good");
    load(null);
  }

  el.addEventListener("close", () => clearTimeout(timer));
  load(null);
}

const PILLS = { waiting: "in_progress", done: "ready", failed: "failed", dropped: "" };

function row(d, again, opened) {
  const last = d.log[d.log.length - 1];
  const outcome = last ? (last.status ?? t(`js.webhook.error.${last.error}`)) : "";
  const payload = h("pre", { class: "told-body", hidden: true, tabindex: "0" });
  const show = h("button", { class: "btn s", type: "button", "aria-expanded": "false", onclick: async () => {
    if (payload.hidden) {
      const shown = await api("GET", `/deliveries/${d.id}`).catch(() => null);
      if (!shown) return;
      payload.textContent = shown.payload === null ? t("js.webhook.not_told") : JSON.stringify(shown.payload, null, 2);
    }
    payload.hidden = !payload.hidden;
    show.setAttribute("aria-expanded", String(!payload.hidden));
  } }, icon("eye", "s"), t("js.webhook.payload"));
  return h("details", { class: "told-row", role: "listitem", open: opened },
    h("summary", null,
      h("span", { class: `pill ${PILLS[d.state] ?? ""}` }, t(`js.webhook.state.${d.state}`)),
      h("span", { class: "mono cut" }, d.type), d.repeated && h("span", { class: "tag" }, t("js.webhook.repeated")),
      h("span", { class: "grow" }), h("span", { class: "num muted small" }, outcome), h("span", { class: "faint small" }, timeTag(d.created))),
    h("div", { class: "told-more" },
      h("p", { class: "faint tiny" }, h("span", { class: "mono" }, d.message_id), d.next && ` · ${t("js.webhook.next", { time: exactTime(d.next) })}`),
      d.log.length === 0 && h("p", { class: "muted small" }, t("js.webhook.not_tried")),
      d.log.map((a) => h("div", { class: "told-try" },
        h("p", { class: "small" }, h("b", { class: a.error ? "due-soon" : "" }, a.status ?? t(`js.webhook.error.${a.error}`)), ` · ${a.duration_ms} ms · `, exactTime(a.at),
          a.status && a.error === "redirect" && ` · ${t("js.webhook.error.redirect")}`),
        a.answer && h("pre", null, a.answer))),
      h("div", { class: "row wrap" }, show, h("button", { class: "btn s", type: "button", onclick: () => again(d) }, icon("loop", "s"), t("js.webhook.again"))),
      payload));
}
