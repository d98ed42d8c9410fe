// Parts of a page that the server draws anew: fetch the same page, take the part by its id.
import { $$, initials, refreshTimes } from "./dom.js";

/** Replaces the elements with these ids by what the server shows now. Dialogs outside of them stay open. */
export async function refreshParts(...ids) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
  // Signed out meanwhile: the next click leads to the sign-in, the page stays readable until then.
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ids) {
    const old = document.getElementById(id);
    const now = fresh.getElementById(id);
    if (!old || !now) continue;
    const back = focusIn(old);
    // Listeners of drop zones stay on the old element: only its content changes.
    old.replaceChildren(...now.childNodes);
    back?.();
  }
  for (const el of $$("[data-initials]")) el.textContent = initials(el.dataset.initials);
  refreshTimes();
}

/** A way to put the focus where it was, if it is in `root`: on what leads to the same place or does the same. */
function focusIn(root) {
  const held = document.activeElement;
  if (!root.contains(held) || held === root) return null;
  const mark = ["id", "href", "data-open", "data-member", "data-remove", "data-resend", "data-revoke", "data-restore"].find((name) => held.hasAttribute(name));
  if (!mark) return null;
  const selector = `${held.localName}[${mark}="${CSS.escape(held.getAttribute(mark))}"]`;
  return () => root.querySelector(selector)?.focus({ preventScroll: true });
}

/**
 * Answers a function that says "these parts have changed". They are fetched soon after, once for all that comes
 * meanwhile, and only while somebody looks: a page behind others waits until it is seen again.
 */
export function freshener(ids, ms = 500) {
  let timer = null;
  let stale = false;
  const soon = () => {
    if (document.hidden) return;
    timer ||= setTimeout(async () => {
      stale = false;
      await refreshParts(...ids);
      timer = null;
      if (stale) soon();
    }, ms);
  };
  document.addEventListener("visibilitychange", () => { if (stale) soon(); });
  return () => { stale = true; soon(); };
}
