"""The PVS source as it runs with newer firmware, and when the firmware changes."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers_pvs import (
    DEVICE_LIST,
    FORBIDDEN,
    LOGIN,
    LOGOUT,
    NOON,
    NOT_FOUND,
    PASSWORD,
    SERIAL,
    SUPERVISOR_INFO,
    Clock,
    NewPvs,
    info,
    inverter,
    make_certificate,
    options_of,
)

from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.pvs.finding import find
from pvsmqtt.sources.pvs.refusal import Refusal, Refused
from pvsmqtt.sources.pvs.schedule import GAP
from pvsmqtt.sources.pvs.source import LOST, PvsSource

LEGACY_LIST = {
    "devices": [{"SERIAL": SERIAL, "DEVICE_TYPE": "PVS"}, {"SERIAL": "E001", "DEVICE_TYPE": "Inverter"}],
    "result": "succeed",
}


NEVER = 86400
"""Seconds of a pause that no test lets end."""


class Stepper:
    """A source whose clocks go only when it is told to poll again: its long sleeps end one by one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
        self.clock = clock
        self.cycles: asyncio.Queue[Sequence[Reading]] = asyncio.Queue()
        self.pauses: asyncio.Queue[float] = asyncio.Queue()
        self._go = asyncio.Semaphore(0)
        self._sleep = asyncio.sleep
        monkeypatch.setattr("pvsmqtt.sources.pvs.source.asyncio.sleep", self._held)

    async def _held(self, seconds: float) -> None:
        if seconds <= 0:
            await self._sleep(0)
            return
        if seconds >= NEVER:
            await asyncio.Event().wait()
        self.pauses.put_nowait(seconds)
        await self._go.acquire()
        self.clock.now += seconds

    async def step(self) -> float:
        """Let the next pause end; its length."""
        pause = await self.pauses.get()
        self._go.release()
        return pause

    async def cycle(self) -> Sequence[Reading]:
        """Let it poll once more, with success."""
        await self.step()
        return await self.delivered()

    async def delivered(self) -> Sequence[Reading]:
        """What a poll brings: its devices, then its errands."""
        readings = list(await self.cycles.get())
        await self.paused()
        while not self.cycles.empty():
            readings += self.cycles.get_nowait()
        return readings

    async def paused(self) -> None:
        """Wait until it has nothing to do but to wait."""
        pause = await self.pauses.get()
        self.pauses.put_nowait(pause)

    def wall(self) -> Any:
        return NOON + timedelta(seconds=self.clock.now - 1000)


@pytest.fixture
async def pvs() -> AsyncIterator[NewPvs]:
    async with NewPvs().running() as pvs:
        assert isinstance(pvs, NewPvs)
        yield pvs


@pytest.fixture
def stepper() -> Clock:
    return Clock()


@asynccontextmanager
async def stepping(
    pvs: NewPvs, monkeypatch: pytest.MonkeyPatch, state_dir: Path | None = None, host: str | None = None, **more: Any
) -> AsyncIterator[tuple[PvsSource, Stepper]]:
    clock = Clock()
    stepper = Stepper(monkeypatch, clock)
    pvs.wall = stepper.wall
    options = options_of(host or pvs.base, **{"interval": 300, "battery_interval": NEVER, **more})
    source = PvsSource(options, state_dir, stepper.wall, clock, lambda: 1.0)
    # The server shares the loop: only pauses of the source are held.
    task = asyncio.create_task(source.run(stepper.cycles.put_nowait))
    try:
        async with asyncio.timeout(30):
            yield source, stepper
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=10)
    assert task.cancelled()


async def first(stepper: Stepper) -> Sequence[Reading]:
    """What the first poll brings: its devices, then its errands."""
    return await stepper.delivered()


def kinds(readings: Sequence[Reading]) -> list[Kind]:
    return [reading.device.kind for reading in readings]


def serials(readings: Sequence[Reading]) -> set[str | None]:
    return {reading.device.serial for reading in readings}


async def test_it_logs_in_and_reads_everything_at_the_start(pvs: NewPvs, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stepping(pvs, monkeypatch, site="Cabin") as (source, stepper):
        readings = await first(stepper)
        await stepper.paused()
        assert pvs.paths[:2] == [SUPERVISOR_INFO, LOGIN]
        assert serials(readings) == {SERIAL, "E001", "E002"}
        assert {reading.device.site for reading in readings} == {"site_cabin"}
        own = {key: value for r in readings if r.device.kind is Kind.SUPERVISOR for key, value in r.values.items()}
        assert own["uptime"] == 4000.5
        assert own["wifi_state"] == "up"
        panel = next(reading for reading in readings if reading.device.serial == "E001")
        assert panel.values["power"] == 250
        assert panel.valid_for > 0
        assert panel.device.via == SERIAL.lower()
        assert pvs.logins == 1
        assert pvs.count("livedata") == 0
        report = source.health.report(0.0)
        assert report["interface"]["generation"] == "varserver"
        assert report["interface"]["build"] == 61846
        assert report["traffic"] == {"requests": len(pvs.seen), "logins": 1, "bytes": report["traffic"]["bytes"]}
        assert report["traffic"]["bytes"] > 500
        assert report["live"] is None
        assert report["devices_missing"] is False


async def test_a_poll_costs_two_requests_and_a_login_where_the_last_one_is_too_old(
    pvs: NewPvs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stepping(pvs, monkeypatch) as (_, stepper):
        await first(stepper)
        await stepper.paused()
        costs = []
        for _ in range(30):
            before = len(pvs.seen)
            await stepper.cycle()
            await stepper.paused()
            asked = pvs.paths[before:]
            costs.append(len([path for path in asked if path != LOGIN]))
            assert asked.count(LOGIN) <= 1
        assert max(costs) <= 2
        assert 1 in costs
        assert pvs.most_at_once == 1


async def test_the_search_for_devices_is_made_once_an_hour(pvs: NewPvs, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stepping(pvs, monkeypatch) as (_, stepper):
        await first(stepper)
        for _ in range(11):
            await stepper.cycle()
        assert pvs.count("match=/sys/devices/") == 1
        for _ in range(2):
            await stepper.cycle()
        assert pvs.count("match=/sys/devices/") == 2


async def test_devices_that_are_missing_are_searched_for(pvs: NewPvs, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stepping(pvs, monkeypatch) as (source, stepper):
        await first(stepper)
        gone = {name: pvs.variables.pop(name) for name in inverter(1, "E002")}
        assert "E002" not in serials(await stepper.cycle())
        await stepper.paused()
        assert source.health.report(0.0)["devices_missing"] is True
        assert pvs.count("match=/sys/devices/") == 1
        pvs.variables |= gone
        pvs.sets.clear()
        assert "E002" in serials(await stepper.cycle())
        await stepper.paused()
        assert pvs.count("match=/sys/devices/") == 2
        assert source.health.report(0.0)["devices_missing"] is False
        await stepper.cycle()
        assert pvs.count("match=/sys/devices/") == 2


async def test_a_restart_of_the_pvs_that_forgets_everything_costs_nothing_but_a_search(
    pvs: NewPvs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stepping(pvs, monkeypatch) as (source, stepper):
        await first(stepper)
        pvs.sets.clear()
        pvs.sessions.valid.clear()
        assert {"E001", "E002"} <= serials(await stepper.cycle())
        assert source.health.refused == {}


async def test_a_session_that_silently_shows_less_is_renewed_once(
    pvs: NewPvs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stepping(pvs, monkeypatch, interval=60) as (source, stepper):
        await first(stepper)
        logins = pvs.logins
        pvs.sessions.silently = True
        pvs.sessions.valid.clear()
        assert {"E001", "E002"} <= serials(await stepper.cycle())
        assert pvs.logins == logins + 1
        assert source.health.refused == {}


async def test_without_any_device_it_does_not_log_in_over_and_over(
    pvs: NewPvs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in (0, 1):
        for name in inverter(index, "x"):
            del pvs.variables[name]
    async with stepping(pvs, monkeypatch) as (_, stepper):
        for _ in range(12):
            await stepper.step()
            await stepper.paused()
        # one for each time that the last one had become too old
        assert pvs.logins <= 2 + (stepper.clock.now - 1000) / 240


async def test_an_update_of_the_firmware_is_followed(
    pvs: NewPvs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pvs.answers |= {SUPERVISOR_INFO: (200, info("PVS6", 61829)), DEVICE_LIST: (200, LEGACY_LIST)}
    async with stepping(pvs, monkeypatch, tmp_path) as (source, stepper):
        assert "E001" in serials(await first(stepper))
        assert pvs.logins == 0
        pvs.answers |= {SUPERVISOR_INFO: (200, info("PVS6", 61846)), DEVICE_LIST: FORBIDDEN}
        before = pvs.count(SUPERVISOR_INFO)
        while stepper.cycles.empty():
            await stepper.step()
            await stepper.paused()
            assert stepper.clock.now < 1000 + 1200
        assert "E002" in serials(await first(stepper))
        assert pvs.count(SUPERVISOR_INFO) == before + 1
        assert source.health.report(0.0)["interface"]["generation"] == "varserver"
        assert source.health.trouble is None
        assert source.health.refused == {"forbidden": source.health.refused["forbidden"]}
    assert caplog.text.count("from now on") == 1


async def test_a_pvs_that_hangs_is_never_taken_for_another_one(pvs: NewPvs, monkeypatch: pytest.MonkeyPatch) -> None:
    pvs.answers |= {SUPERVISOR_INFO: (200, info("PVS6", 61829)), DEVICE_LIST: (200, LEGACY_LIST)}
    async with stepping(pvs, monkeypatch) as (source, stepper):
        await first(stepper)
        pvs.answers[DEVICE_LIST] = FORBIDDEN
        for _ in range(40):
            await stepper.step()
        await stepper.paused()
        report = source.health.report(0.0)
        assert report["interface"]["generation"] == "legacy"
        assert (report["state"], report["trouble"]) == ("failing", "forbidden")
        assert "power-cycle" in report["message"]
        assert pvs.logins == 0
        pvs.answers[DEVICE_LIST] = (200, LEGACY_LIST)
        assert "E001" in serials(await stepper.cycle())


async def test_a_wrong_password_makes_few_logins_and_says_what_to_do(
    pvs: NewPvs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pvs.sessions.password = "other"
    async with stepping(pvs, monkeypatch, password="mistyped") as (source, stepper):
        while stepper.clock.now < 1000 + 3600:
            await stepper.step()
            await stepper.paused()
        assert pvs.logins == 3  # at once, after 15 minutes, after 30 more
        report = source.health.report(0.0)
        assert report["trouble"] == "wrong_password"
        assert "last five characters" in report["message"]
    assert caplog.text.count("refuses the password") == 1


async def test_it_logs_out_at_the_end(pvs: NewPvs, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stepping(pvs, monkeypatch) as (_, stepper):
        await first(stepper)
        await stepper.paused()
    assert pvs.paths[-1] == LOGOUT
    assert pvs.sessions.valid == set()


async def test_a_logout_that_hangs_does_not_hold_up_the_end(pvs: NewPvs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pvsmqtt.sources.pvs.source.FAREWELL", 0.05)
    pvs.answers[LOGOUT] = (0, "")
    async with stepping(pvs, monkeypatch) as (_, stepper):
        await first(stepper)
    assert pvs.count(LOGOUT) == 1


async def test_after_a_restart_it_reads_although_nobody_says_who_it_is(
    pvs: NewPvs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with stepping(pvs, monkeypatch, tmp_path) as (_, stepper):
        await first(stepper)
    pvs.answers[SUPERVISOR_INFO] = NOT_FOUND
    for name in ("/sys/info/sw_rev", "/sys/info/model", "/sys/info/serialnum"):
        pvs.variables[name] = ""
    async with stepping(pvs, monkeypatch, tmp_path) as (source, stepper):
        assert {SERIAL, "E001"} <= serials(await first(stepper))
        assert "as known before" in source.health.report(0.0)["interface"]["reason"]


async def test_a_source_that_is_started_again_still_knows_its_password(
    pvs: NewPvs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stepping(pvs, monkeypatch) as (source, stepper):
        await first(stepper)
        await stepper.pauses.get()
    again = asyncio.create_task(source.run(stepper.cycles.put_nowait))
    try:
        async with asyncio.timeout(20):
            assert await stepper.step() == GAP  # the PVS gets its rest all the same
            assert "E001" in serials(await first(stepper))
            assert source.health.trouble is None
    finally:
        again.cancel()
        await asyncio.wait([again])


async def test_a_pvs_that_was_found_and_lost_is_found_again_and_read_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with NewPvs().running() as here, NewPvs().running() as there:
        assert isinstance(here, NewPvs)
        assert isinstance(there, NewPvs)
        place, searches = [here.base], []

        async def locate(host: str) -> str:
            searches.append(host)
            return place[0]

        monkeypatch.setattr(find, "locate", locate)
        async with stepping(here, monkeypatch, host="auto") as (source, stepper):
            assert "E001" in serials(await first(stepper))
            place[0], there.wall = there.base, stepper.wall
            here.answer = lambda seen: NOT_FOUND  # type: ignore[method-assign]
            failures = 0
            while stepper.cycles.empty():
                await stepper.step()
                await stepper.paused()
                failures += 1
                assert failures < 30
            assert "E001" in serials(await first(stepper))
            assert searches == ["auto", "auto"]
            assert source.health.trouble is None
            assert source.health.refused.total() == LOST
            assert set(source.health.refused) == {"not_found", "no_login_page"}


async def test_a_pvs_whose_place_another_one_has_taken_is_searched_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known, other = make_certificate(tmp_path), make_certificate(tmp_path)
    async with NewPvs(known).running() as here, NewPvs(other).running() as there:
        assert isinstance(here, NewPvs)
        assert isinstance(there, NewPvs)
        places = [there.base, here.base]

        async def locate(_host: str) -> str:
            return places.pop(0)

        monkeypatch.setattr(find, "locate", locate)
        more = {"host": SERIAL, "certificate": known.fingerprint}
        async with stepping(here, monkeypatch, **more) as (source, stepper):
            for _ in range(LOST):
                await stepper.step()
            assert "E001" in serials(await first(stepper))
            assert source.health.refused == {"certificate_changed": LOST}
        assert there.seen == []


async def test_a_pvs_that_is_nowhere_is_looked_for_once_a_minute(
    pvs: NewPvs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def locate(_host: str) -> str:
        raise Refused(Refusal.UNREACHABLE, "no PVS was found")

    monkeypatch.setattr(find, "locate", locate)
    async with stepping(pvs, monkeypatch, host=SERIAL) as (source, stepper):
        assert [await stepper.step() for _ in range(3)] == [60, 60, 60]
        assert source.health.trouble == "unreachable"


async def test_another_certificate_stops_it_before_the_login_is_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known, other = make_certificate(tmp_path), make_certificate(tmp_path)
    state = tmp_path / "state"
    async with NewPvs(known).running() as pvs:
        assert isinstance(pvs, NewPvs)
        async with stepping(pvs, monkeypatch, state) as (_, stepper):
            assert "E001" in serials(await first(stepper))
        port, host = pvs.port, pvs.base
    imposter = NewPvs(other)
    imposter.port = port
    async with imposter.running(), stepping(imposter, monkeypatch, state, host=host) as (source, stepper):
        await stepper.paused()
        assert source.health.trouble == "certificate_changed"
        assert other.fingerprint in (source.health.message or "")
        assert imposter.seen == []


@pytest.mark.parametrize("silently", [False, True])
async def test_nothing_that_it_says_of_itself_holds_a_secret(
    pvs: NewPvs,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    silently: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    pvs.sessions.password, pvs.sessions.silently = "pa55w", silently
    said = []
    async with stepping(pvs, monkeypatch, tmp_path, password="pa55w") as (source, stepper):
        said.append(str(await first(stepper)))
        for trouble in ((500, ""), (200, ""), (401, "")):
            pvs.answer = lambda seen, trouble=trouble: trouble  # type: ignore[assignment,method-assign,misc]
            for _ in range(3):
                await stepper.step()
                await stepper.paused()
                said.append(json.dumps(source.health.report(0.0)))
        said.append(repr(source) + repr(vars(source)))
    for secret in ("pa55w", "cookie-1", "secret-key", "secret-network"):
        assert secret not in "\n".join([*said, caplog.text])
    for file in tmp_path.rglob("*"):
        assert "pa55w" not in file.read_text()
        assert "cookie" not in file.read_text()
    health = "\n".join(part for part in said if part.startswith("{"))
    assert SERIAL not in health
    assert PASSWORD not in health


async def test_live_data_is_polled_where_that_is_asked_for(pvs: NewPvs, monkeypatch: pytest.MonkeyPatch) -> None:
    delivered: asyncio.Queue[Sequence[Reading]] = asyncio.Queue()
    source = PvsSource(options_of(pvs.base, live="poll", interval=300), wall=lambda: NOON)
    task = asyncio.create_task(source.run(delivered.put_nowait))
    try:
        async with asyncio.timeout(20):
            while True:
                (reading, *_) = await delivered.get()
                if reading.device.kind is Kind.SITE:
                    break
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert reading.device.id == "site"
    assert reading.values["pv_power"] == 1500
    assert reading.source == f"{source.name} live"
    assert pvs.most_at_once == 1
