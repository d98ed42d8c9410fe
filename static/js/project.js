// The project page: feedbacks and their films, members and invitations, the project itself.
import "./frame.js";
import { api, explain, sendForm } from "./api.js";
import { $, $$, confirmed, copy, dialog, h, icon, page, t, toast } from "./dom.js";
import { endOfDay, localDay } from "./form.js";
import { LiveLine } from "./live.js";
import { freshener, refreshParts } from "./part.js";
import { uploadTray } from "./tray.js";
import { dropZone, unfinished } from "./upload.js";

const project = page.project;
const base = `/projects/${project.id}`;

// Films --------------------------------------------------------------------------------------------------------------

const queue = uploadTray((upload) => {
  toast(t("js.upload.arrived", { name: upload.name }), "good", { label: t("js.open"), run: () => location.assign(`/feedbacks/${upload.feedbackId}`) });
  refreshParts("feedbacks");
  tellUnfinished();
});
const stem = (name) => name.normalize("NFC").replace(/\.[^.]{1,5}$/, "").slice(0, 200);

const feedbackForm = $("#new-feedback-form");
const fileInput = $("#nf-file");
let file = null;

function choose(chosen) {
  file = chosen;
  $("#nf-file-name").textContent = file ? file.name.normalize("NFC") : t("js.file.none");
  const title = feedbackForm.elements.title;
  if (file && !title.value) title.value = stem(file.name);
}
fileInput?.addEventListener("change", () => { choose(fileInput.files[0] || null); fileInput.value = ""; });

feedbackForm?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const made = await sendForm(feedbackForm, "POST", `${base}/feedbacks`);
  if (!made?.id) return;
  $("#new-feedback").close();
  feedbackForm.reset();
  if (!file) { location.assign(`/feedbacks/${made.id}`); return; }
  queue.add(file, made.id);
  choose(null);
  refreshParts("feedbacks");
});

/** Dropped on a feedback: its next version. Dropped beside: one file opens the dialog, several are added at once. */
const list = $("#feedbacks");
if (list && project.rights.upload) {
  let row = null;
  list.addEventListener("dragover", (event) => { row = event.target.closest("[data-feedback]"); }, true);
  dropZone(list, async (files) => {
    const onto = row?.dataset.feedback;
    row = null;
    if (files.length === 1 && onto) {
      const title = $(`[data-feedback="${onto}"] .title`)?.textContent || "";
      const choice = await newOrNext(title);
      if (choice === "next") { queue.add(files[0], Number(onto)); return; }
      if (choice !== "new") return;
    }
    if (files.length === 1) {
      choose(files[0]);
      $("#new-feedback").showModal();
      return;
    }
    for (const one of files) {
      try {
        const made = await api("POST", `${base}/feedbacks`, { title: stem(one.name) }, { quiet: true });
        queue.add(one, made.id);
      } catch (error) { explain(error); }
    }
    refreshParts("feedbacks");
  });
}

async function newOrNext(title) {
  const box = dialog({ title: t("js.drop.title"), body: h("p", null, t("js.drop.text", { title })), foot: [
    h("button", { class: "btn", type: "button", onclick: () => box.close("new") }, t("js.drop.new")),
    h("button", { class: "btn primary", type: "button", autofocus: true, onclick: () => box.close("next") }, t("js.drop.next"))] });
  return box.closed;
}

/** Uploads that a reload or crash interrupted: the browser must be given the file again, the server has the rest. */
function tellUnfinished() {
  const place = $("#unfinished");
  if (!place || !project.rights.upload) return;
  const here = new Set($$("[data-feedback]").map((el) => Number(el.dataset.feedback)));
  const waiting = unfinished().filter((u) => here.has(u.feedback_id) && !queue.items.some((q) => q.url === u.url));
  place.hidden = waiting.length === 0;
  place.replaceChildren(...waiting.map((u) => {
    const input = h("input", { class: "sr", type: "file", onchange: () => {
      const again = input.files[0];
      if (!again) return;
      if (again.size !== u.size || again.name.normalize("NFC") !== u.name) { toast(t("js.upload.other_file"), "bad"); return; }
      queue.add(again, u.feedback_id);
      tellUnfinished();
    } });
    return h("div", { class: "notice" }, icon("upload"), h("span", { class: "grow" }, t("js.upload.interrupted", { name: u.name })),
      h("label", { class: "btn s" }, t("js.upload.choose_again"), input));
  }));
}
tellUnfinished();

// People -------------------------------------------------------------------------------------------------------------

function showLink(email, link) {
  const field = h("input", { class: "input", readonly: true, value: link, "aria-label": t("js.invite.made") });
  dialog({ title: t("js.invite.made"), body: [h("p", null, t("js.invite.made_text", { email })),
    h("div", { class: "copy-line" }, field, h("button", { class: "btn primary", type: "button", autofocus: true, onclick: async () => {
      field.select();
      const done = await copy(link);
      toast(t(done ? "js.copied" : "js.copy_failed"), done ? "good" : "bad");
    } }, icon("copy", "s"), t("js.copy")))] });
}

const inviteForm = $("#invite-form");
inviteForm?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const made = await sendForm(inviteForm, "POST", `${base}/invitations`);
  if (!made) return;
  $("#invite").close();
  inviteForm.reset();
  showLink(made.email, made.link);
  refreshParts("people");
});

$("#people")?.addEventListener("change", async (event) => {
  const select = event.target.closest("[data-member]");
  if (!select) return;
  try {
    await api("PATCH", `${base}/members/${select.dataset.member}`, { role: select.value });
    toast(t("js.member.changed"), "good");
  } catch { refreshParts("people"); }
});

$("#people")?.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { remove, resend, revoke, name } = button.dataset;
  try {
    if (remove && await confirmed({ title: t("js.member.remove_title"), text: t("js.member.remove_text", { name }), action: t("js.member.remove") })) {
      await api("DELETE", `${base}/members/${remove}`);
    } else if (revoke && await confirmed({ title: t("js.invite.revoke_title"), text: t("js.invite.revoke_text", { email: name }), action: t("js.invite.revoke") })) {
      await api("DELETE", `${base}/invitations/${revoke}`);
    } else if (resend) {
      const made = await api("POST", `${base}/invitations/${resend}/resend`);
      showLink(made.email, made.link);
    } else return;
    refreshParts("people");
  } catch { /* said by a toast */ }
});

// The project itself -------------------------------------------------------------------------------------------------

const editForm = $("#edit-project-form");
if (editForm) {
  const deadline = editForm.elements.deadline;
  deadline.value = localDay(deadline.dataset.localDate);
  editForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await sendForm(editForm, "PATCH", base, (body) => ({ ...body, deadline: endOfDay(body.deadline) }))) location.reload();
  });
}

$("#delete-project")?.addEventListener("click", async () => {
  if (!await confirmed({ title: t("js.project.delete_title"), text: t("js.project.delete_text", { name: project.name }), action: t("js.delete"), phrase: project.name })) return;
  await api("DELETE", base);
  location.assign("/projects");
});

// Live: what changes elsewhere is drawn again by the server, at most once a second.
const stale = freshener(["feedbacks"], 1000);
new LiveLine({
  project: project.id,
  since: project.seq ?? null,
  rests: true,
  onMessage({ type }) {
    // An initial state means that more was missed than can be told again.
    if (["initial_state", "feedback", "media_ready", "media_deleted", "comment", "comment_changed", "comment_deleted"].includes(type)) stale();
  },
  onState(state, reason) {
    if (state === "closed") toast(t(`js.live.${reason}`), "bad", { label: t("js.live.reload"), run: () => location.reload() });
  },
});
