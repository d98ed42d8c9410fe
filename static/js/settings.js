// The settings: the list narrows as one types, and only what was changed is sent. Without this both is done by the server.
import { $, $$ } from "./dom.js";

const form = $("#settings");
const box = $("#settings-q");
const rows = $$(".setting");

// What the page's own choice leaves out stays out.
const only = new URLSearchParams(location.search).get("only");
const pool = only ? rows.filter((row) => !row.hidden) : rows;
const texts = new Map(rows.map((row) => [row, $(".setting-what", row).textContent.toLowerCase()]));

function narrow() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of pool) {
    row.hidden = !words.every((word) => texts.get(row).includes(word)) && !row.classList.contains("wrong");
  }
  for (const part of $$(".settings-part")) {
    part.hidden = !$$(".setting", part).some((row) => !row.hidden);
    $(`[data-section="${part.id.slice(2)}"]`).hidden = part.hidden;
  }
  $("#settings-none").hidden = rows.some((row) => !row.hidden);
}

box.addEventListener("input", narrow);
box.form.addEventListener("submit", (event) => event.preventDefault());

/** Does a row hold something else than what it was made from? */
function dirty(row) {
  const was = $('input[name^="was."]', row);
  if (!was) return false;
  return $$("input:not([type=hidden]), select", row).some((field) => {
    if (field.type === "password") return field.value !== "";
    if (field.name.startsWith("clear.")) return field.checked;
    return (field.type === "checkbox" ? String(field.checked) : field.value.trim()) !== was.value;
  });
}

const count = $("#settings-count");
const reset = $("#settings-reset");
const said = count?.textContent;

function look() {
  let n = 0;
  for (const row of rows) n += row.classList.toggle("dirty", dirty(row)) ? 1 : 0;
  count.textContent = n ? count.dataset.text.replace("{n}", n) : said;
  reset.hidden = n === 0;
}

if (count) {
  form.addEventListener("input", look);
  form.addEventListener("reset", () => setTimeout(look));
  form.addEventListener("submit", () => {
    for (const row of rows) {
      if (!dirty(row)) for (const field of $$("input, select", row)) field.disabled = true;
    }
  });
  // A page that the browser kept comes back with its fields as they were sent.
  addEventListener("pageshow", () => { for (const field of $$("input, select", form)) field.disabled = false; look(); });
}
