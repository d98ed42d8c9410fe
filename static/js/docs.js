// The page of the API: search among the operations, and what an address names is unfolded.
import "./frame.js";
import { $, $$ } from "./dom.js";

const box = $("#docs-search");
const input = $("input", box);
box.hidden = false;
for (const el of $$(".js-only")) el.hidden = false;

function filter() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const op of $$(".op[data-op]")) {
    const hit = words.every((word) => op.dataset.words.includes(word));
    op.hidden = !hit;
    $(`.docs-index [data-op="${op.dataset.op}"]`).hidden = !hit;
    found += hit;
  }
  for (const group of $$(".docs-index [data-group]")) {
    const hits = $$("li:not([hidden])", group).length;
    const empty = hits === 0;
    group.hidden = empty;
    $("summary .num", group).textContent = hits;
    $(`.docs-section[data-group="${group.dataset.group}"]`).hidden = empty;
  }
  $("#types").hidden = words.length > 0;
  $("#docs-none").hidden = found > 0;
}

input.addEventListener("input", filter);
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
  event.preventDefault();
  input.focus();
});

// Browsers unfold what an address points into; older ones need help.
function unfold() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.closest("details");
  if (!folded || folded.hidden) return;
  folded.open = true;
  folded.scrollIntoView();
}
addEventListener("hashchange", unfold);
unfold();
