// The dashboard's keys; `?` lists them.
import { $, $$, typing } from "./dom.js";

const places = new Map($$("#keys a[data-key]").map((a) => [a.dataset.key, a.href]));
let going = 0;

/** Listens; `pause` stops and resumes what lives. */
export function listen(pause) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || $("dialog[open]")) return;
    const after = going && Date.now() - going < 1500;
    going = 0;
    if (after && places.has(event.key)) { location.href = places.get(event.key); return; }
    if (event.key === "g") going = Date.now();
    else if (event.key === "?") { event.preventDefault(); $("#keys").showModal(); }
    else if (event.key === ".") pause();
    else if (event.key === "f") { const filter = $(".desk-page input[type=search]"); if (filter) { event.preventDefault(); filter.focus(); filter.select(); } }
    else if (/^[1-5]$/.test(event.key)) $$(".periods a")[event.key - 1]?.click();
  });
}
