// What every page has: the search box, menus that close, copy buttons, relative times, theme, password eye, colour of avatars.
import { $$, copy, h, icon, initials, refreshTimes, t, toast } from "./dom.js";
import "./bell.js";
import "./search.js";
import "./theme.js";

document.addEventListener("click", async (event) => {
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  const item = event.target.closest("details.menu .menu-item");
  if (item && !item.hasAttribute("data-stay")) item.closest("details").open = false;

  const opener = event.target.closest("[data-open]");
  if (opener) document.getElementById(opener.dataset.open).showModal();
  if (event.target.closest("[data-close]") || event.target.tagName === "DIALOG") event.target.closest("dialog").close();

  const copyButton = event.target.closest("[data-copy]");
  if (copyButton) {
    const done = await copy(copyButton.dataset.copy);
    toast(t(done ? "js.copied" : "js.copy_failed"), done ? "good" : "bad");
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu) return;
  const items = $$(".menu-item", menu);
  const at = items.indexOf(document.activeElement);
  if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); event.stopPropagation(); }
  else if (event.key === "ArrowDown" && items.length) { items[(at + 1) % items.length].focus(); event.preventDefault(); }
  else if (event.key === "ArrowUp" && items.length) { items[(at - 1 + items.length) % items.length].focus(); event.preventDefault(); }
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  form.querySelector("[type=submit]")?.setAttribute("aria-disabled", "true");
});
addEventListener("pageshow", () => {
  for (const form of $$("form[data-sent]")) { delete form.dataset.sent; form.querySelector("[type=submit]")?.removeAttribute("aria-disabled"); }
});

// A select marked data-submit sends its form when it changes; without script the form has a button.
document.addEventListener("change", (event) => {
  if (event.target.matches?.("select[data-submit]")) event.target.form.requestSubmit();
});

for (const input of $$('.field > input[type="password"]')) {
  const eye = h("button", { class: "btn quiet s icon-only eye", type: "button", "aria-pressed": "false", "aria-label": t("js.show_password"), title: t("js.show_password"), onclick: () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    eye.setAttribute("aria-pressed", String(shown));
  } }, icon("eye"));
  input.after(eye);
}
// Where a row of places is wider than the page, the present one is in sight.
for (const here of $$("nav [aria-current=\"page\"]")) {
  const row = here.closest("nav");
  if (row.scrollWidth > row.clientWidth) row.scrollLeft += here.getBoundingClientRect().left - row.getBoundingClientRect().left - (row.clientWidth - here.offsetWidth) / 2;
}
for (const el of $$("[data-initials]")) el.textContent = initials(el.dataset.initials);
refreshTimes();
setInterval(refreshTimes, 30_000);
