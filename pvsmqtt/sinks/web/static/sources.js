// Where readings come from and where they go: sources, RS-485 lines with their registers, broker, Home Assistant.

import { attr, badge, copyButton, el, facts, keyed, setBadge, text } from "./dom.js";
import { count, moment, reading, span, words } from "./format.js";
import { registerTable } from "./registers.js";
import { now, stateOf, store, value } from "./store.js";
import { ageOf, stamp } from "./stamp.js";

const KNOWN = new Set(["name", "kind", "state", "last_success", "age", "cycles", "refused", "trouble", "message", "last_refusal", "refused_values", "failing_for", "patience"]);
const LINE = ["line_state", "baud_rate", "bus_load", "frame_rate", "frames", "crc_failures", "junk_bytes", "requests", "timeouts", "exceptions", "units_heard", "known_registers", "unknown_registers"];

const tally = (counts) => Object.entries(counts || {}).map(([reason, times]) => `${words(reason)} × ${times}`).join(", ");
const total = (counts) => Object.values(counts || {}).reduce((sum, one) => sum + one, 0);

/** Anything JSON can hold, as nested lists of names and values. */
function tree(what, depth = 0) {
  if (what === null || what === undefined || what === "") return "–";
  if (typeof what !== "object") return String(what);
  const entries = Object.entries(what);
  if (!entries.length) return "none";
  if (Array.isArray(what) && what.every((one) => typeof one !== "object")) return what.join(", ");
  if (depth > 5) return JSON.stringify(what);
  return facts(entries.map(([name, one]) => [words(name), tree(one, depth + 1)]));
}

/** A card with a head that is kept, and a body that is made anew when what it shows has changed. */
function card(name) {
  const node = el("article", { class: "sub" });
  node.title3 = el("h3", null, name);
  node.badge = badge("wait");
  node.rows = el("div", null);
  node.more = el("details", { class: "more-of" }, el("summary", null, "All it reports"), el("div", { class: "tree", tabindex: 0, role: "region", "aria-label": `All that ${name} reports` }));
  node.more.addEventListener("toggle", () => fillTree(node));
  node.append(el("div", { class: "head" }, node.title3, node.badge), node.rows, node.more);
  return node;
}

function fillTree(node) {
  if (node.more.open) node.more.lastChild.replaceChildren(tree(node.document));
}

function show(node, state, rows, document) {
  setBadge(node.badge, state, words(state));
  node.rows.replaceChildren(facts(rows));
  node.document = document;
  node.more.hidden = !document || !Object.keys(document).length;
  fillTree(node);
}

const timeOf = (iso) => (iso ? el("span", null, moment(iso), " · ", ageOf(Date.parse(iso))) : "not yet");

function lastRefusal(it) {
  if (!it) return "none since the start";
  return el("span", null, it.message || words(it.reason), " · ", ageOf(Date.parse(store.health.now || store.health.time) - 1000 * it.age));
}

function source(node, it) {
  const asked = it.traffic ? `${it.traffic.requests}, with ${count(it.traffic.logins, "login")}` : lineOf(it) ? value(lineOf(it), "requests") ?? null : null;
  const refused = total(it.refused);
  const values = Object.entries(it.refused_values || {}).map(([key, why]) => `${words(key)} (${tally(why)})`).join(", ");
  const firmware = it.interface;
  show(node, it.state, [
    ["Last success", timeOf(it.last_success)],
    it.trouble ? ["Refused now", el("span", { class: "bad" }, it.message || words(it.trouble))] : ["Last refusal", lastRefusal(it.last_refusal)],
    ["Failing for", typeof it.failing_for === "number" ? span(it.failing_for) : null],
    ["Cycles", it.cycles],
    ["Requests", asked],
    ["Errors", refused ? `${refused}: ${tally(it.refused)}` : "none"],
    ["Values not taken", values || null],
    ["Speaks", firmware && [firmware.generation, firmware.model, firmware.firmware].filter(Boolean).map(String).join(" · ")],
    ["Live data", it.live?.mode ? words(it.live.mode) : null],
  ], Object.fromEntries(Object.entries(it).filter(([key]) => !KNOWN.has(key))));
}

const lineOf = (it) => [...store.devices.values()].find((one) => one.kind === "bus" && one.sources.includes(it.name));

function line(node, device) {
  const told = LINE.filter((key) => device.map.has(key)).map((key) => [device.map.get(key).name, reading(device.map.get(key))]);
  const from = (store.health.sources || []).find((one) => device.sources.includes(one.name));
  const units = Object.entries(from?.units || {});
  const heard = units.map(([number, unit]) => `${number}${unit.kind ? ` ${words(unit.kind)}` : ""}${unit.age === null ? "" : ` (${span(unit.age)} ago)`}`);
  const driver = Object.entries(from?.driver || {}).filter(([, times]) => times);
  const state = value(device, "line_state") || stateOf(device);
  show(node, state, [["Line", device.model], ["Setting", from?.setting], ...told.slice(1),
    ["Units", heard.length ? heard.join(", ") : null], ["Driver", driver.length ? tally(Object.fromEntries(driver)) : null], ["Note", from?.note]], null);
}

function mqtt(node, broker) {
  const journal = store.health.journal;
  const since = typeof broker.connected_for === "number" ? Date.parse(store.health.time || store.health.now) - 1000 * broker.connected_for : null;
  const dropped = total(journal?.dropped);
  show(node, broker.connected ? "connected" : "failing", [
    ["Broker", broker.address || broker.host],
    ["Connected since", since === null ? "not connected" : el("span", null, moment(new Date(since).toISOString()), " · ", ageOf(since, "long"))],
    ["Refusal now", broker.message ? el("span", { class: "bad" }, broker.message) : "none"],
    ["Next try", typeof broker.next_try_in === "number" ? `in ${span(broker.next_try_in)}` : null],
    ["Published", `${broker.published} messages in ${count(broker.connects || 0, "connection")}`],
    ["Protocol", broker.protocol && `MQTT ${broker.protocol}${broker.tls ? `, ${broker.tls.version}` : ", without TLS"}`],
    ["Thrown away by the broker", broker.denied],
    ["Journal", journal ? `${words(journal.state)}: ${journal.pending} readings wait${journal.oldest_age ? `, the oldest for ${span(journal.oldest_age)}` : ""}` : "off"],
    ["Readings dropped", dropped ? tally(journal.dropped) : null],
  ], { broker, journal });
}

function assistant(node, it) {
  show(node, it.discovery ? "told" : "off", [
    ["Discovery", it.discovery ? `on, below ${it.prefix}` : "off in the configuration"],
    ["Told of", `${count(it.devices || 0, "device")}, ${it.entities || 0} entities`],
  ], null);
  node.topics ||= el("details", { class: "more-of" }, el("summary", null, "Topics of the announcements"), el("ul", { class: "topics" }));
  if (!node.topics.isConnected) node.append(node.topics);
  node.topics.hidden = !it.topics?.length;
  keyed(node.topics.lastChild, it.topics || [], (one) => one,
    (one) => el("li", { class: "topic" }, el("code", null, one), copyButton("Copy", () => one, `Copy ${one}`)), () => {});
}

function wide(node) {
  node.classList.add("wide");
  return node;
}

function page(node, it) {
  show(node, "ok", [
    ["Listens on", it.address],
    ["Password", it.password ? "set" : "none"],
    ["Connections", `${it.connections}, ${it.following} follow`],
    ["Refused", total(it.refused) ? tally(it.refused) : "none"],
  ], null);
}

let view = null;

function build(section) {
  view = { sources: el("div", { class: "subs" }), lines: el("div", { class: "subs" }), out: el("div", { class: "subs" }), registers: registerTable() };
  section.querySelector(".body").replaceChildren(view.sources, view.lines, view.registers.root, view.out);
}

/** Shows all of them. */
export function renderSources(section) {
  const { health, state } = store;
  if (!state) return;
  if (!view) build(section);
  const all = health.sources || [];
  keyed(view.sources, all, (one) => one.name, (one) => card(one.name), source);
  const lines = [...store.devices.values()].filter((one) => one.kind === "bus");
  keyed(view.lines, lines, (one) => one.id, (one) => wide(card(one.name)), line);
  view.lines.hidden = !lines.length;
  view.registers.root.hidden = !lines.length;
  const out = [];
  if (health.broker) out.push(["MQTT", mqtt, health.broker]);
  if (state.home_assistant) out.push(["Home Assistant", assistant, state.home_assistant]);
  if (health.web) out.push(["Status page", page, health.web]);
  keyed(view.out, out, ([name]) => name, ([name]) => card(name), (node, [, update, it]) => update(node, it));
  const failing = all.filter((one) => one.trouble).length;
  const at = Date.parse(health.now || health.time || "");
  stamp(section.querySelector(".stamp"), "live", Number.isNaN(at) ? now() : at, failing ? `${failing} of ${all.length} failing` : `${count(all.length, "source")}`);
}
