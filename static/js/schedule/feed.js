// The calendar feed: a secret address under which calendar programs read one's schedule.
import { api } from "../api.js";
import { confirmed, copy, dialog, h, icon, t, timeTag, toast } from "../dom.js";

export async function feedDialog() {
  let feed;
  try { feed = await api("GET", "/me/calendar-feed"); } catch { return; }
  const body = h("div", { class: "stack" });
  dialog({ title: t("js.calendar.feed.title"), body });
  draw();

  async function make(renew) {
    if (renew && !await confirmed({ title: t("js.calendar.feed.renew_title"), text: t("js.calendar.feed.renew_text"), action: t("js.calendar.feed.renew") })) return;
    try { feed = await api("POST", "/me/calendar-feed"); } catch { return; }
    draw();
    if (renew) toast(t("js.calendar.feed.renewed"), "good");
  }

  async function end() {
    if (!await confirmed({ title: t("js.calendar.feed.end_title"), text: t("js.calendar.feed.renew_text"), action: t("js.calendar.feed.end") })) return;
    try { await api("DELETE", "/me/calendar-feed"); } catch { return; }
    feed = {};
    draw();
  }

  function draw() {
    if (!feed.created) {
      body.replaceChildren(h("p", null, t("js.calendar.feed.what")), h("div", null, h("button", { class: "btn primary", type: "button", onclick: () => make(false) }, icon("link", "s"), t("js.calendar.feed.make"))));
      return;
    }
    body.replaceChildren(
      h("p", null, t("js.calendar.feed.what")),
      // The address is told once, when it is made.
      feed.url ? address(new URL(feed.url, location.href).href) : h("p", { class: "notice" }, icon("info"), t("js.calendar.feed.hidden")),
      h("p", { class: "small muted" }, feed.read_at ? [t("js.calendar.feed.read"), " ", timeTag(feed.read_at)] : t("js.calendar.feed.unread")),
      h("div", { class: "row wrap" }, h("button", { class: "btn s", type: "button", onclick: () => make(true) }, t("js.calendar.feed.renew")), h("button", { class: "btn quiet bad s", type: "button", onclick: end }, t("js.calendar.feed.end"))));
  }

  function address(url) {
    const box = h("input", { class: "input", readonly: true, value: url, "aria-label": t("js.calendar.feed.address") });
    return h("div", { class: "stack" },
      h("div", { class: "copy-line" }, box, h("button", { class: "btn primary", type: "button", autofocus: true, onclick: async () => {
        box.select();
        const done = await copy(url);
        toast(t(done ? "js.copied" : "js.copy_failed"), done ? "good" : "bad");
      } }, icon("copy", "s"), t("js.copy"))),
      h("p", { class: "notice warn" }, icon("lock"), t("js.calendar.feed.secret")),
      h("dl", { class: "feed-how" }, ["google", "apple", "outlook"].map((name) => [h("dt", null, t(`js.calendar.feed.${name}`)), h("dd", null, t(`js.calendar.feed.${name}_how`))])));
  }
}
