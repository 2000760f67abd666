// What the page knows: the document of api/state, kept current by the events.

const LOG_LINES = 300;

export const store = {
  state: null,
  devices: new Map(),
  health: {},
  log: [],
  connected: false,
  ahead: 0, // the clock of the service, ahead of that of this browser, in ms
  site: null, // id of the house that is looked at
};

/** Now by the clock of the service, in ms. */
export const now = () => Date.now() + store.ahead;

/** A value of a device: undefined where it has no such quantity, null where it is not known. */
export function value(device, key) {
  const found = device.map.get(key);
  return found === undefined ? undefined : found.value;
}

/** live, stale, asleep or lost of an inverter; of all else live, offline, or not heard yet since the service runs. */
export function stateOf(device) {
  const told = value(device, "availability");
  if (told) return told;
  if (device.online) return "live";
  return device.measured_at || device.sources.length ? "offline" : "not heard yet";
}

const POWERS = ["pv_power", "load_power", "grid_power", "battery_power"];

/** The same of the powers of a house: it is online with any of its devices, which makes no power known. */
export function powersState(house) {
  const state = stateOf(house);
  return state === "live" && !POWERS.some((key) => typeof value(house, key) === "number") ? "unknown" : state;
}

/** When what is known of a device came, in ms; of one that is not live, when it was measured, null if it never was. */
export function cameAt(device) {
  const came = Date.parse(device.received_at || "");
  const measured = Date.parse(device.measured_at || "");
  if (stateOf(device) === "live" && !Number.isNaN(came)) return came;
  if (Number.isNaN(measured)) return null;
  return came < measured ? came : measured;
}

export const sites = () => [...store.devices.values()].filter((device) => device.kind === "site");

/** The house that is looked at. */
export function site() {
  const all = sites();
  return all.find((one) => one.id === store.site) || all[0] || null;
}

/** Whether an inverter is that of one panel, not of a string: those hang on a supervisor. */
export const isPanel = (inverter) => Boolean(inverter.panel) || store.devices.get(inverter.via)?.kind === "supervisor";

/** The inverters of a house, those of panels first. */
export const inverters = (house) =>
  [...store.devices.values()].filter((one) => one.kind === "inverter" && (!house || one.site === house.id))
    .sort((one, other) => isPanel(other) - isPanel(one));

function take(device) {
  device.map = new Map(device.values.map((one) => [one.key, one]));
  store.devices.set(device.id, device);
}

const setClock = (iso) => {
  const at = Date.parse(iso || "");
  if (!Number.isNaN(at)) store.ahead = at - Date.now();
};

/** What each event changes. */
export const TAKE = {
  state(document) {
    setClock(document.now);
    store.state = document;
    store.devices.clear();
    document.devices.forEach(take);
    store.health = document.health || {};
    store.log = document.log || [];
  },
  device: take,
  gone: (event) => store.devices.delete(event.id),
  health(event) {
    setClock(event.now);
    store.health = event;
  },
  log(line) {
    store.log.push(line);
    if (store.log.length > LOG_LINES) store.log.splice(0, store.log.length - LOG_LINES);
  },
};
