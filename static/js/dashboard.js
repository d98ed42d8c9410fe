// The dashboard: the next weeks of one's projects, and how far the machine is with what it works on.
import "./projects.js";
import { api } from "./api.js";
import { $, $$ } from "./dom.js";
import { drawMini } from "./schedule/mini.js";

async function drawWeeks() {
  const data = await api("GET", "/gantt?page_size=8", undefined, { quiet: true }).catch(() => null);
  const some = data?.results?.some((row) => row.phases.some((phase) => phase.start));
  $("#weeks").hidden = !some;
  if (some) drawMini($("#mini-gantt"), data);
}

// A room tells its members of each per cent; here a look every few seconds is enough, while somebody looks.
async function lookAtWork() {
  if (document.hidden) return;
  for (const bar of $$("progress[data-media]")) {
    const media = await api("GET", `/media/${bar.dataset.media}`, undefined, { quiet: true }).catch(() => null);
    const percent = media?.progress?.percent;
    if (Number.isFinite(percent)) bar.value = percent;
  }
}

drawWeeks();
lookAtWork();
setInterval(lookAtWork, 3000);
