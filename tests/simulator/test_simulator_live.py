"""Live data: the values agree with the meters, and the WebSocket says what changes, on a real socket."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count, pairwise
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pvsmqtt.simulator.pvs.house.house import COMMISSIONED, House
from pvsmqtt.simulator.pvs.web.live import (
    GARBAGE,
    HUGE,
    QUIET,
    LiveServer,
    changes,
    live_values,
    rounded,
)

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
MORNING = NOON - timedelta(hours=3)
"""The sun rises, the battery charges: everything moves."""
INSTANTS = st.datetimes(datetime(2018, 5, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
KEYS = {
    *("time", "pv_p", "net_p", "site_load_p", "ess_p", "pv_en", "net_en", "site_load_en", "ess_en"),
    *("soc", "backupTimeRemaining", "midstate"),
}
BATTERY_KEYS = {"ess_p", "ess_en", "soc"}
SOCKET_TIMEOUT = aiohttp.ClientWSTimeout(ws_close=1.0)


@cache
def house(ess: bool = False) -> House:
    return House(6, ess=ess)


def ticking(step: timedelta = timedelta(seconds=30), start: datetime = NOON) -> Callable[[], datetime]:
    """A clock that goes on whenever somebody looks at it."""
    looks: Iterator[int] = count()
    return lambda: start + step * next(looks)


# --- the values


@settings(deadline=None)
@given(st.booleans(), INSTANTS)
def test_live_values_are_what_the_meters_have_counted(ess: bool, when: datetime) -> None:
    state = house(ess).at(when)
    values = live_values(house(ess), state.consumption.measured_at)
    assert values.keys() == KEYS
    assert values["time"] == state.consumption.measured_at.timestamp()
    assert values["pv_p"] == state.production.power
    assert values["pv_en"] == state.production.energy
    assert values["net_p"] == state.consumption.power
    assert values["net_en"] == state.consumption.net_energy
    assert values["site_load_p"] == state.load
    if state.battery is not None:
        assert values["ess_p"] == state.battery.power
        assert values["ess_en"] == state.battery.discharge_energy - state.battery.charge_energy
        assert values["soc"] == state.battery.state_of_charge
        assert values["backupTimeRemaining"] == state.battery.backup_time


@settings(deadline=None)
@given(st.booleans(), INSTANTS)
def test_live_values_balance(ess: bool, when: datetime) -> None:
    values = live_values(house(ess), when)
    battery = (values["ess_p"], values["ess_en"]) if ess else (0.0, 0.0)
    assert values["pv_p"] + values["net_p"] + battery[0] == pytest.approx(values["site_load_p"], abs=1e-9)
    assert values["pv_en"] + values["net_en"] + battery[1] == pytest.approx(values["site_load_en"], abs=1e-5)


def test_without_a_battery_its_values_are_not_numbers() -> None:
    values = live_values(house(), NOON)
    assert {key for key, value in values.items() if math.isnan(value)} == BATTERY_KEYS
    assert (values["backupTimeRemaining"], values["midstate"]) == (0, 2)
    assert rounded(values).keys() == KEYS - BATTERY_KEYS


def test_the_time_is_a_full_second() -> None:
    values = live_values(house(), NOON + timedelta(seconds=0.9))
    assert values == pytest.approx(live_values(house(), NOON), nan_ok=True)
    assert isinstance(values["time"], int)


@settings(deadline=None)
@given(INSTANTS)
def test_frames_have_watts_hundredths_and_percents(when: datetime) -> None:
    values = rounded(live_values(house(ess=True), when))
    for key, value in values.items():
        assert value is not None
        assert value == round(value, 3)
        if key == "soc" or key.endswith("_en"):
            assert value == round(value, 2)
        assert math.copysign(1, value) == 1 or value < 0  # no -0.0


def test_only_changes_are_news() -> None:
    before = {"time": 100, "pv_p": 1.0, "net_p": None}
    assert changes(before, before) == {}
    assert changes(before, {"time": 101, "pv_p": 1.1, "net_p": None}) == {"time": 101, "pv_p": 1.1}
    assert changes(before, {"time": 100, "pv_p": 1.0, "net_p": 0.0}) == {"net_p": 0.0}
    assert changes(before, {"time": 100 + QUIET - 1, "pv_p": 1.0, "net_p": None}) == {}
    assert changes(before, {"time": 100 + QUIET, "pv_p": 1.0, "net_p": None}) == {"time": 100 + QUIET}
    assert changes({}, {"time": 100}) == {"time": 100}


# --- the server


@pytest.fixture
async def server() -> AsyncIterator[LiveServer]:
    server = LiveServer(house(ess=True), ticking(), period=0.005)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def frames(socket: aiohttp.ClientWebSocketResponse, number: int) -> list[dict[str, Any]]:
    """The next messages, each of them a frame."""
    received = [await socket.receive_json() for _ in range(number)]
    assert all(frame.keys() == {"notification", "params"} for frame in received)
    assert all(frame["notification"] == "power" for frame in received)
    return [frame["params"] for frame in received]


async def end_of(socket: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMsgType:
    """What ends a connection; frames before it are let go."""
    while True:
        message = await socket.receive()
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            return message.type


async def test_frames_tell_what_has_changed(server: LiveServer, http: aiohttp.ClientSession) -> None:
    server.now = ticking(timedelta(seconds=2), MORNING)
    async with http.ws_connect(server.url) as socket:
        received = await frames(socket, 100)
    assert all("time" in frame and frame.keys() < KEYS for frame in received)
    assert len({frozenset(frame) for frame in received}) > 2
    assert not any("midstate" in frame for frame in received)
    assert all(later["time"] > earlier["time"] for earlier, later in pairwise(received))
    told: dict[str, Any] = {}
    for frame in received:
        assert all(told.get(key) != value for key, value in frame.items())
        told |= frame


async def test_a_client_that_merges_frames_knows_the_house(server: LiveServer, http: aiohttp.ClientSession) -> None:
    server.now = ticking(timedelta(seconds=90), MORNING)
    async with http.ws_connect(server.url) as socket:
        known: dict[str, Any] = {}
        for frame in await frames(socket, 100):
            known |= frame
            when = datetime.fromtimestamp(known["time"], UTC)
            expected = rounded(live_values(server.house, when))
            assert known.items() <= expected.items()
    assert known.keys() >= KEYS - {"backupTimeRemaining", "midstate"}


async def test_without_a_battery_there_is_no_word_of_it(server: LiveServer, http: aiohttp.ClientSession) -> None:
    server.house = house()
    async with http.ws_connect(server.url) as socket:
        received = await frames(socket, 50)
    assert set().union(*received) == KEYS - BATTERY_KEYS - {"backupTimeRemaining", "midstate"}


async def test_when_nothing_moves_only_the_time_comes_and_seldom(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    server.now = ticking(timedelta(seconds=1), COMMISSIONED - timedelta(days=300))
    server.house = house()
    async with http.ws_connect(server.url) as socket:
        received = await frames(socket, 3)
    assert all(frame.keys() == {"time"} for frame in received)
    assert all(later["time"] - earlier["time"] == QUIET for earlier, later in pairwise(received))


async def test_a_standing_clock_has_one_frame(server: LiveServer, http: aiohttp.ClientSession) -> None:
    looked = asyncio.Event()

    def standing() -> datetime:
        looked.set()
        return NOON

    server.now = standing
    async with http.ws_connect(server.url) as socket:
        assert (await frames(socket, 1))[0]["time"] == NOON.timestamp()
        for _ in range(5):
            looked.clear()
            await looked.wait()
        assert server.stats.frames == 1


async def test_every_connection_has_its_own_story(server: LiveServer, http: aiohttp.ClientSession) -> None:
    server.now = lambda: NOON
    async with http.ws_connect(server.url) as one, http.ws_connect(server.url) as other:
        assert await frames(one, 1) == await frames(other, 1)
        assert (server.stats.connections, server.stats.open) == (2, 2)
    await server.wait_until(lambda stats: stats.open == 0)


async def test_what_is_sent_is_counted(server: LiveServer, http: aiohttp.ClientSession) -> None:
    server.now = lambda: NOON
    async with http.ws_connect(server.url) as socket:
        text = await socket.receive_str()
        await server.wait_until(lambda stats: stats.frames == 1)
    assert server.stats.bytes == len(text)


async def test_what_clients_say_is_ignored(server: LiveServer, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(server.url) as socket:
        await socket.send_str("hello")
        await socket.send_bytes(b"\x00")
        assert len(await frames(socket, 3)) == 3


@pytest.mark.parametrize("switch", ["enabled", "silent"])
async def test_a_silent_server_accepts_and_says_nothing(
    server: LiveServer, http: aiohttp.ClientSession, switch: str
) -> None:
    asked = asyncio.Event()
    quiet = True

    def enabled() -> bool:
        asked.set()
        return not quiet if switch == "enabled" else True

    server.enabled = enabled
    server.silent = switch == "silent"
    async with http.ws_connect(server.url) as socket:
        for _ in range(3):
            asked.clear()
            await asked.wait()
        assert (server.stats.open, server.stats.frames) == (1, 0)
        quiet = server.silent = False
        assert "time" in (await frames(socket, 1))[0]


async def test_a_connection_ends_and_the_next_one_is_welcome(server: LiveServer, http: aiohttp.ClientSession) -> None:
    server.lifetime = 0.02
    for connections in (1, 2):
        async with http.ws_connect(server.url) as socket:
            assert await end_of(socket) == aiohttp.WSMsgType.CLOSE
        await server.wait_until(lambda stats: stats.open == 0)
        assert server.stats.connections == connections


async def test_all_connections_can_be_closed(server: LiveServer, http: aiohttp.ClientSession) -> None:
    server.silent = True
    async with http.ws_connect(server.url) as one, http.ws_connect(server.url) as other:
        await server.wait_until(lambda stats: stats.open == 2)
        ends = asyncio.gather(end_of(one), end_of(other))
        await server.close_all()
        assert set(await ends) == {aiohttp.WSMsgType.CLOSE}
        await server.wait_until(lambda stats: stats.open == 0)
    server.silent = False
    async with http.ws_connect(server.url) as socket:
        assert await frames(socket, 1)


async def test_a_stop_ends_everything(http: aiohttp.ClientSession) -> None:
    server = LiveServer(house(), ticking(), period=60)
    await server.start()
    async with http.ws_connect(server.url, timeout=SOCKET_TIMEOUT) as socket:
        await frames(socket, 1)
        end = asyncio.ensure_future(end_of(socket))
        await server.stop()
        assert await end == aiohttp.WSMsgType.CLOSE
    assert server.stats.open == 0
    with pytest.raises(aiohttp.ClientConnectorError):
        await http.ws_connect(server.url)


async def test_a_client_that_vanishes_is_forgotten(server: LiveServer, http: aiohttp.ClientSession) -> None:
    server.silent = True
    socket = await http.ws_connect(server.url)
    await server.wait_until(lambda stats: stats.open == 1)
    connection = socket.get_extra_info("socket")
    connection.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))  # no good-bye: RST
    await http.close()
    await server.wait_until(lambda stats: stats.open == 0)


async def test_some_keys_only(server: LiveServer, http: aiohttp.ClientSession) -> None:
    server.partial_only = {"time", "soc", "ess_p", "ess_en"}
    server.now = ticking(timedelta(minutes=3), MORNING)
    async with http.ws_connect(server.url) as socket:
        received = await frames(socket, 100)
    assert set().union(*received) == server.partial_only


async def test_nulls_come_once_and_everything_after_them(server: LiveServer, http: aiohttp.ClientSession) -> None:
    server.nulls = True
    async with http.ws_connect(server.url) as socket:
        assert await frames(socket, 1) == [dict.fromkeys(KEYS)]
        server.nulls = False
        (frame,) = await frames(socket, 1)
    assert frame.keys() == KEYS
    assert None not in frame.values()


async def test_garbage_comes_between_frames(server: LiveServer, http: aiohttp.ClientSession) -> None:
    server.garbage = True
    seen: list[str | bytes] = []
    good = 0
    async with http.ws_connect(server.url) as socket:
        while len(seen) < len(GARBAGE):
            data = (await socket.receive()).data
            if data in GARBAGE:
                seen.append(data)
            else:
                good += json.loads(data)["notification"] == "power"
    assert tuple(seen) == GARBAGE
    assert good >= len(GARBAGE) - 1
    assert max(map(len, GARBAGE)) > HUGE
    assert any(isinstance(piece, bytes) for piece in GARBAGE)


async def test_refusal(server: LiveServer, http: aiohttp.ClientSession) -> None:
    server.refuse = True
    with pytest.raises(aiohttp.ClientConnectionError):
        await http.ws_connect(server.url)
    assert server.stats.connections == 0
    server.refuse = False
    async with http.ws_connect(server.url) as socket:
        assert await frames(socket, 1)


async def test_there_is_nothing_else_on_the_port(server: LiveServer, http: aiohttp.ClientSession) -> None:
    address = server.url.replace("ws:", "http:")
    for path, status in (("", 400), ("vars", 404)):
        async with http.get(address + path) as reply:
            assert reply.status == status


async def test_a_taken_port_is_an_error(server: LiveServer) -> None:
    with pytest.raises(OSError):
        await LiveServer(house(), ticking(), port=server.port).start()
