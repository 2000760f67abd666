// Curves over 24 hours as SVG: axis in the time of the house, values under pointer, finger or arrow keys.

import { attr, el, svg, text } from "./dom.js";
import { houseClock, power } from "./format.js";

const PAD = { left: 46, right: 10, top: 12, bottom: 26 };
const STEPS = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000];
const HOUR = 3600000;

/** A chart: `lines` are {key, name, area}; `show(data)` draws {start, step, midnight, series: {key: [W or null]}}. */
export function chart(label, lines, extra = () => []) {
  const plot = svg("svg", {
    class: "chart", tabindex: 0, role: "slider", "aria-label": `${label}: arrow keys move through the day`,
    "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0, "aria-valuetext": "no data yet",
  });
  const readout = el("p", { class: "readout" });
  const shown = new Set(lines.map((line) => line.key));
  const legend = el("div", { class: "legend", role: "group", "aria-label": "Curves that are shown" });
  const table = el("details", { class: "more-of" }, el("summary", null, "The same as a table, hour by hour"));
  const root = el("div", { class: "chart-box" }, legend, plot, readout, table);
  let data = null;
  let at = -1;
  let scale = null; // of what is drawn now

  for (const line of lines) {
    const sample = svg("svg", { viewBox: "0 0 28 8", class: `sample c-${line.key}`, "aria-hidden": "true" }, svg("path", { class: "line", d: "M1 4H27" }));
    const button = el("button", { type: "button", class: "key", "aria-pressed": "true" }, sample, line.name);
    button.addEventListener("click", () => {
      if (!shown.delete(line.key)) shown.add(line.key);
      attr(button, "aria-pressed", String(shown.has(line.key)));
      draw();
    });
    line.button = button;
    if (lines.length > 1) legend.append(button);
  }

  const present = () => lines.filter((line) => data?.series[line.key]?.some((one) => one !== null));
  const length = () => Math.max(0, ...lines.map((line) => data?.series[line.key]?.length || 0));
  const time = (index) => data.start + index * data.step;

  function draw() {
    if (!data || !root.isConnected) return;
    const width = Math.max(280, Math.round(plot.clientWidth || 640));
    const height = Math.max(160, Math.round(plot.clientHeight || 260));
    const drawn = present().filter((line) => shown.has(line.key));
    for (const line of lines) line.button.hidden = !present().includes(line);
    const all = drawn.flatMap((line) => data.series[line.key]).filter((one) => one !== null);
    const top = Math.max(100, ...all);
    const low = Math.min(0, ...all);
    const step = STEPS.find((one) => (top - low) / one <= 5) || 200000;
    const max = Math.ceil(top / step) * step;
    const min = Math.floor(low / step) * step;
    const count = Math.max(2, length());
    const x = (index) => PAD.left + ((width - PAD.left - PAD.right) * index) / (count - 1);
    const y = (watts) => PAD.top + ((height - PAD.top - PAD.bottom) * (max - watts)) / (max - min);
    const kilo = max >= 1000;
    const parts = [];
    for (let watts = min; watts <= max; watts += step) {
      parts.push(svg("line", { class: watts === 0 ? "zero" : "rule", x1: PAD.left, x2: width - PAD.right, y1: y(watts), y2: y(watts) }));
      const words = kilo ? `${watts / 1000}` : `${watts}`;
      parts.push(svg("text", { class: "tick", x: PAD.left - 6, y: y(watts) + 4, "text-anchor": "end" }, words));
    }
    parts.push(svg("text", { class: "tick", x: 4, y: height - 8 }, kilo ? "kW" : "W"));
    const every = (width < 480 ? 6 : 3) * HOUR;
    const end = time(count - 1);
    const first = data.midnight + Math.ceil((data.start - data.midnight) / every) * every;
    for (let when = first; when <= end; when += every) {
      const place = x((when - data.start) / data.step);
      const night = (when - data.midnight) % (24 * HOUR) === 0;
      parts.push(svg("line", { class: night ? "midnight" : "rule", x1: place, x2: place, y1: PAD.top, y2: height - PAD.bottom }));
      if (place > PAD.left + 14 && place < width - 18) {
        parts.push(svg("text", { class: "tick", x: place, y: height - 8, "text-anchor": "middle" }, houseClock(when, data.midnight)));
      }
    }
    for (const line of drawn) {
      const [path, area] = paths(data.series[line.key], x, y, y(Math.max(min, 0)));
      if (line.area) parts.push(svg("path", { class: "area", d: area }));
      parts.push(svg("path", { class: "line", d: path }));
      for (const one of parts.slice(line.area ? -2 : -1)) one.classList.add(`c-${line.key}`);
    }
    if (!drawn.length) parts.push(svg("text", { class: "none", x: width / 2, y: height / 2, "text-anchor": "middle" }, "Nothing is recorded yet"));
    const cursor = svg("g", { class: "cursor" });
    plot.replaceChildren(...parts, cursor);
    attr(plot, "viewBox", `0 0 ${width} ${height}`);
    attr(plot, "aria-valuemax", Math.max(0, length() - 1));
    scale = { cursor, drawn, x, y, count, wide: width, ground: height - PAD.bottom };
    point(at);
  }

  /** What is read at a place in time; at -1, the newest. */
  function point(index) {
    if (!data || !scale || !length()) return text(readout, "");
    at = index < 0 ? -1 : Math.min(index, length() - 1);
    let place = at < 0 ? length() - 1 : at;
    if (at < 0) while (place > 0 && present().every((line) => data.series[line.key][place] === null)) place -= 1;
    const parts = present().map((line) => `${line.name} ${power(data.series[line.key][place] ?? null)}`);
    const words = `${houseClock(time(place), data.midnight)}  ${[...parts, ...extra(data, place)].join(" · ")}`;
    text(readout, words);
    attr(plot, "aria-valuenow", place);
    attr(plot, "aria-valuetext", words);
    scale.cursor.replaceChildren();
    if (at < 0) return undefined;
    const where = scale.x(at);
    scale.cursor.append(svg("line", { x1: where, x2: where, y1: PAD.top, y2: scale.ground }));
    for (const line of scale.drawn) {
      const watts = data.series[line.key][at];
      if (watts !== null) scale.cursor.append(svg("circle", { class: `c-${line.key}`, cx: where, cy: scale.y(watts), r: 4 }));
    }
    return undefined;
  }

  const under = (event) => {
    if (!scale) return;
    const box = plot.getBoundingClientRect();
    const share = ((event.clientX - box.left) * (scale.wide / box.width) - PAD.left) / (scale.wide - PAD.left - PAD.right);
    point(Math.max(0, Math.min(scale.count - 1, Math.round(share * (scale.count - 1)))));
  };
  plot.addEventListener("pointermove", under);
  plot.addEventListener("pointerdown", under);
  plot.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && point(-1));
  plot.addEventListener("blur", () => point(-1));
  plot.addEventListener("keydown", (event) => {
    const here = at < 0 ? length() - 1 : at;
    const hour = data ? Math.round(HOUR / data.step) : 12;
    const to = { ArrowLeft: here - 1, ArrowRight: here + 1, ArrowDown: here - 1, ArrowUp: here + 1, PageUp: here + hour, PageDown: here - hour, Home: 0, End: length() - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    point(Math.max(0, to));
  });
  table.addEventListener("toggle", () => fillTable());
  new ResizeObserver(draw).observe(plot);

  function fillTable() {
    table.querySelector("div")?.remove();
    if (!table.open || !data) return;
    const heads = present();
    const rows = [];
    const each = Math.round(HOUR / data.step);
    for (let index = length() % each; index < length(); index += each) {
      rows.push(el("tr", null, el("th", { scope: "row" }, houseClock(time(index), data.midnight)),
        ...heads.map((line) => el("td", null, power(mean(data.series[line.key].slice(index, index + each)))))));
    }
    table.append(el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${label}, table` }, el("table", null,
      el("thead", null, el("tr", null, el("th", { scope: "col" }, "Hour from"), ...heads.map((line) => el("th", { scope: "col" }, line.name)))),
      el("tbody", null, ...rows))));
  }

  return {
    root,
    show(fresh) {
      data = fresh;
      table.hidden = !present().length;
      draw();
      fillTable();
    },
  };
}

function mean(values) {
  const known = values.filter((one) => one !== null);
  return known.length ? known.reduce((sum, one) => sum + one, 0) / known.length : null;
}

/** A line that is broken where nothing is known, and the area below it. */
function paths(values, x, y, ground) {
  let line = "";
  let area = "";
  let run = [];
  const end = () => {
    if (!run.length) return;
    const points = run.map(([index, watts]) => `${x(index).toFixed(1)} ${y(watts).toFixed(1)}`);
    if (points.length === 1) points.push(`${(x(run[0][0]) + 1).toFixed(1)} ${y(run[0][1]).toFixed(1)}`);
    line += `M${points.join("L")}`;
    area += `M${x(run[0][0]).toFixed(1)} ${ground.toFixed(1)}L${points.join("L")}L${x(run.at(-1)[0]).toFixed(1)} ${ground.toFixed(1)}Z`;
    run = [];
  };
  values.forEach((watts, index) => (typeof watts === "number" ? run.push([index, watts]) : end()));
  end();
  return [line, area];
}

/** A reply of api/curves as a chart takes it. */
export function dataOf(reply, id) {
  const series = reply.series?.[id] || {};
  return { start: Date.parse(reply.start), step: reply.step * 1000, midnight: Date.parse(reply.midnight), series };
}
