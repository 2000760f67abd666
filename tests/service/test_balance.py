"""PV + grid + battery = load on every state of the site that reaches the broker, whichever sources are on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from harness import NOON, ROOT, Bench

from pvsmqtt.simulator.conext.simulator import ConextSimulator
from pvsmqtt.simulator.pvs.house.house import House

HOUSE = House(12, ess=True)
STEPS = 12
STEP = timedelta(minutes=25)
FAST = {"pvsmqtt.service.TICK": 0.2, "pvsmqtt.service.HEALTH_EVERY": 0.5}
POWERS = ("pv_power", "grid_power", "battery_power", "load_power")


class Day:
    """The time at the house, for both simulators."""

    def __init__(self) -> None:
        self.now = NOON - timedelta(hours=5)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture
async def gateway(day: Day) -> AsyncIterator[ConextSimulator]:
    simulator = ConextSimulator(house=HOUSE, clock=day)
    await simulator.start()
    yield simulator
    await simulator.stop()
    assert simulator.writes == 0


def differs(state: dict[str, Any]) -> float:
    """Share of the largest power by which the four do not add up."""
    pv, grid, battery, load = (float(state[key]) for key in POWERS)
    return abs(pv + grid + battery - load) / max(map(abs, (pv, grid, battery, load, 1.0)))


@pytest.mark.parametrize(
    ("pvs", "conext"),
    [("61839", False), ("61839", True), ("61845", True), (None, True)],
    ids=["pvs", "pvs and gateway", "live data and gateway", "gateway"],
)
async def test_the_site_adds_up(
    bench: Bench, gateway: ConextSimulator, day: Day, pvs: str | None, conext: bool
) -> None:
    broker = await bench.broker()
    hosts: list[Any] = []
    if pvs is not None:
        newer = pvs == "61845"
        server = await bench.pvs(house=HOUSE, clock=day, firmware=pvs, https=newer, live=newer)
        live = {"live_url": f"ws://127.0.0.1:{server.live_port}/", "live_interval": 0.2}
        hosts.append({"host": server.https_url, **live} if newer else server.port)
    tables: dict[str, Any] = {}
    if conext:
        ports = [gateway.sunspec_port, gateway.native_port]
        tables["modbus_tcp"] = [{"host": "127.0.0.1", "ports": ports, "interval": 0.2, "pause": 0, "stale_after": 20}]
    recorder = await bench.recorder(broker.port)
    await bench.service(broker.port, *hosts, patch=FAST, **tables)
    seen: set[float | None] = {None}
    for _ in range(STEPS):
        mark = recorder.mark()
        day.now += STEP
        told = await recorder.wait(
            f"{ROOT}/site/state",
            lambda m: m.json.get("pv_power") not in seen and all(m.json.get(key) is not None for key in POWERS),
            mark,
        )
        seen.add(told.json["pv_power"])
    states = [message.json for message in recorder.on(f"{ROOT}/site/state")]
    whole = [state for state in states if all(state.get(key) is not None for key in POWERS)]
    assert len(whole) >= STEPS
    for state in whole:
        assert differs(state) <= 0.01, state
