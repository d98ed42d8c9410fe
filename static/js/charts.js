// Lays uPlot over the charts that the server has drawn: values under the pointer, the same moment in all of them.
// Without it, or without a canvas, the drawing and the table stay.
import { $, $$, h, lang } from "./dom.js";

const locale = lang === "ko" ? "ko-KR" : "en-GB";
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const exact = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric" });

const number = (v) => v < 9.95 ? String(Math.round(v * 10) / 10) : Math.round(v).toLocaleString(locale);
const writers = {
  number,
  count: (v) => Number.isInteger(v) ? v.toLocaleString(locale) : "",
  time: (us) => us === 0 ? "0" : us < 1e3 ? `${Math.round(us)} µs` : us < 1e4 ? `${(us / 1e3).toFixed(1)} ms` : us < 1e6 ? `${Math.round(us / 1e3)} ms` : `${(us / 1e6).toFixed(1)} s`,
  part: (v) => `${number(v * 100)} %`,
  bytes: (v) => {
    let unit = 0;
    while (v >= 999.5 && unit < 4) { v /= 1000; unit++; }
    return `${v < 9.95 && unit > 1 ? v.toFixed(1) : Math.round(v)} ${["B", "KB", "MB", "GB", "TB"][unit]}`;
  },
};

const plots = new Map();
const sync = globalThis.uPlot ? uPlot.sync("desk") : null;

function token(el, name) {
  const probe = h("span", { hidden: true });
  probe.style.color = `var(${name})`;
  el.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

/** Values as they are drawn: stacked ones on top of each other. */
function heights(data) {
  const lines = data.series.map((s) => s.values);
  if (!data.stacked) return [data.times, ...lines];
  const ground = data.times.map(() => 0);
  const drawn = lines.map((values) => values.map((v, i) => v === null ? null : (ground[i] += v)));
  return [data.times, ...drawn];
}

function marks(plot, el) {
  const { ctx, bbox } = plot;
  const line = (dash, color, draw) => {
    ctx.save();
    ctx.beginPath();
    ctx.setLineDash(dash.map((n) => n * devicePixelRatio));
    ctx.strokeStyle = color;
    ctx.lineWidth = devicePixelRatio;
    draw();
    ctx.stroke();
    ctx.restore();
  };
  const { data } = el.chart;
  for (const mark of data.marks) {
    const x = plot.valToPos(mark.at, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    line([2, 3], token(el, "--edge"), () => { ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); });
  }
  if (data.border !== null) {
    const y = plot.valToPos(data.border, "y", true);
    line([4, 4], token(el, "--warn"), () => { ctx.moveTo(bbox.left, y); ctx.lineTo(bbox.left + bbox.width, y); });
  }
}

/** What stands under the pointer, beside it. */
function tip(plot, el) {
  const { data, tip: box } = el.chart;
  const { idx, left } = plot.cursor;
  if (idx === null || idx === undefined || left < 0) { box.hidden = true; return; }
  const write = writers[data.unit];
  const near = data.marks.filter((m) => Math.abs(plot.valToPos(m.at, "x") - left) < 6);
  box.replaceChildren(
    h("b", {}, exact.format(data.times[idx] * 1000)),
    ...data.series.map((s) => h("div", {}, h("span", {}, s.name), h("b", { class: "num" }, s.values[idx] === null ? "–" : write(s.values[idx])))),
    ...near.map((m) => h("div", {}, m.text)),
  );
  box.hidden = false;
  const from = plot.bbox.left / devicePixelRatio;
  const wide = left > plot.bbox.width / devicePixelRatio / 2;
  box.style.left = wide ? "auto" : `${from + left + 12}px`;
  box.style.right = wide ? `${el.clientWidth - from - left + 12}px` : "auto";
}

function build(el) {
  const area = $(".chart-area", el);
  const data = JSON.parse(el.dataset.chart);
  el.chart = { data, tip: h("div", { class: "chart-tip", hidden: true, "aria-hidden": "true" }) };
  const write = writers[data.unit];
  const span = data.times.length ? data.times.at(-1) - data.times[0] : 0;
  const axis = () => token(el, "--ink-3");
  const grid = { stroke: () => token(el, "--line"), width: 1 };
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const plot = new uPlot({
    width: area.clientWidth, height: area.clientHeight,
    legend: { show: false },
    padding: [6, 4, 0, 0],
    cursor: { sync: { key: sync.key }, y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: {
      x: { time: true },
      y: { range: (_, low, high) => [0, Math.max(el.chart.data.top, high ?? 0, el.chart.data.border ? el.chart.data.border * 1.1 : 0)] },
    },
    axes: [
      { stroke: axis, grid: { show: false }, ticks: { show: false }, font, size: 20, gap: 2, space: 70, values: (_, at) => at.map((s) => (span > 172_800 ? day : clock).format(s * 1000)) },
      { stroke: axis, grid, ticks: { show: false }, font, size: 52, gap: 4, space: 34, values: (_, at) => at.map((v) => write(v)) },
    ],
    series: [{}, ...data.series.map((_, i) => ({
      stroke: () => token(el, `--s${i}`), width: 1.5, spanGaps: false, points: { show: false },
      fill: data.stacked ? () => token(el, `--s${i}`).replace("rgb(", "rgba(").replace(")", ", 0.14)") : undefined,
    }))],
    hooks: { draw: [(u) => marks(u, el)], setCursor: [(u) => tip(u, el)] },
  }, heights(data), area);
  area.append(el.chart.tip);
  area.classList.add("live");
  new ResizeObserver(() => { if (area.clientWidth) plot.setSize({ width: area.clientWidth, height: area.clientHeight }); }).observe(area);
  sync.sub(plot);
  plots.set(el.id, plot);
}

/** Turns the drawings within `root` into charts. */
export function raise(root = document) {
  if (!globalThis.uPlot) return;
  for (const el of $$("figure[data-chart]", root)) if (!el.chart) build(el);
}

/** Takes the newer charts of `html` in, in place; answers false if there is none to take them. */
export function renew(root, html) {
  const next = h("template");
  next.innerHTML = html;
  const fresh = $$("figure[data-chart]", next.content);
  if (!fresh.length || fresh.some((el) => !document.getElementById(el.id)?.chart)) return false;
  for (const el of fresh) {
    const old = document.getElementById(el.id);
    const data = JSON.parse(el.dataset.chart);
    if (data.series.length !== old.chart.data.series.length) return false;
    old.chart.data = data;
    plots.get(el.id).setData(heights(data));
    $(".legend", old).replaceWith($(".legend", el));
    const [table, now] = [$("tbody", old), $("tbody", el)];
    if (!table.contains(document.activeElement)) table.replaceWith(now);
  }
  return true;
}

/** The colours have changed. */
export function repaint() {
  for (const plot of plots.values()) plot.redraw(false);
}

const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", repaint);
new MutationObserver(repaint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
