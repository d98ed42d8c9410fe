// The page of notices: marks as read, and draws anew what the server shows when something comes.
import "./frame.js";
import { api } from "./api.js";
import { heard } from "./bell.js";
import { $ } from "./dom.js";
import { LiveLine } from "./live.js";
import { freshener } from "./part.js";

const stale = freshener(["notices"]);

document.addEventListener("click", async (event) => {
  const one = event.target.closest("[data-read]");
  if (!one) return;
  one.disabled = true;
  try { await api("POST", `/notifications/${one.dataset.read}/read`); stale(); } catch { one.disabled = false; }
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.getAttribute("action") !== "/notices/read-all") return;
  event.preventDefault();
  const project = $("[name=project_id]", form)?.value;
  try { await api("POST", "/notifications/read-all", project ? { project_id: Number(project) } : {}); stale(); } catch { /* said by a toast */ }
});

new LiveLine({
  url: "/ws/me",
  rests: true,
  onMessage(message) {
    heard(message);
    if (message.type === "notification" || message.type === "notifications_read") stale();
  },
});
