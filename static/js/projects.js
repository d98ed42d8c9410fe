// Dashboard and project list: new project, restore; both stay as they are elsewhere.
import "./frame.js";
import { api, sendForm } from "./api.js";
import { $ } from "./dom.js";
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

const stale = freshener(["numbers", "recent", "due", "list"]);
let opened = false;
new LiveLine({
  url: "/ws/me",
  onMessage({ type }) {
    // A second initial state means that something may have been missed.
    if (type === "initial_state" && !opened) opened = true;
    else if (["initial_state", "dashboard", "membership"].includes(type)) stale();
  },
});
