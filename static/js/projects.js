// Dashboard and project list: new project, restore; both stay as they are elsewhere.
import "./frame.js";
import { api, sendForm } from "./api.js";
import { heard } from "./bell.js";
import { $, page } from "./dom.js";
import { endOfDay } from "./form.js";
import { LiveLine } from "./live.js";
import { freshener } from "./part.js";

const form = $("#new-project-form");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const made = await sendForm(form, "POST", "/projects", (body) => ({ ...body, deadline: endOfDay(body.deadline) }));
  if (made?.id) location.assign(`/projects/${made.id}`);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-restore]");
  if (!button) return;
  button.disabled = true;
  try {
    await api("POST", `/projects/${button.dataset.restore}/restore`);
    location.assign(`/projects/${button.dataset.restore}`);
  } catch { button.disabled = false; }
});

const stale = freshener(["news", "numbers", "waiting", "in-process", "recent", "due", "activity", "list"]);
new LiveLine({
  url: "/ws/me",
  since: page.seq ?? null,
  rests: true,
  onMessage(message) {
    heard(message);
    if (message.type === "dashboard" || message.type === "membership") stale();
  },
});
