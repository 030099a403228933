// Line charts over time, drawn as SVG.

import { el, svg, setText } from "./dom.js";
import { clock } from "./format.js";

const height = 170;
const margin = { left: 62, right: 10, top: 8, bottom: 22 };

// ticks are round values from 0 to beyond max, at most five.
export function ticks(max) {
  if (!(max > 0)) return [0, 1];
  const raw = max / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((f) => f * power).find((s) => s >= raw * 0.999);
  const list = [];
  for (let i = 0; i === 0 || list.at(-1) < max; i++) list.push(i * step);
  return list;
}

// timeTicks are round times within a span, in milliseconds.
function timeTicks(from, to, most) {
  const steps = [5, 10, 15, 30, 60, 120, 300, 600].map((s) => s * 1000);
  const step = steps.find((s) => (to - from) / s <= most) || steps.at(-1);
  const list = [];
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) list.push(t);
  return list;
}

// path draws values over time, with a gap where there is none.
function path(points, x, y) {
  let d = "";
  let pen = false;
  for (const [t, v] of points) {
    if (v === null) {
      pen = false;
      continue;
    }
    d += `${pen ? "L" : "M"}${x(t).toFixed(1)} ${y(v).toFixed(1)}`;
    pen = true;
  }
  return d;
}

// Chart shows series of samples. A series has name, className and value(sample), which
// is null where it is not known; a sample has its time in milliseconds as t.
export class Chart {
  #title;
  #series;
  #format;
  #svg = svg("svg", { role: "img", height });
  #readout = el("span", { className: "muted" });
  #samples = [];
  #pointer = null;

  constructor(title, series, format) {
    this.#title = title;
    this.#series = series;
    this.#format = format;
    this.#svg.addEventListener("pointermove", (e) => this.#point(e.offsetX));
    this.#svg.addEventListener("pointerleave", () => this.#point(null));
    const head = el("div", { className: "legend" }, el("h2", {}, title));
    this.values = series.map((s) => {
      const value = el("strong");
      head.append(el("span", {}, el("i", { className: s.className }), s.name + " ", value));
      return value;
    });
    head.append(this.#readout);
    this.element = el("section", { className: "card chart" }, head, this.#svg);
    new ResizeObserver(() => this.#draw()).observe(this.element);
  }

  update(samples) {
    this.#samples = samples;
    this.#draw();
  }

  #point(x) {
    this.#pointer = x;
    this.#draw();
  }

  #draw() {
    const all = this.#samples;
    const width = this.element.clientWidth - 2;
    if (!all.length || width < 50) return;
    const to = all.at(-1).t;
    const from = Math.min(all[0].t, to - 60000);
    const values = all.flatMap((s) => this.#series.map((one) => one.value(s))).filter((v) => v !== null);
    const marks = ticks(Math.max(0, ...values));
    const right = width - margin.right;
    const bottom = height - margin.bottom;
    const x = (t) => margin.left + ((right - margin.left) * (t - from)) / (to - from);
    const y = (v) => bottom - ((bottom - margin.top) * v) / marks.at(-1);
    this.#svg.setAttribute("width", width);
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#svg.replaceChildren(
      ...marks.flatMap((v) => [
        svg("line", { class: "grid", x1: margin.left, x2: right, y1: y(v), y2: y(v) }),
        svg("text", { x: margin.left - 8, y: y(v) + 4, "text-anchor": "end" }, this.#format(v)),
      ]),
      ...timeTicks(from, to, (right - margin.left) / 75).map((t) =>
        svg("text", { x: x(t), y: height - 5, "text-anchor": "middle" }, clock(t)),
      ),
      ...this.#series.map((s) =>
        svg("path", { class: `line ${s.className}`, d: path(all.map((one) => [one.t, s.value(one)]), x, y) }),
      ),
    );
    this.#read(x, bottom);
  }

  // read shows the values at the pointer, or else the last ones.
  #read(x, bottom) {
    let at = this.#samples.at(-1);
    if (this.#pointer !== null) {
      const off = (s) => Math.abs(x(s.t) - this.#pointer);
      at = this.#samples.reduce((a, b) => (off(b) < off(a) ? b : a));
      this.#svg.append(svg("line", { class: "cursor", x1: x(at.t), x2: x(at.t), y1: margin.top, y2: bottom }));
    }
    setText(this.#readout, this.#pointer === null ? "" : clock(at.t));
    const texts = this.#series.map((s) => {
      const v = s.value(at);
      return v === null ? "–" : this.#format(v);
    });
    texts.forEach((text, i) => setText(this.values[i], text));
    this.#svg.setAttribute("aria-label", `${this.#title}: ${this.#series.map((s, i) => `${s.name} ${texts[i]}`).join(", ")}`);
  }
}

// Sparkline is a small line without axes.
export class Sparkline {
  #path = svg("path", { class: "line plain" });
  #area = svg("path", { class: "area" });

  constructor() {
    this.element = svg("svg", { class: "spark", viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" }, this.#area, this.#path);
  }

  update(samples, value) {
    const known = samples.map((s) => [s.t, value(s)]).filter(([, v]) => v !== null);
    if (known.length < 2) return;
    const from = known[0][0];
    const span = known.at(-1)[0] - from || 1;
    const most = Math.max(...known.map(([, v]) => v)) || 1;
    const d = path(known, (t) => (100 * (t - from)) / span, (v) => 24 - (22 * v) / most);
    this.#path.setAttribute("d", d);
    this.#area.setAttribute("d", `${d}V24H0Z`);
  }
}
