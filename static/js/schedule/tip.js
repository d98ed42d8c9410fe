// One line about the mark under the pointer or with the focus: for marks too small to carry their words.
import { h } from "../dom.js";

let tip;

/** Shows `data-tip` of the elements in `root` on hover and on focus. */
export function tips(root) {
  const show = (event) => {
    const el = event.target.closest?.("[data-tip]");
    if (el && root.contains(el)) showTip(el.dataset.tip, el.getBoundingClientRect());
    else hideTip();
  };
  root.addEventListener("pointerover", show);
  root.addEventListener("focusin", (event) => { if (event.target.matches(":focus-visible")) show(event); });
  for (const name of ["pointerleave", "focusout", "scroll"]) root.addEventListener(name, hideTip, name === "scroll");
  root.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
}

/** Shows a text above `box` (below, where there is no room). */
export function showTip(text, box) {
  tip ||= document.body.appendChild(h("div", { class: "tip", role: "tooltip", popover: "manual" }));
  tip.textContent = text;
  if (!tip.matches(":popover-open")) tip.showPopover();
  const own = tip.getBoundingClientRect();
  const middle = Math.max(box.left, 0) / 2 + Math.min(box.right, innerWidth) / 2;
  const left = Math.max(8, Math.min(innerWidth - own.width - 8, middle - own.width / 2));
  const above = box.top - own.height - 8;
  tip.style.setProperty("left", `${Math.round(left)}px`);
  tip.style.setProperty("top", `${Math.round(above > 4 ? above : box.bottom + 8)}px`);
}

export function hideTip() {
  if (tip?.matches(":popover-open")) tip.hidePopover();
}
