// Every inverter, most often of one panel: where it lies on the roof if that is known, how it does beside its peers, and its state in words.

import { attr, el, keyed, text } from "./dom.js";
import { count, power } from "./format.js";
import { openDetail } from "./detail.js";
import { cameAt, inverters, isPanel, site, stateOf, value } from "./store.js";
import { stamp } from "./stamp.js";

const TOO_DARK = 5; // W: with a median below this, nobody can be compared
const GRADES = [[0.9, "g5", "90 % and more"], [0.7, "g4", "70–90 %"], [0.4, "g3", "40–70 %"], [0, "g2", "below 40 %"]];
const WORST = ["lost", "stale", "live", "asleep"];

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  if (!sorted.length) return null;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Who is compared with whom: panels of one supervisor, inverters of one line. */
const group = (device) => `${device.via} ${isPanel(device)}`;

/** What the powers of the live ones are in the middle, in W, by group; nobody is compared with itself alone. */
export function peers(all) {
  const powers = new Map();
  for (const one of all) {
    const watts = value(one, "power");
    if (stateOf(one) !== "live" || typeof watts !== "number") continue;
    if (!powers.has(group(one))) powers.set(group(one), []);
    powers.get(group(one)).push(watts);
  }
  return new Map([...powers].filter(([, of]) => of.length > 1).map(([name, of]) => [name, median(of)]));
}

/** "12 panels and 1 inverter" */
export function counted(all) {
  const ours = all.filter(isPanel).length;
  return [[ours, "panel"], [all.length - ours, "inverter"]].filter(([number]) => number).map((one) => count(...one)).join(" and ");
}

/** Smallest distance of two different numbers, in which `numbers` lie apart. */
function pitch(numbers) {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const gaps = sorted.slice(1).map((one, index) => one - sorted[index]);
  const widest = sorted.length > 1 ? sorted.at(-1) - sorted[0] : 0;
  return Math.min(...gaps.filter((gap) => gap > widest / 200)) || Infinity;
}

/** Columns and rows of the panels whose place is known, as {id: [column, row]} with {wide, high}; null without a map. */
export function layout(all) {
  const placed = all.filter((one) => typeof value(one, "panel_x") === "number" && typeof value(one, "panel_y") === "number");
  if (placed.length < 2) return null;
  const xs = placed.map((one) => value(one, "panel_x"));
  const ys = placed.map((one) => value(one, "panel_y"));
  const [left, top] = [Math.min(...xs), Math.max(...ys)];
  let [dx, dy] = [pitch(xs), pitch(ys)];
  if (!Number.isFinite(dx)) dx = Number.isFinite(dy) ? dy : 1;
  if (!Number.isFinite(dy)) dy = dx;
  const places = new Map(placed.map((one) => [one.id, [(value(one, "panel_x") - left) / dx, (top - value(one, "panel_y")) / dy]]));
  const spots = new Set([...places.values()].map(([column, row]) => `${Math.round(column)} ${Math.round(row)}`));
  const wide = Math.max(...[...places.values()].map((place) => place[0])) + 1;
  const high = Math.max(...[...places.values()].map((place) => place[1])) + 1;
  // Panels that lie on each other, or all over the place, are no map.
  if (spots.size < placed.length || wide * high > 40 * placed.length + 100) return null;
  return { places, wide, high, shape: Math.max(0.6, Math.min(1.7, dx / dy)) };
}

function grade(share, state) {
  if (state !== "live") return state;
  if (share === null) return "even";
  return GRADES.find(([least]) => share >= least)?.[1] || "g2";
}

function tile(device) {
  const node = el("button", { type: "button", class: "panel", tabindex: -1 }, el("span", { class: "watts" }), el("span", { class: "state" }));
  node.dataset.id = device.id;
  return node;
}

function update(node, device, middle, place) {
  const state = stateOf(device);
  const watts = value(device, "power");
  const share = typeof watts === "number" && middle >= TOO_DARK ? watts / middle : null;
  const percent = share === null ? "" : `${Math.round(share * 100)} %`;
  attr(node, "class", `panel ${grade(share, state)}${place ? " placed" : ""}`);
  text(node.children[0], typeof watts === "number" ? (Math.abs(watts) >= 1000 ? (watts / 1000).toFixed(1) + "k" : String(Math.round(watts))) : "–");
  text(node.children[1], state === "live" ? percent || "W" : state);
  const of = percent ? `, ${percent} of its peers` : "";
  attr(node, "aria-label", `${device.name}: ${state}, ${power(watts)}${state === "live" ? of : ""}`);
  attr(node, "title", `${device.name}\n${state}, ${power(watts)}${state === "live" ? of : ""}`);
  if (place) Object.assign(node.style, place);
  else node.removeAttribute("style");
}

let view = null;

function build(section) {
  const map = el("div", { class: "map" });
  const rest = el("div", { class: "tiles" });
  view = {
    told: el("p", { class: "told" }),
    map, rest,
    wide: el("p", { class: "muted note", hidden: true }, "The roof is wider than the screen: it scrolls sideways."),
    group: el("div", { role: "group", "aria-label": "Panels: arrow keys move, Enter shows one" },
      el("div", { class: "scroll roof" }, map)),
    legend: el("ul", { class: "grades", "aria-label": "Colours" },
      ...GRADES.map(([, name, words]) => el("li", null, el("span", { class: `dot ${name}` }), words)),
      ...["asleep", "stale", "lost"].map((name) => el("li", null, el("span", { class: `dot ${name}` }), name))),
    note: el("p", { class: "muted note" }),
  };
  view.group.addEventListener("click", (event) => {
    const node = event.target.closest(".panel");
    if (node) {
      choose(node);
      openDetail(node.dataset.id, node);
    }
  });
  view.group.addEventListener("keydown", move);
  view.group.append(view.wide, rest);
  section.querySelector(".body").replaceChildren(el("div", { class: "roof-and-words" }, view.group, el("div", { class: "side" }, view.told, view.legend, view.note)));
}

/** One panel at a time is in the order of the tab key. */
function choose(node) {
  for (const one of view.group.querySelectorAll('.panel[tabindex="0"]')) one.tabIndex = -1;
  node.tabIndex = 0;
}

const AXES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The nearest panel in the direction of an arrow key. */
function move(event) {
  const axis = AXES[event.key];
  const here = event.target.closest(".panel");
  if (!axis || !here) return;
  event.preventDefault();
  const middle = (node) => {
    const box = node.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  const [x, y] = middle(here);
  let best = null;
  for (const node of view.group.querySelectorAll(".panel")) {
    const [dx, dy] = [middle(node)[0] - x, middle(node)[1] - y];
    const ahead = dx * axis[0] + dy * axis[1];
    if (node === here || ahead < 4) continue;
    const far = ahead + 3 * Math.abs(dx * axis[1] + dy * axis[0]);
    if (!best || far < best.far) best = { node, far };
  }
  if (!best) return;
  choose(best.node);
  best.node.focus();
}

/** What the figures are, and whom they are compared with. */
function remark(middles, live, noun) {
  if (!live) return `No ${noun} has live data.`;
  const bright = middles.filter((one) => one >= TOO_DARK);
  if (bright.length) return `Figures are W. Colour and percentage: power beside that of the ${noun} in the middle${bright.length > 1 ? " of its group" : ""}, ${bright.map(power).join(" or ")}.`;
  if (middles.length) return `Half of the live ${noun}s give less than ${power(middles[0])}: too little light to compare them.`;
  return "Figures are W. There are no two to compare.";
}

/** Shows the inverters of the house that is looked at. */
export function renderPanels(section) {
  const house = site();
  const all = inverters(house);
  section.hidden = !all.length;
  if (!all.length) return;
  if (!view) build(section);
  const middles = peers(all);
  const middle = (device) => middles.get(group(device));
  const plan = layout(all);
  const placed = plan ? all.filter((one) => plan.places.has(one.id)) : [];
  const place = (device) => {
    const [column, row] = plan.places.get(device.id);
    const percent = (number, of) => `${((100 * number) / of).toFixed(3)}%`;
    return { left: percent(column, plan.wide), top: percent(row, plan.high), width: percent(1, plan.wide), height: percent(1, plan.high) };
  };
  const key = (device) => device.id;
  if (plan) {
    Object.assign(view.map.style, { aspectRatio: `${plan.wide * plan.shape} / ${plan.high}`, minWidth: `${plan.wide * 2.9}rem`, maxWidth: `${plan.wide * (all.length > 100 ? 3.2 : 4.6) * Math.max(1, plan.shape)}rem` });
  }
  view.map.parentElement.hidden = !plan;
  keyed(view.map, placed, key, tile, (node, device) => update(node, device, middle(device), place(device)));
  keyed(view.rest, plan ? all.filter((one) => !plan.places.has(one.id)) : all, key, tile, (node, device) => update(node, device, middle(device), null));
  view.wide.hidden = !plan || view.map.parentElement.scrollWidth <= view.map.parentElement.clientWidth;
  if (!view.group.querySelector('.panel[tabindex="0"]')) view.group.querySelector(".panel").tabIndex = 0;

  const counts = Object.groupBy ? Object.groupBy(all, stateOf) : all.reduce((sum, one) => ({ ...sum, [stateOf(one)]: [...(sum[stateOf(one)] || []), one] }), {});
  const parts = ["live", "asleep", "stale", "lost"].filter((state) => counts[state]).map((state) => `${counts[state].length} ${state}`);
  text(view.told, `${counted(all)}: ${parts.join(", ")}`);
  const noun = isPanel(all[0]) ? "panel" : "inverter";
  text(section.querySelector("h2"), noun === "panel" ? "Panels" : "Inverters");
  text(view.note, remark([...middles.values()].sort((a, b) => b - a), counts.live, noun) + (plan ? " Seen as they are planned on the roof." : ""));
  const worst = WORST.find((state) => counts[state] && (state !== "live" || counts.live.length)) || "stale";
  const summary = counts.live ? "live" : worst;
  const came = all.map(cameAt).filter((one) => one !== null);
  stamp(section.querySelector(".stamp"), summary, came.length ? Math.max(...came) : null);
}
