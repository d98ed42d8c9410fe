// A row of seven days with what stands on them in lanes: the month has five or six of them, the week has one.
import { h, icon, t } from "../dom.js";
import { parts, say, today, weekday } from "./days.js";
import { chip, dayPopover } from "./chips.js";
import { lanes } from "./model.js";
import { hideTip } from "./tip.js";

/**
 * The seven cells from `first`. `view`: {list, memos, holidays, on, may, month}; at most `most` lanes are shown, what is
 * left over is behind a button "+3".
 */
export function weekRow(first, view, most) {
  const placed = lanes(view.list, first, first + 6);
  const cells = Array.from({ length: 7 }, (_, i) => dayCell(first + i, view));
  const over = new Array(7).fill(0);
  const busiest = Array.from({ length: 7 }, (_, i) => Math.max(-1, ...placed.filter(([it]) => it.from <= first + i && it.to >= first + i).map(([, lane]) => lane)));
  for (const [item, lane] of placed) {
    const [from, to] = [Math.max(item.from, first), Math.min(item.to, first + 6)];
    const days = Array.from({ length: to - from + 1 }, (_, i) => from - first + i);
    // The last lane gives way to the button where a day of the item has more below.
    if (lane >= most || (lane === most - 1 && days.some((d) => busiest[d] >= most))) { for (const d of days) over[d] += 1; continue; }
    const el = chip(item, view.on.open, `${item.from < first ? "from-before" : ""} ${item.to > first + 6 ? "goes-on" : ""}`);
    el.style.setProperty("--span", to - from + 1);
    el.style.setProperty("--lane", lane);
    if (item.type === "entry" && view.canMove(item)) el.dataset.movable = item.id;
    cells[from - first].append(el);
  }
  over.forEach((n, i) => { if (n) cells[i].append(more(n, first + i, view, most - 1)); });
  const row = h("div", { class: "cal-week", role: "row" }, cells);
  row.style.setProperty("--lanes", Math.min(most, Math.max(1, ...busiest.map((b) => b + 1))));
  return row;
}

function more(n, day, view, lane) {
  const list = view.list.filter((i) => i.from <= day && i.to >= day);
  const button = h("button", { class: "item-more", type: "button", "aria-label": t("js.calendar.more_of", { n, day: say(day) }), onclick: (event) => { event.stopPropagation(); dayPopover(button, { day, list, memos: view.memos.get(day) || [], holiday: view.holidays.get(day), on: view.on, may: view.may }); } }, t("js.calendar.more", { n }));
  button.style.setProperty("--lane", lane);
  return button;
}

function dayCell(day, view) {
  const { d } = parts(day);
  const here = view.list.filter((i) => i.from <= day && i.to >= day);
  const holiday = view.holidays.get(day);
  const memos = view.memos.get(day) || [];
  const cls = ["cal-day", day === today() && "now", (holiday || weekday(day) === 0) && "off", weekday(day) === 6 && "sat", view.month && parts(day).m !== view.month && "other"];
  const label = [say(day, { year: "numeric", month: "long", day: "numeric", weekday: "long" }), day === today() && t("js.calendar.today"), holiday, t("js.calendar.count", { n: here.length }), memos.length && t("js.calendar.memo")];
  return h("div", { class: cls.filter(Boolean).join(" "), role: "gridcell", tabindex: "-1", "data-day": day, "aria-label": label.filter(Boolean).join(", "), "aria-current": day === today() ? "date" : null },
    h("div", { class: "cal-head" }, h("span", { class: "cal-n num" }, d === 1 ? say(day, { month: "numeric", day: "numeric" }) : String(d)), holiday && h("span", { class: "holiday-name cut", title: holiday }, holiday), h("span", { class: "grow" }),
      (memos.length > 0 || view.may) && h("button", { class: `cal-memo${memos.length ? " has" : ""}`, type: "button", tabindex: memos.length ? "0" : "-1", "aria-label": memos.length ? memos.map((m) => m.text).join(" · ") : t("js.calendar.memo_add"), "data-tip": memos.length ? memos.map((m) => m.text).join("\n") : t("js.calendar.memo_add"), onclick: (event) => { event.stopPropagation(); view.on.memo(day, memos[0]?.project_id ?? null); } }, icon("note", "s"))),
    h("div", { class: "cal-dots", "aria-hidden": "true" }, [...new Map(here.map((i) => [i.color, i])).values()].slice(0, 4).map((i) => { const dot = h("i"); dot.style.setProperty("--hue", i.color); return dot; })));
}

/**
 * Keys and pointer of a grid of days: arrows walk, Enter adds, M opens the memo, entries are dragged to another day.
 * `at()` answers the day that is chosen, `go(day, change)` goes to another one; `change` says that the page turns.
 */
export function dayKeys(root, { at, go, on, narrow }) {
  root.addEventListener("keydown", (event) => {
    const cell = event.target.closest(".cal-day");
    if (!cell || event.target !== cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const day = Number(cell.dataset.day);
    const key = event.key.toLowerCase();
    const by = { arrowleft: -1, arrowright: 1, arrowup: -7, arrowdown: 7 }[key];
    if (by) go(day + by);
    else if (key === "home") go(day - weekday(day));
    else if (key === "end") go(day + 6 - weekday(day));
    else if (key === "enter" || key === " ") on.add(day);
    else if (key === "m") on.memo(day, null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  root.addEventListener("focusin", (event) => { if (event.target.matches?.(".cal-day")) rove(root, Number(event.target.dataset.day)); });
  root.addEventListener("click", (event) => {
    const cell = event.target.closest(".cal-day");
    if (!cell || event.target.closest("button")) return;
    const day = Number(cell.dataset.day);
    if (narrow.matches) go(day, true);
    else on.add(day);
  });
  dragging(root, on);
  rove(root, at());
}

/** The chosen day is the one that Tab reaches. */
export function rove(root, day, focus = false) {
  for (const cell of root.querySelectorAll(".cal-day")) {
    const own = Number(cell.dataset.day) === day;
    cell.tabIndex = own ? 0 : -1;
    if (own && focus) cell.focus({ preventScroll: false });
  }
}

function dragging(root, on) {
  const over = (event) => document.elementsFromPoint(event.clientX, event.clientY).map((el) => el.closest?.(".cal-day")).find((cell) => cell && root.contains(cell));
  root.addEventListener("pointerdown", (event) => {
    const el = event.target.closest("[data-movable]");
    if (!el || event.button !== 0 || event.pointerType === "touch") return;
    const [x, y, from] = [event.clientX, event.clientY, Number(over(event)?.dataset.day)];
    let ghost = null;
    let cell = null;
    const held = new AbortController();
    const listen = (name, run, capture = false) => document.addEventListener(name, run, { signal: held.signal, capture });
    const stop = () => {
      held.abort();
      el.classList.remove("held");
      ghost?.remove();
      cell?.classList.remove("target");
    };
    listen("pointermove", (move) => {
      if (!ghost) {
        if (Math.hypot(move.clientX - x, move.clientY - y) < 5) return;
        hideTip();
        ghost = el.cloneNode(true);
        ghost.classList.add("flying");
        ghost.style.setProperty("--width", `${Math.min(220, el.offsetWidth)}px`);
        document.body.append(ghost);
        el.classList.add("held");
      }
      ghost.style.setProperty("--x", `${move.clientX + 8}px`);
      ghost.style.setProperty("--y", `${move.clientY + 4}px`);
      const now = over(move) || null;
      if (now === cell) return;
      cell?.classList.remove("target");
      now?.classList.add("target");
      cell = now;
    });
    listen("pointerup", () => {
      const [flown, to] = [ghost, Number(cell?.dataset.day)];
      stop();
      if (!flown) return;
      // The click that ends a drag is none.
      root.dataset.dropped = "1";
      setTimeout(() => { delete root.dataset.dropped; });
      if (to && to !== from) on.move(el.dataset.movable, to - from);
    });
    listen("pointercancel", stop);
    listen("keydown", (key) => { if (key.key === "Escape") { key.stopPropagation(); stop(); } }, true);
  });
  // Let go over itself, an entry is not opened either.
  root.addEventListener("click", (event) => { if (root.dataset.dropped) { event.stopPropagation(); event.preventDefault(); } }, true);
}
