// Keys of the room. Letters go by their place (`event.code`), because a Korean keyboard sends ㅓ for J. `/` belongs to
// every page: search.js.
import { $, dialog, h, t, typing } from "../dom.js";
import { flash } from "./stage.js";

const HELP = [
  ["Space", "play"], [", .", "step"], ["J K L", "shuttle"], ["← →", "five"], ["[ ]", "cuts"], ["Home End", "ends"],
  ["T", "stamp"], ["I O", "range"], ["Ctrl Enter", "send"], ["Ctrl S", "shot"], ["F", "full"], ["M", "mute"], ["W", "together"], ["P", "pen"], ["/", "find"], ["?", "help"], ["Esc", "close"],
];

let open = null;

/** The list of keys. */
export function showKeys() {
  if (open) return;
  open = dialog({ title: t("js.keys.title"), wide: true, body: h("dl", { class: "keys" }, HELP.map(([keys, what]) =>
    h("div", null, h("dt", null, t(`js.keys.${what}`)), h("dd", null, keys.split(" ").map((k, i) => [i ? " " : "", h("kbd", null, k)]))))) });
  open.closed.then(() => { open = null; });
}

export function bindKeys(room) {
  const { player, beside } = room;
  const screen = $("#screen");
  const speed = () => flash(screen, player.reverse ? `◀ ${player.reverse}×` : player.playing ? `▶ ${player.rate}×` : "❚❚");

  const cut = (direction) => {
    // While the film runs, "back" pressed twice goes back twice.
    const to = beside.cut(player.stampMs, direction, player.playing ? 700 : 1);
    if (to === null) return;
    player.seek(to);
    flash(screen, t("js.cuts.at", { n: beside.scenes.findIndex((s) => s.start_ms === to) + 1, all: beside.scenes.length }));
  };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    const target = event.target;
    const save = event.code === "KeyS" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (save) { event.preventDefault(); player.screenshot(room.slug); return; }
    if (document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(target)) return;
    const onButton = target.closest?.("button, a, summary, input, [role=menuitem]");
    const inMenu = target.closest?.("details.menu[open]");
    if (inMenu && ["ArrowUp", "ArrowDown", "Escape"].includes(event.key)) return;
    const run = {
      Space: () => player.toggle(),
      Comma: () => player.step(event.shiftKey ? -10 : -1),
      Period: () => player.step(event.shiftKey ? 10 : 1),
      KeyJ: () => { player.shuttle(-1); speed(); },
      KeyK: () => { player.shuttle(0); speed(); },
      KeyL: () => { player.shuttle(1); speed(); },
      ArrowLeft: () => { player.seek(player.ms - (event.shiftKey ? 1000 : 5000)); flash(screen, event.shiftKey ? "−1 s" : "−5 s"); },
      ArrowRight: () => { player.seek(player.ms + (event.shiftKey ? 1000 : 5000)); flash(screen, event.shiftKey ? "+1 s" : "+5 s"); },
      BracketLeft: () => cut(-1),
      BracketRight: () => cut(1),
      Home: () => player.seek(0),
      End: () => player.seek(player.durationMs),
      KeyF: () => room.fullScreen(),
      KeyM: () => player.setVolume(player.volume || 1, !player.muted),
      KeyT: () => room.composer?.stampNow(),
      KeyI: () => { room.composer?.setIn(); if (room.composer) flash(screen, `I ${player.counter.code(player.stampMs)}`); },
      KeyO: () => { room.composer?.setOut(); if (room.composer) flash(screen, `O ${player.counter.code(player.stampMs)}`); },
      Slash: event.shiftKey || event.key === "?" ? showKeys : null,
      KeyW: () => room.together.toggle(),
      KeyP: () => { if (room.together.leading) room.together.setPen(!room.together.strokes.pen); },
      Escape: () => { if (!room.together.escape()) document.activeElement?.blur?.(); },
    }[event.code];
    if (!run) return;
    // A still has no time to move in.
    if (player.still && !["KeyF", "KeyT", "KeyW", "KeyP", "Slash", "Escape"].includes(event.code)) return;
    // Space presses the button that has the focus; everywhere else it plays.
    if (onButton && event.code === "Space") return;
    if (target.type === "range" && event.code.startsWith("Arrow")) return;
    event.preventDefault();
    run();
  });
}
