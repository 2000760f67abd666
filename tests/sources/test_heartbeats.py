"""Signs of life: a source keeps its promises whatever the equipment does, and has made one when it hangs."""

from __future__ import annotations

import asyncio
import contextlib
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from harness.scripted_broker import ScriptedBroker
from helpers_master import Clock as MasterClock
from helpers_master import FakeDoor, FakeUnit, chain, common, inverter
from helpers_pvs import options_of
from sources.rs485_bench import Clock, Item, Openings, ScriptedLine, poll, turns, until
from sources.test_modbus_tap_source import Script

from pvsmqtt.broker.subscription import Subscription
from pvsmqtt.model.device import Device, Kind
from pvsmqtt.pulse import Heartbeat
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator
from pvsmqtt.sources.memory import Memory
from pvsmqtt.sources.modbus_master.refusal import Refusal, Refused
from pvsmqtt.sources.modbus_master.source import LONGEST_STEP, MasterSource, Setup
from pvsmqtt.sources.modbus_master.survey import Language
from pvsmqtt.sources.modbus_master.wanted import Wanted
from pvsmqtt.sources.modbus_tap.inputs import CaptureLost
from pvsmqtt.sources.modbus_tap.inputs import Loss as CaptureLoss
from pvsmqtt.sources.modbus_tap.options import ModbusTapOptions
from pvsmqtt.sources.modbus_tap.source import ModbusTapSource
from pvsmqtt.sources.pvs.source import PvsSource
from pvsmqtt.sources.register_units.decoder import Place
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.options import Rs485Options
from pvsmqtt.sources.rs485.source import Rs485Source
from pvsmqtt.sources.yasdi.options import YasdiOptions
from pvsmqtt.sources.yasdi.source import YasdiSource

NIGHT = 14 * 3600.0
GONE = LineLost(Loss.UNPLUGGED, "gone")


class Strict(Heartbeat):
    """Fails when a promise was broken; wakes whoever waits for so many signs of life."""

    def __init__(self, enough: int = 0) -> None:
        super().__init__()
        self.signs: list[float] = []
        self.broken: list[float] = []
        self.enough = asyncio.Event()
        self._enough = enough

    def promise(self, now: float, within: float) -> None:
        if self.due is not None and now > self.due:
            self.broken.append(now)
        self.signs.append(now)
        if len(self.signs) >= self._enough:
            self.enough.set()
        super().promise(now, within)


async def hear(clock: Clock, *lines: ScriptedLine | LineLost, ends: asyncio.Event, **options: Any) -> Strict:
    openings = Openings(*lines)
    source = Rs485Source(
        Rs485Options(**{"line": "tcp://127.0.0.1:4196", **options}),
        wall=clock.wall,
        monotonic=clock.monotonic,
        opener=openings,
        sleep=_only_pauses(clock, 15.0),
        jitter=lambda: 1.0,
    )
    beat = source.health.heartbeat = Strict()
    task = asyncio.create_task(source.run(lambda _: None))
    try:
        await until(ends if ends else openings.done, task)
    finally:
        task.cancel()
        await asyncio.wait({task})
    return beat


def _only_pauses(clock: Clock, interval: float) -> Any:
    """The pauses of the tap pass at once; what tells of the line waits for ever."""

    async def sleep(seconds: float) -> None:
        if seconds == interval:
            await asyncio.Event().wait()
        await clock.sleep(seconds)

    return sleep


class TestLine:
    @pytest.mark.parametrize(
        "script", [(NIGHT,), [*poll(220, 1, 2), NIGHT, *poll(220, 1, 2), NIGHT], (b"\xff" * 100, 3600.0)]
    )
    async def test_silence_is_no_standstill(self, script: list[Item]) -> None:
        clock = Clock()
        line = ScriptedLine(clock, *script)
        beat = await hear(clock, line, ends=line.done)
        assert len(beat.signs) > 3000
        assert not beat.broken
        assert beat.due is not None
        assert clock.now < beat.due < clock.now + 600, "and what never comes back from its line is noticed"

    async def test_a_line_that_comes_and_goes(self) -> None:
        clock = Clock()
        line = ScriptedLine(clock, 5.0)
        beat = await hear(clock, *[GONE] * 200, line, ends=line.done)
        assert len(beat.signs) > 200
        assert not beat.broken

    async def test_the_search_for_the_speed(self) -> None:
        clock = Clock()
        last = ScriptedLine(clock)
        lines = [ScriptedLine(clock, b"\x00\xff\x13", 900.0, GONE) for _ in range(3)]
        beat = await hear(clock, *lines, last, ends=last.done, line="serial:///dev/ttyUSB0")
        assert len(beat.signs) > 5
        assert not beat.broken

    async def test_the_end_of_a_recording(self) -> None:
        clock = Clock()
        line = ScriptedLine(clock, *poll(220, 1, 2), LineLost(Loss.ENDED, "over"))
        ended = asyncio.Event()
        task = asyncio.create_task(hear(clock, line, ends=ended))
        await turns(lambda: line.closed)
        for _ in range(10):
            await asyncio.sleep(0)
        ended.set()
        assert (await task).due == math.inf


@pytest.mark.parametrize("live", [True, False])
async def test_a_capture(live: bool, tmp_path: Path) -> None:
    clock = Clock()
    scripts: list[Any] = [CaptureLost(CaptureLoss.WRITER_GONE, "gone"), Script(clock, NIGHT, live=live)]
    source = ModbusTapSource(
        ModbusTapOptions(capture="/run/x.pcap"),
        tmp_path,
        wall=clock.wall,
        monotonic=clock.monotonic,
        opener=lambda _: _opened(scripts.pop(0)),
        sleep=_only_pauses(clock, ModbusTapOptions(capture="/run/x.pcap").interval),
        jitter=lambda: 1.0,
    )
    last = scripts[-1]
    beat = source.health.heartbeat = Strict()
    task = asyncio.create_task(source.run(lambda _: None))
    await turns(lambda: last.done)
    task.cancel()
    await asyncio.wait({task})
    assert len(beat.signs) > 3000
    assert not beat.broken
    assert beat.due is not None
    assert clock.now < beat.due < clock.now + 600


def _opened(script: Any) -> Any:
    if isinstance(script, CaptureLost):
        raise script
    return script


def master(clock: MasterClock, door: FakeDoor | None) -> tuple[MasterSource, Strict]:
    place = Place("modbus_tcp x", "x", "site", 90.0, interface="tcp")

    async def locate() -> list[Any]:
        if door is None:
            raise Refused(Refusal.UNREACHABLE, "nobody")
        return [(door, Wanted(tuple(range(1, 31)), (), (Language.SUNSPEC,)))]

    setup = Setup("modbus_tcp x", place, 15.0, 0.05, Device("x", Kind.BUS, "x"), locate, search_rest=300.0)
    source = MasterSource(setup, Memory(None, "x"), clock.wall, clock.monotonic, clock.sleep, lambda: 1.0)
    beat = source.health.heartbeat = Strict(3000)
    return source, beat


@pytest.mark.parametrize("what", ["answers", "silent", "refuses", "nobody", "shut"])
async def test_equipment_that_is_asked(what: str) -> None:
    """Each request may take as long as its time-out; there are many in a cycle."""
    clock = MasterClock()
    door = FakeDoor({1: FakeUnit(chain(common(), inverter()))}, clock=clock)
    door.timeout, door.takes = 60.0, 55.0
    if what == "silent":
        door.units.clear()
    if what == "refuses":
        door.units[1].always = 6
    if what == "shut":
        door.shut = Refusal.UNREACHABLE
    source, beat = master(clock, None if what == "nobody" else door)
    task = asyncio.create_task(source.run(lambda _: None))
    try:
        await until(beat.enough, task)
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert not beat.broken
    assert beat.due is not None
    assert beat.due <= clock.now + 300 + LONGEST_STEP


@pytest.mark.parametrize("how", [{"connack": 138}, {"connack": 134}, {"end_on_subscribe": 142}])
async def test_a_broker_that_does_not_want_us(how: dict[str, int], tmp_path: Path) -> None:
    """The longest pause there is belongs to the promise."""
    clock = Clock()
    enough = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        if len(clock.pauses) > 5:
            enough.set()
            await asyncio.Event().wait()

    async with ScriptedBroker(**how).open() as port:
        options = YasdiOptions(host="127.0.0.1", port=port)
        source = YasdiSource(options, tmp_path, wall=clock.wall, monotonic=clock.monotonic, sleep=sleep)
        beat = source.health.heartbeat = Strict()
        await _until(enough, source._subscription)
    assert max(clock.pauses) >= 60
    assert len(beat.signs) > 5
    assert not beat.broken


async def test_a_broker_on_which_nothing_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inverters say nothing at night."""
    monkeypatch.setattr("pvsmqtt.broker.subscription.QUIET", 0.01)
    async with ScriptedBroker().open() as port:
        source = YasdiSource(YasdiOptions(host="127.0.0.1", port=port), tmp_path)
        beat = source.health.heartbeat = Strict(50)
        await _until(beat.enough, source._subscription)
        assert source._protocol == "5", "connected all the time"
    assert not beat.broken


async def _until(event: asyncio.Event, subscription: Subscription) -> None:
    task = asyncio.create_task(subscription.run())
    try:
        await until(event, task)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("fault", [None, "http-503", "reset", "html"])
async def test_a_pvs(fault: str | None) -> None:
    simulator = PvsSimulator(house=House(panels=1), clock=lambda: datetime(2025, 6, 21, 18, tzinfo=UTC))
    await simulator.start()
    simulator.fault = fault
    source = PvsSource(options_of(f"127.0.0.1:{simulator.port}"))
    beat = source.health.heartbeat = Strict(12)
    task = asyncio.create_task(source.run(lambda _: None))
    try:
        await until(beat.enough, task)
    finally:
        task.cancel()
        await asyncio.wait({task})
        await simulator.stop()
    assert source.health.cycles >= 2
    assert not beat.broken
