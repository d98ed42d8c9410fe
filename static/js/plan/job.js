// A storyboard in the making: asked for, followed, ended.
import { api, explain } from "../api.js";
import { $, h, icon, t, toast } from "../dom.js";
import { showVersions } from "./versions.js";

const ASK_MS = 1200;
const OVER = ["done", "failed", "dead", "cancelled"];

/** The bar that shows how far a draft is; answers `{start, heard, follow, busy}`. */
export function drafting(desk) {
  const { store } = desk;
  const place = $("#drafting");
  const words = h("span", { class: "grow cut" });
  const bar = h("progress", { max: "100", "aria-label": t("js.plan.drafting") });
  const cancel = h("button", { class: "btn s", type: "button", onclick: stop }, t("js.cancel"));
  place.append(h("span", { class: "spin", "aria-hidden": "true" }), words, bar, cancel);
  /** {id, mine, part} */
  let job = null;
  let timer = null;

  /** Asks for a draft. `wish`: what goes into the body beside `regenerate`. */
  async function start(wish = {}) {
    if (job) return;
    if (!await store.settled()) { toast(t("js.plan.not_kept"), "bad"); return; }
    try {
      show({ id: null, mine: true, part: wish.part });
      const { job_id: id } = await api("POST", `${store.base}/storyboard`, { regenerate: !store.blank, ...wish }, { quiet: true });
      if (job) job.id = id;
      look();
    } catch (error) {
      show(null);
      explain(error);
    }
  }

  function show(next) {
    job = next;
    clearTimeout(timer);
    place.hidden = !job;
    cancel.hidden = !job?.mine;
    bar.removeAttribute("value");
    words.textContent = job ? t(job.mine ? "js.plan.drafting" : "js.plan.drafting_by_other") : "";
    document.body.classList.toggle("is-drafting", Boolean(job));
    desk.draw();
  }

  async function look() {
    clearTimeout(timer);
    if (!job?.id) return;
    const id = job.id;
    const found = await api("GET", `/jobs/${id}`, undefined, { quiet: true }).catch((error) => (error.status === 404 ? { state: "cancelled" } : null));
    if (job?.id !== id) return;
    if (!found || !OVER.includes(found.state)) {
      if (typeof found?.progress === "number") bar.value = found.progress;
      timer = setTimeout(look, ASK_MS);
      return;
    }
    const { mine, part } = job;
    show(null);
    if (found.state === "done") {
      await desk.refetch();
      if (mine) done(found.result, part);
    } else if (mine) toast(found.state === "cancelled" ? t("js.plan.draft_cancelled") : why(found.error), found.state === "cancelled" ? "info" : "bad");
  }

  function why(code) {
    const key = `js.plan.draft_why.${code}`;
    const said = t(key);
    return said === key ? t("js.plan.draft_failed") : said;
  }

  function done(result, part) {
    const version = result?.version;
    toast(t(part ? "js.plan.part_done" : "js.plan.draft_done"), "good", version > 1 && { label: t("js.plan.compare"), run: () => showVersions(desk, version) });
  }

  async function stop() {
    if (!job?.id) return;
    cancel.disabled = true;
    await api("POST", `/jobs/${job.id}/cancel`, undefined, { quiet: true }).catch((error) => { if (error.status !== 409) explain(error); });
    cancel.disabled = false;
    look();
  }

  /** A passing word of how far it is, of whoever has asked. */
  function heard({ job_id: id, percent }) {
    if (!job && percent < 100) { show({ id, mine: false }); }
    if (job && job.id === null) return;
    if (job?.id !== id) return;
    bar.value = percent;
    if (percent >= 100) look();
    else { clearTimeout(timer); timer = setTimeout(look, ASK_MS); }
  }

  /** A draft that was under way when the page was opened. */
  function follow(id) {
    show({ id, mine: true });
    look();
  }

  return { start, heard, follow, get busy() { return Boolean(job); } };
}

/** What is to be said of the draft as it stands: where it comes from, and why not from elsewhere. */
export function notices(desk) {
  const place = $("#notices");
  let put = "";
  return () => {
    const { notice } = desk.store.plan;
    const code = notice?.code ?? "";
    if (code === put) return;
    put = code;
    const mild = !code.startsWith("model_");
    place.replaceChildren(code ? h("p", { class: `notice plan-notice ${mild ? "" : "warn"}` }, icon(mild ? "info" : "alert"), h("span", null, t(`js.plan.notice.${code}`))) : "");
  };
}
