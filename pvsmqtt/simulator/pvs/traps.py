"""What can be odd about an installation although every request is answered: one table of traps.

A trap alters what a supervisor knows (`house`, for every firmware), or how one device is written: an entry of
a DeviceList (`entry`), the fields of a device in ``/vars`` (`fields`), or live data (`live`). An alteration
that gives None leaves the device out. Several traps may be set at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pvsmqtt.simulator.pvs.house.state import HouseState
from pvsmqtt.simulator.pvs.newer.device_fields import Device, Value
from pvsmqtt.simulator.pvs.newer.names import FLASHWEAR, Variables
from pvsmqtt.simulator.pvs.older.entries import Entry

MANY = 10_000
GHOST = "n/a"
NULL_LIVE_DATA = "null-live-data"
NIGHT_POWER = -0.015
"""What a production meter shows in the dark, kW."""

NEXT_TO_NOTHING = 1e-9
"""kvar: written as 0, and still there to divide by for a power factor."""

MISSING_AFTER_RESTART = 4 * 3600
"""Seconds; the nightly restart is at about two, so they come back at about six."""


@dataclass(frozen=True, slots=True)
class Trap:
    """A row of the table."""

    description: str
    house: Callable[[HouseState], HouseState] | None = None
    entry: Callable[[Entry], Entry | None] | None = None
    fields: Callable[[Device], Device | None] | None = None
    live: Callable[[Variables], Variables] | None = None
    hangs: frozenset[str] = frozenset()
    """Variables for which no answer ever comes."""
    once: bool = False
    """Whether it ends by itself: after one DeviceList, or with the 5 minutes of ``/vars``."""


def _without_inverters(state: HouseState) -> HouseState:
    return replace(state, inverters=())


def _lost_at_restart(state: HouseState) -> HouseState:
    return _without_inverters(state) if state.supervisor.uptime < MISSING_AFTER_RESTART else state


def _one_by_one(state: HouseState) -> HouseState:
    return replace(state, inverters=state.inverters[: state.supervisor.uptime // 60])


def _blip(state: HouseState) -> HouseState:
    return replace(
        state,
        inverters=tuple(replace(inverter, energy=0.0) for inverter in state.inverters),
        production=replace(state.production, energy=0.0),
        consumption=replace(state.consumption, import_energy=0.0, export_energy=0.0),
    )


def _many(state: HouseState) -> HouseState:
    made_up = (
        replace(state.inverters[number % len(state.inverters)], serial=f"E9999{number:010}")
        for number in range(len(state.inverters), MANY)
        if state.inverters
    )
    return replace(state, inverters=(*state.inverters, *made_up))


def _with_ghost(state: HouseState) -> HouseState:
    ghosts = (replace(inverter, serial=GHOST) for inverter in state.inverters[:1])
    return replace(state, inverters=(*state.inverters, *ghosts))


def _with_duplicate(state: HouseState) -> HouseState:
    doubles = (replace(inverter, energy=1.0) for inverter in state.inverters[:1])
    return replace(state, inverters=(*state.inverters, *doubles))


def _line_side(state: HouseState) -> HouseState:
    """The meter sees the load and nothing else: no import, no export. Load is what is made and what is bought."""
    meter, battery = state.consumption, state.battery
    stored = battery.discharge_energy - battery.charge_energy if battery else 0.0
    used = state.production.energy + meter.net_energy + stored
    return replace(
        state,
        consumption=replace(
            meter,
            power=state.load,
            leg_power=(state.load / 2, state.load / 2),
            import_energy=used,
            export_energy=0.0,
        ),
    )


def _unused(state: HouseState) -> HouseState:
    nothing = {"power": 0.0, "import_energy": 0.0, "export_energy": 0.0, "reactive_power": NEXT_TO_NOTHING}
    legs = {"leg_power": (0.0, 0.0), "leg_current": (0.0, 0.0)}
    return replace(state, consumption=replace(state.consumption, **nothing, **legs))  # type: ignore[arg-type]


def _dead_production(state: HouseState) -> HouseState:
    meter = replace(state.production, power=0.0, reactive_power=NEXT_TO_NOTHING, current=0.0, energy=0.0)
    return replace(state, production=meter)


def _negative_at_night(state: HouseState) -> HouseState:
    if any(inverter.working for inverter in state.inverters):
        return state
    return replace(state, production=replace(state.production, power=NIGHT_POWER))


def _subtype(name: str) -> Callable[[Entry], Entry]:
    def subtype(entry: Entry) -> Entry:
        keys = entry.keys() & {"consumption_subtype_enum", "subtype"} if _consumption(entry) else set()
        return entry | dict.fromkeys(keys, name)

    return subtype


def _consumption(entry: Entry) -> bool:
    return str(entry.get("TYPE", "")).endswith("-METER-C")


def _of_inverters(entry: Entry, **news: str | int | bool) -> Entry:
    return entry | news if entry.get("DEVICE_TYPE") == "Inverter" else entry


def _fields_of(device: Device, family: str | None = None, **news: Value) -> Device:
    return replace(device, fields=device.fields | news) if family in (None, device.family) else device


TRAPS: dict[str, Trap] = {
    "no-inverters": Trap("no inverter is listed", _without_inverters),
    "lost-at-restart": Trap("after a restart no inverter is listed for 4 hours", _lost_at_restart),
    "one-by-one": Trap("after a restart one more inverter every minute", _one_by_one),
    "counter-blip": Trap("lifetime energies read 0, once", _blip, once=True),
    "many-devices": Trap(f"{MANY} inverters", _many),
    "ghost": Trap("one more inverter, with the serial number n/a", _with_ghost),
    "duplicate": Trap("one more inverter, with the first one's serial number", _with_duplicate),
    "line-side-meter": Trap(
        "the consumption meter tells the load, not what the grid gives",
        _line_side,
        entry=_subtype("GROSS_CONSUMPTION_LINESIDE"),
    ),
    "no-consumption-meter": Trap(
        "there is no consumption meter",
        entry=lambda entry: None if _consumption(entry) else entry,
        fields=lambda device: None if device.family == "meter" and device.serial.endswith("c") else device,
    ),
    "unused-consumption-meter": Trap("the consumption meter reads 0 for ever", _unused, entry=_subtype("NOT_USED")),
    "dead-production-meter": Trap(
        "the production meter reads 0 for ever",
        _dead_production,
        live=lambda live: live | {name: "0.000000" for name in live if name.endswith(("/pv_p", "/pv_en"))},
    ),
    "negative-at-night": Trap("the production meter reads -15 W in the dark", _negative_at_night),
    "no-times": Trap(
        "the time of every measurement is n/a",
        entry=lambda entry: entry | ({"DATATIME": "n/a"} if "DATATIME" in entry else {}),
        fields=lambda device: _fields_of(device, msmtEps="n/a"),
    ),
    "not-a-number": Trap(
        "power and energy of inverters read nan",
        entry=lambda entry: _of_inverters(entry, p_3phsum_kw="nan", ltea_3phsum_kwh="nan"),
        fields=lambda device: _fields_of(device, "inverter", p3phsumKw="nan", ltea3phsumKwh="-nan"),
    ),
    "bad-quote": Trap(
        "a quote in a model name makes the JSON of /vars invalid",
        fields=lambda device: _fields_of(device, "inverter", prodMdlNm='AC_Module "E'),
    ),
    NULL_LIVE_DATA: Trap("all live data are null", live=dict.fromkeys),
    "hanging-flashwear": Trap("the flash wear is never answered", hangs=frozenset({FLASHWEAR})),
}
"""Seen on real equipment: lost inverters (pypvs#35, #42), one by one (esun#57), blips (esun 2026.05.6), ghosts
(esun 2026.08.1), line-side meters (krbaker#34, #83), unused and dead meters (krbaker#46), null live data
(esun#76), hanging flash wear (esun 2026.04.2). The others are what follows from unescaped text and bad luck."""


def table() -> str:
    """The traps for ``--help``: name and description, one line each."""
    width = max(map(len, TRAPS))
    return "\n".join(f"  {name:<{width}}  {trap.description}" for name, trap in TRAPS.items())
