// Figures and times in words.

const KILO = 1000;

/** "3.42 kW" or "340 W"; "–" for what is not known. */
export function power(watts) {
  if (typeof watts !== "number") return "–";
  return Math.abs(watts) >= KILO ? `${(watts / KILO).toFixed(2)} kW` : `${tidy(watts, 0)} W`;
}

const tidy = (number, digits) => {
  const shown = number.toFixed(digits);
  return Number(shown) === 0 ? (0).toFixed(digits) : shown;
};

/** A value of a device with its unit, as its topic has it. */
export function reading(value) {
  const it = value.value;
  if (it === null || it === undefined) return "unknown";
  if (typeof it === "number") {
    const shown = typeof value.digits === "number" ? tidy(it, value.digits) : String(it);
    return value.unit ? `${shown} ${value.unit}` : shown;
  }
  if (/^\d{4}-\d\d-\d\dT/.test(it)) return moment(it);
  return value.unit ? `${it} ${value.unit}` : String(it);
}

/**
 * The four powers of a house as they are shown: all in one unit, and so rounded that what comes in is what goes out.
 * Takes watts (null: unknown, undefined: there is none of it); gives {unit, pv, grid, battery, load, off}: texts
 * without sign, `flow` the signed numbers of the texts, and `off` when they do not balance in themselves.
 */
export function balanced({ pv, grid, battery, load }) {
  const raw = { pv, grid, battery, load };
  const known = Object.values(raw).filter((one) => typeof one === "number");
  const kilo = known.some((one) => Math.abs(one) >= KILO);
  const step = kilo ? 10 : 1;
  const flow = {};
  for (const [key, one] of Object.entries(raw)) {
    flow[key] = typeof one === "number" ? Math.round(one / step) : one;
  }
  let off = null;
  if ([pv, grid, load].every((one) => typeof one === "number") && battery !== null) {
    const difference = pv + grid + (battery || 0) - load;
    const most = Math.max(...known.map(Math.abs));
    if (Math.abs(difference) <= Math.max(3 * step, most / 50)) flow.load = flow.pv + flow.grid + (flow.battery || 0);
    else off = difference;
  }
  const shown = (one) => {
    if (typeof one !== "number") return "–";
    return kilo ? (Math.abs(one) / 100).toFixed(2) : String(Math.abs(one));
  };
  const unit = kilo ? "kW" : "W";
  const figures = Object.fromEntries(Object.keys(raw).map((key) => [key, shown(flow[key])]));
  return { unit, flow, off, ...figures };
}

/** "5 s", "3 min", "2 h 5 min", "4 d". */
export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 && hours < 10 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

const two = (number) => String(number).padStart(2, "0");

/** The time of day where this browser is, with the date when it is not today. */
export function moment(iso) {
  const when = new Date(iso);
  if (Number.isNaN(when.getTime())) return String(iso);
  const clock = `${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}`;
  if (when.toDateString() === new Date().toDateString()) return clock;
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())} ${clock}`;
}

/** Hours and minutes at the house, whose last midnight is known. */
export function houseClock(ms, midnight) {
  const minutes = Math.floor((((ms - midnight) / 60000) % 1440 + 1440) % 1440);
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** "1 panel", "2 panels". */
export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** `http_503` as a person would write it. */
export const words = (key) => String(key).replaceAll("_", " ");
