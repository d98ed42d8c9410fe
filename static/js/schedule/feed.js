// The calendar feed: a secret address under which calendar programs read one's schedule.
import { api } from "../api.js";
import { confirmed, copy, dialog, h, icon, t, timeTag, toast } from "../dom.js";

export async function feedDialog() {
  let feed = null;
  try { feed = await api("GET", "/me/calendar-feed", undefined, { quiet: true }); } catch (error) { if (error.status !== 404) { toast(error.message, "bad"); return; } }
  const body = h("div", { class: "stack" });
  dialog({ title: t("js.calendar.feed.title"), body });
  draw();

  async function make(renew) {
    if (renew && !await confirmed({ title: t("js.calendar.feed.renew_title"), text: t("js.calendar.feed.renew_text"), action: t("js.calendar.feed.renew") })) return;
    try { feed = await api("POST", "/me/calendar-feed", {}); } catch { return; }
    draw();
    if (renew) toast(t("js.calendar.feed.renewed"), "good");
  }

  async function end() {
    if (!await confirmed({ title: t("js.calendar.feed.end_title"), text: t("js.calendar.feed.renew_text"), action: t("js.calendar.feed.end") })) return;
    try { await api("DELETE", "/me/calendar-feed"); } catch { return; }
    feed = null;
    draw();
  }

  function draw() {
    if (!feed?.url) {
      body.replaceChildren(h("p", null, t("js.calendar.feed.what")), h("div", null, h("button", { class: "btn primary", type: "button", onclick: () => make(false) }, icon("link", "s"), t("js.calendar.feed.make"))));
      return;
    }
    const address = new URL(feed.url, location.href).href;
    const box = h("input", { class: "input", readonly: true, value: address, "aria-label": t("js.calendar.feed.address") });
    body.replaceChildren(
      h("p", null, t("js.calendar.feed.what")),
      h("div", { class: "copy-line" }, box, h("button", { class: "btn primary", type: "button", autofocus: true, onclick: async () => {
        box.select();
        const done = await copy(address);
        toast(t(done ? "js.copied" : "js.copy_failed"), done ? "good" : "bad");
      } }, icon("copy", "s"), t("js.copy"))),
      h("p", { class: "notice warn" }, icon("lock"), t("js.calendar.feed.secret")),
      h("dl", { class: "feed-how" }, ["google", "apple", "outlook"].map((name) => [h("dt", null, t(`js.calendar.feed.${name}`)), h("dd", null, t(`js.calendar.feed.${name}_how`))])),
      h("p", { class: "small muted" }, feed.read_at ? [t("js.calendar.feed.read"), " ", timeTag(feed.read_at)] : t("js.calendar.feed.unread")),
      h("div", { class: "row wrap" }, h("button", { class: "btn s", type: "button", onclick: () => make(true) }, t("js.calendar.feed.renew")), h("button", { class: "btn quiet bad s", type: "button", onclick: end }, t("js.calendar.feed.end"))));
  }
}
