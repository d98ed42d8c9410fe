// The plan's page: brings what is asked for, the board, the shot beside it, the conversation and the live line together.
import "./frame.js";
import { api } from "./api.js";
import { $, $$, page, t, toast, typing } from "./dom.js";
import { LiveLine } from "./live.js";
import { board } from "./plan/board.js";
import { Discussion } from "./plan/discussion.js";
import { Fields } from "./plan/fields.js";
import { head } from "./plan/head.js";
import { inputs } from "./plan/inputs.js";
import { drafting, notices } from "./plan/job.js";
import { shotPanel } from "./plan/shot.js";
import { Store } from "./plan/store.js";
import { shotName } from "./plan/words.js";
import { People } from "./room/people.js";

const data = page.plan;
const wide = matchMedia("(min-width: 1100px)");

const desk = {
  me: page.me,
  project: data.project,
  rights: data.rights,
  generator: data.generator,
  presets: data.presets,
  feedback: null,
  /** The shot that is shown beside the board, by its key. */
  selected: null,
  /** What else is drawn with every change. */
  onDraw: new Set(),

  /** One drawing for all that came at once. */
  draw() {
    if (this.waiting) return;
    this.waiting = true;
    queueMicrotask(() => { this.waiting = false; drawAll(); });
  },

  async refetch() {
    const plan = await api("GET", this.store.base, undefined, { quiet: true }).catch(() => null);
    if (plan) this.store.take(plan);
  },

  openShot(key) {
    this.selected = key;
    showSide("shot");
    this.panel.show(key);
    this.talk.setAbout(this.talk.about && shotName(this.place(key)));
    this.draw();
  },

  place(key) {
    return this.store.value("order", "keys").indexOf(key);
  },

  /** The shot before or after the one that is shown. */
  step(by) {
    const keys = this.store.value("order", "keys");
    const next = keys[this.place(this.selected) + by];
    if (next) { this.openShot(next); this.board.focus(next, false); }
  },

  showShot(name) {
    const key = this.store.value("order", "keys")[Number(name.slice(1)) - 1];
    if (!key) return;
    if (!wide.matches) showSide(null);
    this.board.focus(key);
  },

  /** The conversation about one shot. */
  openTalk(key) {
    const name = shotName(this.place(key));
    this.selected = key;
    showSide("talk");
    this.talk.narrow(this.talk.countOf(name) ? name : null);
    this.talk.setAbout(name);
    $("#say")?.focus();
    this.draw();
  },
};

desk.store = new Store(data.plan, { changed: () => desk.draw(), said: (state, at) => desk.head?.said(state, at) });

/** Builds everything that may be written in, for a plan that is open or one that stands still. */
function build() {
  desk.may = desk.rights.plan && desk.store.open;
  // An admin may have hidden drafting: plans are written by people alone then.
  desk.mayDraft = desk.may && !desk.generator.hidden;
  desk.fields = new Fields(desk.store, desk.may);
  desk.onDraw.clear();
  for (const id of ["inputs", "board", "status", "tools", "flow", "title-place"]) $(`#${id}`).replaceChildren();
  document.body.classList.toggle("may-write", desk.may);
  desk.head = head(desk);
  desk.drawInputs = inputs(desk);
  desk.board = board(desk);
  desk.panel = shotPanel(desk);
  desk.panel.show(desk.selected);
}

function drawAll() {
  if (desk.may !== (desk.rights.plan && desk.store.open)) build();
  desk.talk.open(desk.store.plan.feedback_id);
  desk.fields.draw();
  desk.head.draw();
  desk.drawInputs();
  drawNotices();
  desk.board.draw();
  desk.panel.draw();
  for (const draw of desk.onDraw) draw();
  const n = desk.talk.unresolved;
  $("#talk-count").textContent = n || "";
  $("#talk-tab-count").textContent = n || "";
}

// The side -----------------------------------------------------------------------------------------------------------

const side = $("#side");
function showSide(what) {
  side.hidden = !what;
  $("#desk").classList.toggle("with-side", Boolean(what));
  $("#open-talk").setAttribute("aria-pressed", String(what === "talk"));
  if (!what) {
    const key = desk.selected;
    desk.selected = null;
    desk.draw();
    if (key && !document.activeElement?.closest?.("#board")) $(`[data-key="${key}"] .frame`)?.focus({ preventScroll: true });
    return;
  }
  for (const tab of $$("#side-tabs > [data-side]")) tab.setAttribute("aria-pressed", String(tab.dataset.side === what));
  $("#shot").hidden = what !== "shot";
  $("#talk").hidden = what !== "talk";
  if (what === "shot") desk.panel.show(desk.selected);
  else desk.talk.draw();
}
for (const tab of $$("#side-tabs > [data-side]")) tab.addEventListener("click", () => { if (tab.dataset.side === "talk") desk.talk.narrow(null); showSide(tab.dataset.side); });
$("#side-close").addEventListener("click", () => showSide(null));
$("#open-talk").addEventListener("click", () => {
  const open = !side.hidden && !$("#talk").hidden;
  if (!open) desk.talk.narrow(null);
  showSide(open ? null : "talk");
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && !side.hidden) { showSide(null); return; }
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") { event.preventDefault(); desk.store.hurry(); return; }
  if (!event.altKey && !typing(event.target) && event.target.closest?.("#board .frame") && ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) {
    // From frame to frame, as they lie.
    const frames = $$("#board .frame");
    const at = frames.indexOf(event.target);
    const next = frames[at + { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -3, ArrowDown: 3 }[event.key]];
    if (next) { event.preventDefault(); next.focus(); }
  }
});

// Live ---------------------------------------------------------------------------------------------------------------

/** Says for a moment who has changed something. */
function told(message) {
  if (!message.user_id || message.user_id === desk.me.id) return;
  const name = desk.people.online.get(message.user_id)?.nickname ?? t("js.plan.somebody");
  const { change } = message;
  if (change === "shot" || change === "picture") desk.board.flash(`shot ${message.key}`, name);
  else if (change === "stage") message.stages.forEach((stage) => desk.board.flash(`stage ${stage}`, name));
  else if (change === "status") toast(t("js.plan.by.status", { name, status: t(`js.plan.status.${message.plan.status}`) }));
  else if (["order", "storyboard", "restored"].includes(change)) toast(t(`js.plan.by.${change}`, { name }));
}

let opened = 0;
const ours = (message) => desk.talk.thread && (message.feedback_id ?? message.comment?.feedback_id) === desk.talk.feedbackId;
const handlers = {
  initial_state(message) {
    desk.people.set(message);
    for (const comment of message.comments || []) desk.talk.thread?.put(comment);
    // What was said while the page was on its way, or in a gap that was too long to tell again.
    desk.refetch();
    if (opened > 1) { desk.talk.thread?.load().catch(() => {}); if (desk.talk.feedbackId) desk.talk.refetchFeedback(); }
    desk.talk.refresh();
  },
  plan(message) {
    if (message.plan_id !== desk.store.plan.id) return;
    if (message.change === "deleted") {
      if (desk.gone) return;
      desk.gone = true;
      desk.store.pending.clear();
      toast(t("js.plan.gone"), "bad", { label: t("js.plan.all_plans"), run: () => location.assign(`/projects/${desk.project.id}/plans`) });
      return;
    }
    const before = desk.store.plan.story.stages;
    const news = desk.store.plan.rev < message.rev;
    desk.store.take(message.plan);
    message.stages = message.plan.story.stages.filter((s, at) => JSON.stringify(s) !== JSON.stringify(before[at])).map((s) => s.stage);
    if (news) told(message);
  },
  plan_progress(message) { if (message.plan_id === desk.store.plan.id) desk.drafting.heard(message); },
  comment(message) {
    if (!ours(message)) return;
    desk.talk.thread.put(message.comment);
    if (message.comment.user_id) desk.people.stopped(message.comment.user_id);
    desk.talk.refresh();
  },
  comment_changed(message) { if (ours(message)) { desk.talk.thread.put(message.comment); desk.talk.refresh(); } },
  comment_deleted(message) { if (ours(message)) desk.talk.thread.drop(message.comment_id); },
  reaction(message) { if (ours(message)) desk.talk.thread.react(message.comment_id, message.reactions); },
  feedback(message) { if (message.feedback?.id === desk.talk.feedbackId) desk.talk.refetchFeedback(); },
  typing(message) { if (!message.feedback_id || message.feedback_id === desk.talk.feedbackId) desk.people.typing(message); },
  presence(message) { desk.people.set(message); },
  // What the page says by itself is refused in silence.
  error(message) { if (!["typing_indicator", undefined].includes(message.action)) toast(message.message, "bad"); },
};

build();
desk.talk = new Discussion(desk);
desk.people = new People($("#online"), document.createElement("div"), { ...desk.talk.room, get feedbackId() { return desk.talk.feedbackId; }, timeline: { away() {} }, line: { send() {} } });
desk.drafting = drafting(desk);
const drawNotices = notices(desk);
desk.line = new LiveLine({
  project: data.project.id,
  since: data.seq ?? null,
  onMessage: (message) => handlers[message.type]?.(message),
  onState(state, reason) {
    if (state === "open") { opened += 1; desk.talk.thread?.retryAll(); desk.store.hurry(); }
    const el = $("#live");
    el.className = `live wide-only ${state}`;
    const words = { connecting: "js.live.connecting", open: "js.live.open", waiting: reason === "too_many" ? "js.live.too_many" : "js.live.waiting", closed: `js.live.${reason}` };
    el.title = t(words[state]);
    $("#live-text").textContent = t(words[state]);
    $("#live-text").classList.toggle("sr", state === "open" || state === "connecting");
    if (state === "closed") toast(t(words.closed), "bad", { label: t("js.live.reload"), run: () => location.reload() });
  },
});
desk.talk.signal();
desk.store.tell();
drawAll();

// What the address asks for: a comment, a shot, or that the first draft begins.
const wish = new URLSearchParams(location.search);
const comment = Number(wish.get("c"));
if (comment) {
  showSide("talk");
  const looking = setInterval(() => { if (desk.talk.reveal(comment) || desk.talk.thread?.loaded) clearInterval(looking); }, 100);
} else if (wish.get("shot")) desk.showShot(wish.get("shot"));
if (data.plan.job_id) desk.drafting.follow(data.plan.job_id);
else if (wish.has("draft")) {
  history.replaceState(null, "", location.pathname);
  if (desk.mayDraft && desk.store.blank && desk.store.plan.inputs.one_liner) desk.drafting.start({ source: desk.generator.model ? "model" : "rules" });
}
