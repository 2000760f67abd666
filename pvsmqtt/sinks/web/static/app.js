// Puts the page together: what changed is drawn again, once for many events.

import { attr, el, keyed, setBadge, text } from "./dom.js";
import { follow } from "./feed.js";
import { moment, span } from "./format.js";
import { now, site, sites, store } from "./store.js";
import { tick } from "./stamp.js";
import { renderAttention, troubles } from "./attention.js";
import { renderDetail } from "./detail.js";
import { renderDevices } from "./devices.js";
import { renderFlow } from "./flow.js";
import { renderLog } from "./log.js";
import { renderPanels } from "./panels.js";
import { renderSources } from "./sources.js";
import { renderToday } from "./today.js";

const PAUSE = 100; // ms in which events gather
const MINUTE = 60000;

const $ = (id) => document.getElementById(id);

/** [what draws, its place, the events that it shows]. */
const BLOCKS = [
  [renderFlow, "now", ["state", "device", "gone", "site", "connection"]],
  [(section, names) => renderToday(section, names.has("state")), "today", ["state", "site", "minute", "connection"]],
  [renderAttention, "attention", ["state", "device", "gone", "health"]],
  [renderPanels, "panels", ["state", "device", "gone", "site", "connection"]],
  [renderSources, "sources", ["state", "device", "gone", "health", "connection"]],
  [renderDevices, "devices", ["state", "device", "gone", "connection"]],
  [renderLog, "log", ["state", "log", "connection"]],
  [renderDetail, "detail", ["state", "device", "gone", "connection"]],
  [renderChooser, "chooser", ["state", "device", "gone"]],
  [renderFrame, "link", ["state", "health", "device", "connection", "minute"]],
];

function renderChooser(place) {
  const all = sites();
  place.hidden = all.length < 2;
  if (place.hidden) return;
  if (!place.select) {
    place.select = el("select", { id: "site" });
    place.select.addEventListener("change", () => {
      store.site = place.select.value;
      changed("site");
    });
    place.replaceChildren(el("label", { for: "site" }, "House "), place.select);
  }
  keyed(place.select, all, (one) => one.id, (one) => el("option", { value: one.id }), (option, one) => text(option, one.name));
  place.select.value = site().id;
}

let cutAt = null;

function renderFrame(link) {
  const { state, connected } = store;
  const bad = troubles().length;
  const words = !state ? "connecting" : !connected ? "no connection" : bad ? `${bad} to look at` : "all well";
  setBadge(link.firstElementChild, !state ? "wait" : !connected ? "lost" : bad ? "stale" : "live", words);
  if (connected) cutAt = null;
  else cutAt ??= now();
  const banner = $("banner");
  const lost = state && !connected;
  attr(banner, "class", lost ? "shown" : null);
  text(banner, lost ? `The connection to pvsmqtt is lost since ${moment(new Date(cutAt).toISOString())}. What you see is what was known then; the page tries again by itself.` : "");
  if (!state) return;
  const name = `pvsmqtt · ${state.instance}`;
  text($("title"), name);
  document.title = name;
  const foot = $("foot");
  if (!foot.firstElementChild) {
    const button = el("button", { class: "button" }, "Log out");
    foot.append(el("span", null), el("form", { method: "post", action: "logout" }, button));
  }
  foot.lastElementChild.hidden = !store.health.web?.password;
  text(foot.firstElementChild, `pvsmqtt ${state.version} · runs for ${span((now() - Date.parse(state.started_at)) / 1000)}, since ${moment(state.started_at)} · only reads, changes nothing`);
}

let dirty = new Set();
let waiting = false;

/** Something changed: soon everything that shows it is drawn again. */
function changed(name) {
  dirty.add(name);
  if (waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    const names = dirty;
    dirty = new Set();
    for (const [render, id, shows] of BLOCKS) {
      if (!shows.some((one) => names.has(one))) continue;
      try {
        render($(id), names);
      } catch (error) {
        console.error(id, error); // one block that fails takes no other with it
      }
    }
  }, PAUSE);
}

follow(changed);
setInterval(tick, 1000);
setInterval(() => changed("minute"), MINUTE);
document.addEventListener("visibilitychange", () => document.hidden || changed("minute"));
