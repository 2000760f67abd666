"""The service asks a Conext Gateway beside a PVS of the same house: what the broker gets, and when it goes."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from harness import NOON, ROOT, Bench, is_offline, is_online, retained
from helpers_conext import write_maps

from pvsmqtt.simulator.conext.simulator import ConextSimulator
from pvsmqtt.simulator.pvs.house.house import House

HOUSE = House(4, ess=True)


@pytest.fixture
async def gateway() -> AsyncIterator[ConextSimulator]:
    there = ConextSimulator(house=HOUSE, clock=lambda: NOON)
    await there.start()
    yield there
    await there.stop()
    assert there.writes == 0


def table(gateway: ConextSimulator, folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "ports": [gateway.sunspec_port, gateway.native_port],
        "interval": 0.3,
        "pause": 0,
        "stale_after": 3,
        "maps": [str(path) for path in write_maps(folder)],
        **more,
    }


FAST = {
    "pvsmqtt.service.TICK": 0.3,
    "pvsmqtt.service.HEALTH_EVERY": 0.5,
    "pvsmqtt.sources.modbus_master.unit.FIRST_REST": 0.3,
    "pvsmqtt.sources.modbus_master.unit.LONGEST_REST": 1.0,
    "pvsmqtt.sources.modbus_master.source.FIRST_REST": 0.2,
    "pvsmqtt.sources.modbus_master.source.LONGEST_REST": 0.5,
}


async def test_the_devices_of_a_gateway_beside_those_of_a_pvs(
    bench: Bench, gateway: ConextSimulator, tmp_path: Path
) -> None:
    broker, pvs = await bench.broker(), await bench.pvs(house=HOUSE)
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port, modbus_tcp=[table(gateway, tmp_path)], patch=FAST)
    line = await recorder.wait(f"{ROOT}/conext/state", lambda m: m.json.get("line_state") == "connected")
    assert line.json["units_heard"] == 3
    panel = HOUSE.serials.inverters[0].lower()
    await recorder.have("site", panel)
    health = await recorder.wait(f"{ROOT}/health", lambda m: _of(m.json, "modbus_tcp").get("state") == "ok")
    doors = _of(health.json, "modbus_tcp")["doors"]
    assert {door["language"] for door in doors.values()} == {"sunspec", "native"}
    inventory = await recorder.wait(f"{ROOT}/devices", lambda m: _told(m.json))
    gateway_id, inverter_id, battery_id = _told(inventory.json)
    for device in (gateway_id, inverter_id, battery_id):
        await recorder.wait(f"{ROOT}/{device}/status", is_online)
        await recorder.wait(f"homeassistant/device/pvsmqtt_{device}/config")
    await recorder.wait(f"{ROOT}/{gateway_id}/state", lambda m: (m.json.get("frequency") or 0) > 50)
    await recorder.wait(f"{ROOT}/{inverter_id}/state", lambda m: m.json.get("power") is not None)

    # killed, and started again: what was refused is not asked again, and the same devices are there
    await service.kill()
    seen, refused = len(gateway.requests), {_request(one) for one in gateway.requests if one.refused == 2}
    mark = recorder.mark()
    await service.start()
    await recorder.wait(f"{ROOT}/{gateway_id}/state", lambda m: (m.json.get("frequency") or 0) > 50, mark)
    asked = {_request(one) for one in gateway.requests[seen:] if one.address not in (0, 40000, 50000)}
    assert asked
    assert not asked & refused
    assert _told(recorder.last(f"{ROOT}/devices").json) == (gateway_id, inverter_id, battery_id)

    # the gateway goes, and comes back
    mark = recorder.mark()
    await gateway.stop()
    await service.says("nothing listens at this port")
    await recorder.wait(f"{ROOT}/conext/state", lambda m: m.json["line_state"] == "lost", mark)
    served = pvs.stats.device_lists
    await pvs.wait_until(lambda stats: stats.device_lists >= served + 15)
    assert not [m for m in recorder.on(f"{ROOT}/{panel}/status", mark) if is_offline(m)]
    mark = recorder.mark()
    await gateway.start()
    await recorder.wait(f"{ROOT}/conext/state", lambda m: m.json["line_state"] == "connected", mark)
    await service.says("works again")
    assert not service.said("Traceback")
    await service.stop()
    assert not service.said("Task was destroyed")


def _of(health: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((source for source in health["sources"] if source["kind"] == kind), {})


def _told(inventory: list[dict[str, Any]]) -> tuple[str, str, str] | None:
    """The gateway, the XW Pro and the battery management, under whatever id."""
    found = {entry["kind"]: entry["id"] for entry in inventory}
    try:
        return found["gateway"], found["storage_inverter"], found["bms"]
    except KeyError:
        return None


def _request(seen: Any) -> tuple[str, int, int, int]:
    return seen.port, seen.unit, seen.address, seen.count


async def test_devices_of_a_gateway_alone_go_offline_with_it_and_are_gone_with_its_table(
    bench: Bench, gateway: ConextSimulator, tmp_path: Path
) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    options = table(gateway, tmp_path, name="cellar")
    service = await bench.service(broker.port, pvs.port, modbus_tcp=[options], patch=FAST)
    inventory = await recorder.wait(f"{ROOT}/devices", lambda m: _told(m.json))
    devices = _told(inventory.json)
    panel = HOUSE.serials.inverters[0].lower()
    for device in devices:
        await recorder.wait(f"{ROOT}/{device}/status", is_online)
    mark = recorder.mark()
    await gateway.stop()
    for device in devices:
        await recorder.wait(f"{ROOT}/{device}/status", is_offline, mark)
    mark = recorder.mark()
    await gateway.start()
    for device in devices:
        await recorder.wait(f"{ROOT}/{device}/status", is_online, mark)
    mark = recorder.mark()
    await service.reload(modbus_tcp=[])
    await recorder.wait(f"{ROOT}/cellar/state", lambda m: m.payload == b"", mark)
    await gateway.until(lambda: gateway.connected == 0)
    kept = await retained(broker.port)
    assert f"{ROOT}/cellar/state" not in kept
    assert f"{ROOT}/{panel}/state" in kept
    service.signal(signal.SIGTERM)
    assert await service.exit() == 0
    assert not service.said("Traceback")
