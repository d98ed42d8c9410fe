// The bell in the header: how much is unread, and the newest. Asks when the page is seen and each minute; a page that has
// a line to /ws/me lets the bell hear it through `heard`, so that a bell costs none of a person's few sockets.
import { api } from "./api.js";
import { $, h, page, refreshTimes, t } from "./dom.js";

const EACH_MS = 60_000;
const SHOWN = 8;
const bell = $("#bell");
let unread = null;

function show(n) {
  unread = n;
  const count = $(".bell-count", bell);
  count.hidden = !n;
  count.textContent = n > 99 ? "99+" : String(n);
  $(".bell-all", bell).hidden = !n;
  $("summary", bell).setAttribute("aria-label", n ? t("js.bell.some", { n }) : t("js.bell.none"));
}

/** What a line to /ws/me has said. */
export function heard(message) {
  if (!bell || (message.type !== "notification" && message.type !== "notifications_read")) return;
  show(message.unread);
  if (bell.open) list();
}

async function look() {
  if (document.visibilityState !== "visible") return;
  try { show((await api("GET", "/notifications/unread", undefined, { quiet: true })).count); } catch { /* the next look */ }
}

async function list() {
  const into = $(".bell-list", bell);
  try {
    const answer = await api("GET", `/notifications?page_size=${SHOWN}`, undefined, { quiet: true });
    show(answer.unread_count);
    into.replaceChildren(...(answer.results.length ? answer.results.map(row) : [h("p", { class: "menu-who faint" }, t("js.bell.empty"))]));
    refreshTimes();
  } catch (error) { into.replaceChildren(h("p", { class: "menu-who faint" }, error.message)); }
}

function row(n) {
  return h("a", { class: `bell-item${n.read_at ? "" : " unread"}`, href: n.url, onclick: () => read(n) },
    h("b", null, n.title),
    n.text && !n.title.includes(n.text) && h("span", { class: "cut muted" }, n.text),
    h("span", { class: "faint tiny cut" }, n.project_name && `${n.project_name} · `, h("time", { datetime: n.created, "data-ago": true }, n.created.slice(0, 10))));
}

/** The answer is not waited for: the page is about to go. */
function read(n) {
  if (!n.read_at) fetch(`/api/v1/notifications/${n.id}/read`, { method: "POST", keepalive: true, credentials: "same-origin" });
}

if (bell && page.me) {
  bell.addEventListener("toggle", () => { if (bell.open) list(); });
  $(".bell-all", bell).addEventListener("click", async () => {
    try { show((await api("POST", "/notifications/read-all", {})).count); list(); } catch { /* said by a toast */ }
  });
  document.addEventListener("visibilitychange", () => { if (unread !== null) look(); });
  setInterval(look, EACH_MS);
  look();
}
