// How one wants to be told: the section of the profile page. Each change is kept at once.
import { api } from "./api.js";
import { $, $$, t, toast } from "./dom.js";

const form = $("#wishes-form");

function wanted() {
  const kinds = {};
  for (const row of $$("[data-kind]", form)) {
    kinds[row.dataset.kind] = { app: $("[type=checkbox]", row).checked, mail: $("select", row)?.value ?? "off" };
  }
  const e = form.elements;
  const quiet = e.quiet.checked ? { from: e.quiet_from.value, to: e.quiet_to.value, zone: e.zone.value } : null;
  return { kinds, quiet, all_comments: e.all_comments.checked };
}

function shape() {
  for (const name of ["quiet_from", "quiet_to", "zone"]) form.elements[name].disabled = !form.elements.quiet.checked;
}

if (form) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zone = form.elements.zone;
  if (own && ![...zone.options].some((o) => o.value === own)) zone.add(new Option(own, own));
  if (!form.dataset.zone && own) zone.value = own;
  shape();
  form.addEventListener("change", async () => {
    shape();
    try { await api("PUT", "/me/notifications", wanted()); toast(t("js.wishes.kept"), "good"); } catch { /* said by a toast */ }
  });
}
