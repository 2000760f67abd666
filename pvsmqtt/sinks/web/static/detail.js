// One device in a dialog: its state, its curve, its readings.

import { chart, dataOf } from "./chart.js";
import { copyButton, el, keyed, text } from "./dom.js";
import { get } from "./feed.js";
import { moment, reading } from "./format.js";
import { cameAt, stateOf, store } from "./store.js";
import { stamp } from "./stamp.js";

const CURVE = ["inverter", "meter", "production_meter", "consumption_meter"];

let open = null;

/** What a row of values shows; also used by the list of devices. */
export function values(list, device, wanted = () => true) {
  keyed(list, device.values.filter(wanted), (one) => one.key,
    (one) => el("div", null, el("dt", null), el("dd", null)),
    (row, one) => {
      text(row.firstChild, one.name);
      text(row.lastChild, reading(one));
      const from = [one.key, one.source, ...Object.values(one.mark || {})].filter(Boolean).join(" · ");
      if (row.title !== from) row.title = from;
    });
}

export const MEANING = {
  live: "Its data is fresh.",
  stale: "Its data is too old to stand for now.",
  asleep: "It is silent in the dark, as every night.",
  lost: "It is silent while it should not be.",
  offline: "It is silent, or nobody is there who would tell of it.",
  "not heard yet": "Nothing was told of it since pvsmqtt was started.",
};

/** Opens the dialog of a device. */
export function openDetail(id, from) {
  const dialog = document.getElementById("detail");
  const device = store.devices.get(id);
  if (!device) return;
  const view = {
    id,
    stamp: el("p", { class: "stamp" }),
    meaning: el("p", { class: "muted" }),
    list: el("dl", { class: "facts values" }),
    chart: CURVE.includes(device.kind) ? chart(`Power of ${device.name}, last 24 hours`, [{ key: "power", name: "Power", area: true }]) : null,
  };
  const shut = el("button", { type: "button", class: "button", "aria-label": "Close" }, "Close");
  shut.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(
    el("div", { class: "head" }, el("h2", { id: "detail-title" }, device.name), shut),
    view.stamp, view.meaning,
    ...(view.chart ? [view.chart.root] : []),
    view.list,
    el("p", { class: "topic" }, el("code", null, device.topic || ""), copyButton("Copy topic", () => device.topic || "")));
  dialog.onclose = () => {
    open = null;
    from?.focus();
  };
  dialog.onclick = (event) => event.target === dialog && dialog.close();
  open = view;
  dialog.showModal();
  renderDetail();
  curve(view);
}

async function curve(view) {
  if (!view.chart) return;
  const reply = await get(`api/curves?device=${encodeURIComponent(view.id)}`);
  if (reply && open === view) view.chart.show(dataOf(reply, view.id));
}

/** Keeps an open dialog current. */
export function renderDetail() {
  if (!open) return;
  const device = store.devices.get(open.id);
  if (!device) {
    document.getElementById("detail").close();
    return;
  }
  const state = stateOf(device);
  stamp(open.stamp, state, cameAt(device), device.measured_at ? `measured ${moment(device.measured_at)}` : "");
  text(open.meaning, [MEANING[state], device.model, device.panel, device.serial && `serial number ${device.serial}`].filter(Boolean).join(" · "));
  values(open.list, device);
}
