// The tray in the corner that shows what is being uploaded.
import { bytes, confirmed, duration, h, icon, t } from "./dom.js";
import { UploadQueue } from "./upload.js";

/** A queue with its tray. `done(upload)` runs when a file has arrived. */
export function uploadTray(done) {
  const list = h("div");
  const title = h("span");
  let leaving = null;
  const clear = (states) => { for (const u of [...queue.items]) if (states.includes(u.state)) queue.forget(u); };
  const close = h("button", { class: "btn quiet s icon-only", type: "button", "aria-label": t("js.close"), onclick: () => clear(["done", "failed", "cancelled"]) }, icon("x", "s"));
  const tray = h("section", { class: "tray", hidden: true, "aria-label": t("js.upload.title") }, h("div", { class: "tray-head" }, title, close), list);
  document.body.append(tray);
  const rows = new Map();

  const queue = new UploadQueue(draw, (upload) => done?.(upload));

  function button(name, label, run) {
    return h("button", { class: "btn quiet s icon-only", type: "button", "aria-label": label, title: label, onclick: run }, icon(name, "s"));
  }

  function row(upload) {
    const bar = h("i");
    const meter = h("div", { class: "meter", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": upload.name }, bar);
    const tools = h("span", { class: "row" });
    const state = h("span", { class: "tiny muted num" });
    const el = h("div", { class: "tray-item" }, h("div", { class: "line" }, h("span", { class: "cut grow small strong", title: upload.name }, upload.name), tools), meter, state);
    return { el, bar, meter, tools, state, shown: null };
  }

  async function cancel(upload) {
    if (upload.sent && !await confirmed({ title: t("js.upload.cancel_title"), text: t("js.upload.cancel_text", { name: upload.name, size: bytes(upload.sent) }), action: t("js.upload.cancel") })) return;
    // It may have arrived while the question stood.
    if (upload.state === "done") return;
    await upload.cancel();
    queue.forget(upload);
    queue.next();
  }

  function say(upload) {
    const size = `${bytes(upload.sent)} / ${bytes(upload.size)}`;
    switch (upload.state) {
      case "queued": return t("js.upload.queued");
      case "paused": return `${t("js.upload.paused")} · ${size}`;
      case "offline": return upload.error || t("js.upload.offline");
      case "done": return t("js.upload.done");
      case "failed": return upload.error || t("js.error.server");
      default: {
        const parts = [`${Math.floor(upload.percent)}%`, size];
        if (upload.speed) parts.push(`${bytes(upload.speed)}/s`);
        if (upload.etaMs !== null && upload.etaMs > 900) parts.push(t("js.upload.eta", { time: duration(upload.etaMs) }));
        return parts.join(" · ");
      }
    }
  }

  function draw() {
    const items = queue.items.filter((u) => u.state !== "cancelled");
    tray.hidden = items.length === 0;
    const left = items.filter((u) => u.state !== "done").length;
    title.textContent = left ? t("js.upload.running", { n: left }) : t("js.upload.all_done");
    close.hidden = !items.every((u) => ["done", "failed"].includes(u.state));
    // What has arrived needs no attention; what failed stays until it is read.
    clearTimeout(leaving);
    if (items.length && !left) leaving = setTimeout(() => clear(["done"]), 5000);
    for (const [upload, r] of rows) if (!items.includes(upload)) { r.el.remove(); rows.delete(upload); }
    for (const upload of items) {
      let r = rows.get(upload);
      if (!r) { r = row(upload); rows.set(upload, r); list.append(r.el); }
      r.bar.style.width = `${upload.percent}%`;
      r.meter.setAttribute("aria-valuenow", String(Math.floor(upload.percent)));
      r.state.textContent = say(upload);
      r.el.className = `tray-item ${upload.state}`;
      if (r.shown !== upload.state) {
        r.shown = upload.state;
        const tools = [];
        if (["running", "offline", "queued"].includes(upload.state)) tools.push(button("pause", t("js.upload.pause"), () => { upload.pause(); queue.next(); }));
        if (["paused", "failed"].includes(upload.state)) tools.push(button("play", t("js.upload.resume"), () => queue.resume(upload)));
        if (upload.state !== "done") tools.push(button("x", t("js.upload.cancel"), () => cancel(upload)));
        r.tools.replaceChildren(...tools);
      }
    }
  }

  return queue;
}
