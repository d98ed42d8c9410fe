// The review room: brings the picture, the timeline, the comments and the live line together.
import "./frame.js";
import { api } from "./api.js";
import { $, h, icon, page, t, toast } from "./dom.js";
import { LiveLine, TypingSignal } from "./live.js";
import { Beside } from "./room/beside.js";
import { cleanupBar } from "./room/cleanup.js";
import { Comments } from "./room/comments.js";
import { Composer } from "./room/composer.js";
import { controls } from "./room/controls.js";
import { Cuts } from "./room/cuts.js";
import { showInfo } from "./room/info.js";
import { bindKeys, showKeys } from "./room/keys.js";
import { People } from "./room/people.js";
import { Player, sourceOf } from "./room/player.js";
import { SoundPicture } from "./room/sound.js";
import { Thread } from "./room/thread.js";
import { Timeline } from "./room/timeline.js";
import { Together } from "./room/together.js";
import { verdictBar } from "./room/verdict.js";
import { emptyStage, versionMenu } from "./room/versions.js";
import { Counter } from "./timecode.js";
import { uploadTray } from "./tray.js";
import { dropZone } from "./upload.js";

const data = page.room;
// Asked for before anything is drawn: the picture is what people wait for.
const films = api("GET", `/feedbacks/${data.feedback.id}/media`);
films.catch(() => {});
const wish = new URLSearchParams(location.search);

const room = {
  me: page.me,
  feedback: data.feedback,
  feedbackId: data.feedback.id,
  rights: data.rights,
  slug: data.slug,
  versions: [],
  counters: new Map(),

  versionOf(id) { return this.versions.find((m) => m.id === id)?.version; },
  counterOf(id) {
    if (!id || id === this.player.media?.id) return this.player.counter;
    if (!this.counters.has(id)) this.counters.set(id, new Counter(this.versions.find((m) => m.id === id)?.facts));
    return this.counters.get(id);
  },
  /** Jumps to a comment's moment, in its own version. */
  goTo(comment) {
    const media = comment.media_id && this.versions.find((m) => m.id === comment.media_id);
    if (media && media.id !== this.player.media?.id) showVersion(media, comment.start_ms);
    else { this.player.pause(); this.player.seek(comment.start_ms); }
  },
  setFeedback(next) {
    this.feedback = { ...this.feedback, ...next };
    $("#title").textContent = this.feedback.title;
    drawVerdict();
  },
  async refetchFeedback() {
    clearTimeout(this.refetching);
    this.refetching = setTimeout(async () => {
      const next = await api("GET", `/feedbacks/${this.feedbackId}`, undefined, { quiet: true }).catch(() => null);
      if (next) this.setFeedback(next);
    }, 200);
  },
  showVersion,
  /** Resolves once a version that somebody else knows is known here, if it is there. */
  async findVersion(id) {
    await refetchVersions();
    if (!this.versions.some((m) => m.id === id)) throw new Error("no such version");
  },
  fullScreen() {
    const stage = $("#stage");
    if (document.fullscreenElement) document.exitFullscreen();
    else if (stage.requestFullscreen) stage.requestFullscreen().catch(() => {});
    else room.player.video?.webkitEnterFullscreen?.();
  },
};

let waiting = false;
/** One drawing for all that a frame of the line brought. Not by animation frame: a window behind another one has none. */
function refresh() {
  if (waiting) return;
  waiting = true;
  queueMicrotask(() => { waiting = false; room.comments.draw(); });
}

room.thread = new Thread(room.feedbackId, room.me, refresh);
room.player = new Player($("#screen"), (what) => {
  if (what === "full") { room.fullScreen(); return; }
  if (what === "remake") { remake(room.player.media); return; }
  drawControls?.();
  room.timeline?.draw();
  if (!room.together?.following) room.player.keepInRange();
  if (what === "time") { room.composer?.tick(); room.comments?.followTo(room.player.ms); room.cuts.tick(); }
  if (what === "loaded") { refresh(); room.composer?.dress(); drawBeside(); room.people?.drawHeads(); }
  room.sound.tick();
  room.people?.heard(what);
  room.together?.heard(what);
});
room.player.mayRemake = room.rights.upload;

/** What was made beside the film is drawn again: it has come, or the film's own length has. */
function drawBeside() {
  room.timeline?.drawBeside();
  room.cuts?.draw();
  room.sound?.draw();
  drawControls?.();
}
room.beside = new Beside(drawBeside);
room.cuts = new Cuts($("#cuts"), room.player, room.beside);
room.sound = new SoundPicture($("#screen"), room.player, room.beside);
const info = (media) => { if (media) showInfo(media, room.counterOf(media.id), (ms) => { room.player.pause(); room.player.seek(ms); }); };
const drawControls = controls($("#controls"), room.player, { info: () => info(room.player.media), cuts: room.cuts, shot: () => room.player.screenshot(room.slug), help: showKeys, full: () => room.fullScreen() });
room.timeline = new Timeline($("#timeline"), room.player, room.beside, { pick: (id) => { room.goTo(room.thread.byId.get(id)); room.comments.reveal(id); } });
room.comments = new Comments($("#panel-head"), $("#comments"), room);
room.together = new Together($("#together"), $("#screen"), room);
room.people = new People($("#online"), room.timeline.people, room);

// Versions -----------------------------------------------------------------------------------------------------------

const queue = uploadTray((upload) => { toast(t("js.upload.arrived", { name: upload.name }), "good"); refetchVersions(upload.mediaId); });
const addFiles = (files) => {
  if (!room.rights.upload) { toast(t("js.version.no_right"), "bad"); return; }
  for (const file of files) queue.add(file, room.feedbackId);
};
const versions = versionMenu($("#versions"), room, { pick: (media) => showVersion(media, room.player.ms), add: addFiles, info, restored: (id) => refetchVersions(id) });
if (room.rights.upload) dropZone($("#stage"), addFiles);

/** Versions that are to be made again, as asked from here: version → job. */
const asked = new Map();

async function remake(media) {
  const begun = await api("POST", `/media/${media.id}/rerun`, {}).catch(() => null);
  if (!begun) return;
  asked.set(media.id, begun.job_id);
  await refetchMedia(media.id);
}

/** Has the work that was asked for ended without a word? A version that was ready stays so, whatever became of it. */
async function lookAfter(media) {
  const job = await api("GET", `/jobs/${asked.get(media.id)}`, undefined, { quiet: true }).catch(() => null);
  if (!job || !["done", "failed", "dead", "cancelled"].includes(job.state)) return;
  asked.delete(media.id);
  if (job.state !== "done") toast(t("js.media.remake_failed"), "bad");
  refetchMedia(media.id);
}

function showVersion(media, ms = 0) {
  room.player.show(media, ms);
  room.beside.show(media);
  $("#stage").classList.toggle("is-still", room.player.still);
  versions.draw();
  emptyStage(room, versions.choose);
  drawControls();
  room.timeline.draw();
  room.composer?.tick();
  room.together.shown();
  room.people.draw();
  room.people.tell();
  refresh();
}

function takeMedia(media) {
  media.remaking = asked.has(media.id);
  const at = room.versions.findIndex((m) => m.id === media.id);
  if (at >= 0) room.versions[at] = media;
  else room.versions.unshift(media);
  room.versions.sort((a, b) => b.version - a.version);
  room.counters.delete(media.id);
  if (room.player.media?.id === media.id) {
    room.player.update(media);
    room.beside.show(media);
    $("#stage").classList.toggle("is-still", room.player.still);
  }
  versions.draw();
}

/** A version is gone: who watches it sees the newest that is left. */
function dropMedia(id) {
  const at = room.versions.findIndex((m) => m.id === id);
  if (at < 0) return;
  const [gone] = room.versions.splice(at, 1);
  room.counters.delete(id);
  if (room.player.media?.id !== gone.id) { versions.draw(); refresh(); return; }
  if (room.versions.length) { toast(t("js.version.deleted_by_other")); showVersion(room.versions[0]); return; }
  room.player.empty();
  versions.draw();
  emptyStage(room, versions.choose);
  refresh();
}

async function refetchVersions(showId) {
  const answer = await api("GET", `/feedbacks/${room.feedbackId}/media`, undefined, { quiet: true }).catch(() => null);
  if (!answer) return;
  for (const media of answer.results) takeMedia(media);
  const wanted = showId && room.versions.find((m) => m.id === showId);
  if (wanted || (!room.player.media && room.versions.length)) showVersion(wanted || room.versions[0]);
}

async function refetchMedia(id) {
  const media = await api("GET", `/media/${id}`, undefined, { quiet: true }).catch(() => null);
  if (media && media.feedback_id === room.feedbackId) takeMedia(media);
}

/** Where no socket gets through, progress is asked for. */
setInterval(() => {
  const busy = room.versions.find((m) => !["ready", "failed"].includes(m.state) || m.progress || asked.has(m.id));
  if (busy && (line.state !== "open" || Date.now() - lastProgress > 8000) && document.visibilityState === "visible") {
    refetchMedia(busy.id);
    if (asked.has(busy.id)) lookAfter(busy);
  }
}, 4000);

// Live ---------------------------------------------------------------------------------------------------------------

let lastProgress = 0;
let lastLook = 0;
let opened = 0;
const handlers = {
  initial_state(message) {
    room.people.set(message);
    room.together.state(message.leads);
    for (const comment of message.comments || []) room.thread.put(comment);
    // A second initial state means that the gap was too long to replay.
    if (opened > 1) { room.thread.load().catch(() => {}); room.refetchFeedback(); refetchVersions(); }
    refresh();
  },
  comment(message) {
    const known = room.thread.byId.has(message.comment.id);
    room.thread.put(message.comment);
    if (message.comment.user_id) room.people.stopped(message.comment.user_id);
    room.comments.draw();
    const comment = room.thread.byId.get(message.comment.id);
    if (!known && comment) room.comments.announce(comment);
  },
  comment_changed(message) { room.thread.put(message.comment); refresh(); },
  comment_deleted(message) { if (message.feedback_id === room.feedbackId) room.thread.drop(message.comment_id); },
  reaction(message) { if (message.feedback_id === room.feedbackId) room.thread.react(message.comment_id, message.reactions); },
  typing(message) { room.people.typing(message); },
  presence(message) { room.people.set(message); },
  cursor(message) { room.people.cursor(message); },
  lead(message) { room.together.take(message); },
  lead_followers(message) { room.together.followed(message); },
  lead_moved(message) { room.together.moved(message); },
  lead_stroke(message) { room.together.stroke(message); },
  lead_cleared(message) { room.together.cleared(message); },
  feedback(message) { if (message.feedback?.id === room.feedbackId) room.refetchFeedback(); },
  media_progress(message) {
    if (message.feedback_id !== room.feedbackId) return;
    lastProgress = Date.now();
    const media = room.versions.find((m) => m.id === message.media_id);
    if (!media) { refetchVersions(); return; }
    // Something of it is there by now that was not when it was fetched: the proxy plays while the rest is made.
    const news = (message.proxy && !media.urls.proxy) || (message.poster && !media.urls.poster);
    // Sheet, sound and scenes come without a word of their own: they are looked for now and then.
    const rest = message.proxy && !media.urls.sprite && Date.now() - lastLook > 5000;
    if (rest) lastLook = Date.now();
    if (media.state !== message.state || news || rest) refetchMedia(media.id);
    // A word without a number says only that the state has changed.
    const progress = message.percent === null ? media.progress : { percent: message.percent, fps: message.fps, speed: message.speed, eta_ms: message.eta_ms };
    takeMedia({ ...media, state: message.state || media.state, progress });
  },
  media_ready(message) {
    if (message.feedback_id !== room.feedbackId) return;
    asked.delete(message.media_id);
    if (room.versions.some((m) => m.id === message.media_id)) refetchMedia(message.media_id);
    else refetchVersions();
  },
  media_deleted(message) { if (message.feedback_id === room.feedbackId) dropMedia(message.media_id); },
  cleanup(message) { if (message.feedback_id === room.feedbackId) cleanupBar(room, message.due); },
  // What the page says by itself is refused in silence.
  error(message) { if (!room.together.refused(message) && !["typing_indicator", "cursor", undefined].includes(message.action)) toast(message.message, "bad"); },
};

const line = new LiveLine({
  project: data.project.id,
  since: data.seq ?? null,
  onMessage: (message) => handlers[message.type]?.(message),
  onState(state, reason) {
    if (state === "open") { opened += 1; room.thread.retryAll(); room.together.opened(); }
    const el = $("#live");
    el.className = `live wide-only ${state}`;
    const words = { connecting: "js.live.connecting", open: "js.live.open", waiting: reason === "too_many" ? "js.live.too_many" : "js.live.waiting", closed: `js.live.${reason}` };
    el.title = t(words[state]);
    $("#live-text").textContent = t(words[state]);
    $("#live-text").classList.toggle("sr", state === "open" || state === "connecting");
    if (state === "closed") toast(t(words.closed), "bad", { label: t("js.live.reload"), run: () => location.reload() });
  },
});
room.line = line;
room.typing = new TypingSignal(line, room.feedbackId);
addEventListener("online", () => room.thread.retryAll());

// Begin --------------------------------------------------------------------------------------------------------------

if (room.rights.comment) room.composer = new Composer($("#composer"), room);
else $("#composer").append(h("p", { class: "say" }, t("js.say.viewer")));
const drawVerdict = verdictBar($("#verdict"), room);
drawVerdict();
const together = h("button", { class: "btn s quiet wide-only", type: "button", hidden: true, title: t("js.together.hint"), onclick: () => room.together.start() }, icon("together", "s"), t("js.together.title"));
$("#start").append(together);
room.drawTogether = () => { together.hidden = !room.together.mayStart; };
bindKeys(room);
cleanupBar(room, data.cleanup_due);

const wantedComment = Number(wish.get("c")) || null;
room.comments.draw();

/** Shows the wanted version at the wanted time. */
async function begin() {
  room.versions = (await films).results.sort((a, b) => b.version - a.version);
  const version = room.versions.find((m) => m.version === Number(wish.get("v")));
  // What could not be read is not what people came to see, as long as there is something else.
  const newest = room.versions.find((m) => m.state !== "failed" || sourceOf(m)) || room.versions[0];
  const led = room.together.kept();
  const ledVersion = led && room.versions.find((m) => m.id === led.media_id);
  if (ledVersion) { showVersion(ledVersion, led.ms); room.together.resume(); }
  else if (room.versions.length) showVersion(version || newest, Math.max(0, Number(wish.get("t")) || 0));
  else { versions.draw(); emptyStage(room, versions.choose); }
}

room.refetchFeedback();
Promise.all([begin(), room.thread.load()]).then(() => {
  if (!wantedComment) return;
  room.comments.draw();
  const comment = room.thread.byId.get(wantedComment);
  if (!comment) { toast(t("js.note.missing"), "bad"); return; }
  const root = comment.parent_id ? room.thread.byId.get(comment.parent_id) || comment : comment;
  if (root.start_ms !== null && root.start_ms !== undefined) room.goTo(root);
  room.comments.reveal(wantedComment);
}).catch((error) => { if (error.status !== 401) toast(error.message, "bad", { label: t("js.retry"), run: () => location.reload() }); });
