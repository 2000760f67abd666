"""A simulated day: whichever sources are on, every published state adds up, and the load is that of the house."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceState, Reading
from pvsmqtt.simulator.pvs.house.house import COMMISSIONED
from pvsmqtt.simulator.pvs.house.house import House as Simulated
from pvsmqtt.site.balance import POWERS
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry

BEGIN = COMMISSIONED + timedelta(days=9, hours=7)
STEP, POLL, DAY = 15, 300, 12 * 3600
"""Seconds; the day is that with sun."""

PVS, LIVE, TCP = "pvs a", "pvs a live", "modbus_tcp conext"
SUPERVISOR = Device("zt1", Kind.SUPERVISOR, "PV supervisor ZT1", "ZT1")
P_METER = Device("m1p", Kind.PRODUCTION_METER, "Production meter M1p", "M1p", via="zt1")
C_METER = Device("m1c", Kind.CONSUMPTION_METER, "Consumption meter M1c", "M1c", via="zt1")
ESS = Device("ess1", Kind.ESS, "Energy storage ESS1", "ESS1", via="zt1")
XW = Device(
    "xw1", Kind.STORAGE_INVERTER, "Storage inverter XW1", "XW1", via="zt1", modbus_unit=10, interface="sunspec"
)
LINE = Device("conext", Kind.BUS, "Gateway conext")
SITE = Device("site", Kind.SITE, "Solar site")
DC = 0.94
"""What the DC side of the inverter is of its AC side, about."""


def unit(number: int, kind: Kind) -> Device:
    name = f"conext_{number}"
    return Device(name, kind, name, via="conext", modbus_unit=number, interface="tcp")


class Day:
    """The equipment of one house, as each source tells of it."""

    def __init__(self) -> None:
        self.house = Simulated(12, 3, ess=True)

    def pvs(self, now: int, with_battery: bool) -> list[Reading]:
        state = self.house.at(BEGIN + timedelta(seconds=now))
        production, consumption, battery = state.production, state.consumption, state.battery
        assert battery is not None
        age = (state.when - production.measured_at).total_seconds()
        told: list[tuple[Device, dict[str, Any]]] = [
            (SUPERVISOR, {"uptime": now + 1.0}),
            (P_METER, {"power": production.power * 1000, "energy": production.energy}),
            (
                C_METER,
                {
                    "power": consumption.power * 1000,
                    "net_energy": consumption.net_energy,
                    "import_energy": consumption.import_energy,
                    "export_energy": consumption.export_energy,
                    "meter_type": "net_consumption_loadside",
                },
            ),
            (XW, {"state": "working"}),
        ]
        if with_battery:
            told.append((ESS, {"power": battery.power * 1000, "charge_energy": battery.charge_energy}))
        return [Reading(d, values, PVS, production.measured_at, age, 900.0) for d, values in told]

    def gateway(self, now: int) -> list[Reading]:
        when = BEGIN + timedelta(seconds=now)
        battery, net, load = (1000 * power for power in self.true(now))
        told: list[tuple[Device, dict[str, Any]]] = [
            (LINE, {"line_state": "listening"}),
            (unit(1, Kind.GATEWAY), {"grid_power": net, "load_power": load, "battery_power": battery * DC}),
            (unit(10, Kind.STORAGE_INVERTER), {"power": round(battery)}),
        ]
        return [Reading(d, values, TCP, when, 0.0, 45.0) for d, values in told]

    def live(self, now: int) -> list[Reading]:
        battery, net, load = (round(1000 * power) for power in self.true(now))
        made = round(1000 * self.house.production.value(self._seconds(now)))
        values = {"pv_power": made, "grid_power": net, "battery_power": battery, "load_power": load}
        return [Reading(SITE, values, LIVE, BEGIN + timedelta(seconds=now), 0.0, 90.0)]

    def true(self, now: float) -> tuple[float, float, float]:
        """Battery, grid and load at this very second, kW."""
        assert self.house.battery is not None
        seconds = self._seconds(now)
        return (
            self.house.battery.power.value(seconds),
            self.house.net.value(seconds),
            self.house.load.value(seconds),
        )

    def _seconds(self, now: float) -> float:
        return (BEGIN - COMMISSIONED).total_seconds() + now


@pytest.mark.parametrize(
    ("sources", "ess", "most_wrong"),
    [
        (("pvs",), True, 2.0),
        (("pvs", "gateway"), True, 2.0),
        (("pvs", "gateway"), False, 60.0),
        (("gateway",), False, 2.0),
        (("pvs", "live"), True, 3.0),
        (("pvs", "gateway", "live"), False, 3.0),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else str(value),
)
def test_a_day(sources: Sequence[str], ess: bool, most_wrong: float) -> None:
    """``most_wrong``: W by which the load of most states may differ from the house's at the moment of the set: the
    battery is asked every 15 s beside the meters, so it may be some seconds off."""
    day, house = Day(), House(Registry())
    expected = {"pvs": PVS, "gateway": TCP}
    house.expect({expected[s]: "site" for s in sources if s in expected}, [], single=[TCP])
    house.configure({}, [], 0)
    complete, wrong, energies = (
        0,
        [],
        dict.fromkeys(("pv_energy", "grid_import_energy", "battery_charge_energy"), 0.0),
    )
    loads: list[float] = []
    last = None
    for now in range(0, DAY, STEP):
        batches = []
        if "gateway" in sources:
            batches.append(day.gateway(now))
        if "pvs" in sources and now % POLL == 0:
            batches.append(day.pvs(now, ess))
        if "live" in sources and not DAY / 3 < now < DAY / 2:
            batches.append(day.live(now))
        for batch in batches:
            state = next((e for e in house.accept(batch, now) if e.key == "site"), None)
            if not isinstance(state, DeviceState):
                continue
            values = [state.values.get(key) for key in POWERS]
            for key in energies:
                told = state.values.get(key)
                assert told is None or told >= energies[key]
                energies[key] = told or energies[key]
            known = [value for value in values if isinstance(value, int | float)]
            if len(known) < len(values):
                assert now < POLL, "after the first poll all is known"
                continue
            pv, grid, battery, load = known
            complete += 1
            assert abs(pv + grid + battery - load) <= max(1.0, 0.01 * load)
            assert state.measured_at is not None
            if state.measured_at == last:
                continue
            last = state.measured_at
            then = (state.measured_at - BEGIN).total_seconds()
            wrong.append(abs(load - 1000 * day.true(then)[2]))
            loads.append(load)
    polls = DAY // (STEP if {"live", "gateway"} & set(sources) and sources != ("pvs", "gateway") else POLL)
    assert complete >= 0.6 * polls
    assert sorted(wrong)[int(0.9 * len(wrong))] <= most_wrong
    assert sum(wrong) <= 0.02 * sum(loads), "two percent of all that the house used"


def test_a_gateway_that_fails_at_noon_takes_only_with_it_what_needs_it() -> None:
    day, house = Day(), House(Registry())
    house.expect({PVS: "site", TCP: "site"}, [], single=[TCP])
    house.configure({}, [], 0)
    half = DAY // 2
    for now in range(half - 600, half + 1200, STEP):
        if now < half:
            house.accept(day.gateway(now), now)
        if now % POLL == 0:
            house.accept(day.pvs(now, with_battery=False), now)
    values = house._said["site"].values
    assert values["pv_power"] is not None
    assert values["grid_power"] is not None
    assert (values["battery_power"], values["load_power"]) == (None, None)
    assert values["pv_energy"] is not None
