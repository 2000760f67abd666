"""pysunspec2's own client walks the simulated equipment and reads the numbers that the service publishes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from harness import NOON, ROOT, Bench
from helpers_modbus_tcp import walk

from pvsmqtt.simulator.conext.simulator import ConextSimulator
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.sunspec_devices.simulator import SunSpecSimulator
from pvsmqtt.sources.sunspec_readings.conversions import kilo, percent, same, share
from pvsmqtt.sources.sunspec_readings.names import BEHIND
from pvsmqtt.sources.sunspec_readings.tables import TABLES

NUMBERS: dict[Any, Callable[[float], float]] = {
    same: lambda value: value,
    kilo: lambda value: value / 1000,
    percent: lambda value: value / 100,
    share: lambda value: value,
}
"""How a point of pysunspec2 becomes the number that is published; words and bits are judged elsewhere."""

POINT = re.compile(r"\w+")
FAST = {"pvsmqtt.service.TICK": 0.3, "pvsmqtt.service.HEALTH_EVERY": 0.5}


def numbers(device: Any) -> dict[int, dict[str, float]]:
    """Every implemented point of the models' own groups that is a number, by model."""
    found: dict[int, dict[str, float]] = {}
    for model in device.model_list:
        for name, point in model.points.items():
            if isinstance(point.cvalue, int | float) and not isinstance(point.cvalue, bool):
                found.setdefault(model.model_id, {})[name] = point.cvalue
    return found


def expected(told: dict[int, dict[str, float]], models: set[int]) -> dict[str, float]:
    """The quantities of these models, by what pysunspec2 read."""
    found: dict[str, float] = {}
    for model in models & told.keys():
        for path, key, convert in TABLES[model]:
            if POINT.fullmatch(path) and convert in NUMBERS and path in told[model]:
                found.setdefault(key, NUMBERS[convert](told[model][path]))
    return found


async def judge(bench: Bench, port: int, unit: int, models: set[int], least: int, **table: Any) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    rows = [{"host": "127.0.0.1", "ports": [port], "units": [unit], "interval": 0.3, "stale_after": 30, **table}]
    await bench.service(broker.port, pvs.port, modbus_tcp=rows, patch=FAST)

    def whole(message: Any) -> bool:
        entries = [entry for entry in message.json if entry["kind"] not in ("bridge", "site", "bus")]
        return any(str(source).startswith("modbus_tcp") for entry in entries for source in entry["sources"])

    inventory = (await recorder.wait(f"{ROOT}/devices", whole)).json
    device = next(
        entry["id"]
        for entry in inventory
        if any(s.startswith("modbus_tcp") for s in entry["sources"]) and entry["kind"] != "bus"
    )
    state = (await recorder.wait(f"{ROOT}/{device}/state")).json
    told = expected(numbers_of := await walk(port, unit, numbers), models)
    assert models <= numbers_of.keys()
    compared = {key: (state[key], value) for key, value in told.items() if state.get(key) is not None}
    assert len(compared) >= least
    for key, (published, read) in compared.items():
        assert published == pytest.approx(read, rel=1e-6, abs=1e-6), key
    assert not told.keys() - state.keys() - BEHIND.keys()


@pytest.mark.parametrize(
    ("kind", "unit", "models", "least"),
    [("sma", 126, {103}, 12), ("fronius", 1, {113}, 12), ("der", 1, {701}, 12)],
)
async def test_an_inverter(bench: Bench, kind: str, unit: int, models: set[int], least: int) -> None:
    simulator = SunSpecSimulator(kind, unit=unit, floats=kind == "fronius", clock=lambda: NOON)
    await simulator.start()
    try:
        await judge(bench, simulator.port, unit, models, least, profile="sunspec")
        assert simulator.writes == 0
    finally:
        await simulator.stop()


@pytest.mark.parametrize(("unit", "models", "least"), [(10, {102, 124}, 15), (230, {802}, 10)])
async def test_what_is_behind_a_gateway(bench: Bench, unit: int, models: set[int], least: int) -> None:
    simulator = ConextSimulator(house=House(4, ess=True), clock=lambda: NOON)
    await simulator.start()
    try:
        await judge(bench, simulator.sunspec_port, unit, models, least, profile="conext")
        assert simulator.writes == 0
    finally:
        await simulator.stop()
