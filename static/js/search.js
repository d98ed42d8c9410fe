// The search box of every page: what it offers while somebody types, the `/` key, and the box as a dialog where the bar
// has no room for it. Without script the box is a plain form, and its sign a link to the page of results.
import { api } from "./api.js";
import { $, $$, h, icon, t, typing } from "./dom.js";

const SIGNS = { project: "folder", feedback: "film", comment: "comment", file: "file", person: "user", plan: "edit" };
/** Between two keys of somebody who types quickly. */
const PAUSE = 120;

const ESCAPED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

/** Text that the server escaped, with what matched in <mark>: becomes texts and marks, and never another element. */
function marked(html) {
  const plain = (text) => text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (all, ten, hex, name) =>
    (name ? ESCAPED[name] ?? all : String.fromCodePoint(ten ? Number(ten) : parseInt(hex, 16))));
  return html.split(/<mark>(.*?)<\/mark>/s).map((part, i) => (i % 2 ? h("mark", null, plain(part)) : plain(part)));
}

let boxes = 0;

/** Offers hits below the box of `form`; they are put into `place`. */
class Box {
  constructor(form, place) {
    this.form = form;
    this.input = $("input[name=q]", form);
    this.asked = "";
    this.at = -1;
    this.list = h("div", { class: "find-list", id: `find-list-${++boxes}`, role: "listbox", "aria-label": t("js.find.list"), hidden: true });
    this.told = h("span", { class: "sr", role: "status" });
    place.append(this.list, this.told);
    const roles = { role: "combobox", "aria-expanded": "false", "aria-controls": this.list.id, "aria-autocomplete": "list" };
    for (const [name, value] of Object.entries(roles)) this.input.setAttribute(name, value);
    // Also while a syllable is being composed: Korean text nearly always is.
    this.input.addEventListener("input", () => this.soon());
    this.input.addEventListener("keydown", (event) => this.key(event));
    // A press on a row must not take the focus out of the box before it is a click.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("mousemove", (event) => {
      const row = this.rows.indexOf(event.target.closest("[role=option]"));
      if (row >= 0 && row !== this.at) this.mark(row);
    });
    form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) this.shut(); });
    form.addEventListener("submit", (event) => { if (!this.input.value.trim()) event.preventDefault(); });
  }

  get rows() { return [...this.list.children]; }

  focus() {
    this.input.focus();
    this.input.select();
  }

  soon() {
    clearTimeout(this.timer);
    // What is under way answers a question that nobody has any more.
    this.under?.abort();
    if (!this.input.value.trim()) { this.shut(); return; }
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  async ask() {
    const q = this.input.value.trim();
    this.under?.abort();
    const mine = new AbortController();
    this.under = mine;
    const answer = await api("GET", `/search/suggest?q=${encodeURIComponent(q)}`, undefined, { quiet: true, signal: mine.signal }).catch(() => null);
    if (mine.signal.aborted || this.under !== mine || document.activeElement !== this.input) return;
    // Where nothing can be offered the way to the page of results stays.
    this.draw(q, answer || { results: [], suggestion: null });
  }

  draw(q, { results, suggestion }) {
    const rows = results.map((hit) => this.hit(hit));
    if (suggestion) rows.unshift(this.row("find-meant", () => this.say(suggestion), icon("keyboard"), h("span", { class: "find-title" }, t("js.find.meant", { q: suggestion }))));
    rows.push(this.row("find-all", () => this.form.requestSubmit(), icon("search"), h("span", { class: "find-title cut" }, t("js.find.all", { q })), h("kbd", { "aria-hidden": "true" }, "Enter")));
    rows.forEach((row, i) => { row.id = `${this.list.id}-${i}`; });
    this.list.replaceChildren(...rows);
    this.list.hidden = false;
    this.list.scrollTop = 0;
    this.input.setAttribute("aria-expanded", "true");
    this.told.textContent = t("js.find.count", { n: results.length });
    this.mark(-1);
  }

  /** A hit is a link, so that it opens in another tab as links do. */
  hit(hit) {
    const kind = t(`js.kind.${hit.kind}`);
    const below = hit.kind === "project" || !hit.project_name ? kind : hit.project_name;
    return h("a", { class: "find-row", role: "option", tabindex: "-1", "aria-selected": "false", href: hit.url },
      icon(SIGNS[hit.kind] || "search"),
      h("span", { class: "cut" }, h("span", { class: "find-title cut" }, marked(hit.title_html)), h("span", { class: "find-below cut" }, below)),
      below !== kind && h("span", { class: "find-kind" }, kind));
  }

  row(name, run, ...parts) {
    return h("div", { class: `find-row ${name}`, role: "option", "aria-selected": "false", onclick: run }, parts);
  }

  /** Puts another question into the box and asks it. */
  say(q) {
    this.input.value = q;
    this.input.focus();
    this.soon();
  }

  mark(at) {
    this.at = at;
    const { rows } = this;
    rows.forEach((row, i) => row.setAttribute("aria-selected", String(i === at)));
    if (at < 0) { this.input.removeAttribute("aria-activedescendant"); return; }
    this.input.setAttribute("aria-activedescendant", rows[at].id);
    rows[at].scrollIntoView({ block: "nearest" });
  }

  shut() {
    clearTimeout(this.timer);
    this.under?.abort();
    this.list.hidden = true;
    this.list.replaceChildren();
    this.told.textContent = "";
    this.input.setAttribute("aria-expanded", "false");
    this.mark(-1);
  }

  key(event) {
    // Enter that ends a syllable is no answer yet. (Safari has ended the composition by then and says 229.)
    if (event.isComposing || event.keyCode === 229) return;
    const open = !this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!open) { if (this.input.value.trim()) { event.preventDefault(); this.ask(); } return; }
      event.preventDefault();
      // Before the first and after the last stands the box itself.
      const places = this.rows.length + 1;
      this.mark(((this.at + 1 + (event.key === "ArrowDown" ? 1 : places - 1)) % places) - 1);
    } else if (event.key === "Enter" && open && this.at >= 0) {
      event.preventDefault();
      this.rows[this.at].click();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (this.dialog) this.dialog.close();
      else if (open) this.shut();
      else { this.input.blur(); this.from?.focus?.(); }
    }
  }
}

// The box in the bar, and the one over the page --------------------------------------------------------------------------

const inBar = $$("form[data-find]").map((form) => new Box(form, form));
let over;

function build() {
  const form = h("form", { class: "find", method: "get", action: "/search", role: "search" }, icon("search"),
    h("input", { class: "input", type: "search", name: "q", placeholder: t("js.find.title"), "aria-label": t("js.find.title"), maxlength: "200", autocomplete: "off", spellcheck: "false", enterkeyhint: "search" }),
    h("button", { class: "btn quiet icon-only", type: "button", "data-close": true, "aria-label": t("js.close"), title: t("js.close") }, icon("x")));
  const el = h("dialog", { class: "find-over", "aria-label": t("js.find.title") }, form, h("p", { class: "find-hint" }, t("js.find.hint")));
  const box = new Box(form, el);
  box.dialog = el;
  el.addEventListener("close", () => box.shut());
  document.body.append(el);
  return box;
}

/** Leads into the box that is seen, or opens one over the page. */
function find() {
  const seen = inBar.find((box) => box.form.getClientRects().length);
  if (seen) {
    if (document.activeElement !== document.body) seen.from = document.activeElement;
    seen.focus();
    return;
  }
  over ||= build();
  over.dialog.showModal();
  over.focus();
}

const opener = $(".find-open");
opener?.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  find();
});

// By its place on the keyboard: with Korean letters it is the same key.
document.addEventListener("keydown", (event) => {
  if (event.code !== "Slash" || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.isComposing || event.defaultPrevented || typing(event.target) || $("dialog[open]")) return;
  if (!opener && !inBar.length) return;
  event.preventDefault();
  find();
});

// A page that comes back from the browser's memory does not come back with an open list.
addEventListener("pagehide", () => {
  over?.dialog.close();
  for (const box of inBar) box.shut();
});
