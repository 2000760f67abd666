// The last 24 hours of the house.

import { chart, dataOf } from "./chart.js";
import { el, text } from "./dom.js";
import { get } from "./feed.js";
import { now, powersState, site } from "./store.js";
import { stamp } from "./stamp.js";

const EVERY = 300000;
const SOON = 60000; // while there is nothing to be seen
const LINES = [
  { key: "pv_power", name: "Solar", area: true },
  { key: "load_power", name: "Home" },
  { key: "grid_power", name: "Grid" },
  { key: "battery_power", name: "Battery" },
];

let picture = null;
let signs = null;
let asked = null;
let got = null;

const charge = (data, place) => {
  const full = data.series.state_of_charge?.[place];
  return typeof full === "number" ? [`${Math.round(full)} % full`] : [];
};

/** Shows the curves; fetches them when the house is another one, when all was told anew, and every five minutes. */
export async function renderToday(section, anew) {
  const house = site();
  if (!house) return;
  if (!picture) {
    picture = chart("Power in the last 24 hours", LINES, charge);
    signs = el("p", { class: "muted note" });
    section.querySelector(".body").replaceChildren(picture.root, signs);
  }
  const wanted = house.id;
  if (anew || asked?.id !== wanted || Date.now() - asked.at > (asked.empty ? SOON : EVERY) - 1000) {
    asked = { id: wanted, at: Date.now() };
    const reply = await get(`api/curves?device=${encodeURIComponent(wanted)}`);
    if (asked.id !== wanted) return;
    if (reply) {
      got = now(); // `reply.now` is the time of the house, which may have another clock
      const data = dataOf(reply, wanted);
      picture.show(data);
      asked.empty = !Object.values(data.series).some((values) => values.some((one) => one !== null));
      const stored = data.series.battery_power?.some((one) => one !== null);
      text(signs, `Time of the house. Grid above zero is import, below is export${stored ? "; battery above zero discharges, below charges" : ""}.`);
    }
  }
  const state = powersState(house);
  stamp(section.querySelector(".stamp"), state, state === "live" ? got : null);
}
