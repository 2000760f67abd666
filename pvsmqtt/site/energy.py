"""What the meters of a house add up to. Pure: states in, values out.

A total is given only when every meter it needs is known: half a sum is not a total. A meter that says it never
counted anything has no current transformers fitted and is left out. Whether a consumption meter measures the grid
(net) or the house (gross) is what it was commissioned as, or, where old firmware does not say, what its values prove:
only a net meter falls clearly below zero. Load and grid follow from each other (`balance`), in a house with a battery
only when it is known what that does: these meters do not see it.

A house without a supervisor produces what its inverters without storage do. What a meter of such a house measures
nobody says; it counts when its owner has said what kind it is, and it is the grid's when its values prove it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import DeviceState, Value
from pvsmqtt.site import balance

Measures = Literal["grid", "load"]

METERS = frozenset({Kind.PRODUCTION_METER, Kind.CONSUMPTION_METER})
STORAGE = frozenset({Kind.ESS, Kind.BATTERY, Kind.STORAGE_INVERTER, Kind.BMS})
_CHARGED = (Kind.ESS, Kind.BATTERY, Kind.BMS, Kind.STORAGE_INVERTER, Kind.GATEWAY)
"""Who tells the state of charge of a house: the first kind of which one is known."""
FROM_GRID_METER = {
    "grid_power": "power",
    "grid_net_energy": "net_energy",
    "grid_import_energy": "import_energy",
    "grid_export_energy": "export_energy",
}
NOT_OF_A_GROSS_METER = frozenset({"import_energy", "export_energy"})
_COUNTERS = ("energy", "net_energy", "import_energy", "export_energy")
_FROM_STORAGE = {
    "battery_charge_energy": "charge_energy",
    "battery_discharge_energy": "discharge_energy",
}
_FROM_LOAD_METER = {"load_power": "power", "load_energy": "net_energy"}


NOISE = {"power": -50.0, "net_energy": -1.0, "export_energy": 1.0}
"""W and kWh up to which a value may be the noise of a meter that measures the house."""


def commissioned(values: Mapping[str, Value]) -> Measures | None:
    """What a consumption meter was set up to measure, if its firmware says it."""
    kind = str(values.get("meter_type"))
    if kind.startswith("net_"):
        return "grid"
    if kind.startswith("gross_consumption"):
        return "load"
    return None


def proven(values: Mapping[str, Value]) -> Measures | None:
    """What its values prove that it measures, if they do."""
    exported = (_number(values, "export_energy") or 0.0) > NOISE["export_energy"]
    negative = any((_number(values, key) or 0.0) < NOISE[key] for key in ("net_energy", "power"))
    return "grid" if exported or negative else None


@dataclass(frozen=True, slots=True)
class Parts:
    """The devices out of which the powers of a house are made."""

    pv: Sequence[DeviceState]
    grid: Sequence[DeviceState]
    load: Sequence[DeviceState]
    metered: bool
    """Whether it has meters."""
    panels: Sequence[DeviceState] = ()
    """Panels that a supervisor lists, where no meter measures their sum."""

    def all(self) -> list[DeviceState]:
        """Each of them."""
        return [*self.pv, *self.grid, *self.load]


def parts(
    states: Iterable[DeviceState],
    known: Mapping[str, Measures],
    inverters: Sequence[DeviceState] = (),
    panels: Sequence[DeviceState] = (),
) -> Parts:
    """What counts of one house.

    ``known`` says what each consumption meter measures, by device id; ``inverters`` are those that stand in for a
    production meter, each read by itself; ``panels`` likewise, as a supervisor lists them.
    """
    metered = [s for s in states if s.device.kind in METERS and not _unused(s)]
    production = [s for s in metered if s.device.kind is Kind.PRODUCTION_METER]
    meters = [s for s in metered if s.device.kind is Kind.CONSUMPTION_METER]
    return Parts(
        production or inverters,
        [s for s in meters if known.get(s.device.id) == "grid"],
        [s for s in meters if known.get(s.device.id) == "load"],
        bool(metered),
        () if production or inverters else panels,
    )


def totals(
    states: Iterable[DeviceState],
    known: Mapping[str, Measures],
    storage: bool = False,
    battery: float | None = None,
    inverters: Sequence[DeviceState] = (),
    panels: Sequence[DeviceState] = (),
) -> dict[str, Value]:
    """The totals of one house out of the states of its devices.

    ``known``, ``inverters`` and ``panels`` as for `parts`. ``storage`` says that the house has a battery although
    none of these devices is one, ``battery`` what it does (W, + discharging), if that is known.
    """
    states = list(states)
    found = parts(states, known, inverters, panels)
    storage = storage or any(s.device.kind in STORAGE for s in states)

    result: dict[str, Value] = _storage_totals(states)
    if battery is not None:
        result["battery_power"] = battery
    if found.pv:
        pv_power = _sum(found.pv, "power")
        pv_power = None if pv_power is None else max(0.0, pv_power)
        result |= {"pv_power": pv_power, "pv_energy": _sum(found.pv, "energy")}
    elif found.panels:
        awake = any(s.online for s in states if s.device.kind is Kind.SUPERVISOR)
        result["pv_power"] = of_panels(found.panels, awake)
    if len(found.grid) == 1:
        values = found.grid[0].values
        result |= {total: _number(values, key) for total, key in FROM_GRID_METER.items() if key in values}
    if len(found.load) == 1:
        result |= {total: _number(found.load[0].values, key) for total, key in _FROM_LOAD_METER.items()}
    return {**result, **balance.completed(result, storage)}


def of_panels(panels: Sequence[DeviceState], awake: bool) -> float | None:
    """What the panels give together. One that is asleep, lost or silent gives nothing, as long as their supervisor is
    ``awake``: it must not keep the power of the house unknown for ever. One that is only late does for a while."""
    if not awake or any(s.values.get("availability") == "stale" for s in panels):
        return None
    powers = [_number(state.values, "power") if state.online else 0.0 for state in panels]
    known = [power for power in powers if power is not None]
    return round(max(0.0, sum(known)), 4) if len(known) == len(powers) else None


def fitted(states: Iterable[DeviceState], kind: Kind) -> list[DeviceState]:
    """The meters of a kind that have counted, or may have."""
    return [state for state in states if state.device.kind is kind and not _unused(state)]


def charged(states: Sequence[DeviceState]) -> list[DeviceState]:
    """The devices of which the state of charge of a house is made."""
    for kind in _CHARGED:
        of_kind = [state for state in states if state.device.kind is kind]
        if any(_number(state.values, "state_of_charge") is not None for state in of_kind):
            return of_kind
    return []


def _storage_totals(states: Sequence[DeviceState]) -> dict[str, Value]:
    """What all storage systems do together, and what only one of its kind can tell for the house."""
    systems = [state for state in states if state.device.kind is Kind.ESS]
    result: dict[str, Value] = {
        total: _sum(systems, key)
        for total, key in _FROM_STORAGE.items()
        if any(key in state.values for state in systems)
    }
    charge = [_number(state.values, "state_of_charge") for state in charged(states)]
    known = [share for share in charge if share is not None]
    if known and len(known) == len(charge):
        result["state_of_charge"] = round(sum(known) / len(known), 1)
    relays = [state.values["grid_relay"] for state in states if state.values.get("grid_relay") is not None]
    if len(relays) == 1:
        result["grid_relay"] = relays[0]
    return result


def _unused(state: DeviceState) -> bool:
    """Whether its counters say that it never counted. A meter whose counters are not known (yet) may well count."""
    counters = [value for key in _COUNTERS if (value := _number(state.values, key)) is not None]
    return bool(counters) and not any(counters) and not _number(state.values, "power")


def _number(values: Mapping[str, Value], key: str) -> float | None:
    value = values.get(key)
    return value if isinstance(value, int | float) else None


def _sum(states: Sequence[DeviceState], key: str) -> float | None:
    parts = [_number(state.values, key) for state in states]
    known = [part for part in parts if part is not None]
    return round(sum(known), 4) if len(known) == len(parts) else None
