// The word above the picture that the films of a closed feedback are to go, for those who may keep them.
import { api } from "../api.js";
import { $, h, icon, lang, t, toast } from "../dom.js";

const day = new Intl.DateTimeFormat(lang, { month: "long", day: "numeric" });

/** Shows that the films go at `due` (RFC 3339), or nothing without it. */
export function cleanupBar(room, due) {
  $(".cleanup-bar")?.remove();
  if (!due || !room.rights.upload) return;
  const keep = async () => {
    try { await api("PATCH", `/feedbacks/${room.feedbackId}`, { status: "open" }); } catch (error) { toast(error.message, "bad"); }
  };
  $(".room-bar").after(h("div", { class: "notice warn cleanup-bar", role: "status" }, icon("clock"),
    h("span", { class: "grow" }, t("js.cleanup.notice", { day: day.format(new Date(due)) })),
    h("button", { class: "btn s", type: "button", onclick: keep }, t("js.cleanup.keep"))));
}
