// REST: one function for all calls. Errors speak through toasts unless the caller says `quiet`.
import { duration, lang, randomId, t, toast } from "./dom.js";

/** An answer that is not 2xx, or none at all (`status` 0). */
export class ApiError extends Error {
  constructor(status, body, retryAfter) {
    const wait = (status === 429 || status === 503) && retryAfter ? t(status === 429 ? "js.error.wait" : "js.error.busy", { time: duration(retryAfter * 1000) }) : null;
    super(wait || body?.error?.message || body?.message || t(status === 0 ? "js.error.network" : "js.error.server"));
    this.status = status;
    this.code = body?.error?.code || (status === 0 ? "network" : "server");
    this.fields = body?.error?.fields || {};
    this.requestId = body?.error?.request_id;
    this.retryAfter = retryAfter;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Calls `/api/v1{path}`. Returns the decoded body (null for none).
 * `ifMatch`: ETag for a change that must not overwrite another's. `key`: Idempotency-Key of a POST; a fresh one by
 * default, so that a repeated request is answered once. A call that got no answer is repeated once when that is safe.
 */
export async function api(method, path, body, { ifMatch, key, quiet, signal, headers = {} } = {}) {
  const sent = { Accept: "application/json", "Accept-Language": lang, ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  if (ifMatch) sent["If-Match"] = ifMatch;
  if (method === "POST") sent["Idempotency-Key"] = key || randomId();
  const request = () => fetch(`/api/v1${path}`, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body), signal, credentials: "same-origin" });
  try {
    let answer;
    let repeated = false;
    try {
      answer = await request();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      if (method === "PATCH" && ifMatch) throw new ApiError(0);
      await pause(600);
      repeated = true;
      answer = await request().catch((again) => { throw again.name === "AbortError" ? again : new ApiError(0); });
    }
    const text = await answer.text();
    let decoded = null;
    try { decoded = text ? JSON.parse(text) : null; } catch { decoded = null; }
    // The first attempt had arrived after all.
    if (repeated && method === "DELETE" && answer.status === 404) return null;
    if (answer.ok) {
      if (decoded && typeof decoded === "object" && !Array.isArray(decoded)) {
        const etag = answer.headers.get("ETag");
        if (etag) Object.defineProperty(decoded, "etag", { value: etag });
      }
      return decoded;
    }
    throw new ApiError(answer.status, decoded, Number(answer.headers.get("Retry-After")) || undefined);
  } catch (error) {
    if (error.status === 401 && !quiet) {
      location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    } else if (!quiet && error.name !== "AbortError") {
      explain(error);
    }
    throw error;
  }
}

/** Says what went wrong, with the fields that were refused. */
export function explain(error) {
  const fields = Object.values(error.fields || {});
  toast(fields.length ? fields.join(" ") : error.message, "bad");
}

/** Fetches every page of a cursor feed, at most `limit` rows; `each` gets one page at a time. */
export async function feed(path, each, limit = 2000) {
  let cursor = null;
  let got = 0;
  do {
    const join = path.includes("?") ? "&" : "?";
    const answer = await api("GET", `${path}${join}page_size=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`, undefined, { quiet: got > 0 });
    each(answer.results);
    got += answer.results.length;
    cursor = answer.has_next ? answer.next_cursor : null;
  } while (cursor && got < limit);
  return got;
}

/**
 * Sends a <form>'s named fields as JSON, changed by `shape` if given, and shows refused fields beside them.
 * Resolves to the answer, or null when it was refused.
 */
export async function sendForm(form, method, path, shape = (body) => body) {
  if (form.dataset.sending) return null;
  form.dataset.sending = "1";
  const body = shape(Object.fromEntries(new FormData(form)));
  const button = form.querySelector("[type=submit]");
  showProblems(form, {});
  button?.setAttribute("aria-disabled", "true");
  try {
    return (await api(method, path, body, { quiet: true })) ?? {};
  } catch (error) {
    const shown = showProblems(form, error.fields || {});
    if (!shown) explain(error);
    return null;
  } finally {
    delete form.dataset.sending;
    button?.removeAttribute("aria-disabled");
  }
}

/** Puts each refused field's sentence below its input; true if at least one found its place. */
export function showProblems(form, fields) {
  for (const old of form.querySelectorAll(".problem")) old.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  let first = null;
  for (const [name, text] of Object.entries(fields)) {
    const input = form.elements[name];
    if (!input || !input.closest) continue;
    const id = `problem-${name}`;
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", id);
    const line = document.createElement("p");
    line.className = "problem";
    line.id = id;
    line.textContent = text;
    (input.closest(".field") || input.parentElement).append(line);
    first ||= input;
  }
  first?.focus();
  return Boolean(first);
}
