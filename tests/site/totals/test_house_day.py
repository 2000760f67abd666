"""Two simulated days of a house: how near its totals are to the truth, whatever there is to count by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceState, Reading
from pvsmqtt.simulator.pvs.house.house import COMMISSIONED
from pvsmqtt.simulator.pvs.house.house import House as Simulated
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry
from pvsmqtt.site.totals.basis import CHARGE, DISCHARGE, EXPORT, IMPORT, LOAD, PV
from pvsmqtt.site.totals.ledger import Ledger

BEGIN = COMMISSIONED + timedelta(days=9, hours=5)
POLL, LENGTH = 300, 48 * 3600
PVS, FAST = "pvs a", "modbus_tcp conext"
SUPERVISOR = Device("zt1", Kind.SUPERVISOR, "PVS", "ZT1")
P_METER = Device("m1p", Kind.PRODUCTION_METER, "Production meter", "M1p", via="zt1")
C_METER = Device("m1c", Kind.CONSUMPTION_METER, "Consumption meter", "M1c", via="zt1")
ESS = Device("ess1", Kind.ESS, "Energy storage", "ESS1", via="zt1")
XW = Device("xw1", Kind.STORAGE_INVERTER, "XW", "XW1", via="zt1", modbus_unit=10, interface="sunspec")


class Day:
    """The equipment of one house, told in the words of ``kind``."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.house = Simulated(12, 3, ess=kind.startswith("battery"))
        self.second = (BEGIN - COMMISSIONED).total_seconds()

    def poll(self, now: int) -> list[Reading]:
        state = self.house.at(BEGIN + timedelta(seconds=now))
        meter, grid = state.production, state.consumption
        seconds = (meter.measured_at - COMMISSIONED).total_seconds()
        told: list[tuple[Device, dict[str, Any]]] = [(SUPERVISOR, {"uptime": now + 1.0})]
        if self.kind != "panels":
            told.append((P_METER, {"power": 1000 * meter.power, "energy": round(meter.energy, 2)}))
        values: dict[str, Any] = {"power": 1000 * grid.power, "meter_type": "net_consumption_loadside"}
        if self.kind == "gross":
            used = round(self.house.load.above(seconds), 2)
            values = {"power": 1000 * state.load, "net_energy": used, "meter_type": "gross_consumption_lineside"}
        elif self.kind != "power":
            values["net_energy"] = round(grid.net_energy, 2)
            if self.kind != "register":
                values |= {
                    "import_energy": round(grid.import_energy, 2),
                    "export_energy": round(grid.export_energy, 2),
                }
        told.append((C_METER, values))
        if state.battery is not None:
            battery: dict[str, Any] = {"power": 1000 * state.battery.power}
            if self.kind == "battery counters":
                battery |= {
                    "charge_energy": round(state.battery.charge_energy, 2),
                    "discharge_energy": round(state.battery.discharge_energy, 2),
                }
            told.append((ESS, battery))
        found = [Reading(d, v, PVS, meter.measured_at, float(now - seconds + self.second), 900.0) for d, v in told]
        for panel in state.inverters:
            age = (state.when - panel.measured_at).total_seconds()
            device = Device(panel.serial.lower(), Kind.INVERTER, panel.serial, panel.serial, via="zt1")
            row = {"power": 1000 * panel.power, "energy": round(panel.energy, 4)}
            found.append(Reading(device, row, PVS, panel.measured_at, age, max(0.0, 900 - age)))
        return found

    def ess(self, now: int) -> list[Reading]:
        """Battery alone, as it is asked for between the polls."""
        assert self.house.battery is not None
        power = 1000 * self.house.battery.power.value(self.second + now)
        return [Reading(ESS, {"power": power}, f"{PVS} storage", BEGIN + timedelta(seconds=now), 0.0, 180.0)]

    def truth(self, now: float) -> dict[str, float]:
        house, at = self.house, self.second + now
        battery = house.battery.power if house.battery is not None else None
        return {
            PV: house.production.above(at),
            IMPORT: house.net.above(at),
            EXPORT: house.net.below(at),
            LOAD: house.load.above(at),
            DISCHARGE: battery.above(at) if battery is not None else 0.0,
            CHARGE: battery.below(at) if battery is not None else 0.0,
        }


def run(kind: str, outage: tuple[int, int] = (0, 0)) -> tuple[dict[str, float], dict[str, float], House]:
    """What was told of each flow in two days, and what it was."""
    day, house = Day(kind), House(Registry(), ledger=Ledger(lambda now: BEGIN + timedelta(seconds=now)))
    house.expect({PVS: "site"}, [])
    house.configure({}, [], 0)
    first: dict[str, tuple[float, float]] = {}
    last: Mapping[str, Any] = {}
    for now in range(0, LENGTH, 60 if kind == "battery power" else POLL):
        if outage[0] <= now < outage[1]:
            continue
        batch = day.poll(now) if now % POLL == 0 else day.ess(now)
        for event in house.accept(batch, now):
            if isinstance(event, DeviceState) and event.key == "site":
                last = event.values
                for key, value in event.values.items():
                    if key.endswith("energy") and key not in first and isinstance(value, float):
                        first[key] = (value, day.truth(now).get(key, 0.0))
    truth = day.truth(LENGTH - POLL)
    told = {key: last[key] - first[key][0] for key in truth if key in first}
    return told, {key: truth[key] - first[key][1] for key in told}, house


def off(kind: str, **how: Any) -> dict[str, float]:
    """Percent by which each flow is wrong."""
    told, truth, _ = run(kind, **how)
    return {key: round(100 * (told[key] / truth[key] - 1), 2) for key in told}


@pytest.mark.parametrize(
    ("kind", "percent", "basis", "estimated"),
    [
        ("counters", 0.1, "consumption meter", {LOAD}),
        ("register", 0.5, "net register of the consumption meter", {IMPORT, EXPORT, LOAD}),
        ("power", 1.0, "grid power", {IMPORT, EXPORT, LOAD}),
        ("gross", 0.5, "counters of load and production", {IMPORT, EXPORT}),
        ("panels", 1.5, "consumption meter", {LOAD}),
        ("battery counters", 0.1, "consumption meter", {LOAD}),
        ("battery power", 1.0, "consumption meter", {CHARGE, DISCHARGE, LOAD}),
    ],
)
def test_totals_are_near_the_truth(kind: str, percent: float, basis: str, estimated: set[str]) -> None:
    """The simulated panels count 1 % more than their meter sees."""
    told, truth, house = run(kind)
    assert {PV, IMPORT, EXPORT, LOAD} <= told.keys()
    for key, value in told.items():
        assert abs(value / truth[key] - 1) <= percent / 100, key
    marks = house.ledger.marks("site")
    assert marks[IMPORT]["basis"] == basis
    assert {key for key, mark in marks.items() if mark["certainty"] == "estimated"} == estimated
    assert not any(row["event"] for row in house.ledger.report()["site"].values())


def test_an_outage_of_hours_is_caught_up_with_where_there_are_counters() -> None:
    hours = (20 * 3600, 26 * 3600)
    assert all(abs(percent) <= 0.1 for percent in off("counters", outage=hours).values())
    assert all(abs(percent) <= 0.5 for percent in off("register", outage=hours).values())


def test_an_outage_of_hours_is_missing_where_there_is_only_power() -> None:
    told, truth, house = run("power", outage=(20 * 3600, 26 * 3600))
    assert truth[IMPORT] - told[IMPORT] == pytest.approx(2.0, abs=0.5)
    assert house.ledger.report()["site"][IMPORT]["counts"] == {"gaps": 1}
