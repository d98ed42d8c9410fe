// One comment with its replies, as elements. Its three parts are replaced apart, so that a change arriving from
// somebody else never takes the text out of an open reply or edit box.
import { avatar, confirmed, copy, h, icon, t, timeTag, toast } from "../dom.js";
import { clock } from "../timecode.js";

const REACTIONS = [["like", "like"], ["dislike", "dislike"], ["question", "help"]];

/** Text with its times as jump buttons and its addresses as links. */
function rich(text, room) {
  const parts = [];
  let at = 0;
  for (const m of text.matchAll(/https?:\/\/[^\s<>"']+|(?<![\d:])\d{1,2}:[0-5]\d(?::[0-5]\d)?(?![\d:])/g)) {
    parts.push(text.slice(at, m.index));
    if (m[0].startsWith("http")) parts.push(h("a", { href: m[0], target: "_blank", rel: "noopener noreferrer" }, m[0]));
    else {
      const ms = room.player.counter.parse(m[0]);
      parts.push(ms === null || ms > room.player.durationMs ? m[0] : h("a", { href: `?t=${ms}`, onclick: (event) => { event.preventDefault(); room.player.pause(); room.player.seek(ms); } }, m[0]));
    }
    at = m.index + m[0].length;
  }
  parts.push(text.slice(at));
  return h("p", { class: "text" }, parts);
}

/** An anonymous comment looks to its author as to everybody else, with a tag that says it is his. */
const name = (comment) => (comment.security ? null : comment.user?.nickname) || t("js.anonymous");
const face = (comment, size) => avatar(comment.security ? null : comment.user, size);

function tags(comment) {
  return [
    comment.is_mine && h("span", { class: "tag" }, t("js.note.me")),
    comment.security && comment.is_mine && h("span", { class: "tag anon", title: t("js.anon.explain") }, icon("mask", "s")),
    comment.internal && h("span", { class: "tag internal", title: t("js.internal.explain") }, t("js.internal")),
  ];
}

/**
 * The time chip of a comment: jumps to its moment. Without an exact frame (written as "00:07", or from an older client)
 * no frame number is claimed.
 */
export function timeChip({ start_ms: start, end_ms: end, frame }, counter, run) {
  const short = (ms) => (frame === null || frame === undefined ? [clock(ms), ""] : counter.short(ms));
  const [head, tail] = short(start);
  const until = end > start ? short(end) : null;
  return h("button", { class: "chip", type: "button", title: counter.code(start), onclick: run },
    head, tail && h("small", null, tail), until && h("span", { class: "dash" }, "–"), until && until[0], until && until[1] && h("small", null, until[1]));
}

function act(sign, label, run, { text, pressed, bad, later } = {}) {
  return h("button", { class: `act${bad ? " bad" : ""}${later ? " later" : ""}`, type: "button", title: label, "aria-label": label, "aria-pressed": pressed === undefined ? null : String(pressed), onclick: run }, icon(sign), text);
}

function actions(comment, view, room, isReply) {
  const { rights } = room;
  const row = [];
  if (rights.comment) {
    for (const [kind, sign] of REACTIONS) {
      const n = comment.reactions?.[kind] || 0;
      row.push(act(sign, t(`js.reaction.${kind}`), () => room.thread.toggleReaction(comment, kind), { text: n ? String(n) : null, pressed: comment.my_reactions?.includes(kind) || false }));
    }
    if (!isReply) row.push(act("reply", t("js.note.reply"), () => view.openReply(), { text: t("js.note.reply") }));
  } else {
    for (const [kind, sign] of REACTIONS) if (comment.reactions?.[kind]) row.push(h("span", { class: "act", title: t(`js.reaction.${kind}`) }, icon(sign), String(comment.reactions[kind])));
  }
  row.push(h("span", { class: "gap" }));
  if (!isReply) row.push(act("link", t("js.note.link"), async () => { if (await copy(`${location.origin}/feedbacks/${comment.feedback_id}?c=${comment.id}`)) toast(t("js.copied"), "good"); }, { later: true }));
  if (comment.is_mine) row.push(act("edit", t("js.note.edit"), () => view.openEdit(comment), { later: true }));
  if (comment.is_mine || rights.manage) {
    row.push(act("trash", t("js.note.delete"), async () => {
      if (await confirmed({ title: t("js.note.delete_title"), text: t("js.note.delete_text", { text: comment.text.slice(0, 80) }), action: t("js.delete") })) room.thread.remove(comment);
    }, { bad: true, later: true }));
  }
  // Who may resolve: the author, and whoever may change the feedback.
  if (!isReply && (rights.upload || (rights.comment && comment.is_mine))) {
    const done = Boolean(comment.resolved_at);
    row.push(act("check-circle", t(done ? "js.note.reopen" : "js.note.resolve"), () => room.thread.resolve(comment, !done), { pressed: done, text: done ? null : t("js.note.resolve_short") }));
  }
  return h("div", { class: "note-foot" }, row);
}

export class NoteView {
  constructor(room) {
    this.room = room;
    this.face = h("div");
    this.main = h("div", { class: "note-body" });
    this.replies = h("div", { class: "replies", hidden: true });
    this.slot = h("div");
    this.el = h("article", { class: "note" }, this.face, h("div", { class: "note-body" }, this.main, this.replies, this.slot));
    this.key = "";
  }

  /** Draws a comment of the server. */
  draw(comment, replies, key) {
    if (key === this.key) return;
    this.key = key;
    this.comment = comment;
    const { room } = this;
    this.el.id = `comment-${comment.id}`;
    this.el.classList.toggle("done", Boolean(comment.resolved_at));
    this.el.classList.remove("pending");
    this.face.replaceChildren(face(comment));
    const version = room.versionOf(comment.media_id);
    const other = comment.media_id && comment.media_id !== room.player.media?.id;
    const head = h("div", { class: "note-head" },
      room.mark?.(comment), comment.start_ms !== null && comment.start_ms !== undefined && timeChip(comment, room.counterOf(comment.media_id), () => room.goTo(comment)),
      h("b", null, name(comment)), tags(comment),
      other && version && h("span", { class: "tag" }, `v${version}`),
      timeTag(comment.created), comment.edited && h("span", { class: "faint tiny" }, t("js.note.edited")));
    this.main.replaceChildren(head,
      comment.title ? h("b", null, comment.title) : "",
      rich(comment.text, room),
      comment.resolved_at ? h("span", { class: "status-line" }, icon("check", "s"), comment.resolved_by ? t("js.note.resolved_by", { name: comment.resolved_by.nickname }) : t("js.note.resolved")) : "",
      actions(comment, this, room, false));
    this.replies.hidden = replies.length === 0;
    this.replies.replaceChildren(...replies.map((reply) => this.reply(reply)));
  }

  reply(reply) {
    const { room } = this;
    if (reply.mine) {
      return h("div", { class: "reply pending" }, avatar(reply.mine.body.security ? null : room.me, "s"), h("div", null, h("p", { class: "text" }, reply.mine.body.text), unsent(reply.mine, room)));
    }
    return h("div", { class: "reply", id: `comment-${reply.id}` }, face(reply, "s"),
      h("div", { class: "note-body" }, h("div", { class: "note-head" }, h("b", null, name(reply)), tags(reply), timeTag(reply.created), reply.edited && h("span", { class: "faint tiny" }, t("js.note.edited"))),
        rich(reply.text, room), actions(reply, this, room, true)));
  }

  /** Draws one of mine that is still on its way. */
  drawPending(mine, replies, key) {
    if (key === this.key) return;
    this.key = key;
    const { body } = mine;
    const { room } = this;
    this.el.classList.add("pending");
    this.face.replaceChildren(avatar(body.security ? null : room.me));
    this.main.replaceChildren(
      h("div", { class: "note-head" }, room.mark?.(body), body.start_ms !== null && timeChip(body, room.counterOf(body.media_id), () => room.player.seek(body.start_ms)),
        h("b", null, name({ ...body, user: room.me })), tags({ ...body, is_mine: true })),
      h("p", { class: "text" }, body.text), unsent(mine, room));
  }

  openReply() {
    const store = `vp.draft.reply.${this.comment.id}`;
    this.open(sessionStorage.getItem(store) || "", t("js.note.reply_placeholder"), t("js.send"), store, (text, { anon, internal }) => {
      this.room.thread.say({ text, parent_id: this.comment.id, media_id: null, start_ms: null, end_ms: null, frame: null, security: anon, internal: internal || this.comment.internal });
    }, true);
  }

  openEdit(comment) {
    this.open(comment.text, t("js.note.edit"), t("js.save"), null, (text) => { if (text !== comment.text) this.room.thread.edit(comment, { text }); }, false);
  }

  open(text, placeholder, label, store, done, asReply) {
    const { room } = this;
    const anon = h("input", { type: "checkbox", onchange: () => { box.classList.toggle("anon", anon.checked); if (anon.checked) room.typing.stop(); } });
    const area = h("textarea", { rows: "2", placeholder, "aria-label": placeholder, maxlength: "5000" });
    area.value = text;
    const close = () => { this.slot.replaceChildren(); room.typing.stop(); };
    const send = () => {
      const value = area.value.trim();
      if (!value) { area.focus(); return; }
      if (store) sessionStorage.removeItem(store);
      room.typing.said();
      close();
      done(value, { anon: anon.checked, internal: false });
    };
    area.addEventListener("input", () => {
      if (store) try { sessionStorage.setItem(store, area.value); } catch { /* typed text stays in the box */ }
      if (asReply && !anon.checked) room.typing.key();
    });
    area.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
      if (event.key === "Escape") { event.stopPropagation(); close(); }
    });
    const box = h("div", { class: "box" }, area, h("div", { class: "box-foot" },
      asReply && h("label", { class: "switch" }, anon, t("js.anonymous")),
      h("button", { class: "btn s quiet", type: "button", onclick: close }, t("js.cancel")),
      h("button", { class: "btn s primary", type: "button", onclick: send }, label)));
    this.slot.replaceChildren(box);
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
    box.scrollIntoView({ block: "nearest" });
  }
}

/** What became of an unsent comment, and what can be done. */
function unsent(mine, room) {
  if (mine.state === "sending") return h("span", { class: "faint tiny" }, t("js.note.sending"));
  return h("div", { class: "unsent", role: "alert" }, h("span", { class: "say-why" }, icon("alert", "s"), mine.refused ? mine.error || t("js.note.unsent") : t("js.note.unsent_later")),
    h("button", { class: "btn s", type: "button", onclick: () => room.thread.post(mine) }, t("js.retry")),
    h("button", { class: "btn s quiet", type: "button", onclick: () => { room.composer?.takeBack(mine); } }, t("js.note.take_back")),
    h("button", { class: "btn s quiet bad", type: "button", onclick: async () => {
      if (await confirmed({ title: t("js.note.discard_title"), text: mine.body.text, action: t("js.note.discard") })) room.thread.discard(mine);
    } }, t("js.note.discard")));
}
