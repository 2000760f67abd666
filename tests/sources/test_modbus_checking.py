"""What `pvsmqtt check` finds out about equipment that is asked over Modbus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from helpers_conext import write_maps
from helpers_master import exception, server
from helpers_modbus_tcp import NOON

from pvsmqtt.modbus import mapfile
from pvsmqtt.simulator.conext.simulator import ConextSimulator
from pvsmqtt.sources.base import Finding
from pvsmqtt.sources.modbus_rtu import KIND as RTU
from pvsmqtt.sources.modbus_tcp import KIND as TCP


@pytest.fixture(autouse=True)
def only_our_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapfile, "shipped", lambda *_: [])


@pytest.fixture
async def gateway() -> AsyncIterator[ConextSimulator]:
    there = ConextSimulator(clock=lambda: NOON)
    await there.start()
    yield there
    await there.stop()


async def check(tmp_path: Path, **options: Any) -> dict[str, Finding]:
    table = TCP.options(**{"host": "127.0.0.1", "timeout": 20, "maps": write_maps(tmp_path), **options})
    return {finding.subject: finding for finding in await TCP.check(table, tmp_path / "state")}


async def test_all_is_well(gateway: ConextSimulator, tmp_path: Path) -> None:
    found = await check(tmp_path, ports=[gateway.sunspec_port, gateway.native_port])
    assert all(finding.ok for finding in found.values())
    assert found[f"modbus_tcp conext 127.0.0.1:{gateway.sunspec_port}"].text.endswith("answers in SunSpec")
    assert found[f"modbus_tcp conext 127.0.0.1:{gateway.native_port}"].text.endswith("answers in native registers")
    assert "unit 10: XW6848-21, " in found["modbus_tcp conext 10"].text
    assert not (tmp_path / "state").exists(), "nothing is written"
    await gateway.until(lambda: gateway.connected == 0)


async def test_one_port_is_shut(gateway: ConextSimulator, tmp_path: Path) -> None:
    found = await check(tmp_path, ports=[gateway.sunspec_port, 9])
    assert found["modbus_tcp conext 127.0.0.1:9"].ok, "the other one suffices"
    assert "connection refused" in found["modbus_tcp conext 127.0.0.1:9"].text


async def test_a_unit_falls_silent(gateway: ConextSimulator, tmp_path: Path) -> None:
    gateway.faults.add("away", unit=10, address=40084)
    found = await check(tmp_path, ports=[gateway.sunspec_port])
    door = found[f"modbus_tcp conext 127.0.0.1:{gateway.sunspec_port}"]
    assert not door.ok
    assert "unit 10" in door.text
    assert door.advice == "the gateway cannot reach the unit behind it: check its number and its power"
    assert found["modbus_tcp conext 230"].ok


async def test_nobody_listens(tmp_path: Path) -> None:
    (found,) = (await check(tmp_path, ports=[9])).values()
    assert not found.ok
    assert found.text == "127.0.0.1:9: connection refused"
    assert found.advice.startswith("something is at that address"), "advice with a colon in it stays whole"


async def test_who_only_hangs_up_has_not_answered(tmp_path: Path) -> None:
    async with server(lambda _: None) as there:
        found = await check(tmp_path, ports=[there.port])
    assert found[f"modbus_tcp conext 127.0.0.1:{there.port}"].text == f"127.0.0.1:{there.port} can be reached"
    assert not found["modbus_tcp conext units"].ok


async def test_nobody_tells_anything(tmp_path: Path) -> None:
    async with server(lambda request: exception(request, 11)) as there:
        found = await check(tmp_path, ports=[there.port])
    assert not found["modbus_tcp conext units"].ok
    assert "write the numbers of the units" in found["modbus_tcp conext units"].advice


async def test_a_unit_that_was_ordered_is_absent(gateway: ConextSimulator, tmp_path: Path) -> None:
    found = await check(tmp_path, ports=[gateway.sunspec_port], units=[230, 99])
    assert found["modbus_tcp conext 230"].ok
    assert not found["modbus_tcp conext units"].ok
    assert "unit 99" in found["modbus_tcp conext units"].text


async def test_an_adapter_that_is_not_there(tmp_path: Path) -> None:
    table = RTU.options(line=f"serial://{tmp_path}/ttyUSB0", only_master=True)
    (found,) = await RTU.check(table, tmp_path)
    assert not found.ok
    assert "not plugged in" in found.advice
