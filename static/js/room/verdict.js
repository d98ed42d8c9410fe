// Decisions (approve … reject), and the state and priority of the feedback.
import { api, explain } from "../api.js";
import { avatar, confirmed, dialog, h, icon, t, timeTag, toast } from "../dom.js";

const DECISIONS = ["approve", "approve_with_changes", "request_changes", "reject"];
const STATUSES = ["open", "in_progress", "resolved", "closed"];
const PRIORITIES = ["low", "medium", "high", "critical"];

/** The menu and button at the right of the room's bar. Returns `draw()`. */
export function verdictBar(root, room) {
  const label = h("span", { class: "cut" });
  const button = h("button", { class: "btn s primary", type: "button", onclick: () => openDecision(room) }, icon("flag", "s"), label);
  const panel = h("div", { class: "menu-panel" });
  const pill = h("span", { class: "pill" });
  const menu = h("details", { class: "menu wide-only" }, h("summary", { class: "btn s quiet", title: t("js.status.title") }, pill, icon("down", "s")), panel);
  const small = h("div", { class: "menu-panel" });
  const more = h("details", { class: "menu narrow-only" }, h("summary", { class: "btn s quiet icon-only", "aria-label": t("js.more") }, icon("more")), small);
  root.append(menu, button, more);

  const change = async (body) => {
    try {
      const answer = await api("PATCH", `/feedbacks/${room.feedbackId}`, body, { quiet: true });
      if (answer?.id) room.setFeedback(answer);
    } catch (error) { explain(error); }
  };
  const choices = (names, kind, now) => [h("div", { class: "menu-title" }, t(`js.${kind}.title`)),
    ...names.map((n) => h("button", { class: "menu-item", type: "button", role: "menuitemradio", "aria-checked": String(n === now), onclick: () => change({ [kind]: n }) }, h("span", { class: `pill ${n}` }, t(`js.${kind}.${n}`)), n === now && h("span", { class: "grow row end" }, icon("check"))))];

  return function draw() {
    const f = room.feedback;
    pill.className = `pill ${f.status}`;
    pill.textContent = t(`js.status.${f.status}`);
    const mine = (f.decisions || []).find((d) => d.user?.id === room.me.id);
    label.textContent = mine ? t(`js.decision.${mine.decision}`) : t(room.rights.decide ? "js.decision.open" : "js.decision.see");
    const count = (f.decisions || []).length;
    button.title = t("js.decision.count", { n: count });
    const parts = () => room.rights.upload ? [...choices(STATUSES, "status", f.status), h("div", { class: "menu-line" }), ...choices(PRIORITIES, "priority", f.priority),
      h("div", { class: "menu-line" }), h("button", { class: "menu-item", type: "button", onclick: () => editFeedback(room) }, icon("edit"), t("js.feedback.edit")),
      h("button", { class: "menu-item bad", type: "button", onclick: () => removeFeedback(room) }, icon("trash"), t("js.feedback.delete"))]
      : [h("div", { class: "menu-title" }, `${t("js.priority.title")} · ${t(`js.priority.${f.priority}`)}`)];
    panel.replaceChildren(...parts());
    small.replaceChildren(...(room.rights.upload ? parts() : [h("div", { class: "menu-title" }, `${t("js.status.title")} · ${t(`js.status.${f.status}`)}`), ...parts()]),
      h("button", { class: "menu-item", type: "button", onclick: () => room.player.screenshot(room.slug) }, icon("camera"), t("js.shot.take").replace(/ *\(.*\)$/, "")));
  };
}

export function openDecision(room) {
  const all = room.feedback.decisions || [];
  const mine = all.find((d) => d.user?.id === room.me.id);
  const note = h("textarea", { class: "textarea", maxlength: "2000", placeholder: t("js.decision.note") });
  note.value = mine?.note || "";
  const form = h("form", { class: "stack", id: "verdict-form", onsubmit: async (event) => {
    event.preventDefault();
    const decision = new FormData(form).get("decision");
    if (!decision) { toast(t("js.decision.choose"), "bad"); return; }
    try {
      const answer = await api("PUT", `/feedbacks/${room.feedbackId}/decision`, { decision, note: note.value.trim() }, { quiet: true });
      if (answer?.decisions) room.setFeedback(answer);
      else room.refetchFeedback();
      toast(t("js.decision.saved"), "good");
      box.close();
    } catch (error) { explain(error); }
  } },
  h("div", { class: "verdicts", role: "radiogroup", "aria-label": t("js.decision.open") }, DECISIONS.map((d) => h("label", { class: "verdict" },
    h("input", { type: "radio", name: "decision", value: d, checked: mine?.decision === d }), h("span", null, h("b", null, t(`js.decision.${d}`)), h("small", null, t(`js.decision.${d}_hint`)))))),
  h("label", { class: "field" }, h("span", { class: "label" }, t("js.decision.note_label")), note));

  const others = all.length ? h("div", { class: "stack" }, h("h3", null, t("js.decision.so_far")), all.map((d) => h("div", { class: "row" }, avatar(d.user),
    h("div", { class: "grow" }, h("div", { class: "row wrap" }, h("b", null, d.user?.nickname || t("js.anonymous")), h("span", { class: `pill ${d.decision}` }, t(`js.decision.${d.decision}`)), h("span", { class: "faint tiny" }, timeTag(d.updated))),
      d.note && h("p", { class: "small muted pre" }, d.note))))) : h("p", { class: "muted small" }, t("js.decision.none"));

  const box = dialog({
    title: t(room.rights.decide ? "js.decision.title" : "js.decision.so_far"),
    body: room.rights.decide ? [form, h("hr"), others] : [others],
    foot: room.rights.decide && [h("button", { class: "btn", type: "button", onclick: () => box.close() }, t("js.cancel")), h("button", { class: "btn primary", type: "submit", form: "verdict-form" }, t("js.decision.save"))],
  });
}

function editFeedback(room) {
  const f = room.feedback;
  const title = h("input", { class: "input", name: "title", required: true, maxlength: "200", value: f.title });
  const description = h("textarea", { class: "textarea", name: "description", maxlength: "5000", value: f.description || "" });
  const form = h("form", { class: "fields", id: "feedback-form", onsubmit: async (event) => {
    event.preventDefault();
    const { sendForm } = await import("../api.js");
    const answer = await sendForm(form, "PATCH", `/feedbacks/${room.feedbackId}`);
    if (answer) { if (answer.id) room.setFeedback(answer); box.close(); }
  } }, h("label", { class: "field" }, h("span", { class: "label" }, t("js.feedback.title")), title), h("label", { class: "field" }, h("span", { class: "label" }, t("js.feedback.description")), description));
  const box = dialog({ title: t("js.feedback.edit"), body: form, foot: [h("button", { class: "btn", type: "button", onclick: () => box.close() }, t("js.cancel")), h("button", { class: "btn primary", type: "submit", form: "feedback-form" }, t("js.save"))] });
}

async function removeFeedback(room) {
  if (!await confirmed({ title: t("js.feedback.delete_title"), text: t("js.feedback.delete_text", { title: room.feedback.title }), action: t("js.delete"), phrase: room.feedback.title })) return;
  await api("DELETE", `/feedbacks/${room.feedbackId}`);
  location.assign(`/projects/${room.feedback.project_id}`);
}
