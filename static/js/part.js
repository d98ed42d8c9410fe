// Parts of a page that the server draws anew: fetch the same page, take the part by its id.
import { $$, initials, refreshTimes } from "./dom.js";

/** Replaces the elements with these ids by what the server shows now. Dialogs outside of them stay open. */
export async function refreshParts(...ids) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ids) {
    const old = document.getElementById(id);
    const now = fresh.getElementById(id);
    // Listeners of drop zones stay on the old element: only its content changes.
    if (old && now) old.replaceChildren(...now.childNodes);
  }
  for (const el of $$("[data-initials]")) el.textContent = initials(el.dataset.initials);
  refreshTimes();
}
