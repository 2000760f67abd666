// What needs attention, in one place: troubles of sources and broker, inverters that are lost.

import { el, keyed, text } from "./dom.js";
import { counted } from "./panels.js";
import { inverters, stateOf, store } from "./store.js";

/** Every trouble as {key, words, to}: `to` is the section that tells more. */
export function troubles() {
  const found = [];
  for (const source of store.health.sources || []) {
    if (source.trouble) found.push({ key: source.name, words: `${source.name}: ${source.message || source.trouble}`, to: "#sources" });
  }
  const broker = store.health.broker;
  if (broker && broker.connected === false && (broker.message || broker.reason)) {
    found.push({ key: "#broker", words: `MQTT: ${broker.message || broker.reason}`, to: "#sources" });
  }
  const journal = store.health.journal;
  if (journal?.message) found.push({ key: "#journal", words: `Journal: ${journal.message}`, to: "#sources" });
  const lost = inverters().filter((one) => stateOf(one) === "lost");
  if (lost.length) {
    const names = lost.slice(0, 3).map((one) => one.name).join(", ");
    const verb = lost.length === 1 ? "is" : "are";
    found.push({ key: "#lost", words: `${counted(lost)} ${verb} lost: ${names}${lost.length > 3 ? ", …" : ""}`, to: "#panels" });
  }
  return found;
}

/** Shows them; nothing to see while there are none. */
export function renderAttention(section) {
  const found = troubles();
  section.hidden = !found.length;
  keyed(section.querySelector(".body"), found, (one) => one.key,
    (one) => el("li", null, el("span", null), " ", el("a", { href: one.to }, "Show")),
    (row, one) => text(row.firstChild, one.words));
}
