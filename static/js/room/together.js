// Watching together: one leads, others follow his film. Who follows keeps within a few hundredths of a second, corrects
// small differences by speed and large ones by a jump, and leaves by touching the film himself.
import { api } from "../api.js";
import { avatar, confirmed, h, icon, t, toast } from "../dom.js";
import { Strokes } from "./strokes.js";

/** While the film runs the leader says where it is, so that nobody drifts away. */
const BEAT_MS = 2000;
/** Places while scrubbing: at most so often, the last always. */
const SCRUB_MS = 100;
/** How often a follower compares. */
const LOOK_MS = 200;
/** Differences: beyond the first a jump, beyond the second a little faster or slower until below the third. */
const JUMP_MS = 300;
const DRIFT_MS = 60;
const CLOSE_MS = 40;
const NUDGE = 0.05;
/** A leader's line may break for a moment: nobody is told before this … */
const HOLD_MS = 1500;
/** … and who followed follows again if he returns in this time. */
const RETURN_MS = 10_000;
/** A line that is back tells who leads within this time, if somebody does. */
const DOUBT_MS = 3000;
/** A leader who reloads the page goes on leading, if it does not take longer. */
const RELOAD_MS = 30_000;
const COLORS = ["#ff4d57", "#ffd23f", "#4cc9f0", "#ffffff"];

export class Together {
  /** `bar`: the element above the picture. `room.line` is there by the time of the first message. */
  constructor(bar, screen, room) {
    this.bar = bar;
    this.room = room;
    this.store = `vp.lead.${room.feedbackId}`;
    /** What the server says of this feedback's lead; null when nobody leads. */
    this.lead = null;
    /** Is it this window that leads? */
    this.leading = false;
    this.following = false;
    this.strokes = new Strokes(screen, room.player, (stroke) => room.line.send({ type: "lead_stroke", stroke }));
    this.elsewhere = new Map();
    /** How far ahead a jump has to aim to arrive in time: learned from the last ones. */
    this.jumpCost = 80;
    addEventListener("pagehide", () => this.remember());
  }

  get mayStart() {
    return this.room.rights.comment && Boolean(this.room.player.media) && !this.lead;
  }

  // What the server says ---------------------------------------------------------------------------------------------

  /** The line is open (again): what the server forgot with the old one is said anew. */
  opened() {
    this.sent = null;
    if (this.leading) this.claim({ quiet: true });
    if (this.following) this.sayFollow(true);
    // A lead that still is is told of once more; of one that has ended meanwhile there is no word.
    clearTimeout(this.doubter);
    this.doubter = setTimeout(() => this.over(this.lead), DOUBT_MS);
  }

  sayFollow(on) {
    this.room.line.send({ type: "follow", feedback_id: this.room.feedbackId, on });
  }

  /** All leads of the project, as an `initial_state` has them. */
  state(leads) {
    for (const lead of leads || []) this.take(lead);
    if (!(leads || []).some((l) => l.feedback_id === this.room.feedbackId)) this.take({ feedback_id: this.room.feedbackId, leader: null });
  }

  take(lead) {
    if (lead.feedback_id !== this.room.feedbackId) { this.tellOf(lead); return; }
    const before = this.lead;
    if (!lead.leader) { this.over(before); return; }
    clearTimeout(this.holder);
    clearTimeout(this.doubter);
    this.lead = lead;
    const mine = lead.leader.id === this.room.me.id;
    const back = this.returning === lead.leader.id && Date.now() - this.lostAt < RETURN_MS;
    if (back && !this.following && !this.leading) this.follow({ quiet: true });
    if (this.leading && !this.claiming && !mine) {
      // Somebody has taken over: who led before stays with the others.
      this.stopLeading();
      this.follow({ quiet: true });
      toast(t("js.together.taken", { name: lead.leader.nickname }), "info", { label: t("js.together.leave"), run: () => this.leave() });
    } else if (before && before.leader.id !== lead.leader.id && !mine) toast(t("js.together.leads_now", { name: lead.leader.nickname }));
    this.returning = null;
    if (this.following) {
      // A lead that begins anew has forgotten who followed the old one.
      if (before?.leader.id !== lead.leader.id || !lead.followers.some((f) => f.id === this.room.me.id)) this.sayFollow(true);
      this.strokes.set(lead.strokes);
      this.sync(true);
    }
    this.draw();
  }

  moved(move) {
    if (move.feedback_id !== this.room.feedbackId || !this.lead || this.leading) return;
    const expected = this.target();
    Object.assign(this.lead, move);
    // He has jumped himself: nothing is waited for.
    if (Math.abs(this.target() - expected) > JUMP_MS) this.leapt = 0;
    if (this.following) this.sync(true);
  }

  followed({ feedback_id, followers }) {
    if (feedback_id !== this.room.feedbackId || !this.lead) return;
    this.lead.followers = followers;
    this.draw();
  }

  stroke(message) {
    if (message.feedback_id !== this.room.feedbackId || this.leading || !this.lead) return;
    if (this.following) this.strokes.add(message.stroke);
    else (this.lead.strokes ||= []).push(message.stroke);
  }

  cleared(message) {
    if (message.feedback_id !== this.room.feedbackId || this.leading || !this.lead) return;
    this.lead.strokes = [];
    this.strokes.clear();
  }

  /** An error that nobody asked for; true if it was about this. */
  refused({ action, code }) {
    if (!/^(lead_|follow)/.test(action || "")) return false;
    if (code === "not_leading" && this.leading) { this.stopLeading(); this.draw(); }
    return true;
  }

  /** Nobody leads any more. A line that breaks for a moment looks the same: nothing is said before that is sure. */
  over(before) {
    // Our own end, or the old line's while the new one is about to lead again.
    if (!before || this.leading) return;
    if (this.following) { this.returning = before.leader.id; this.lostAt = Date.now(); }
    clearTimeout(this.holder);
    this.holder = setTimeout(() => {
      const followed = this.following;
      this.lead = null;
      this.stopFollowing();
      this.draw();
      if (followed) toast(t("js.together.over", { name: before.leader.nickname }));
    }, HOLD_MS);
  }

  /** People of this project watch something else together: said once, in passing. */
  async tellOf(lead) {
    const known = this.elsewhere.get(lead.feedback_id);
    if (!lead.leader) { this.elsewhere.delete(lead.feedback_id); return; }
    this.elsewhere.set(lead.feedback_id, lead.leader.id);
    if (known !== undefined || lead.leader.id === this.room.me.id || this.leading || this.following) return;
    const feedback = await api("GET", `/feedbacks/${lead.feedback_id}?fields=id,title`, undefined, { quiet: true }).catch(() => null);
    if (!feedback || !this.elsewhere.has(lead.feedback_id)) return;
    toast(t("js.together.elsewhere", { name: lead.leader.nickname, title: feedback.title }), "info", { label: t("js.open"), run: () => location.assign(`/feedbacks/${lead.feedback_id}`) });
  }

  // Leading ----------------------------------------------------------------------------------------------------------

  place() {
    const { player, line } = this.room;
    const { video, media } = player;
    const running = Boolean(video && !video.paused && !video.ended && !this.stalled);
    const rate = player.rate || 1;
    // What the message takes to the server is added, since the server's clock is put on it there.
    const ms = (video?.readyState ? video.currentTime * 1000 : player.pendingMs || 0) + (running && !video.seeking ? line.delay * rate : 0);
    return { media_id: media.id, ms: Math.round(ms), playing: running, rate };
  }

  async start() {
    if (!this.room.player.media) return;
    await this.claim({});
  }

  async takeOver() {
    const { lead } = this;
    if (!lead || !await confirmed({ title: t("js.together.take_title"), text: t("js.together.take_text", { name: lead.leader.nickname }), action: t("js.together.take"), danger: false })) return;
    await this.claim({ take_over: true });
  }

  async claim({ take_over, quiet }) {
    const { room } = this;
    if (!room.player.media) return;
    try {
      // Before the answer: the server's word of the new lead comes first, and is of this window.
      this.leading = this.claiming = true;
      this.stopFollowing();
      await room.line.ask({ type: "lead_start", feedback_id: room.feedbackId, ...this.place(), ...(take_over && { take_over }) });
    } catch (error) {
      // A line that breaks while it is asked asks again when it is back.
      if (error.code === "interrupted" && quiet) return;
      this.stopLeading();
      if (!quiet || error.code === "conflict") toast(error.code === "offline" || error.code === "interrupted" ? t("js.error.network") : error.message, quiet ? "info" : "bad");
      this.draw();
      return;
    } finally { this.claiming = false; }
    this.strokes.clear();
    this.beat();
    this.draw();
    if (!take_over && !quiet) toast(t("js.together.started"), "good");
  }

  async end() {
    const { room } = this;
    room.line.send({ type: "lead_end" });
    this.stopLeading();
    this.lead = null;
    this.draw();
  }

  stopLeading() {
    this.leading = false;
    clearInterval(this.beater);
    this.setPen(false);
    this.strokes.clear();
  }

  beat() {
    clearInterval(this.beater);
    this.beater = setInterval(() => { if (this.room.player.playing) this.tell(true); }, BEAT_MS);
    this.tell(true);
  }

  /** Tells where the film is; `now`: at once, otherwise not too often. */
  tell(now = false) {
    if (!this.leading || !this.room.player.media) return;
    const wait = (this.toldAt || 0) + SCRUB_MS - performance.now();
    if (!now && wait > 0) { this.teller ||= setTimeout(() => { this.teller = null; this.tell(true); }, wait); return; }
    clearTimeout(this.teller);
    this.teller = null;
    const place = this.place();
    const key = JSON.stringify(place);
    if (key === this.sent && !place.playing) return;
    if (!this.room.line.send({ type: "lead_move", ...place })) return;
    this.sent = key;
    this.toldAt = performance.now();
  }

  /** The player's news, of whoever leads. */
  heard(what) {
    const { player } = this.room;
    const { video } = player;
    if (what === "loaded") this.strokes.place();
    if (this.following) this.watch(what);
    if (!this.leading) return;
    if (what === "play") {
      // A moment without bytes is no pause.
      const stalls = Boolean(video && !video.paused && !video.seeking && video.readyState < 3);
      clearTimeout(this.staller);
      if (stalls) this.staller = setTimeout(() => { this.stalled = true; this.tell(true); }, 300);
      else this.stalled = false;
      if (player.playing) { this.setPen(false); this.wipe(); }
      this.tell(true);
    } else if (what === "rate") this.tell(true);
    else if (what === "time" && video?.seeking) { this.sought = true; this.wipe(); this.tell(); }
    // Where a jump has come to rest, and from when the film runs on.
    else if (what === "time" && this.sought) { this.sought = false; this.tell(); }
  }

  /** Another version is shown. */
  shown() {
    if (this.leading) { this.wipe(); this.tell(true); } else if (this.following && !this.applying) this.byHand();
    this.strokes.place();
    this.draw();
  }

  remember() {
    try {
      if (this.leading && this.room.player.media) sessionStorage.setItem(this.store, JSON.stringify({ at: Date.now(), ...this.place(), playing: false }));
      else sessionStorage.removeItem(this.store);
    } catch { /* storage is off: who reloads leads no more */ }
  }

  /** Leads on after a reload. */
  resume() {
    this.leading = true;
    if (this.room.line.state === "open") this.claim({ quiet: true });
  }

  /** The version and moment of a lead that a reload has interrupted. */
  kept() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.store));
      sessionStorage.removeItem(this.store);
      return kept && Date.now() - kept.at < RELOAD_MS ? kept : null;
    } catch { return null; }
  }

  // Drawing ----------------------------------------------------------------------------------------------------------

  setPen(on) {
    if (this.strokes.pen === on) return;
    if (on) { this.room.player.pause(); this.uncover(); }
    this.strokes.setPen(on);
    this.draw();
  }

  /** The large button in the middle has nothing to say to who leads or follows. */
  uncover() {
    const { player } = this.room;
    player.touched = true;
    player.dress();
  }

  wipe() {
    if (this.strokes.empty) return;
    this.strokes.clear();
    this.room.line.send({ type: "lead_clear" });
  }

  /** Escape puts the pen away; false if there was none. */
  escape() {
    if (!this.strokes.pen) return false;
    this.setPen(false);
    return true;
  }

  // Following --------------------------------------------------------------------------------------------------------

  follow({ quiet } = {}) {
    if (!this.lead || this.leading) return;
    this.following = true;
    this.sayFollow(true);
    this.room.player.stopReverse();
    this.uncover();
    this.strokes.set(this.lead.strokes);
    clearInterval(this.looker);
    this.looker = setInterval(() => this.sync(), LOOK_MS);
    this.sync(true);
    this.draw();
    if (!quiet) this.room.people.menu.open = false;
  }

  stopFollowing() {
    const { player } = this.room;
    this.following = false;
    clearInterval(this.looker);
    this.strokes.clear();
    this.nudge(0);
    if (player.video && player.video.muted !== player.muted) player.video.muted = player.muted;
  }

  leave() {
    if (!this.following) return;
    this.stopFollowing();
    this.returning = null;
    this.sayFollow(false);
    this.draw();
  }

  toggle() {
    if (this.following) this.leave();
    else this.follow();
  }

  /** The follower has touched the film himself. */
  byHand() {
    if (!this.following || this.applying) return;
    this.leave();
    toast(t("js.together.left"), "info", { label: t("js.together.again"), run: () => this.follow() });
  }

  /** A pause that did not come through our own buttons: a headset, the system's media keys. */
  watch(what) {
    const { video } = this.room.player;
    if (what === "hand") { this.byHand(); return; }
    if (what !== "play" || !this.running || this.applying || document.hidden) return;
    if (video?.paused && !video.ended && video.readyState > 2 && video === this.ran) this.byHand();
    if (video && !video.paused) this.ran = video;
  }

  /** Where the leader's film is now. */
  target() {
    const { lead, room } = this;
    const gone = lead.playing ? Math.max(0, room.line.serverNow() - lead.at_ms) * lead.rate : 0;
    return lead.ms + Math.min(gone, 60_000);
  }

  /** Brings our film to where the leader's is. `told`: he has just said something, so that a pause is made exact. */
  sync(told = false) {
    if (!this.following || !this.lead || this.room.versions.length === 0) return;
    this.applying = true;
    try { this.apply(told); } finally { this.applying = false; }
  }

  apply(told) {
    const { room, lead } = this;
    const { player } = room;
    if (player.media?.id !== lead.media_id) {
      const media = room.versions.find((m) => m.id === lead.media_id);
      if (!media) { if (told) room.findVersion(lead.media_id).then(() => this.sync(true)); return; }
      this.ran = null;
      room.showVersion(media, this.target());
    }
    const { video } = player;
    if (!video) return;
    if (player.rate !== lead.rate) { player.rate = lead.rate; this.nudge(0); }
    this.running = lead.playing;
    if (!lead.playing) {
      this.nudge(0);
      this.jump = null;
      if (!video.paused) video.pause();
      if (told && !this.isAt(lead.ms)) player.place(lead.ms);
      return;
    }
    const target = this.target();
    if (target >= player.durationMs - 20) { this.nudge(0); return; }
    if (video.paused) {
      if (video.readyState === 0 || Math.abs(video.currentTime * 1000 - target) > DRIFT_MS) this.leap(target, 60);
      this.play(video);
      return;
    }
    if (video.seeking || video.readyState < 3) return;
    const drift = video.currentTime * 1000 - target;
    if (this.jump) {
      // How much too late or too early the last jump came.
      this.jumpCost = Math.max(0, Math.min(2000, this.jumpCost - drift * 0.7));
      this.jump = null;
    }
    if (Math.abs(drift) > JUMP_MS) this.leap(target, this.jumpCost);
    else if (Math.abs(drift) > DRIFT_MS || (player.nudged && Math.abs(drift) > CLOSE_MS)) this.nudge(-Math.sign(drift));
    else this.nudge(0);
  }

  /** Is that frame shown already? */
  isAt(ms) {
    const { player } = this.room;
    if (!player.video.readyState) return player.pendingMs === ms;
    const at = player.video.currentTime * 1000;
    return player.counter.rate ? player.counter.frame(at) === player.counter.frame(ms) : Math.abs(at - ms) < 5;
  }

  /** A jump in a film that runs arrives a little later: it aims ahead. */
  leap(target, ahead) {
    const { player } = this.room;
    const now = performance.now();
    // Where jumps take longer than the film, another one only makes it worse.
    if (this.leapt && now - this.leapt < 700) return;
    this.leapt = now;
    this.jump = true;
    this.nudge(0);
    player.shownMs = undefined;
    player.pendingMs = target + ahead;
    player.video.currentTime = Math.min(target + ahead * player.rate, player.durationMs || Infinity) / 1000;
  }

  /** A little faster (1), slower (−1) or as it is (0). */
  nudge(direction) {
    const { player } = this.room;
    player.nudged = direction !== 0;
    const rate = player.rate * (1 + direction * NUDGE);
    if (player.video && player.video.playbackRate !== rate) player.video.playbackRate = rate;
  }

  play(video) {
    this.nudge(0);
    if (this.starting) return;
    this.starting = true;
    const silent = () => {
      video.muted = true;
      toast(t("js.together.silent"), "info", { label: t("js.together.sound"), run: () => { video.muted = this.room.player.muted; } });
      return video.play();
    };
    video.play().catch((error) => { if (error.name === "NotAllowedError" && this.following) return silent(); }).catch(() => this.byHand()).finally(() => { this.starting = false; });
  }

  // The bar ----------------------------------------------------------------------------------------------------------

  draw() {
    const { bar, lead, room } = this;
    room.drawTogether?.();
    if (room.people?.menu.open) room.people.drawMenu();
    const focus = bar.contains(document.activeElement) && document.activeElement.dataset.key;
    bar.hidden = !lead && !this.leading;
    bar.className = `together${this.leading ? " leads" : this.following ? " follows" : ""}${this.strokes.pen ? " draws" : ""}`;
    if (bar.hidden) { bar.replaceChildren(); return; }
    const button = (key, label, run, extra = "", attrs = {}) => h("button", { class: `btn s ${extra}`, type: "button", "data-key": key, onclick: run, ...attrs }, label);
    const followers = lead?.followers || [];
    const watching = followers.length ? t("js.together.watching", { n: followers.length }) : t("js.together.nobody");
    const mine = lead?.leader.id === room.me.id;
    const words = this.leading ? [h("b", null, t("js.together.you_lead")), h("span", { title: followers.map((f) => f.nickname).join(", ") || null }, watching)]
      : [h("b", { class: "cut" }, mine ? t("js.together.other_window") : t("js.together.leads", { name: lead.leader.nickname })), h("span", { title: followers.map((f) => f.nickname).join(", ") || null }, watching)];
    const tools = this.leading ? [
      this.strokes.pen && h("span", { class: "pens", role: "group", "aria-label": t("js.together.color") }, COLORS.map((color, i) => {
        const pen = h("button", { class: "pen", type: "button", "data-key": color, "aria-pressed": String(color === this.strokes.color), "aria-label": t(`js.together.color_${i}`), onclick: () => { this.strokes.color = color; this.draw(); } });
        pen.style.setProperty("--pen", color);
        return pen;
      })),
      this.strokes.pen && button("wipe", t("js.together.wipe"), () => this.wipe(), "quiet"),
      button("pen", [icon("edit", "s"), t("js.together.draw")], () => this.setPen(!this.strokes.pen), "", { "aria-pressed": String(this.strokes.pen), title: t("js.together.draw_hint") }),
      button("end", t("js.together.end"), () => this.end(), "stop"),
    ] : [
      room.rights.comment && mine && button("take", t("js.together.here"), () => this.claim({ take_over: true }), "quiet"),
      room.rights.comment && !mine && button("take", [h("span", { class: "wide-only" }, t("js.together.take")), h("span", { class: "narrow-only" }, t("js.together.take_short"))], () => this.takeOver(), "quiet"),
      !mine && (this.following ? button("leave", t("js.together.leave"), () => this.leave(), "", { title: "W" }) : button("follow", t("js.together.follow"), () => this.follow(), "primary", { title: "W" })),
    ];
    bar.replaceChildren(this.leading || !lead ? h("span", { class: "together-dot", "aria-hidden": "true" }) : avatar(lead.leader, "s"), h("div", { class: "together-words", role: "status" }, words), h("div", { class: "together-tools" }, tools.filter(Boolean)));
    if (focus) bar.querySelector(`[data-key="${focus}"]`)?.focus();
  }
}
