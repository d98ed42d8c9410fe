// Changing dates on the gantt: by dragging a bar or one of its ends, by drawing on an empty row, and by keys.
import { h } from "../dom.js";
import { num, saySpan, str } from "./days.js";
import { hideTip, showTip } from "./tip.js";

/** A key held down is one change, not twenty. */
const SETTLE_MS = 700;
/** So near to an edge the axis moves along. */
const EDGE = 48;

/** Lets the bars of a gantt be moved; what comes out goes to `gantt.on.move`. */
export function editing(gantt) {
  const waiting = new Map();

  // Pointer ------------------------------------------------------------------------------------------------------------

  const dayAt = (x, track) => Math.floor((x - track.getBoundingClientRect().left) / gantt.dx) + gantt.lo;

  gantt.root.addEventListener("pointerdown", (event) => {
    // A finger scrolls; a tap opens the dialog with the dates.
    if (event.button !== 0 || event.pointerType === "touch" || gantt.editor) return;
    const bar = event.target.closest(".bar.may");
    const row = gantt.rowOf(event.target);
    if (!row || row.type !== "phase" || !row.group.may || (!bar && !event.target.closest(".g-track.blank"))) return;
    settle(gantt.key(row));
    gantt.moved = false;
    const at = dayAt(event.clientX, row.track);
    const before = { start: row.phase.start, end: row.phase.end };
    const from = before.start || before.end ? num(before.start || before.end) : at;
    const to = before.end || before.start ? num(before.end || before.start) : at;
    gantt.editor = { row, bar, before, at, from, to, x: event.clientX, pressed: event.clientX, mode: bar ? event.target.dataset.grip || "move" : "draw", id: event.pointerId, now: [from, to] };
    event.preventDefault();
    (bar || row.track.querySelector("[data-key]"))?.focus({ preventScroll: true });
    gantt.root.setPointerCapture(event.pointerId);
  });

  gantt.root.addEventListener("pointermove", (event) => {
    const e = gantt.editor;
    if (!e || event.pointerId !== e.id) return;
    e.x = event.clientX;
    if (!e.begun && dayAt(e.x, e.row.track) === e.at && Math.abs(event.clientX - e.pressed) < 4) return;
    if (!e.begun) begin(e);
    follow(e);
  });

  gantt.root.addEventListener("pointerup", (event) => {
    const e = gantt.editor;
    if (!e || event.pointerId !== e.id) return;
    end();
    // Captured by the whole, a press without movement is a click on nothing: it is one on the bar.
    if (!e.begun) { gantt.moved = true; setTimeout(() => { gantt.moved = false; }); if (gantt.late) gantt.draw(); gantt.on.open(e.row.group, e.row.phase); return; }
    gantt.moved = true;
    setTimeout(() => { gantt.moved = false; });
    const [from, to] = e.now;
    if (e.mode !== "draw" && from === e.from && to === e.to) { gantt.draw(); return; }
    gantt.optimistic(e.row, from, to);
    gantt.on.move(e.row.group, e.row.phase, { start: str(from), end: str(to) }, e.before);
  });

  gantt.root.addEventListener("pointercancel", () => cancel());

  function begin(e) {
    e.begun = true;
    gantt.scroller.classList.add("dragging");
    if (e.bar) {
      e.ghost = e.bar.cloneNode(true);
      e.ghost.className += " ghost";
      e.ghost.removeAttribute("data-key");
      e.row.track.prepend(e.ghost);
    } else {
      e.bar = h("div", { class: "bar planned" });
      e.row.track.append(e.bar);
      e.drawn = true;
    }
    e.bar.classList.add("held");
    const creep = () => {
      if (gantt.editor !== e) return;
      const box = gantt.scroller.getBoundingClientRect();
      const left = gantt.labels.getBoundingClientRect().right;
      const push = e.x > box.right - EDGE ? 10 : e.x < left + EDGE ? -10 : 0;
      if (push) { gantt.scroller.scrollLeft += push; follow(e); }
      requestAnimationFrame(creep);
    };
    requestAnimationFrame(creep);
  }

  function follow(e) {
    const by = dayAt(e.x, e.row.track) - e.at;
    if (e.mode === "move") e.now = [e.from + by, e.to + by];
    else if (e.mode === "start") e.now = [Math.min(e.from + by, e.to), e.to];
    else if (e.mode === "end") e.now = [e.from, Math.max(e.to + by, e.from)];
    else e.now = [Math.min(e.at, e.at + by), Math.max(e.at, e.at + by)];
    gantt.place(e.bar, ...e.now);
    showTip(saySpan(...e.now), e.bar.getBoundingClientRect());
  }

  function end() {
    const e = gantt.editor;
    gantt.editor = null;
    if (gantt.root.hasPointerCapture(e.id)) gantt.root.releasePointerCapture(e.id);
    gantt.scroller.classList.remove("dragging");
    e.bar?.classList.remove("held");
    e.ghost?.remove();
    if (e.drawn) e.bar.remove();
    hideTip();
    return e;
  }

  function cancel() {
    if (!gantt.editor) return;
    gantt.moved = Boolean(end().begun);
    gantt.draw();
  }

  // Keys ---------------------------------------------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && gantt.editor) { event.preventDefault(); event.stopPropagation(); cancel(); }
  }, true);

  gantt.root.addEventListener("keydown", (event) => {
    const stop = event.target.closest(".bar[data-key], .g-blank[data-key]");
    if (!stop || event.ctrlKey || event.metaKey) return;
    const row = gantt.rowOf(stop);
    const stops = gantt.stops();
    const go = (to) => { if (to) { stop.tabIndex = -1; to.tabIndex = 0; to.focus(); to.scrollIntoView({ block: "nearest", inline: "nearest" }); } };
    if (event.key === "Enter" || event.key === " ") gantt.on.open(row.group, row.phase);
    else if (event.key === "ArrowDown") go(stops[stops.indexOf(stop) + 1]);
    else if (event.key === "ArrowUp") go(stops[stops.indexOf(stop) - 1]);
    else if (event.key === "Home") go(stops[0]);
    else if (event.key === "End") go(stops.at(-1));
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") step(row, event.key === "ArrowLeft" ? -1 : 1, event);
    else return;
    event.preventDefault();
  });
  gantt.root.addEventListener("focusout", (event) => { if (event.target.dataset?.key && !gantt.drawing) settle(event.target.dataset.key); });
  addEventListener("pagehide", () => { for (const key of [...waiting.keys()]) settle(key); });

  function step(row, by, { shiftKey, altKey }) {
    const { phase, group } = row;
    if (!group.may || !(phase.start || phase.end)) return;
    const key = gantt.key(row);
    const kept = waiting.get(key) || { before: { start: phase.start, end: phase.end } };
    clearTimeout(kept.timer);
    let [from, to] = [num(phase.start || phase.end), num(phase.end || phase.start)];
    if (shiftKey) to = Math.max(from, to + by);
    else if (altKey) from = Math.min(to, from + by);
    else { from += by; to += by; }
    kept.row = row;
    kept.dates = { start: str(from), end: str(to) };
    kept.timer = setTimeout(() => settle(key), SETTLE_MS);
    waiting.set(key, kept);
    gantt.optimistic(row, from, to);
    gantt.announce(phase, from, to);
  }

  function settle(key) {
    const kept = waiting.get(key);
    if (!kept) return;
    clearTimeout(kept.timer);
    waiting.delete(key);
    const { before, dates, row } = kept;
    if (before.start !== dates.start || before.end !== dates.end) gantt.on.move(row.group, row.phase, dates, before);
  }

  /** Is a change of this project on its way from the keys? */
  gantt.unsettled = (id) => [...waiting.keys()].some((key) => key.startsWith(`${id}/`));
}
