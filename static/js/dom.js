// The page's data, texts, and the few words with which all scripts build elements.

/** Data that the server put into the page: {lang, texts, me, …}. */
export const page = JSON.parse(document.getElementById("vp-page")?.textContent || "{}");
export const lang = page.lang === "en" ? "en" : "ko";

const sprite = new URL("../icons.svg", import.meta.url).pathname;

/** The text of `key` with `{name}` replaced from `args`. */
export function t(key, args) {
  let text = page.texts?.[key] ?? key;
  if (args) for (const [name, value] of Object.entries(args)) text = text.replaceAll(`{${name}}`, String(value));
  return text;
}

/**
 * Builds an element. Attributes named on… are listeners, `true` sets an empty attribute, null and false are left out.
 * Children are nodes, texts, or nested lists; text is never read as HTML.
 */
export function h(tag, attrs, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "muted") el[name] = value;
    else el.setAttribute(name, value === true ? "" : value);
  }
  add(el, children);
  return el;
}

function add(el, children) {
  for (const child of children) {
    if (Array.isArray(child)) add(el, child);
    else if (child !== null && child !== undefined && child !== false) el.append(child);
  }
}

/** One of the signs in icons.svg. */
export function icon(name, extra = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Is somebody writing there? Then a letter is a letter and no key. */
export function typing(target) {
  return target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT" ||
    (target.tagName === "INPUT" && !["checkbox", "radio", "range", "button"].includes(target.type));
}

/** A random name for a request or message. `crypto.randomUUID` is missing on plain-HTTP LAN addresses. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** Copies text, also where the clipboard API is missing because the page came over plain HTTP. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "sr", readonly: true });
    area.value = text;
    (document.querySelector("dialog[open]") || document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

// People ---------------------------------------------------------------------------------------------------------

/** Up to two letters that stand for a nickname: the given name of a Korean name, initials otherwise. */
export function initials(name) {
  const clean = (name || "").trim();
  if (/^[가-힣]{3,4}$/.test(clean)) return clean.slice(-2);
  if (/^[가-힣]/.test(clean)) return clean.slice(0, 2);
  const words = clean.split(/\s+/);
  const letters = words.length > 1 ? words[0][0] + words[words.length - 1][0] : clean.slice(0, 2);
  return (letters || "?").toUpperCase();
}

/** A round sign for a person; `null` is an anonymous one. */
export function avatar(user, size = "") {
  if (!user) return h("span", { class: `avatar anon ${size}`, "aria-hidden": "true" }, "?");
  return h("span", { class: `avatar c${Math.abs(user.id) % 8} ${size}`, title: user.nickname, "aria-hidden": "true" }, initials(user.nickname));
}

// Times and sizes ------------------------------------------------------------------------------------------------

const relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "short" });
const day = new Intl.DateTimeFormat(lang, { year: "numeric", month: "short", day: "numeric" });
const full = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });

/** "3 minutes ago" for the last week, a date before that. */
export function ago(iso) {
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  const past = Math.abs(seconds);
  if (past < 45) return t("js.time.now");
  if (past < 3600) return relative.format(Math.round(seconds / 60), "minute");
  if (past < 86400) return relative.format(Math.round(seconds / 3600), "hour");
  if (past < 7 * 86400) return relative.format(Math.round(seconds / 86400), "day");
  return day.format(new Date(iso));
}

export const exactTime = (iso) => full.format(new Date(iso));

/** A <time> that keeps itself fresh (see `refreshTimes`). */
export const timeTag = (iso) => h("time", { datetime: iso, title: exactTime(iso), "data-ago": true }, ago(iso));

export function refreshTimes(root = document) {
  for (const el of root.querySelectorAll("time[data-ago]")) {
    el.textContent = ago(el.getAttribute("datetime"));
    el.title ||= exactTime(el.getAttribute("datetime"));
  }
  for (const el of root.querySelectorAll("time[data-day]")) el.textContent = day.format(new Date(el.getAttribute("datetime")));
}

/** 1.4 GB; decimal units, as cameras and disks are labelled. */
export function bytes(n) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let i = 0;
  let value = n;
  while (value >= 1000 && i < units.length - 1) { value /= 1000; i += 1; }
  return `${value < 10 && i > 1 ? value.toFixed(1) : Math.round(value)} ${units[i]}`;
}

/** A remaining time in words: "2 min". */
export function duration(ms) {
  const s = Math.max(1, Math.round(ms / 1000));
  if (s < 60) return t("js.time.seconds", { n: s });
  if (s < 3600) return t("js.time.minutes", { n: Math.round(s / 60) });
  return t("js.time.hours", { n: Math.floor(s / 3600), m: Math.round((s % 3600) / 60) });
}

// Toasts and questions -------------------------------------------------------------------------------------------

let shelf;

/** A short message at the bottom. `kind`: "info", "good" or "bad"; `action`: {label, run}. */
export function toast(text, kind = "info", action) {
  shelf ||= document.body.appendChild(h("div", { class: "toasts", role: "status", "aria-live": "polite", popover: "manual" }));
  // Last opened stands on top, also above an open dialog.
  if (shelf.showPopover) { if (shelf.matches(":popover-open")) shelf.hidePopover(); shelf.showPopover(); }
  const leave = () => el.remove();
  const el = h("div", { class: `toast ${kind}` },
    icon(kind === "bad" ? "alert" : kind === "good" ? "check" : "info"),
    h("span", { class: "grow" }, text),
    action && h("button", { class: "btn s", type: "button", onclick: () => { leave(); action.run(); } }, action.label),
    h("button", { class: "btn s icon-only", type: "button", "aria-label": t("js.close"), onclick: leave }, icon("x", "s")));
  // The same again stands once.
  if (!action) for (const old of [...shelf.children]) if (old.className === el.className && old.textContent === el.textContent) old.remove();
  while (shelf.children.length > 3) shelf.firstChild.remove();
  shelf.append(el);
  setTimeout(leave, kind === "bad" || action ? 9000 : 4200);
}

/** Opens a modal dialog built from parts. Resolves when it closes. */
export function dialog({ title, body, foot, wide }) {
  const close = h("button", { class: "btn quiet s icon-only", type: "button", "aria-label": t("js.close"), onclick: () => el.close() }, icon("x"));
  const head = h("h2", { id: `dlg-${randomId().slice(0, 8)}` }, title);
  const el = h("dialog", { class: wide ? "wide" : null, "aria-labelledby": head.id },
    h("div", { class: "dlg-head" }, head, close),
    h("div", { class: "dlg-body" }, body),
    foot && h("div", { class: "dlg-foot" }, foot));
  el.addEventListener("click", (event) => { if (event.target === el) el.close("cancel"); });
  document.body.append(el);
  el.showModal();
  const closed = new Promise((resolve) => el.addEventListener("close", () => { el.remove(); resolve(el.returnValue); }));
  return { el, closed, close: (value) => el.close(value) };
}

/**
 * Asks before something is destroyed. With `phrase`, the button stays off until the phrase was typed.
 * Resolves to true or false.
 */
export async function confirmed({ title, text, action, phrase, danger = true }) {
  const yes = h("button", { class: `btn ${danger ? "danger" : "primary"}`, type: "button", disabled: Boolean(phrase), onclick: () => box.close("yes") }, action);
  const typed = phrase && h("input", { class: "input", autocomplete: "off", autofocus: true, "aria-label": t("js.confirm.type", { phrase }), oninput: () => { yes.disabled = typed.value.trim() !== phrase; } });
  const no = h("button", { class: "btn", type: "button", autofocus: !phrase, onclick: () => box.close("no") }, t("js.cancel"));
  const box = dialog({
    title,
    body: [h("p", { class: "pre" }, text), phrase && h("label", { class: "field" }, h("span", { class: "label" }, t("js.confirm.type", { phrase })), typed)],
    foot: [no, yes],
  });
  return (await box.closed) === "yes";
}
