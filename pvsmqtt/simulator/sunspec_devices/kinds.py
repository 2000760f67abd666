"""The kinds: which units there are, which models they have, and their habits.

    sma         unit 126: 1 | 101 or 103 | 120 | 160. Nothing is read that is not within one model; in the dark only
                energy and state are told. (Unit = SMA's own + 123; readers were refused beyond a model's end.)
    fronius     unit 1: 1 | 103 or 113 | 120 | 160; unit 240 the meter: 1 | 203 or 213
    solaredge   unit 1: 1 (65 registers) | 103, whose scale factors follow the values
    battery     unit 1: 1 | 802 | 803 with its strings
    meter       unit 1: 1 | 202
    der         unit 1: 1 | 701 | 713 | 714, the models of 2018; 701 does not fit into one answer

Places and habits are those that users of such devices reported; the numbers are the house's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import Battery, HouseState
from pvsmqtt.simulator.sunspec import storage
from pvsmqtt.simulator.sunspec.chain import Values, fitting
from pvsmqtt.simulator.sunspec_devices import grid, solar

Models = list[tuple[int, Values]]


@dataclass(frozen=True, slots=True)
class Way:
    """How a device of the kind is made: one phase or three, integers or floats."""

    phases: int = 3
    floats: bool = False


Make = Callable[[House, HouseState, Way], Models]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. ``units`` are what follows model 1, by unit; the first is the one whose number can be chosen."""

    maker: str
    name: str
    units: dict[int, Make]
    strict: bool = False
    """Whether nothing is read that is not within one model."""
    short_common: bool = False
    """Whether model 1 lacks its last register, as in older devices."""
    needs_battery: bool = False


def serial_of(house: House, kind: str, unit: int) -> str:
    """A serial number that exists nowhere; the same house and kind have the same one."""
    return str(Random(f"serial {house.seed} {kind} {unit}").randrange(10**9, 10**10))


def scaled(house: House, values: Values) -> Values:
    """The scale factors of an inverter with a good resolution, all fixed."""
    power = solar.power_scale(house)
    fixed = {"A_SF": -1 if power == 0 else 0, "V_SF": -1, "W_SF": power, "Hz_SF": -2, "VA_SF": power}
    return {**values, **fixed, "VAr_SF": power, "PF_SF": -1, "WH_SF": 0, "DCA_SF": -1, "DCV_SF": -1} | {
        "DCW_SF": power,
        "Tmp_SF": -1,
    }


def fine(values: Values) -> Values:
    """The same, each as fine as the value of the moment allows, down to 0.01."""
    told = dict(values)
    for scale in ("A_SF", "W_SF", "VA_SF", "VAr_SF", "DCA_SF", "DCW_SF"):
        size = abs(values[scale.removesuffix("_SF")] or 0.0)
        told[scale] = max(-2, math.ceil(math.log10(size / 32_000))) if size else -2
    return told


def _sma(house: House, state: HouseState, way: Way) -> Models:
    told = solar.inverter(house, state, way.phases)
    roof = dict(solar.strings(house, state))
    if solar.dark(state):
        told = {name: value for name, value in told.items() if name in solar.ALWAYS}
        roof["module"] = [{name: part[name] for name in ("ID", "IDStr", "DCSt")} for part in roof["module"]]
    model = (111 if way.floats else 101) + (way.phases - 1)
    return [(model, fitting(model, scaled(house, told))), (120, solar.nameplate(house)), (160, roof)]


def _fronius(house: House, state: HouseState, way: Way) -> Models:
    model = (111 if way.floats else 101) + (way.phases - 1)
    told = fitting(model, scaled(house, solar.inverter(house, state, way.phases)))
    return [(model, told), (120, solar.nameplate(house)), (160, solar.strings(house, state))]


def _fronius_meter(_: House, state: HouseState, way: Way) -> Models:
    model = 213 if way.floats else 203
    return [(model, fitting(model, grid.meter(state)))]


def _solaredge(house: House, state: HouseState, way: Way) -> Models:
    model = 100 + way.phases
    return [(model, fitting(model, fine(scaled(house, solar.inverter(house, state, way.phases)))))]


def _battery(_: House, state: HouseState, __: Way) -> Models:
    battery = battery_of(state)
    return [(802, storage.battery_base(state, battery)), (803, storage.battery_strings(state, battery))]


def _meter(_: House, state: HouseState, way: Way) -> Models:
    model = 212 if way.floats else 202
    return [(model, fitting(model, grid.meter(state)))]


def _der(house: House, state: HouseState, _: Way) -> Models:
    battery = battery_of(state)
    return [
        (701, solar.hybrid_ac(house, state, battery)),
        (713, solar.hybrid_capacity(state, battery)),
        (714, solar.hybrid_dc(house, state, battery)),
    ]


def battery_of(state: HouseState) -> Battery:
    """Raises ValueError for a house without a SunVault."""
    if state.battery is None:
        raise ValueError("this house has no SunVault")
    return state.battery


KINDS = {
    "sma": Kind("SMA", "STP 8.0-3AV-40", {126: _sma}, strict=True),
    "fronius": Kind("Fronius", "Symo 8.2", {1: _fronius, 240: _fronius_meter}),
    "solaredge": Kind("SolarEdge", "SE8K", {1: _solaredge}, short_common=True),
    "battery": Kind("Simulated", "Battery", {1: _battery}, needs_battery=True),
    "meter": Kind("Simulated", "Meter", {1: _meter}),
    "der": Kind("Simulated", "Hybrid", {1: _der}, needs_battery=True),
}
"""By the names in ``ABOUT`` of this room."""
