// Resumable uploads (tus 1.0). Chunks with progress, pause, resume, cancel; continues after a reload or a lost line by
// asking the server how much it has (HEAD). One file at a time, the others wait.
import { ApiError } from "./api.js";
import { lang } from "./dom.js";

const CHUNK = 8 * 1024 * 1024;
const FORGET_MS = 6 * 86_400_000;
const STORE = "vp.uploads";

function remembered() {
  try { return JSON.parse(localStorage.getItem(STORE)) || {}; } catch { return {}; }
}

function remember(key, value) {
  const all = remembered();
  for (const [k, v] of Object.entries(all)) if (Date.now() - v.at > FORGET_MS) delete all[k];
  if (value) all[key] = value;
  else delete all[key];
  try { localStorage.setItem(STORE, JSON.stringify(all)); } catch { /* private mode: resume works until the reload */ }
}

/** Uploads of this browser that began and did not end, for "choose the file again to continue". */
export function unfinished() {
  return Object.values(remembered()).filter((u) => Date.now() - u.at < FORGET_MS);
}

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * One file on its way. `state`: "queued", "running", "paused", "offline", "done", "failed", "cancelled".
 * `change` is called whenever something visible changed.
 */
export class Upload {
  constructor(file, feedbackId, change = () => {}) {
    this.file = file;
    this.feedbackId = feedbackId;
    this.name = file.name.normalize("NFC");
    this.size = file.size;
    this.sent = 0;
    this.state = "queued";
    this.change = change;
    this.samples = [];
    this.key = `${feedbackId}|${this.name}|${file.size}|${file.lastModified}`;
    this.url = remembered()[this.key]?.url || null;
  }

  get percent() {
    return this.size ? Math.min(100, (this.sent / this.size) * 100) : 0;
  }

  /** Bytes per second over the last seconds. */
  get speed() {
    if (this.samples.length < 2) return 0;
    const [first, last] = [this.samples[0], this.samples[this.samples.length - 1]];
    return last.at > first.at ? Math.max(0, ((last.sent - first.sent) * 1000) / (last.at - first.at)) : 0;
  }

  get etaMs() {
    return this.speed ? ((this.size - this.sent) / this.speed) * 1000 : null;
  }

  set(state, error) {
    this.state = state;
    this.error = error || null;
    this.change(this);
  }

  moved(sent) {
    this.sent = sent;
    const now = Date.now();
    this.samples.push({ at: now, sent });
    while (this.samples.length > 2 && now - this.samples[0].at > 6000) this.samples.shift();
    this.change(this);
  }

  pause() {
    if (!["running", "offline", "queued"].includes(this.state)) return;
    this.set("paused");
    this.request?.abort();
    this.samples = [];
  }

  async cancel() {
    this.set("cancelled");
    this.request?.abort();
    remember(this.key, null);
    if (this.url) await fetch(this.url, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0" } }).catch(() => {});
  }

  /** Runs until done, failed, paused or cancelled. Lost lines and busy servers are waited for. */
  async run() {
    this.set("running");
    let tries = 0;
    while (this.state === "running" || this.state === "offline") {
      try {
        if (this.url) await this.ask();
        if (!this.url) await this.create();
        if (this.state === "offline") this.set("running");
        while (this.state === "running" && !this.mediaId) {
          await this.chunk();
          tries = 0;
        }
        if (this.mediaId) { this.finish(); return; }
      } catch (error) {
        if (this.state === "paused" || this.state === "cancelled") return;
        if (error.gone) { this.url = null; remember(this.key, null); this.sent = 0; tries += 1; if (tries < 4) continue; }
        const heals = error.status === 0 || error.status === 409 || error.status === 423 || error.status === 429 || (error.status >= 500 && error.status !== 507);
        if (!heals) { this.set("failed", error.message); return; }
        tries += 1;
        this.samples = [];
        this.set("offline", error.status === 0 ? null : error.message);
        await Promise.race([
          sleep(error.retryAfter ? error.retryAfter * 1000 : Math.min(30_000, 800 * 2 ** Math.min(tries, 6)) * (0.6 + Math.random() * 0.4)),
          new Promise((resolve) => addEventListener("online", resolve, { once: true })),
        ]);
      }
    }
  }

  finish() {
    remember(this.key, null);
    this.sent = this.size;
    this.set("done");
  }

  async create() {
    const answer = await fetch("/api/v1/uploads", {
      method: "POST",
      headers: {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": String(this.size),
        "Upload-Metadata": `filename ${base64(this.name)},filetype ${base64(this.file.type || "application/octet-stream")},feedback_id ${base64(String(this.feedbackId))}`,
        "Accept-Language": lang,
      },
    }).catch(() => { throw new ApiError(0); });
    if (answer.status !== 201) throw await refused(answer);
    this.url = new URL(answer.headers.get("Location"), location.href).pathname;
    remember(this.key, { url: this.url, at: Date.now(), name: this.name, size: this.size, feedback_id: this.feedbackId });
    // A file without a byte is complete with this.
    this.mediaId = Number(answer.headers.get("X-Media-Id")) || null;
    this.moved(0);
  }

  async ask() {
    const answer = await fetch(this.url, { method: "HEAD", headers: { "Tus-Resumable": "1.0.0" }, cache: "no-store" }).catch(() => { throw new ApiError(0); });
    if (answer.status === 404 || answer.status === 410 || answer.status === 403) throw Object.assign(new ApiError(answer.status), { gone: true });
    if (!answer.ok) throw new ApiError(answer.status, null, Number(answer.headers.get("Retry-After")) || undefined);
    this.moved(Number(answer.headers.get("Upload-Offset")) || 0);
    this.mediaId = Number(answer.headers.get("X-Media-Id")) || null;
  }

  /** Sends the next chunk. XMLHttpRequest, because fetch does not tell how much of a body has left. */
  chunk() {
    const from = this.sent;
    const part = this.file.slice(from, from + CHUNK);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      this.request = request;
      request.open("PATCH", this.url);
      request.setRequestHeader("Tus-Resumable", "1.0.0");
      request.setRequestHeader("Upload-Offset", String(from));
      request.setRequestHeader("Content-Type", "application/offset+octet-stream");
      request.setRequestHeader("Accept-Language", lang);
      request.upload.onprogress = (event) => this.moved(from + event.loaded);
      request.onload = () => {
        if (request.status === 204) {
          this.mediaId = Number(request.getResponseHeader("X-Media-Id")) || null;
          this.moved(Number(request.getResponseHeader("Upload-Offset")) || from + part.size);
          resolve();
          return;
        }
        let body = null;
        try { body = JSON.parse(request.responseText); } catch { body = null; }
        const error = new ApiError(request.status, body, Number(request.getResponseHeader("Retry-After")) || undefined);
        if (request.status === 404 || request.status === 410) error.gone = true;
        reject(error);
      };
      request.onerror = () => reject(new ApiError(0));
      request.onabort = () => reject(new ApiError(0));
      request.send(part);
    });
  }
}

async function refused(answer) {
  const body = await answer.json().catch(() => null);
  return new ApiError(answer.status, body, Number(answer.headers.get("Retry-After")) || undefined);
}

/** Files in line; one runs at a time so that each gets the whole line. */
export class UploadQueue {
  constructor(change = () => {}, done = () => {}) {
    this.items = [];
    this.change = change;
    this.done = done;
    addEventListener("beforeunload", (event) => { if (this.busy) event.preventDefault(); });
  }

  get busy() {
    return this.items.some((u) => ["running", "offline", "queued"].includes(u.state));
  }

  add(file, feedbackId) {
    const upload = new Upload(file, feedbackId, () => this.change(upload));
    this.items.push(upload);
    this.change(upload);
    this.next();
    return upload;
  }

  /** Continues a paused or failed upload when its turn comes. */
  resume(upload) {
    upload.set("queued");
    this.next();
  }

  forget(upload) {
    this.items = this.items.filter((u) => u !== upload);
    this.change(upload);
  }

  async next() {
    if (this.items.some((u) => u.state === "running" || u.state === "offline")) return;
    const upload = this.items.find((u) => u.state === "queued");
    if (!upload) return;
    await upload.run();
    if (upload.state === "done") this.done(upload);
    this.next();
  }
}

// A file that is dropped beside a zone would replace the page, and with it a running upload.
for (const name of ["dragover", "drop"]) {
  document.addEventListener(name, (event) => {
    if (event.defaultPrevented || !event.dataTransfer?.types?.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}

/** Files dropped on `el`; `take(files)` gets videos and whatever else was dropped (the server judges by content). */
export function dropZone(el, take) {
  let depth = 0;
  const hasFiles = (event) => event.dataTransfer?.types?.includes("Files");
  el.addEventListener("dragenter", (event) => { if (hasFiles(event)) { event.preventDefault(); depth += 1; el.classList.add("over"); } });
  el.addEventListener("dragover", (event) => { if (hasFiles(event)) { event.preventDefault(); event.dataTransfer.dropEffect = "copy"; } });
  el.addEventListener("dragleave", (event) => { if (hasFiles(event)) { depth = Math.max(0, depth - 1); if (!depth) el.classList.remove("over"); } });
  el.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    el.classList.remove("over");
    const files = [...event.dataTransfer.files];
    if (files.length) take(files);
  });
}
