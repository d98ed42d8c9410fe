// Elements that show one field of the plan. What is being written in stays as it is, whatever arrives from others; who may
// not write sees text.
import { h, t } from "../dom.js";

export class Fields {
  /** `may`: are they to be written in? */
  constructor(store, may) {
    this.store = store;
    this.may = may;
    this.bound = [];
  }

  /** Shows all fields as they are now. */
  draw() {
    for (const show of this.bound) show();
  }

  /** Something else that follows the plan. */
  also(show) {
    this.bound.push(show);
    show();
  }

  /** Binds an element: `read` gets the value out of it, `put` puts one in. */
  bind(el, part, name, { read = () => el.value, put = (value) => { if (el.value !== value) el.value = value; }, event = "input" } = {}) {
    const { store } = this;
    const chosen = event === "change";
    el.addEventListener(event, () => store.edit(part, name, read(), chosen));
    const show = () => {
      const value = store.value(part, name);
      if (value === undefined) return;
      // Who stands in a field goes on from what he sees, not from what somebody else has put there under his hand.
      if (document.activeElement !== el || chosen) put(value);
      const why = store.refused.get(`${part} ${name}`);
      if (why) { el.setAttribute("aria-invalid", "true"); el.title = why; }
      else if (el.hasAttribute("aria-invalid")) { el.removeAttribute("aria-invalid"); el.removeAttribute("title"); }
    };
    el.addEventListener("blur", () => { store.leave(part); show(); });
    put(store.value(part, name) ?? "");
    this.bound.push(show);
    return el;
  }

  /** One line. */
  line(part, name, attrs = {}) {
    if (!this.may) return this.text(part, name, attrs);
    return this.bind(h("input", { autocomplete: "off", ...attrs, class: attrs.class ?? "input" }), part, name);
  }

  /** Several lines, as many as are written. */
  area(part, name, attrs = {}) {
    if (!this.may) return this.text(part, name, attrs);
    return this.bind(h("textarea", { rows: "1", ...attrs, class: `grows ${attrs.class ?? "textarea"}` }), part, name);
  }

  /** A list, one entry on each line. */
  list(part, name, most, attrs = {}) {
    if (!this.may) {
      const ul = h("ul", { class: "points" });
      this.also(() => ul.replaceChildren(...(this.store.value(part, name) || []).map((point) => h("li", null, point))));
      return ul;
    }
    const area = h("textarea", { rows: "2", ...attrs, class: `grows ${attrs.class ?? "textarea"}` });
    return this.bind(area, part, name, {
      read: () => area.value.split("\n").map((line) => line.trim()).filter(Boolean).slice(0, most),
      put: (value) => { const text = (value || []).join("\n"); if (area.value !== text) area.value = text; },
    });
  }

  /** One of a closed set, whose words are the texts `words.value`. */
  choice(part, name, values, words, attrs = {}) {
    if (!this.may) {
      const el = h("span", { class: "said" });
      this.also(() => { el.textContent = t(`${words}.${this.store.value(part, name)}`); });
      return el;
    }
    const select = h("select", { ...attrs, class: attrs.class ?? "select" }, values.map((value) => h("option", { value }, t(`${words}.${value}`))));
    return this.bind(select, part, name, { event: "change" });
  }

  /** A number; `scale` of its steps make one as it is shown (1000 ms, one second). */
  number(part, name, { scale = 1, ...attrs }) {
    if (!this.may) {
      const el = h("span", { class: "said num" });
      this.also(() => { el.textContent = String(this.store.value(part, name) / scale); });
      return el;
    }
    const input = h("input", { type: "number", inputmode: "decimal", ...attrs, class: attrs.class ?? "input" });
    return this.bind(input, part, name, {
      // A number on its way to being one is not sent.
      read: () => (input.value === "" || input.validity.rangeUnderflow || input.validity.rangeOverflow ? this.store.known(part, name) : Math.round(Number(input.value) * scale)),
      put: (value) => { if (Number(input.value) * scale !== value || input.value === "") input.value = String(value / scale); },
    });
  }

  text(part, name, attrs) {
    const el = h("p", { class: `said ${attrs.class?.replace("input", "").replace("textarea", "") ?? ""}` });
    this.also(() => {
      const value = this.store.value(part, name) ?? "";
      el.textContent = value;
      el.classList.toggle("none", !value);
    });
    return el;
  }
}

/** A field with its name above it. */
export function labelled(text, input, hint) {
  const tag = ["INPUT", "TEXTAREA", "SELECT"].includes(input.tagName) ? "label" : "div";
  return h(tag, { class: "field" }, h("span", { class: "label" }, text), input, hint && h("span", { class: "hint" }, hint));
}
