// Every device with its values and its topic, and a filter over all of it.

import { copyButton, el, keyed, setBadge, text } from "./dom.js";
import { values } from "./detail.js";
import { count } from "./format.js";
import { cameAt, stateOf, store } from "./store.js";
import { stamp } from "./stamp.js";

const MOST = 12;

const LIMIT = 1000; // rows that a browser still likes

let view = null;
let all = false;

const wordsOf = (device) => [device.id, device.label, device.name, device.model, device.serial, device.panel, device.topic, stateOf(device), ...device.sources].join(" ").toLowerCase();
const wordsOfValue = (one) => `${one.key} ${one.name} ${one.source || ""}`.toLowerCase();

/** Which values of a device the filter wants; null: the device is not wanted at all. */
function wanted(device, parts) {
  const of = wordsOf(device);
  const rest = parts.filter((one) => !of.includes(one));
  if (!rest.length) return () => true;
  const fits = (one) => rest.every((part) => wordsOfValue(one).includes(part));
  return device.values.some(fits) ? fits : null;
}

function row(device) {
  const node = el("details", { class: "device" });
  node.name_ = el("span", { class: "device-name" });
  node.label_ = el("span", { class: "muted" });
  node.stamp_ = el("span", { class: "stamp" });
  node.list = el("dl", { class: "facts values" });
  node.about = el("p", { class: "muted" });
  node.topic = el("code", null);
  node.inside = el("div", { class: "inside" }, el("p", { class: "topic" }, node.topic, copyButton("Copy topic", () => node.topic.textContent, `Copy topic of ${device.name}`)), node.about, node.list);
  node.append(el("summary", null, node.name_, node.label_, node.stamp_), node.inside);
  node.addEventListener("toggle", () => fill(node));
  return node;
}

function fill(node) {
  const { device } = node;
  if (!node.open || !device) return;
  text(node.topic, device.topic || "");
  text(node.about, [device.model, device.panel, device.serial && `serial number ${device.serial}`, device.sw_version && `firmware ${device.sw_version}`, device.sources.length && `told by ${device.sources.join(", ")}`].filter(Boolean).join(" · "));
  values(node.list, device, node.wanted);
}

function update(node, { device, fits }) {
  node.device = device;
  node.wanted = fits;
  text(node.name_, device.name);
  text(node.label_, device.name.startsWith(device.label) ? "" : device.label);
  stamp(node.stamp_, stateOf(device), cameAt(device));
  fill(node);
}

function build(section, again) {
  view = {
    filter: el("input", { type: "search", id: "device-filter", placeholder: "name, serial number, topic, quantity", autocomplete: "off" }),
    told: el("p", { class: "muted note" }),
    list: el("div", { class: "device-list" }),
    more: el("button", { type: "button", class: "button" }, "Show all"),
  };
  view.filter.addEventListener("input", again);
  view.more.addEventListener("click", () => {
    all = true;
    again();
  });
  section.querySelector(".body").replaceChildren(el("p", null, el("label", { for: "device-filter" }, "Filter "), view.filter), view.told, view.list, view.more);
}

/** Shows those that the filter wants. */
export function renderDevices(section) {
  if (!store.state) return;
  if (!view) build(section, () => renderDevices(section));
  const parts = view.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  for (const device of store.devices.values()) {
    const fits = wanted(device, parts);
    if (fits) found.push({ device, fits });
  }
  const shown = all || parts.length ? found.slice(0, LIMIT) : found.slice(0, MOST);
  text(view.told, parts.length ? `${found.length} of ${count(store.devices.size, "device")}` : count(store.devices.size, "device"));
  view.more.hidden = shown.length === found.length || shown.length === LIMIT;
  text(view.more, `Show all ${found.length}`);
  keyed(view.list, shown, (one) => one.device.id, (one) => row(one.device), update);
  const came = found.map((one) => cameAt(one.device)).filter((one) => one !== null);
  const live = [...store.devices.values()].filter((one) => stateOf(one) === "live").length;
  stamp(section.querySelector(".stamp"), live ? "live" : came.length ? "stale" : "not heard yet", came.length ? Math.max(...came) : null, `${live} live`);
}
