// The list of a project's plans: a new one, one from a file, one out of the trash.
import "./frame.js";
import { api, explain, sendForm } from "./api.js";
import { $, $$, page, t, toast } from "./dom.js";
import { LiveLine } from "./live.js";
import { freshener, refreshParts } from "./part.js";

const { project } = page.plans;

const form = $("#new-plan-form");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const made = await sendForm(form, "POST", `/projects/${project.id}/plans`);
  if (made?.id) location.assign(`/plans/${made.id}?draft`);
});

document.addEventListener("click", async (event) => {
  const preset = event.target.closest("[data-preset]");
  if (preset) {
    form.elements.preset.value = preset.dataset.preset;
    $("#new-plan").showModal();
    return;
  }
  const button = event.target.closest("[data-restore]");
  if (!button) return;
  button.disabled = true;
  try {
    await api("POST", `/plans/${button.dataset.restore}/restore`);
    location.assign(`/plans/${button.dataset.restore}`);
  } catch { button.disabled = false; }
});

const input = $("#import-plan");
input?.addEventListener("change", async () => {
  const [file] = input.files;
  input.value = "";
  if (!file) return;
  let body;
  try { body = JSON.parse(await file.text()); } catch { toast(t("js.plan.import_failed"), "bad"); return; }
  try {
    const made = await api("POST", `/projects/${project.id}/plans/import`, body, { quiet: true });
    location.assign(`/plans/${made.id}`);
  } catch (error) { explain(error); }
});

const find = $("#find-plan");
const fold = (text) => text.normalize("NFC").toLocaleLowerCase();
function sift() {
  const words = fold(find?.value ?? "").split(/\s+/).filter(Boolean);
  const tiles = $$("[data-find].plan-tile");
  for (const tile of tiles) tile.hidden = !words.every((word) => fold(tile.dataset.find).includes(word));
  const none = $("#none-found");
  if (none) none.hidden = tiles.some((tile) => !tile.hidden);
}
find?.addEventListener("input", sift);
find?.form.addEventListener("submit", (event) => { if (document.activeElement === find) event.preventDefault(); });

const stale = freshener(["list"], 1500);
new MutationObserver(sift).observe($("#list"), { childList: true });
new LiveLine({
  project: project.id,
  since: page.plans.seq ?? null,
  rests: true,
  onMessage({ type }) { if (type === "initial_state" || type === "plan") stale(); },
  onState(state, reason) {
    if (state === "closed") toast(t(`js.live.${reason}`), "bad", { label: t("js.live.reload"), run: () => location.reload() });
  },
});
addEventListener("pageshow", (event) => { if (event.persisted) refreshParts("list"); });
