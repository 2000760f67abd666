// How old the data of each block is: a word and an age that ticks.

import { attr, badge, el, setBadge, text } from "./dom.js";
import { span } from "./format.js";
import { now, store } from "./store.js";

/** Shows in `place` that what it stands for is `state`, as of `at` (ms by the clock of the service, or null). */
export function stamp(place, state, at, more = "") {
  if (!place.badge) {
    place.badge = badge("wait");
    place.age = el("span", { class: "age" });
    place.more = el("span", { class: "more" });
    place.replaceChildren(place.badge, place.age, place.more);
  }
  place.state = state;
  text(place.more, more);
  attr(place.age, "data-at", at === null ? null : at);
  tickOne(place.age);
}

/** An age alone. */
export function ageOf(at, after = "ago") {
  const node = el("span", { class: "age", "data-at": at, "data-after": after });
  tickOne(node);
  return node;
}

function tickOne(node) {
  const place = node.parentElement;
  const at = node.dataset.at;
  text(node, at === undefined ? "" : `${span((now() - Number(at)) / 1000)} ${node.dataset.after ?? "ago"}`);
  if (place?.badge) {
    const cut = !store.connected && place.state === "live";
    setBadge(place.badge, cut ? "stale" : place.state);
  }
}

/** Lets all ages tick. */
export function tick() {
  for (const node of document.querySelectorAll("[data-at]")) tickOne(node);
}
