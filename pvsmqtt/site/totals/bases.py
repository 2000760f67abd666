"""What each flow of a house can be counted by, the best first. Pure: states in, bases out.

========================  =============================================================  =========
flow                      counted by                                                     certainty
========================  =============================================================  =========
production                production meters; what the supervisor tells of the house;     measured
                          all inverters
import, export            the counters of the one meter of the grid                      measured
                          its net register, or that of the supervisor: by sign           estimated
                          load less production (less battery), all as counters: by sign  estimated
                          power of the grid, integrated                                  estimated
charge, discharge         the counters of all storage systems; those of the only         measured
                          storage inverter
                          the net register of the supervisor; power                      estimated
load                      a meter of the load; what the supervisor tells                 measured
                          production, grid and battery as counted here                   estimated
========================  =============================================================  =========
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import DeviceState
from pvsmqtt.site import energy
from pvsmqtt.site.energy import Measures
from pvsmqtt.site.powers import Inhabitants, LatestOf, Totals
from pvsmqtt.site.precedence import Held
from pvsmqtt.site.totals.basis import CHARGE, DISCHARGE, EXPORT, IMPORT, LOAD, MOST_POWER, PV, Basis, Part

PANELS = "panels"
OF_SUPERVISOR = ("live", "live register")
"""Names of bases that others ask for."""

Bases = dict[str, list[Basis]]


_MEASURED_BY = {
    "grid_power": {Kind.PRODUCTION_METER: "power", Kind.CONSUMPTION_METER: "power", Kind.GATEWAY: "grid_power"},
    "battery_power": {Kind.ESS: "power", Kind.STORAGE_INVERTER: "power", Kind.GATEWAY: "battery_power"},
}


@dataclass(frozen=True, slots=True)
class Flowing:
    """A power that can be integrated: W, the moment of its measurement and for how long it stands (s)."""

    power: float
    moment: float
    lasts: float


@dataclass(frozen=True, slots=True)
class Shown:
    """What a house shows of its energies: its devices, what its consumption meters measure, the supervisor's words on
    the house, signed powers (``grid_power``, ``battery_power``), who is retired, and the most that it can do (kW)."""

    who: Inhabitants
    measures: Mapping[str, Measures]
    live: Mapping[str, Held]
    now: float
    powers: Mapping[str, Flowing]
    retired: Collection[str] = ()
    most: float = MOST_POWER


def of_house(shown: Shown) -> Bases:
    """By flow."""
    there = shown.who.there
    production = energy.fitted(there, Kind.PRODUCTION_METER)
    meters = energy.fitted(there, Kind.CONSUMPTION_METER)
    grid = [state for state in meters if shown.measures.get(state.key) == "grid"]
    load = [state for state in meters if shown.measures.get(state.key) == "load"]
    found = {
        PV: _production(shown, production),
        IMPORT: _grid(shown, grid, load, production, "import_energy", 1),
        EXPORT: _grid(shown, grid, load, production, "export_energy", -1),
        DISCHARGE: _battery(shown, "discharge_energy", 1),
        CHARGE: _battery(shown, "charge_energy", -1),
        LOAD: [*_counter("meter", "load meter", load if len(load) == 1 else (), "net_energy"), *_live(shown, LOAD)],
    }
    return {key: [replace(basis, most=shown.most) for basis in bases] for key, bases in found.items()}


def flowing(
    found: Totals, who: Inhabitants, live: Mapping[str, Held], latest: LatestOf, now: float
) -> dict[str, Flowing]:
    """The signed powers of a house that are known, each with the moment of its latest measurement. What follows from
    several is as late as the latest of them."""
    powers: dict[str, Flowing] = {}
    for key, kinds in _MEASURED_BY.items():
        value, word = found.values.get(key), live.get(key)
        if word is not None and found.feeds.get(key) == word.source:
            words = [word]
        else:
            there = ((s.key, kinds[s.device.kind]) for s in who.there if s.device.kind in kinds)
            words = [held for device, its in there if (held := latest(device).measured(its, now)) is not None]
        if key == "battery_power" and found.battery is not None and (word is None or words != [word]):
            sample = found.battery
            powers[key] = Flowing(sample.power, sample.moment, sample.until - sample.moment)
        elif isinstance(value, int | float) and words:
            last = max(words, key=lambda held: held.moment)
            powers[key] = Flowing(value, last.moment, last.lasts)
    return powers


def _production(shown: Shown, meters: Sequence[DeviceState]) -> list[Basis]:
    panels = shown.who.inverters or shown.who.panels
    awake = any(state.online for state in shown.who.all if state.device.kind is Kind.SUPERVISOR)
    parts = {
        s.key: Part(_number(s, "energy"), _stamp(s, "energy"), s.online or awake, s.key not in shown.retired)
        for s in panels
    }
    text = f"{sum(part.expected for part in parts.values())} inverters"
    found = [*_counter("meter", "production meter", meters, "energy"), *_live(shown, PV)]
    return [*found, *([Basis(PANELS, text, "counter", parts)] if parts else [])]


def _grid(
    shown: Shown,
    grid: Sequence[DeviceState],
    load: Sequence[DeviceState],
    production: Sequence[DeviceState],
    key: str,
    sign: int,
) -> list[Basis]:
    found: list[Basis] = []
    if len(grid) == 1:
        counted = [state for state in grid if key in state.values]
        found += _counter("counters", "consumption meter", counted, key)
        if "net_energy" in grid[0].values:
            parts = {grid[0].key: _part(grid[0], "net_energy")}
            found.append(Basis("register", "net register of the consumption meter", "net", parts, False, sign))
    found += _live_register(shown, "grid_net_energy", sign)
    if len(load) == 1 and production and not grid and not shown.who.storage:
        found.append(_difference(load[0], production, sign))
    return [*found, *_power(shown, "grid_power", sign)]


def _difference(load: DeviceState, production: Sequence[DeviceState], sign: int) -> Basis:
    """What the house took from the grid, as meters of load and production have counted it."""
    used, made = _number(load, "net_energy"), [_number(state, "energy") for state in production]
    known = used is not None and None not in made
    value = used - sum(part for part in made if part is not None) if used is not None and known else None
    meters = (load, *production)
    stamp = (_stamp(load, "net_energy"), *(_stamp(state, "energy") for state in production))
    part = Part(value, stamp, all(state.online for state in meters))
    name = "-".join(state.key for state in meters)
    return Basis("difference", "counters of load and production", "net", {name: part}, False, sign)


def _battery(shown: Shown, key: str, sign: int) -> list[Basis]:
    found: list[Basis] = []
    systems = [state for state in shown.who.there if state.device.kind is Kind.ESS]
    if systems and all(key in state.values for state in systems):
        found += _counter("counters", "storage system", systems, key)
    inverters = [state for state in shown.who.there if state.device.kind is Kind.STORAGE_INVERTER]
    if len(inverters) == 1 and key in inverters[0].values and shown.who.tells_of_battery(inverters[0].device):
        found += _counter("inverter", "storage inverter", inverters, key)
    if shown.who.storage:
        found += [*_live_register(shown, "battery_net_energy", sign), *_power(shown, "battery_power", sign)]
    return found


def _counter(name: str, text: str, states: Sequence[DeviceState], key: str) -> list[Basis]:
    if not states:
        return []
    what = text if len(states) == 1 else f"{len(states)} {text}s"
    return [Basis(name, what, "counter", {state.key: _part(state, key) for state in states})]


def _live(shown: Shown, key: str) -> list[Basis]:
    """What the supervisor tells of the house as a whole; 0 is the word of one that measures nothing there."""
    part = _of_live(shown, key)
    return [Basis("live", "supervisor", "counter", {"site": part})] if part is not None and part.value else []


def _live_register(shown: Shown, key: str, sign: int) -> list[Basis]:
    part = _of_live(shown, key)
    text = "net register of the supervisor"
    return (
        [Basis("live register", text, "net", {"site": part}, False, sign)] if part is not None and part.value else []
    )


def _of_live(shown: Shown, key: str) -> Part | None:
    held = shown.live.get(key)
    if held is None or not isinstance(held.value, int | float):
        return None
    return Part(held.value, held.moment, held.until > shown.now)


def _power(shown: Shown, key: str, sign: int) -> list[Basis]:
    flowing = shown.powers.get(key)
    if flowing is None:
        return []
    name = key.replace("_", " ")
    parts = {key: Part(flowing.power)}
    return [Basis("power", name, "power", parts, False, sign, flowing.moment, flowing.lasts)]


def _part(state: DeviceState, key: str) -> Part:
    return Part(_number(state, key), _stamp(state, key), state.online)


def _stamp(state: DeviceState, key: str) -> object:
    return state.measured_at or state.values.get(key)


def _number(state: DeviceState, key: str) -> float | None:
    value = state.values.get(key)
    return value if isinstance(value, int | float) else None
