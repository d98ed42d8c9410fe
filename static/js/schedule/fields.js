// Forms in dialogs: labelled fields, people to choose from, and sending with the refused fields marked.
import { sendForm } from "../api.js";
import { api } from "../api.js";
import { dialog, h, randomId, t } from "../dom.js";

/** A labelled input; `wide` takes the whole line. */
export function field(label, input, { wide = false, hint = null } = {}) {
  input.id ||= `f-${randomId().slice(0, 8)}`;
  return h("div", { class: `field${wide ? " wide" : ""}` }, h("label", { for: input.id }, label), input, hint && h("p", { class: "hint" }, hint));
}

export function choice(name, options, chosen, attrs = {}) {
  const select = h("select", { class: "select", name, ...attrs }, options.map(([value, text]) => h("option", { value }, text)));
  select.value = chosen ?? "";
  return select;
}

export const toggle = (name, label, checked, attrs = {}) => h("label", { class: "switch" }, h("input", { type: "checkbox", name, checked, ...attrs }), label);

/**
 * A dialog around a form. `send(form)` is called on submit; a truthy answer closes it. Resolves when it is closed.
 * `readonly` shows the same fields without any button that changes something.
 */
export function formDialog({ title, body, foot = [], action = t("js.save"), send, wide = true, readonly = false }) {
  const form = h("form", { novalidate: true });
  const box = dialog({ title, wide, body: h("div", { class: "fields two" }, body), foot: [] });
  const [, inside, line] = box.el.children;
  const submit = h("button", { class: "btn primary", type: "submit" }, action);
  line.append(h("span", { class: "row grow" }, foot), h("button", { class: "btn", type: "button", onclick: () => box.close() }, t(readonly ? "js.close" : "js.cancel")), readonly ? "" : submit);
  box.el.append(form);
  form.append(inside, line);
  if (readonly) for (const input of form.elements) if (!line.contains(input)) input.disabled = true;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!readonly && await send(form)) box.close("done");
  });
  if (!readonly) form.querySelector("[autofocus]")?.focus();
  return { ...box, form };
}

/** Sends a dialog's form. */
export const submitted = (form, method, path, shape) => sendForm(form, method, path, shape);

const known = new Map();
/** The members of a project: [{id, nickname}]; asked for once. */
export async function membersOf(project) {
  if (!known.has(project)) {
    const asked = api("GET", `/projects/${project}/members?page_size=100`).then((answer) => answer.results.map((m) => m.user));
    known.set(project, asked);
    asked.catch(() => known.delete(project));
  }
  return known.get(project);
}
