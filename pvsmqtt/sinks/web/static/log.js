// The newest lines of the log, and a report for a bug report.

import { copyButton, el, keyed, text } from "./dom.js";
import { count, moment } from "./format.js";
import { store } from "./store.js";
import { stamp } from "./stamp.js";

let view = null;

const LEVELS = { warnings: ["warning", "error"], errors: ["error"] };

async function report() {
  const reply = await fetch("api/diagnostics", { cache: "no-store" });
  if (!reply.ok) throw new Error(reply.statusText);
  return reply.text();
}

function build(section, again) {
  view = {
    level: el("select", { id: "log-level" }, el("option", { value: "all" }, "everything"), el("option", { value: "warnings" }, "warnings and errors"), el("option", { value: "errors" }, "errors")),
    list: el("ol", { class: "lines" }),
    none: el("p", { class: "muted note" }, "No such line since the start."),
  };
  view.box = el("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Lines of the log, the newest first" }, view.list);
  view.level.addEventListener("change", again);
  section.querySelector(".body").replaceChildren(
    el("p", { class: "tools" }, el("label", { for: "log-level" }, "Show "), view.level, copyButton("Copy diagnostics", report), el("a", { class: "button", href: "api/diagnostics", download: "pvsmqtt-diagnostics.txt" }, "Save diagnostics")),
    el("p", { class: "muted note" }, "Diagnostics for a bug report: passwords, sessions and addresses of network cards are not in it."),
    view.none, view.box);
}

const numbered = new WeakMap();
let number = 0;

function id(line) {
  if (!numbered.has(line)) numbered.set(line, (number += 1));
  return numbered.get(line);
}

/** Shows the lines, the newest first. */
export function renderLog(section) {
  if (!store.state) return;
  if (!view) build(section, () => renderLog(section));
  const lines = store.log.filter((line) => LEVELS[view.level.value]?.includes(line.level) ?? true).reverse();
  view.none.hidden = lines.length > 0;
  view.box.hidden = !lines.length;
  keyed(view.list, lines, id,
    (line) => el("li", { class: `l-${line.level}` }, el("time", { datetime: line.time }, moment(line.time)), " ", el("b", null, line.level), " ", el("span", { class: "muted" }, line.logger), " ", el("span", { class: "words" }, line.text)),
    () => {});
  const last = store.log.at(-1);
  const troubles = store.log.filter((line) => line.level !== "info").length;
  const place = section.querySelector(".stamp");
  if (last) stamp(place, "live", Date.parse(last.time), `${count(troubles, "trouble")}`);
  else text(place, "");
}
