// The registers of RS-485 lines and Modbus taps as they change. Asked for only while somebody looks.

import { attr, el, keyed, text } from "./dom.js";
import { get } from "./feed.js";
import { now } from "./store.js";
import { ageOf } from "./stamp.js";

const EVERY = 2000;
const MOST = 500;
const FRESH = 10000; // ms for which a change is marked

const COLUMNS = ["Unit", "Table", "Register", "Value", "Hex", "Meaning", "Changed"];

/** The block; it polls while it is open and the page is in front. */
export function registerTable() {
  const filter = el("input", { type: "search", id: "register-filter", placeholder: "unit, address, meaning", autocomplete: "off" });
  const rows = el("tbody", null);
  const told = el("p", { class: "muted note" }, "Asking …");
  const root = el("details", { class: "more-of registers" }, el("summary", null, "Registers of the bus, as they change"),
    el("p", null, el("label", { for: "register-filter" }, "Filter "), filter), told,
    el("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Registers" },
      el("table", null, el("thead", null, el("tr", null, ...COLUMNS.map((name) => el("th", { scope: "col" }, name)))), rows)));
  let answer = null;
  let timer = 0;

  async function poll() {
    clearTimeout(timer);
    if (!root.open) return;
    if (!document.hidden) {
      const reply = await get("api/registers");
      if (reply) answer = reply;
      show();
    }
    timer = setTimeout(poll, EVERY);
  }

  function show() {
    if (!answer) {
      text(told, "The registers could not be had.");
      return;
    }
    const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = answer.lines.flatMap((line) => line.units.flatMap((unit) => unit.registers.map((register) => ({ line: line.name, unit: unit.unit, device: unit.device, ...register }))));
    const leftOut = answer.lines.flatMap((line) => line.units).reduce((sum, unit) => sum + (unit.left_out || 0), 0);
    const fits = (it) => {
      const words = `${it.line} ${it.unit} ${it.device || ""} ${it.table} ${it.address} ${it.name || ""}`.toLowerCase();
      return wanted.every((one) => words.includes(one));
    };
    const found = all.filter(fits);
    text(told, `${found.length} of ${all.length} registers${found.length > MOST ? `, the first ${MOST} are shown` : ""}${leftOut ? `; ${leftOut} more are not told` : ""}`);
    keyed(rows, found.slice(0, MOST), (it) => `${it.line} ${it.unit} ${it.table} ${it.address}`, () => el("tr", null, ...COLUMNS.map(() => el("td", null))), row);
  }

  filter.addEventListener("input", show);
  root.addEventListener("toggle", poll);
  return { root };
}

function row(node, it) {
  const cells = node.children;
  const bit = typeof it.value === "boolean";
  text(cells[0], `${it.line} ${it.unit}`);
  text(cells[1], it.table);
  text(cells[2], String(it.address));
  text(cells[3], String(it.value));
  text(cells[4], bit || typeof it.value !== "number" ? "" : `0x${it.value.toString(16).toUpperCase().padStart(4, "0")}`);
  text(cells[5], it.name ? `${it.name}${it.reading ? ` = ${it.reading}` : ""}` : "not known");
  const changed = Date.parse(it.changed_at || "");
  const fresh = now() - changed < FRESH;
  attr(node, "class", fresh ? "fresh" : null);
  if (Number.isNaN(changed)) text(cells[6], "not since the start");
  else if (cells[6].firstElementChild) attr(cells[6].firstElementChild, "data-at", changed);
  else cells[6].replaceChildren(ageOf(changed));
}
