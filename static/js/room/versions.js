// The versions of the film: choosing one, adding one, deleting one.
import { api } from "../api.js";
import { $, ago, bytes, confirmed, h, icon, t, toast } from "../dom.js";

async function remove(media, restored) {
  const text = t("js.version.delete_text", { name: media.name });
  if (!await confirmed({ title: t("js.version.delete_title", { n: media.version }), text, action: t("js.version.delete") })) return;
  try {
    await api("DELETE", `/media/${media.id}`);
    const undo = () => api("POST", `/media/${media.id}/restore`).then(() => restored(media.id)).catch((error) => toast(error.message, "bad"));
    toast(t("js.version.deleted", { n: media.version }), "good", { label: t("js.version.restore"), run: undo });
  } catch (error) { toast(error.message, "bad"); }
}

/** Draws the version menu. `pick(media)`, `add(file)`, `info(media)`, `restored(id)`. */
export function versionMenu(root, room, { pick, add, info, restored }) {
  const input = h("input", { type: "file", accept: "video/*,audio/*,image/*,.mxf,.mkv,.mov,.avi,.mts,.m2ts", class: "sr", tabindex: "-1", "aria-hidden": "true", onchange: () => { if (input.files[0]) add([...input.files]); input.value = ""; } });
  document.body.append(input);
  const label = h("span", { class: "num" });
  const panel = h("div", { class: "menu-panel versions" });
  const menu = h("details", { class: "menu" }, h("summary", { class: "btn s", title: t("js.version.title") }, icon("layers", "s"), label, icon("down", "s")), panel);
  root.append(menu);
  return {
    choose: () => input.click(),
    draw() {
      const shown = room.player.media;
      label.textContent = shown ? `v${shown.version}` : t("js.version.none");
      panel.replaceChildren(
        ...room.versions.map((media) => h("button", { class: "menu-item", type: "button", "aria-current": String(media.id === shown?.id), onclick: () => pick(media) },
          h("b", { class: "num nowrap" }, `v${media.version}`),
          h("span", { class: "grow cut" }, media.name, h("span", { class: "faint tiny" }, h("br"), `${media.user?.nickname || ""} · ${ago(media.created)} · ${bytes(media.size_bytes)}`)),
          media.state !== "ready" && h("span", { class: `pill ${media.state}` }, t(`js.media.${media.state}`)))),
        ...(room.versions.length ? [h("div", { class: "menu-line" })] : []),
        ...(room.rights.upload ? [h("button", { class: "menu-item", type: "button", onclick: () => input.click() }, icon("upload"), t("js.version.add"))] : []),
        ...(shown ? [h("button", { class: "menu-item", type: "button", onclick: () => info(shown) }, icon("info"), t("js.info.open"))] : []),
        ...(shown ? [h("a", { class: "menu-item", href: `${shown.urls.original}?download=1` }, icon("download"), t("js.version.download"))] : []),
        ...(shown && room.rights.manage ? [h("button", { class: "menu-item bad", type: "button", onclick: () => { menu.open = false; remove(shown, restored); } }, icon("trash"), t("js.version.delete"))] : []));
      // Without a film the stage has the button.
      menu.hidden = !room.versions.length;
    },
  };
}

/** What the stage shows while there is no version at all. */
export function emptyStage(room, choose) {
  const screen = $("#screen");
  screen.querySelector(".screen-note.none")?.remove();
  $(".deck").inert = !room.versions.length;
  if (room.versions.length) return;
  screen.append(h("div", { class: "screen-note none" }, icon("film"), h("h2", null, t("js.version.empty")), h("p", null, t(room.rights.upload ? "js.version.empty_hint" : "js.version.empty_viewer")),
    room.rights.upload && h("button", { class: "btn primary", type: "button", onclick: choose }, icon("upload", "s"), t("js.version.first"))));
}
