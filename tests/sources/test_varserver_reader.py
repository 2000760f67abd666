"""Reading newer firmware: what a poll brings, and what it costs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from helpers_pvs import (
    BAD_REQUEST,
    LOGIN,
    NOON,
    SERIAL,
    Clock,
    NewPvs,
    inverter,
    logging_in,
    options_of,
    poll,
)

from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.pvs.access.login import YOUNG, Login
from pvsmqtt.sources.pvs.access.requests import LIVE_DATA_ON
from pvsmqtt.sources.pvs.generation import Identity
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.newer.reader import ABOUT_ITSELF, DOUBT_AGAIN, GONE, NEW_ENOUGH, VarserverReader
from pvsmqtt.sources.pvs.reader import Setting
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

PVS6 = Identity("PVS6", 61846, "2025.10.20.61846", SERIAL)
SEARCH = "match=/sys/devices/"


@pytest.fixture
async def pvs() -> AsyncIterator[NewPvs]:
    async with NewPvs().running() as pvs:
        assert isinstance(pvs, NewPvs)
        yield pvs


class Feed:
    """Stands for live data beside the polls."""

    def __init__(self) -> None:
        self.mode = "websocket"
        self.seeds: list[Any] = []
        self.renewed = 0

    def seed(self, params: Any) -> None:
        self.seeds.append(params)

    def renew(self) -> None:
        self.renewed += 1


class Bench:
    """A reader with a clock that is held; `poll` lets time go by and reads once."""

    def __init__(self, pvs: NewPvs, login: Login, clock: Clock, identity: Identity, **options: Any) -> None:
        self.pvs, self.login, self.clock = pvs, login, clock
        setting = Setting("pvs test", "site", options_of("pvs", **{"interval": 300, **options}))
        self.reader = VarserverReader(login, setting, Memory(None, "pvs"), identity, lambda: clock.now)
        pvs.wall = lambda: NOON + timedelta(seconds=clock.now - 1000)

    async def poll(self, after: float = 300.0) -> Sequence[Reading]:
        self.clock.now += after
        return (await poll(self.reader, self.clock.now)).readings

    async def refusal(self, after: float = 300.0) -> Refusal:
        with pytest.raises(Refused) as refused:
            await self.poll(after)
        return refused.value.reason

    @asynccontextmanager
    async def costing(self, **requests: int) -> AsyncIterator[None]:
        before = len(self.pvs.seen)
        yield
        asked = self.pvs.paths[before:]
        logins = asked.count(LOGIN)
        assert {"logins": logins, "others": len(asked) - logins} == {"logins": 0, **requests}, asked


@asynccontextmanager
async def reading(pvs: NewPvs, identity: Identity = PVS6, **options: Any) -> AsyncIterator[Bench]:
    clock = Clock()
    async with logging_in(pvs, clock) as login:
        yield Bench(pvs, login, clock, identity, **options)


def of(readings: Sequence[Reading], kind: Kind) -> dict[str, Any]:
    """The values of all readings of a kind of device, merged."""
    return {key: value for found in readings if found.device.kind is kind for key, value in found.values.items()}


def serials(readings: Sequence[Reading]) -> set[str | None]:
    return {found.device.serial for found in readings}


async def test_a_poll_brings_every_device_under_its_supervisor(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        readings = await bench.poll(0)
        panels = [found for found in readings if found.device.kind is Kind.INVERTER]
        assert [found.device.id for found in panels] == ["e001", "e002"]
        assert {found.device.via for found in panels} == {SERIAL.lower()}
        assert {found.values["energy"] for found in panels} == {100.5}
        assert {found.measured_at for found in panels} == {NOON}
        assert {found.valid_for for found in panels} == {900}


async def test_a_measurement_outlasts_one_lost_poll(pvs: NewPvs) -> None:
    async with reading(pvs, interval=600) as bench:
        panel = (await bench.poll(0))[1]
        assert panel.device.kind is Kind.INVERTER
        assert panel.valid_for == 2 * 600 + 60


async def test_what_has_just_answered_is_there(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        for _ in range(3):
            presence = next(r for r in await bench.poll() if r.device.kind is Kind.SUPERVISOR)
            assert presence.device.id == SERIAL.lower()
            assert (presence.valid_for, presence.age) == (660, 0.0)
            assert presence.measured_at == pvs.wall()


async def test_it_tells_of_itself_at_its_own_pace(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        assert of(await bench.poll(0), Kind.SUPERVISOR)["uptime"] == 4000.5
        pvs.variables["/sys/info/uptime"] = "4300.5"
        assert "uptime" not in of(await bench.poll(), Kind.SUPERVISOR)
        told = [r for r in await bench.poll(ABOUT_ITSELF) if "uptime" in r.values]
        assert [found.values["uptime"] for found in told] == [4300.5]
        assert told[0].valid_for == 0
        assert told[0].lasts > 2 * ABOUT_ITSELF


async def test_the_start_costs_a_login_a_search_and_what_it_is_to_learn(pvs: NewPvs) -> None:
    async with reading(pvs) as bench, bench.costing(logins=1, others=6):
        await bench.poll(0)


async def test_a_steady_poll_costs_one_request_or_two(pvs: NewPvs) -> None:
    async with reading(pvs, interval=60) as bench:
        await bench.poll(0)
        async with bench.costing(others=1):
            await bench.poll(60)
        bench.clock.now += ABOUT_ITSELF
        async with bench.costing(logins=1, others=2):
            await bench.poll(0)


async def test_live_data_is_read_along_only_where_it_is_wanted(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        await bench.poll(0)
        assert pvs.count("livedata") == 0
        feed = Feed()
        bench.reader.follow(feed)
        await bench.poll()
        assert feed.seeds[-1]["pv_p"] == "1.5"
        feed.mode = "polled"
        asked = pvs.count("livedata")
        await bench.poll()
        assert pvs.count("livedata") == asked
        feed.mode = "websocket"
        await bench.poll()
        async with bench.costing(logins=1, others=2):
            await bench.poll()


async def test_live_data_costs_one_request_at_a_time(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        assert (await bench.reader.live())["pv_p"] == "1.5"
        pvs.variables["/sys/livedata/pv_p"] = "1.75"
        async with bench.costing(others=1):
            assert (await bench.reader.live())["pv_p"] == "1.75"


async def test_live_data_is_switched_on_under_a_new_login(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        await bench.poll(0)
        bench.clock.now += NEW_ENOUGH
        async with bench.costing(others=1):
            await bench.reader.switch_live_data_on()
        bench.clock.now += 1
        async with bench.costing(logins=1, others=1):
            await bench.reader.switch_live_data_on()
        assert pvs.paths[-1] == LIVE_DATA_ON.path
        assert pvs.variables["/sys/telemetryws/enable"] == "1"


async def test_the_settings_of_a_storage_are_told_of_the_storage(pvs: NewPvs) -> None:
    pvs.variables |= {"/sys/devices/ess/0/sn": "SY1", "/sys/devices/ess/0/msmtEps": "2025-06-21T18:02:00Z"}
    async with reading(pvs) as bench:
        told = of(await bench.poll(0), Kind.ESS)
        assert 20 in told.values()
        assert "self_consumption" in [str(value).lower() for value in told.values()]


async def test_without_a_storage_its_settings_are_not_told(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        assert {found.device.kind for found in await bench.poll(0)} == {Kind.SUPERVISOR, Kind.INVERTER}


async def test_a_session_that_shows_less_is_renewed_once(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        await bench.poll(0)
        pvs.sessions.silently = True
        pvs.sessions.valid.clear()
        assert {"E001", "E002"} <= serials(await bench.poll(100))
        assert pvs.logins == 2
        pvs.sessions.valid.clear()
        assert {"E001", "E002"} <= serials(await bench.poll(100))
        assert pvs.logins == 3


async def test_a_young_session_is_not_doubted(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        await bench.poll(0)
        for name in (*inverter(0, ""), *inverter(1, "")):
            del pvs.variables[name]
        assert await bench.refusal(YOUNG - 1) is Refusal.BAD_REQUEST
        assert pvs.logins == 1


async def test_where_there_is_nothing_to_see_it_is_not_doubted_again_soon(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        await bench.poll(0)
        kept = dict(pvs.variables)
        for name in (*inverter(0, ""), *inverter(1, "")):
            del pvs.variables[name]
        assert await bench.refusal(100) is Refusal.BAD_REQUEST
        assert pvs.logins == 2
        assert await bench.refusal(100) is Refusal.BAD_REQUEST
        assert pvs.logins == 2
        bench.clock.now += DOUBT_AGAIN
        bench.login.drop()
        await bench.login.fresh(0)
        assert await bench.refusal(100) is Refusal.BAD_REQUEST
        assert pvs.logins == 4
        pvs.variables = kept
        assert {"E001", "E002"} <= serials(await bench.poll(100))


async def test_a_device_that_is_missing_is_searched_for_until_it_is_back(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        await bench.poll(0)
        gone = {name: pvs.variables.pop(name) for name in inverter(1, "E002")}
        await bench.poll()
        assert bench.reader.report()["devices_missing"] is True
        for expected in (2, 3):
            assert "E002" not in serials(await bench.poll())
            assert pvs.count(SEARCH) == expected
        pvs.variables |= gone
        assert "E002" in serials(await bench.poll())
        assert bench.reader.report()["devices_missing"] is False
        await bench.poll()
        assert pvs.count(SEARCH) == 4


async def test_a_device_that_was_taken_away_is_missed_no_more(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        await bench.poll(0)
        for name in inverter(1, ""):
            del pvs.variables[name]
        await bench.poll(GONE - 1)
        assert bench.reader.report()["devices_missing"] is True
        await bench.poll(1)
        assert bench.reader.report()["devices_missing"] is False


async def test_an_index_that_changes_is_no_other_device(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        await bench.poll(0)
        for name in (*inverter(0, ""), *inverter(1, "")):
            del pvs.variables[name]
        pvs.variables |= {**inverter(7, "E002"), **inverter(9, "E001")}
        assert {"E001", "E002"} <= serials(await bench.poll())
        assert bench.reader.report()["devices_missing"] is False


async def test_another_build_is_noticed(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        await bench.poll(0)
        assert bench.reader.build == 61846
        pvs.variables["/sys/info/sw_rev"] = "2026.01.10.61850"
        await bench.poll(ABOUT_ITSELF)
        assert bench.reader.build == 61850
        pvs.variables["/sys/info/sw_rev"] = "0.0.25"
        await bench.poll(ABOUT_ITSELF)
        assert bench.reader.build == 61850


async def test_a_variable_that_vanishes_is_left_out_from_the_next_time_on(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        await bench.poll(0)
        del pvs.variables["/sys/info/cpu_usage"]
        pvs.sets.clear()
        assert "uptime" not in of(await bench.poll(ABOUT_ITSELF), Kind.SUPERVISOR)
        assert bench.reader.report()["errands_refused"]["itself"] == "bad_request"
        assert "uptime" in of(await bench.poll(ABOUT_ITSELF), Kind.SUPERVISOR)
        assert "itself" not in bench.reader.report()["errands_refused"]


async def test_a_pvs_that_tells_nothing_of_itself_is_read_all_the_same(pvs: NewPvs) -> None:
    pvs.variables = {**inverter(0, "E001")}
    async with reading(pvs, interval=60) as bench:
        for _ in range(3):
            assert serials(await bench.poll(60)) == {SERIAL, "E001"}


async def test_without_a_serial_number_the_supervisor_is_known_when_it_has_told_it(pvs: NewPvs) -> None:
    async with reading(pvs, Identity("PVS6", 61846)) as bench:
        first = await bench.poll(0)
        assert SERIAL in serials(first)
        later = await bench.poll()
        assert {found.device.via for found in later if found.device.kind is Kind.INVERTER} == {SERIAL.lower()}


async def test_a_trouble_with_the_devices_is_a_trouble_of_the_poll(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        await bench.poll(0)
        pvs.sessions.valid.clear()
        pvs.sessions.password = "other"
        assert await bench.refusal() is Refusal.WRONG_PASSWORD


async def test_a_trouble_with_an_errand_is_not(pvs: NewPvs) -> None:
    pvs.answers["/cgi-bin/dl_cgi/communication/interfaces"] = BAD_REQUEST
    async with reading(pvs) as bench:
        assert "E001" in serials(await bench.poll(0))
        assert bench.reader.report()["errands_refused"] == {"interfaces": "bad_request"}


async def test_a_state_that_both_replies_tell_is_told_once(pvs: NewPvs) -> None:
    """Variables and the reply of older firmware have words of their own for it."""
    path = "/cgi-bin/dl_cgi/communication/interfaces"
    told = {"interface": "sta0", "internet": "up", "state": "connected"}
    pvs.answers[path] = (200, {"result": "succeed", "interfaces": [told]})
    async with reading(pvs) as bench:
        readings = await bench.poll(0)
        assert path in pvs.paths
        values = [reading.values for reading in readings if "wifi_state" in reading.values]
        assert [each["wifi_state"] for each in values] == ["up"]
        assert any(reading.values.get("internet") == "on" for reading in readings), "it tells more"


async def test_nothing_secret_is_asked_for_or_told(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        bench.reader.follow(Feed())
        told = str([await bench.poll() for _ in range(5)]) + str(bench.reader.report())
    assert "secret" not in told
    assert not any("wpa" in path or "ssid" in path for path in pvs.paths)


async def test_live_data_is_renewed_when_a_login_has_just_been_made(pvs: NewPvs) -> None:
    async with reading(pvs) as bench:
        feed = Feed()
        bench.reader.follow(feed)
        await bench.poll(0)
        assert feed.renewed == 1
        await bench.poll(120)
        assert feed.renewed == 1
        await bench.poll(180)
        assert feed.renewed == 2
