"""The PVS source as it runs with older firmware: against a real server, through troubles and out of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers_pvs import options_of

from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator
from pvsmqtt.sources.pvs import KIND
from pvsmqtt.sources.pvs.options import PvsOptions
from pvsmqtt.sources.pvs.source import PvsSource

NOON = datetime(2025, 6, 21, 18, tzinfo=UTC)
"""The sun is up at the simulated house."""


PATIENCE = 30.0
"""Seconds after which something that should have happened counts as not happening."""


class Inbox:
    """What was delivered, cycle by cycle."""

    def __init__(self) -> None:
        self.cycles: asyncio.Queue[Sequence[Reading]] = asyncio.Queue()

    async def next(self) -> Sequence[Reading]:
        return await self.cycles.get()

    async def after(self, count: int) -> Sequence[Reading]:
        """The first cycle that was delivered after so many that are already there or under way."""
        while not self.cycles.empty():
            self.cycles.get_nowait()
        for _ in range(count):
            await self.next()
        return await self.next()


@pytest.fixture
async def simulator() -> AsyncIterator[PvsSimulator]:
    simulator = PvsSimulator(house=House(panels=3), clock=lambda: NOON)
    await simulator.start()
    yield simulator
    await simulator.stop()


def options(simulator: PvsSimulator, **more: Any) -> PvsOptions:
    return options_of(f"127.0.0.1:{simulator.port}", **more)


@asynccontextmanager
async def running(source: PvsSource, inbox: Inbox) -> AsyncIterator[None]:
    task = asyncio.create_task(source.run(inbox.cycles.put_nowait))
    try:
        async with asyncio.timeout(PATIENCE):
            yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task])


class Troubles:
    """Tells of every failed poll: the source asks for a random number before each retry."""

    def __init__(self) -> None:
        self.seen: asyncio.Queue[None] = asyncio.Queue()

    def __call__(self) -> float:
        self.seen.put_nowait(None)
        return 0.0

    async def wait(self, count: int) -> None:
        for _ in range(count):
            await self.seen.get()


def at_noon(simulator: PvsSimulator, jitter: Callable[[], float] = lambda: 0.0, **more: Any) -> PvsSource:
    return PvsSource(options(simulator, **more), wall=lambda: NOON, jitter=jitter)


def lines(caplog: pytest.LogCaptureFixture, word: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if word in record.getMessage()]


async def test_what_is_measured_together_arrives_together(simulator: PvsSimulator) -> None:
    inbox, source = Inbox(), at_noon(simulator, site="The Cabin")
    async with running(source, inbox):
        readings = await inbox.next()
    measured = [reading for reading in readings if reading.source == f"pvs 127.0.0.1:{simulator.port}" == source.name]
    kinds = [reading.device.kind for reading in measured]
    assert kinds == [Kind.SUPERVISOR, Kind.PRODUCTION_METER, Kind.CONSUMPTION_METER, *[Kind.INVERTER] * 3]
    assert {reading.device.site for reading in readings} == {"site_the_cabin"}
    assert all(reading.valid_for > 0 for reading in measured)
    told_rarely = [reading for reading in readings if reading not in measured]
    assert {reading.source for reading in told_rarely} <= {f"{source.name} diagnostics"}
    assert all(reading.valid_for == 0 < reading.lasts for reading in told_rarely)


async def test_it_asks_who_it_is_then_for_devices_then_for_the_rest(simulator: PvsSimulator) -> None:
    inbox = Inbox()
    async with running(at_noon(simulator, interval=300), inbox):
        devices, rest_of_it = await inbox.next(), await inbox.next()
    assert {reading.source for reading in rest_of_it} == {f"{devices[0].source} diagnostics"}
    paths = [request.path for request in simulator.stats.requests]
    assert paths[0] == "/cgi-bin/dl_cgi/supervisor/info"
    rest = paths[paths.index("/cgi-bin/dl_cgi?Command=DeviceList") + 1 :]
    assert "/cgi-bin/dl_cgi?Command=Get_Comm" in rest
    assert len(rest) == len(set(rest))
    assert "/cgi-bin/dl_cgi?Command=DeviceList" not in rest


async def test_it_polls_again_and_again_one_at_a_time(simulator: PvsSimulator) -> None:
    inbox, source = Inbox(), at_noon(simulator)
    async with running(source, inbox):
        for _ in range(5):
            await inbox.next()
        assert source.health.cycles >= 4
    assert simulator.stats.max_in_flight == 1


@pytest.mark.parametrize("fault", ["http-403", "reset", "refuse", "truncated", "mime-error"])
async def test_readings_flow_again_after_a_trouble(
    simulator: PvsSimulator, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pvsmqtt")
    inbox, troubles = Inbox(), Troubles()
    source = at_noon(simulator, troubles)
    health = source.health
    async with running(source, inbox):
        await inbox.next()
        assert health.report(0.0)["state"] in ("ok", "starting")
        simulator.fault = fault
        await troubles.wait(3)
        report = health.report(0.0)
        assert (report["state"], report["trouble"]) == ("failing", health.trouble)
        trouble, message = health.trouble, report["message"]
        simulator.fault = None
        assert await inbox.after(1)
    assert (health.trouble, health.message) == (None, None)
    assert list(health.refused) == [trouble]
    assert health.cycles >= health.refused[trouble or ""] + 2
    assert len(lines(caplog, message)) == 1
    assert lines(caplog, "works again") == [f"works again (it was: {trouble})"]


async def test_another_trouble_is_another_line(simulator: PvsSimulator, caplog: pytest.LogCaptureFixture) -> None:
    simulator.fault = "http-503"
    inbox, troubles = Inbox(), Troubles()
    source = at_noon(simulator, troubles)
    async with running(source, inbox):
        for fault in ("http-503", "empty", "http-503"):
            simulator.fault = fault
            await troubles.wait(4)
    assert source.health.refused["busy"] >= 6
    assert source.health.refused["empty"] >= 3
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert ["503" in warning for warning in warnings] == [True, False], "one that comes and goes is not said again"
    assert inbox.cycles.empty()


async def test_hostile_entries_stop_nothing(simulator: PvsSimulator) -> None:
    simulator.payload = (
        b'{"devices": [null, {}, {"SERIAL": "n/a"}, {"SERIAL": "E1", "DEVICE_TYPE": "Inverter", "new_key": "1"}],'
        b'"result": "succeed"}'
    )
    inbox, source = Inbox(), at_noon(simulator)
    async with running(source, inbox):
        assert [reading.device.id for reading in await inbox.after(1)] == ["e1"]
    assert source.health.details["left_out"] == {"not_an_object": 1, "no_serial": 2}
    assert source.health.details["unmapped"] == ["Inverter.new_key"]
    assert source.health.details["devices"] == 1


async def test_what_is_left_out_is_said_once(simulator: PvsSimulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pvsmqtt")
    simulator.payload = b'{"devices": [{"SERIAL": ""}, {"SERIAL": "E1", "odd_key": "1"}], "result": "succeed"}'
    inbox = Inbox()
    async with running(at_noon(simulator), inbox):
        await inbox.after(2)
    assert len(lines(caplog, "no_serial")) == 1
    assert len(lines(caplog, "odd_key")) == 1


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=-700)])
async def test_a_wrong_clock_is_said_once_and_changes_no_freshness(
    simulator: PvsSimulator, ahead: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.clock = lambda: NOON + ahead
    inbox, source = Inbox(), at_noon(simulator)
    async with running(source, inbox):
        readings = await inbox.after(2)
    (said,) = lines(caplog, "clock of the PVS")
    assert ("1:00:0" in said or "0:59:5" in said) if ahead > timedelta() else "700 days" in said or "699 days" in said
    assert ("ahead of" if ahead > timedelta() else "behind this") in said
    assert source.health.details["clock_ahead"] == pytest.approx(ahead.total_seconds(), abs=5)
    panel = next(reading for reading in readings if reading.device.kind is Kind.INVERTER)
    assert panel.measured_at is not None
    assert panel.age is not None
    assert timedelta() <= NOON + ahead - panel.measured_at < timedelta(minutes=6)
    if ahead < timedelta(days=1):
        assert panel.valid_for > 0


async def test_a_clock_that_is_about_right_is_not_mentioned(
    simulator: PvsSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.clock = lambda: NOON - timedelta(seconds=250)
    inbox = Inbox()
    async with running(at_noon(simulator), inbox):
        await inbox.after(1)
    assert not lines(caplog, "clock")


async def test_a_reading_outlasts_one_lost_poll(simulator: PvsSimulator) -> None:
    inbox = Inbox()
    async with running(at_noon(simulator, interval=900, stale_after=900), inbox):
        readings = await inbox.next()
    assert {reading.valid_for for reading in readings if reading.valid_for} == {2 * 900 + 60}


@pytest.mark.parametrize("fault", [None, "hang", "slow-loris", "http-503"])
async def test_it_ends_at_once_when_cancelled(simulator: PvsSimulator, fault: str | None) -> None:
    simulator.fault = fault
    inbox, troubles = Inbox(), Troubles()
    task = asyncio.create_task(at_noon(simulator, troubles, interval=300).run(inbox.cycles.put_nowait))
    await simulator.wait_until(lambda stats: bool(stats.requests))
    if fault is None:
        await inbox.next()
    elif fault == "http-503":
        await troubles.wait(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, PATIENCE)
    await asyncio.wait_for(simulator.wait_until(lambda stats: stats.in_flight == 0), PATIENCE)


async def test_the_pauses_are_those_of_the_schedule(simulator: PvsSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        if 1 < seconds < 86400:  # the simulator shares the loop, and waits for nothing
            pauses.append(seconds)
            if len(pauses) == 3:
                simulator.fault = None
        await sleep(0)

    monkeypatch.setattr("pvsmqtt.sources.pvs.source.asyncio.sleep", note)
    simulator.fault, simulator.clock = "http-503", lambda: NOON + timedelta(seconds=100)
    source = PvsSource(
        options(simulator, interval=300, battery_interval=86400),
        wall=lambda: NOON,
        monotonic=lambda: 0.0,
        jitter=lambda: 1.0,
    )
    inbox = Inbox()
    async with running(source, inbox):
        await inbox.next()
        await inbox.next()
    assert pauses[:3] == [10, 20, 40]
    assert pauses[3] == pytest.approx(300 + 8 - source.health.details["clock_ahead"], abs=1)
    assert pauses[3] < 220


async def test_the_kind_builds_it(simulator: PvsSimulator, tmp_path: Path) -> None:
    source = KIND.build(options(simulator), tmp_path)
    assert isinstance(source, PvsSource)
    assert source.health.report(0.0)["state"] == "starting"
