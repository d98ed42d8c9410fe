// The dashboard. The overview is whole without this; with it, the parts that the server draws anew take their places.
import "./frame.js";
import { $, $$, initials, page, refreshTimes } from "./dom.js";
import { refreshParts } from "./part.js";
import { raise, renew } from "./charts.js";
import { listen } from "./keys.js";

// The panel of a question closes when something else is clicked.
document.addEventListener("click", (event) => {
  for (const ask of $$("details.ask[open]")) if (!ask.contains(event.target)) ask.open = false;
});

/** Is somebody busy inside this part? Then it waits: a panel that he opened must not close under his hand. */
const busy = (el) => el.contains(document.activeElement) || el.querySelector("details[open]") || hasSelection(el) || isReadBack(el);

/** Has its reader scrolled away from the newest lines? */
const isReadBack = (el) => el.closest("[data-hold]")?.scrollTop > 8;

function hasSelection(el) {
  const selection = getSelection();
  return !selection.isCollapsed && el.contains(selection.anchorNode);
}

const late = new Map();

function put(name, html) {
  const el = document.getElementById(name);
  if (!el) return;
  if (renew(el, html)) { clocks(el); return; }
  if (busy(el)) { late.set(name, html); return; }
  late.delete(name);
  // Drawn by our own server from escaped values; the page's policy runs no script in it.
  el.innerHTML = html;
  for (const who of $$("[data-initials]", el)) who.textContent = initials(who.dataset.initials);
  refreshTimes(el);
  clocks(el);
  raise(el);
}

/** Moments of charts: the clock, without "ago". */
function clocks(root = document) {
  for (const time of $$("time[data-clock]", root)) time.textContent = new Date(time.dateTime).toLocaleString(page.lang === "ko" ? "ko-KR" : "en-GB", { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}
clocks();
raise();

// A list of what is under way is asked for again while somebody looks at it.
for (const el of $$("[data-refresh]")) setInterval(() => { if (!document.hidden && !busy(el)) refreshParts(el.id); }, 3000);

const pulse = $("#pulse");
let source;

function show(on) {
  pulse.hidden = false;
  pulse.classList.toggle("on", on);
  pulse.textContent = on ? pulse.dataset.on : pulse.dataset.off;
}

function open() {
  if (source && source.readyState !== EventSource.CLOSED) return;
  source = new EventSource(pulse.dataset.live + location.search.replace(/^\?/, "&"));
  source.onopen = () => show(true);
  source.addEventListener("parts", (event) => {
    for (const [name, html] of Object.entries(JSON.parse(event.data))) put(name, html);
  });
  source.onerror = () => {
    show(false);
    // After a refusal (signed out, too many windows) the browser gives up by itself: ask again now and then.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => { if (!document.hidden && !paused) open(); }, 15_000);
  };
}

// Who reads something that moves stops it, and lets it go on.
let paused = false;
listen(() => {
  if (!pulse) return;
  paused = !paused;
  if (paused) { source?.close(); show(false); } else open();
});

if (pulse) {
  // A hidden tab costs the server nothing.
  document.addEventListener("visibilitychange", () => { if (document.hidden) source?.close(); else if (!paused) open(); });
  setInterval(() => { for (const [name, html] of late) put(name, html); }, 1000);
  if (!document.hidden) open();
}
