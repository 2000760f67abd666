// Where the power goes: words, then a picture of sun, house, grid and battery with arrows that move.

import { attr, el, svg, text } from "./dom.js";
import { balanced } from "./format.js";
import { cameAt, powersState, site, value } from "./store.js";
import { stamp } from "./stamp.js";

// Shapes of 24 × 24, drawn with lines.
const ICONS = {
  pv: "M12 7a5 5 0 1 0 0 10a5 5 0 0 0 0-10M12 1.5v2.5M12 20v2.5M1.5 12h2.5M20 12h2.5M4.6 4.6l1.7 1.7M17.7 17.7l1.7 1.7M4.6 19.4l1.7-1.7M17.7 6.3l1.7-1.7",
  grid: "M9 2h6M7 7h10M12 2l-6 20M12 2l6 20M8.3 14.5h7.4M9.6 10l6.7 8M14.4 10l-6.7 8",
  load: "M3 11.5L12 4l9 7.5M5.5 9.8V20h13V9.8M10 20v-6h4v6",
  battery: "M4 8h15v9H4zM19 11h2.5v3H19M8 10.5v4M11.5 10.5v4",
};

// Middle of each circle, its line to the hub as seen from the circle, and where its words stand.
const PLACES = {
  pv: { x: 180, y: 62, from: [180, 116], to: [180, 176], name: "Solar", words: [244, 54, "start"] },
  grid: { x: 62, y: 182, from: [116, 182], to: [174, 182], name: "Grid", words: [62, 258, "middle"] },
  load: { x: 298, y: 182, from: [244, 182], to: [186, 182], name: "Home", words: [298, 258, "middle"] },
  battery: { x: 180, y: 302, from: [180, 248], to: [180, 188], name: "Battery", words: [244, 310, "start"] },
};
const RADIUS = 52;
const RING = 2 * Math.PI * RADIUS;

/** What each figure is called, by its sign: [positive, negative, none]. */
const DOES = {
  pv: ["producing", "taking power", "no sun"],
  grid: ["importing", "exporting", "no exchange"],
  load: ["using", "giving power", "using nothing"],
  battery: ["discharging", "charging", "resting"],
};

const verb = (key, flow) =>
  typeof flow !== "number" ? "not known" : DOES[key][flow > 0 ? 0 : flow < 0 ? 1 : 2];

/** The headline: what sun and house do, then what grid and battery do. */
export function sentences(figures, charge) {
  const { flow, unit } = figures;
  const known = (key) => typeof flow[key] === "number";
  const first = [];
  if (known("pv")) first.push(flow.pv > 0 ? ["The sun gives ", "pv", `${figures.pv} ${unit}`] : ["The sun gives nothing"]);
  if (known("load")) first.push([first.length ? ", the house uses " : "The house uses ", "load", `${figures.load} ${unit}`]);
  first.push([first.length ? "." : "The powers of the house are not known."]);
  const second = [];
  if (known("grid")) second.push(flow.grid === 0 ? "Nothing from or to the grid" : `${cap(verb("grid", flow.grid))} ${figures.grid} ${unit}`);
  if (flow.battery !== undefined) {
    const full = typeof charge === "number" ? ` (${Math.round(charge)} %)` : "";
    const does = !known("battery") || flow.battery === 0 ? verb("battery", flow.battery) : `${verb("battery", flow.battery)} ${figures.battery} ${unit}`;
    second.push(`battery ${does}${full}`);
  }
  return { first, second: cap(second.join(" · ")) };
}

const cap = (words) => words.charAt(0).toUpperCase() + words.slice(1);

function icon(key, x, y) {
  return svg("path", { d: ICONS[key], class: "icon", transform: `translate(${x - 12} ${y - 12})` });
}

function build() {
  const view = { nodes: {} };
  const lines = svg("g", null);
  const circles = svg("g", null);
  view.picture = svg("svg", { class: "flow", viewBox: "0 0 360 364", role: "img", "aria-labelledby": "headline" }, lines, circles);
  for (const [key, place] of Object.entries(PLACES)) {
    const [x1, y1] = place.from;
    const [x2, y2] = place.to;
    const [wx, wy, anchor] = place.words;
    const part = {
      line: svg("line", { class: "wire", x1, y1, x2, y2 }),
      moving: svg("line", { class: "moving", x1, y1, x2, y2 }),
      arrow: svg("path", { class: "arrow", d: "M-5-6L5 0L-5 6z" }),
      number: svg("text", { class: "number", x: place.x, y: place.y + 17, "text-anchor": "middle" }),
      unit: svg("text", { class: "unit", x: place.x, y: place.y + 34, "text-anchor": "middle" }),
      does: svg("text", { class: "does", x: wx, y: wy + 18, "text-anchor": anchor }),
      middle: [(x1 + x2) / 2, (y1 + y2) / 2],
      inward: (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI,
    };
    part.wires = svg("g", { class: `k-${key}` }, part.line, part.moving, part.arrow);
    part.group = svg("g", { class: `node k-${key}` },
      svg("circle", { class: "disc", cx: place.x, cy: place.y, r: RADIUS }),
      icon(key, place.x, place.y - 26), part.number, part.unit,
      svg("text", { class: "name", x: wx, y: wy, "text-anchor": anchor }, place.name), part.does);
    if (key === "battery") {
      part.ring = svg("circle", { class: "ring", cx: place.x, cy: place.y, r: RADIUS, transform: `rotate(-90 ${place.x} ${place.y})` });
      part.charge = svg("text", { class: "does", x: wx, y: wy + 36, "text-anchor": anchor });
      part.group.append(part.ring, part.charge);
    }
    lines.append(part.wires);
    circles.append(part.group);
    view.nodes[key] = part;
  }
  lines.append(svg("circle", { class: "hub", cx: 180, cy: 182, r: 5 }));
  view.first = el("span", { class: "first" });
  view.second = el("span", { class: "second" });
  view.note = el("p", { class: "muted note" });
  view.root = el("div", null, el("p", { class: "headline", id: "headline" }, view.first, " ", view.second), view.picture, view.note);
  return view;
}

function show(view, key, figures) {
  const part = view.nodes[key];
  const flow = figures.flow[key];
  const there = flow !== undefined;
  attr(part.group, "hidden", there ? null : "");
  attr(part.wires, "hidden", there ? null : "");
  text(part.number, figures[key]);
  text(part.unit, typeof flow === "number" ? figures.unit : "");
  text(part.does, verb(key, flow));
  // What the house uses flows out of the hub; of all else a positive number flows in.
  const inward = key === "load" ? -(flow || 0) : flow || 0;
  const watts = Math.abs(flow || 0) * (figures.unit === "kW" ? 10 : 1);
  const pace = watts > 3000 ? "fast" : watts > 800 ? "middle" : "slow";
  attr(part.wires, "class", `k-${key} ${inward === 0 ? "still" : inward > 0 ? "in" : "out"} ${pace}`);
  attr(part.arrow, "transform", `translate(${part.middle}) rotate(${part.inward + (inward < 0 ? 180 : 0)})`);
}

let view = null;

/** Shows the powers of the house that is looked at. */
export function renderFlow(section) {
  const house = site();
  if (!house) return;
  const body = section.querySelector(".body");
  if (!view) {
    view = build();
    body.replaceChildren(view.root);
  }
  const figures = balanced({
    pv: value(house, "pv_power") ?? null,
    grid: value(house, "grid_power") ?? null,
    load: value(house, "load_power") ?? null,
    battery: value(house, "battery_power"),
  });
  const charge = value(house, "state_of_charge");
  for (const key of Object.keys(PLACES)) show(view, key, figures);
  const stored = figures.flow.battery !== undefined;
  attr(view.picture, "viewBox", stored ? "0 0 360 364" : "0 0 360 286");
  const ring = view.nodes.battery.ring;
  attr(ring, "stroke-dasharray", `${(RING * (charge || 0)) / 100} ${RING}`);
  text(view.nodes.battery.charge, `${typeof charge === "number" ? Math.round(charge) : "–"} % full`);
  const { first, second } = sentences(figures, charge);
  const words = first.flat().join("|");
  if (view.said !== words) {
    view.said = words;
    view.first.replaceChildren(...first.flatMap(([before, key, figure]) => (key ? [before, el("b", { class: `k-${key}` }, figure)] : [before])));
  }
  text(view.second, second);
  text(view.note, figures.off === null ? "" : "These figures do not add up: they were measured at different moments.");
  const state = powersState(house);
  stamp(section.querySelector(".stamp"), state, state === "unknown" ? null : cameAt(house));
}
