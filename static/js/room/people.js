// Who else is in the room, what they look at, and who writes: the menu in the bar and the heads on the timeline.
import { $, avatar, h, icon, initials, t } from "../dom.js";

/** One's own place is told at most so often … */
const APART_MS = 1500;
/** … and while the film runs so often. */
const RUNNING_MS = 5000;
/** Heads that stand closer on the timeline are one. */
const NEAR_PX = 16;

export class People {
  /** `room.line` is there by the time of the first message. */
  constructor(root, lane, room) {
    this.room = room;
    this.lane = lane;
    this.online = new Map();
    this.count = 0;
    this.writers = new Map();
    this.told = null;
    this.toldAt = 0;
    this.face = h("span", { class: "avatars" });
    this.more = h("span", { class: "num people-count" });
    this.panel = h("div", { class: "menu-panel people" });
    this.menu = h("details", { class: "menu" }, h("summary", { class: "btn quiet s people-open", title: t("js.people.title") }, this.face, h("span", { class: "narrow-only row" }, icon("users")), this.more), this.panel);
    this.menu.addEventListener("toggle", () => { if (this.menu.open) this.draw(); });
    root.append(this.menu);
    new ResizeObserver(() => this.drawHeads()).observe(lane);
    this.draw();
  }

  get others() {
    return [...this.online.values()].filter((p) => p.id !== this.room.me.id);
  }

  // What is heard ----------------------------------------------------------------------------------------------------

  /** The people of an `initial_state` or a `presence`. */
  set({ online = [], count }) {
    const before = this.online;
    this.online = new Map(online.map((p) => [p.id, { ...p, looking: p.looking || before.get(p.id)?.looking }]));
    this.count = Math.max(count ?? 0, this.online.size);
    const came = online.some((p) => p.id !== this.room.me.id && !before.has(p.id));
    this.draw();
    // Who has come since is told where one is by the server, if it has been told.
    if (came) this.tell();
  }

  cursor({ user, media_id, ms }) {
    if (user.id === this.room.me.id) return;
    this.online.set(user.id, { ...user, looking: { media_id, ms } });
    this.count = Math.max(this.count, this.online.size);
    this.draw();
  }

  typing({ user, feedback_id, is_typing }) {
    if (user?.id === this.room.me.id || (feedback_id && feedback_id !== this.room.feedbackId)) return;
    this.stopped(user.id);
    // The server says the end of it; this is for a line that breaks in between.
    if (is_typing) this.writers.set(user.id, { nickname: user.nickname, timer: setTimeout(() => this.stopped(user.id), 8000) });
    this.drawTyping();
  }

  /** Somebody writes no longer. */
  stopped(id) {
    clearTimeout(this.writers.get(id)?.timer);
    this.writers.delete(id);
    this.drawTyping();
  }

  // What is told -----------------------------------------------------------------------------------------------------

  /** The film has moved, stopped, or is another: the others are told soon. */
  tell() {
    const { room } = this;
    clearTimeout(this.teller);
    this.teller = null;
    if (!room.player.media || this.others.length === 0) return;
    const wait = this.toldAt + APART_MS - Date.now();
    if (wait > 0) { this.teller = setTimeout(() => this.tell(), wait); return; }
    const place = { media_id: room.player.media.id, ms: Math.round(room.player.ms) };
    if (this.told === `${place.media_id} ${place.ms}`) return;
    if (!room.line.send({ type: "cursor", ...place })) return;
    this.told = `${place.media_id} ${place.ms}`;
    this.toldAt = Date.now();
  }

  /** Called by the player's news. */
  heard(what) {
    const { video, playing } = this.room.player;
    if (what === "play" || (what === "time" && video?.seeking)) { if (!this.teller) this.teller = setTimeout(() => this.tell(), 50); return; }
    if (what === "time" && playing && Date.now() - this.toldAt > RUNNING_MS) this.tell();
  }

  // What is shown ----------------------------------------------------------------------------------------------------

  draw() {
    const { others } = this;
    // Oneself is in the account menu beside them.
    const hidden = Math.max(0, this.count - (this.online.has(this.room.me.id) ? 1 : 0) - Math.min(4, others.length));
    this.face.replaceChildren(...others.slice(0, 4).map((p) => avatar(p)), hidden ? h("span", { class: "avatar more" }, `+${hidden}`) : "");
    this.face.hidden = others.length === 0;
    this.more.textContent = String(this.count || 1);
    $("summary", this.menu).setAttribute("aria-label", others.length ? t("js.live.people", { names: others.map((p) => p.nickname).join(", ") }) : t("js.people.title"));
    this.menu.classList.toggle("alone", others.length === 0);
    if (this.menu.open) this.drawMenu();
    this.drawHeads();
  }

  drawMenu() {
    const { room, others } = this;
    const lead = room.together?.lead;
    const focus = this.panel.contains(document.activeElement) && document.activeElement.dataset.key;
    const place = (p) => {
      if (lead?.leader.id === p.id) return t("js.people.leads");
      const at = p.looking && room.versions.find((m) => m.id === p.looking.media_id);
      if (!at) return t(p.looking ? "js.people.elsewhere" : "js.people.here");
      if (at.facts?.still) return t("js.people.looks", { at: `v${at.version}` });
      const [head] = room.counterOf(at.id).short(p.looking.ms);
      return t("js.people.looks", { at: `${head} · v${at.version}` });
    };
    const rows = others.map((p) => {
      const at = p.looking && room.versions.find((m) => m.id === p.looking.media_id);
      const follower = lead?.followers.some((f) => f.id === p.id);
      const mayFollow = lead?.leader.id === p.id && !room.together.following;
      return h("div", { class: "people-row" },
        h("button", { class: "menu-item", type: "button", "data-key": `go${p.id}`, disabled: !at, title: at ? t("js.people.go") : null, onclick: () => this.goTo(p) },
          avatar(p), h("span", { class: "grow cut" }, p.nickname, h("span", { class: "faint tiny num" }, h("br"), place(p)))),
        follower && h("span", { class: "tag" }, t("js.people.follows")),
        mayFollow && h("button", { class: "btn s", type: "button", "data-key": `follow${p.id}`, onclick: () => { this.menu.open = false; room.together.follow(); } }, t("js.together.follow")));
    });
    const unnamed = this.count - this.online.size;
    this.panel.replaceChildren(h("div", { class: "menu-title" }, t("js.people.count", { n: this.count || 1 })),
      ...rows, ...(others.length ? [] : [h("p", { class: "people-none" }, t("js.people.alone"))]),
      ...(unnamed > 0 ? [h("p", { class: "people-none" }, t("js.people.more", { n: unnamed }))] : []),
      ...(room.together?.mayStart ? [h("div", { class: "menu-line" }), h("button", { class: "menu-item", type: "button", "data-key": "start", onclick: () => room.together.start() }, icon("together"), t("js.together.start"))] : []));
    if (focus) this.panel.querySelector(`[data-key="${focus}"]`)?.focus();
  }

  goTo(person) {
    if (person.looking) this.room.goTo({ media_id: person.looking.media_id, start_ms: person.looking.ms });
  }

  /** The heads of those who look at the shown version, where they look. */
  drawHeads() {
    const { player } = this.room;
    const total = player.durationMs;
    const width = this.lane.clientWidth;
    const looking = this.others.filter((p) => total && p.looking?.media_id === player.media?.id).sort((a, b) => a.looking.ms - b.looking.ms);
    const key = `${total}|${width}|${looking.map((p) => `${p.id}.${p.looking.ms}`)}`;
    if (key === this.drawn) return;
    this.drawn = key;
    const groups = [];
    for (const p of looking) {
      const x = Math.min(1, p.looking.ms / total) * width;
      const last = groups.at(-1);
      if (last && x - last.x < NEAR_PX) last.people.push(p);
      else groups.push({ x, people: [p] });
    }
    // A head keeps its element, so that it glides to where its person has gone.
    const old = new Map([...this.lane.children].map((el) => [el.dataset.id, el]));
    for (const { x, people: [first, ...rest] } of groups) {
      const id = String(first.id);
      const el = old.get(id) || this.lane.appendChild(this.head(id));
      old.delete(id);
      el.dataset.tip = [first, ...rest].map((p) => `${p.nickname} ${player.counter.short(p.looking.ms)[0]}`).join(" · ");
      el.setAttribute("aria-label", el.dataset.tip);
      el.className = `avatar head c${Math.abs(first.id) % 8}${x < 70 ? " first" : x > width - 70 ? " last" : ""}`;
      el.style.left = `${(x / width) * 100}%`;
      el.textContent = rest.length ? `${rest.length + 1}` : initials(first.nickname).slice(0, 1);
    }
    for (const el of old.values()) el.remove();
  }

  head(id) {
    const stop = (event) => event.stopPropagation();
    return h("button", { type: "button", tabindex: "-1", "data-id": id, onpointerdown: stop, onpointermove: stop, onpointerenter: () => this.room.timeline.away(),
      onclick: () => { const p = this.online.get(Number(id)); if (p) this.goTo(p); } });
  }

  drawTyping() {
    const names = [...this.writers.values()].map((w) => w.nickname);
    $("#typing").textContent = names.length === 0 ? "" : names.length > 2 ? t("js.typing.many") : t("js.typing", { name: names.join(", ") });
  }
}
