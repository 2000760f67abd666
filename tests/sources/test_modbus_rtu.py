"""A serial line: it is listened to before anything is sent, and whoever is heard has it."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from helpers_master import Clock, server, settled, tasks_left
from helpers_modbus import read
from helpers_modbus_tcp import NOON
from sources.rs485_bench import Clock as LineClock
from sources.rs485_bench import ScriptedLine

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.simulator.sunspec_devices.simulator import SunSpecSimulator
from pvsmqtt.sources.modbus_master.refusal import Refusal, Refused
from pvsmqtt.sources.modbus_master.source import LONGEST_REST, MasterSource
from pvsmqtt.sources.modbus_rtu import setup as rtu
from pvsmqtt.sources.modbus_rtu.options import ModbusRtuOptions
from pvsmqtt.sources.rs485.line import LineLost, Loss, parse

URL = parse("serial:///dev/ttyUSB0")


def source_of(options: ModbusRtuOptions, clock: Clock) -> MasterSource:
    known = rtu.Memory(None, options.called)
    return MasterSource(rtu.setup(options), known, clock.wall, clock.monotonic, clock.sleep, lambda: 1.0)


async def listen(
    *script: bytes | float | LineLost, seconds: float = 20.0, monkeypatch: pytest.MonkeyPatch
) -> ScriptedLine:
    clock = LineClock()
    line = ScriptedLine(clock, *script)

    async def opened(*_: object) -> ScriptedLine:
        return line

    monkeypatch.setattr(rtu, "open_line", opened)
    try:
        await rtu.listen(URL, Setting(9600), 20.0, clock.monotonic, clock.sleep)
    finally:
        assert line.closed


@pytest.mark.parametrize("script", [(30.0,), (5.0, b"\0", 30.0), (1.0, b"\xff", 1.0, b"\0\0", 30.0)])
async def test_a_quiet_line_may_click(script: tuple[bytes | float, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    await listen(*script, monkeypatch=monkeypatch)


@pytest.mark.parametrize("script", [(15.0, read(1, 0, 2)), (1.0, b"\1\3", 2.0, b"\0\0"), (b"\0" * 4,)])
async def test_whoever_is_heard_has_the_line(
    script: tuple[bytes | float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused) as caught:
        await listen(*script, monkeypatch=monkeypatch)
    assert caught.value.reason is Refusal.NOT_ALONE
    assert "nothing was sent" in str(caught.value)


@pytest.mark.parametrize(
    ("loss", "reason"),
    [(Loss.MISSING, Refusal.MISSING), (Loss.DENIED, Refusal.DENIED), (Loss.BUSY, Refusal.TAKEN)],
)
async def test_a_line_that_is_lost_while_it_is_listened_to(
    loss: Loss, reason: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused) as caught:
        await listen(1.0, LineLost(loss, "gone"), monkeypatch=monkeypatch)
    assert caught.value.reason is reason


@pytest.fixture
async def device() -> AsyncIterator[SunSpecSimulator]:
    there = SunSpecSimulator(kind="fronius", pty="", clock=lambda: NOON)
    await there.start()
    yield there
    await there.stop()
    assert there.writes == 0


async def test_a_quiet_line_is_asked(device: SunSpecSimulator) -> None:
    clock = Clock()
    options = ModbusRtuOptions(line=device.url, only_master=True, listen=0, units=[1, 240], timeout=20)
    source = source_of(options, clock)
    readings = await source.cycle()
    told = {reading.device.modbus_unit: reading for reading in readings}
    assert {1, 240} <= told.keys()
    assert told[1].device.interface == "rtu"
    assert told[1].values["power"] is not None
    device.faults.add("garbage", times=1)
    clock.now += 15
    await source.cycle()
    for _ in range(10):
        clock.now += 15
        readings = await source.cycle()
    assert source.health.trouble is None
    assert {1, 240} <= {reading.device.modbus_unit for reading in readings}
    await source.close()
    await settled()


async def test_a_second_master_is_left_alone_for_ever() -> None:
    bus, adapter = os.openpty()
    tty.setraw(bus)
    path = os.ttyname(adapter)
    other = asyncio.create_task(_talk(bus))
    clock = Clock()
    source = source_of(ModbusRtuOptions(line=f"serial://{path}", only_master=True, listen=20), clock)
    try:
        for _ in range(4):
            await source.cycle()
            assert source.health.trouble == "not_alone"
        other.cancel()
        for _ in range(4):
            await source.cycle()
        assert source.health.trouble == "not_alone", "also when the other one is silent"
        assert source.doors == []
        os.set_blocking(bus, False)
        with pytest.raises(BlockingIOError):
            os.read(bus, 1)  # nothing was ever sent
    finally:
        other.cancel()
        for end in (bus, adapter):
            os.close(end)


async def _talk(bus: int) -> None:
    while True:
        with suppress(BlockingIOError):
            os.write(bus, read(1, 0, 2))
        await asyncio.sleep(0.01)


async def test_an_adapter_that_is_not_there_is_tried_again_soon(tmp_path: Path) -> None:
    clock = Clock()
    source = source_of(ModbusRtuOptions(line=f"serial://{tmp_path}/ttyUSB0", only_master=True), clock)
    for _ in range(10):
        await source.cycle()
    assert source.health.trouble == "missing"
    assert source._rest(0.0) == LONGEST_REST


async def test_a_serial_server_with_another_master_gets_nothing() -> None:
    async with server(lambda _: b"") as there:
        clock = Clock()
        options = ModbusRtuOptions(line=f"tcp://127.0.0.1:{there.port}", only_master=True, listen=20)
        source = source_of(options, clock)
        cycle = asyncio.create_task(source.cycle())
        while not there.writers:  # noqa: ASYNC110
            await asyncio.sleep(0)
        for writer in there.writers:
            writer.write(read(1, 0, 2))
        await cycle
        assert source.health.trouble == "not_alone"
        assert there.received == []
    await settled()
    assert not tasks_left()
