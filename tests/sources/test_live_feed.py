"""The feed against a real WebSocket on the loopback: it listens, comes back, and is never ended from outside."""

from __future__ import annotations

import asyncio
import logging
import socket as sockets
from collections.abc import Mapping
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from sources.live_bench import SOLAR, Pvs, power, running, saying, serving, stay

from pvsmqtt.model.reading import Value
from pvsmqtt.sources.pvs.access import client
from pvsmqtt.sources.pvs.live import connection as live_socket
from pvsmqtt.sources.pvs.live.connection import LARGEST
from pvsmqtt.sources.pvs.live.feed import LiveFeed
from pvsmqtt.sources.pvs.live.livedata import STALE
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

TIME = 1753730397


async def test_partial_messages_become_one_state() -> None:
    talk = saying(power(time=TIME, pv_p=1.0, pv_en=100.0), power(net_p=-0.4), power(net_en=-50.0, time=TIME + 1))
    async with serving(talk) as pvs, running(pvs.url, enable=pvs.enable) as bench:
        values = await bench.until(pv_power=1000.0, grid_power=-400.0, grid_net_energy=-50.0)
        assert values == {"pv_power": 1000.0, "pv_energy": 100.0, "grid_power": -400.0, "grid_net_energy": -50.0}
        assert bench.delivered.items[-1][1] == datetime.fromtimestamp(TIME + 1, UTC)
        report = bench.feed.report()
    assert (report["mode"], report["connections"], report["frames"], report["ignored"]) == ("websocket", 1, 3, 0)
    assert report["connected_for"] >= 0
    assert report["last_frame_age"] >= 0
    assert bench.feed.report()["connected_for"] is None


async def test_a_seed_fills_what_the_stream_does_not_tell() -> None:
    async with serving() as pvs, running(pvs.url) as bench:
        bench.feed.seed({f"/sys/livedata/{name}": str(value) for name, value in SOLAR.items()})
        await pvs.until("open")
        await pvs.sockets[0].send_str(power(net_p=-0.3))
        values = await bench.until(grid_power=-300.0)
        assert (values["pv_power"], values["load_energy"]) == (1000.0, 50.0)


async def test_before_the_first_message_nothing_is_delivered() -> None:
    async with serving() as pvs, running(pvs.url) as bench:
        bench.feed.seed(SOLAR)
        await pvs.until("open")
        await asyncio.sleep(0.02)
    assert bench.delivered.items == []


async def test_it_comes_back_and_switches_on_before_every_connection() -> None:
    talks = [saying(power(**SOLAR, time=TIME + n), leave=True) for n in range(3)]
    async with serving(*talks, saying(power(pv_p=2.0))) as pvs, running(pvs.url, enable=pvs.enable) as bench:
        await bench.until(pv_power=2000.0)
        report = bench.feed.report()
    assert [event for event in pvs.events.items if event != "close"] == ["enable", "open"] * 4
    assert report["closes"] == {"closed": 3}
    assert report["mode"] == "websocket"
    # Between the connections the last values stood.
    assert all(values["pv_power"] is not None for values, _ in bench.delivered.items if "pv_power" in values)


async def test_silence_with_the_socket_open_is_an_end() -> None:
    talk = saying(power(**SOLAR))
    async with serving(talk) as pvs, running(pvs.url, enable=pvs.enable, stale=0.1) as bench:
        await pvs.until("open", 3)
        await bench.until(pv_power=None, grid_power=None, load_power=None)
        assert bench.feed.report()["closes"]["stale"] >= 2
        assert bench.feed.mode == "websocket"


async def test_what_is_unknown_is_delivered_once_and_counters_stay() -> None:
    async with serving(saying(power(**SOLAR)), stay) as pvs, running(pvs.url, stale=0.1, few=1000) as bench:
        await pvs.until("open", 4)
    unknown = [values for values, _ in bench.delivered.items if values["pv_power"] is None]
    assert unknown == [{"pv_power": None, "grid_power": None, "load_power": None}]


async def test_what_is_no_live_data_is_counted_and_no_sign_of_life() -> None:
    async def babble(socket: web.WebSocketResponse) -> None:
        await socket.send_str(power(**SOLAR))
        while not socket.closed:
            await socket.send_str("nonsense")
            await asyncio.sleep(0.01)

    nonsense = "", "nonsense", "[" * 60_000, '{"notification":"power"}', power(unknown=1), b"\xff\xfe"
    async with serving(saying(*nonsense, power(**SOLAR))) as pvs, running(pvs.url) as bench:
        await bench.until(pv_power=1000.0)
        report = bench.feed.report()
        assert (report["ignored"], report["frames"]) == (6, 1)
    async with serving(babble) as pvs, running(pvs.url, stale=0.2) as bench:
        await bench.until(pv_power=1000.0)
        await pvs.until("open", 2)
        assert bench.feed.report()["closes"] == {"stale": 1}


async def test_a_message_that_is_too_large_ends_the_connection() -> None:
    talks = saying(power(**SOLAR), "x" * (LARGEST + 1)), saying(power(pv_p=2.0))
    async with serving(*talks) as pvs, running(pvs.url) as bench:
        await bench.until(pv_power=2000.0)
        assert bench.feed.report()["closes"] == {"too_large": 1}


async def test_a_large_message_is_read() -> None:
    async with serving(saying(power(**SOLAR, note="x" * (LARGEST - 1000)))) as pvs, running(pvs.url) as bench:
        await bench.until(pv_power=1000.0)


async def test_a_connection_that_breaks_off() -> None:
    async def break_off(socket: web.WebSocketResponse) -> None:
        await socket.send_str(power(**SOLAR))
        transport = socket._req.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.abort()

    async with serving(break_off, saying(power(pv_p=2.0))) as pvs, running(pvs.url) as bench:
        await bench.until(pv_power=2000.0)
        assert bench.feed.report()["closes"] == {"broken_off": 1}


async def test_a_small_change_is_delivered_when_its_turn_comes() -> None:
    async with serving(saying(power(**SOLAR), power(pv_p=1.001))) as pvs, running(pvs.url, every=0.1) as bench:
        await bench.until(pv_power=1001.0)
    assert [values["pv_power"] for values, _ in bench.delivered.items] == [1000.0, 1001.0]


async def test_nothing_private_is_sent() -> None:
    async with serving(saying(power(**SOLAR), leave=True), stay) as pvs, running(pvs.url):
        await pvs.until("open", 2)
    for head in pvs.heads:
        assert not {"cookie", "authorization"} & {name.lower() for name in head}


async def test_every_message_prolongs_the_connection_unless_it_is_to_be_replaced() -> None:
    class Limit:
        def __init__(self) -> None:
            self.until: list[float] = []
            self.reschedule = self.until.append

        def expired(self) -> bool:
            return False

    feed = LiveFeed(url="", enable=None, read=None, deliver=lambda *_: None, log=logging.getLogger("test"))
    feed._limit = limit = Limit()  # type: ignore[assignment]
    now = asyncio.get_running_loop().time()
    feed._take(power(**SOLAR))
    feed._take("nonsense")
    assert len(limit.until) == 1
    assert limit.until[0] >= now + STALE
    feed._connected_at = -1e9
    feed.renew()
    feed._take(power(**SOLAR))
    assert limit.until[1:] == [0]


async def test_a_dead_line_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def lasting_socket(address: aiohttp.AddrInfoType) -> sockets.socket:
        made.append(client.lasting_socket(address))
        return made[-1]

    made: list[sockets.socket] = []
    monkeypatch.setattr(live_socket, "lasting_socket", lasting_socket)
    async with serving(saying(power(**SOLAR))) as pvs, running(pvs.url) as bench:
        await bench.until(pv_power=1000.0)
        assert made[0].getsockopt(sockets.SOL_SOCKET, sockets.SO_KEEPALIVE)


# Renewal


async def test_an_old_connection_is_replaced_when_a_login_was_just_made() -> None:
    async def enable() -> None:
        connected.append(bench.feed.report()["connected_for"])

    connected: list[float | None] = []
    async with serving(saying(power(**SOLAR))) as pvs, running(pvs.url, enable=enable) as bench:
        await bench.until(pv_power=1000.0)
        bench.feed.renew()
        bench.feed.renew()
        await pvs.until("open", 2)
        assert bench.feed.report()["closes"] == {"renewed": 1}
    assert connected == [None, None]  # the old one is closed before the new one is prepared


async def test_a_young_connection_is_kept() -> None:
    async with serving(saying(power(**SOLAR))) as pvs, running(pvs.url, renew_after=400.0) as bench:
        await bench.until(pv_power=1000.0)
        bench.feed.renew()
        await pvs.sockets[0].send_str(power(pv_p=2.0))
        await bench.until(pv_power=2000.0)
    assert bench.feed.report()["closes"] == {}


async def test_renewal_may_be_asked_for_at_any_time() -> None:
    async with serving(saying(power(**SOLAR), leave=True), saying(power(**SOLAR))) as pvs:

        async def enable() -> None:
            bench.feed.renew()
            await pvs.enable()

        def deliver(_values: Mapping[str, Value], _at: datetime | None) -> None:
            bench.feed.renew()

        async with running(pvs.url, enable=enable, stale=0.1) as bench:
            bench.feed._deliver = deliver
            bench.feed.renew()
            while pvs.events.items.count("open") < 6:
                bench.feed.renew()
                await asyncio.sleep(0)
        bench.feed.renew()


# Polling


async def test_without_a_websocket_it_polls() -> None:
    pvs = Pvs([stay])
    async with running(None, read=pvs.read) as bench:
        await bench.until(pv_power=7000.0)
        await pvs.until("read", 3)
        report = bench.feed.report()
    assert report["mode"] == "polled"
    assert report["polls"] >= 2
    assert report["connections"] == 0


async def test_with_neither_it_waits() -> None:
    async with running(None) as bench:
        await asyncio.sleep(0.02)
        assert bench.feed.mode == "off"
    assert bench.delivered.items == []


async def test_a_silent_websocket_gives_way_to_polling_and_comes_back() -> None:
    talks = [stay] * 3 + [saying(power(**SOLAR))]
    pace = {"stale": 0.1, "few": 2}
    async with serving(*talks) as pvs, running(pvs.url, enable=pvs.enable, read=pvs.read, **pace) as bench:
        await bench.until(pv_power=7000.0)
        assert bench.feed.mode == "polled"
        assert bench.feed.report()["closes"]["silent"] >= 2
        await bench.until(pv_power=1000.0)
        assert bench.feed.mode == "websocket"
        assert pvs.events.items.count("enable") == 4
        assert [event for event in pvs.events.items if event in ("enable", "read")][:3] == [
            "enable",
            "enable",
            "read",
        ]


async def test_polling_stops_when_the_websocket_speaks() -> None:
    talk = saying(power(**SOLAR))
    async with serving(stay, stay, talk) as pvs, running(pvs.url, read=pvs.read, stale=0.1, few=1) as bench:
        await pvs.until("read", 1)
        await bench.until(pv_power=1000.0)
        before = pvs.events.items.count("read")
        for step in range(5):
            await pvs.sockets[-1].send_str(power(pv_p=2.0 + step))
            await bench.until(pv_power=2000.0 + 1000 * step)
            await asyncio.sleep(0.01)
        assert pvs.events.items.count("read") - before <= 1


async def test_a_port_where_nobody_listens_gives_way_to_polling() -> None:
    pvs = Pvs([stay])
    with sockets.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, but nobody listens: connections are refused
        url = f"ws://127.0.0.1:{nobody.getsockname()[1]}/"
        async with running(url, enable=pvs.enable, read=pvs.read) as bench:
            await bench.until(pv_power=7000.0)
            assert bench.feed.report()["closes"]["unreachable"] >= 2


async def test_what_is_no_websocket_gives_way_to_polling() -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<html>")

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.path)
        raise web.HTTPFound("/trap")

    seen: list[str] = []
    application = web.Application()
    application.router.add_get("/", page)
    application.router.add_get("/away", elsewhere)
    application.router.add_get("/trap", elsewhere)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    pvs = Pvs([stay])
    for path in ("/", "/away"):
        async with running(f"ws://127.0.0.1:{runner.addresses[0][1]}{path}", read=pvs.read) as bench:
            await bench.until(pv_power=7000.0)
            assert bench.feed.report()["closes"].keys() == {"no_websocket"}
    await runner.cleanup()
    assert set(seen) == {"/away"}


async def test_nobody_answers_the_handshake() -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    pvs = Pvs([stay])
    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with running(url, enable=pvs.enable, read=pvs.read, connect=0.05) as bench:
            await bench.until(pv_power=7000.0)
            assert bench.feed.report()["closes"]["no_answer"] >= 2


async def test_a_poll_that_fails_is_counted_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    errors = [Refused(Refusal.BUSY, "busy"), Refused(Refusal.TIMEOUT, "late"), OSError("gone"), ValueError("odd")]
    pvs = Pvs([stay])

    async def read() -> Mapping[str, object]:
        if errors:
            raise errors.pop(0)
        return await pvs.read()

    async with running(None, read=read) as bench:
        await bench.until(pv_power=7000.0)
    assert bench.feed.report()["refused"] == {"busy": 1, "timeout": 1, "broken_off": 2}
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_polls_that_end_make_values_unknown() -> None:
    pvs = Pvs([stay])

    async def read() -> Mapping[str, object]:
        if "read" in pvs.events.items:
            raise Refused(Refusal.TIMEOUT, "late")
        return await pvs.read()

    async with running(None, read=read, stale=0.1) as bench:
        await bench.until(pv_power=7000.0)
        await bench.until(pv_power=None)


# Switching on


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (Refused(Refusal.BAD_REQUEST, "unknown variable"), "not_enabled"),
        (Refused(Refusal.WRONG_PASSWORD, "no"), "not_enabled"),
        (Refused(Refusal.UNREACHABLE, "gone"), "away"),
        (OSError("gone"), "not_enabled"),
        (TimeoutError(), "not_enabled"),
    ],
    ids=repr,
)
async def test_without_switching_on_there_is_no_connection(error: Exception, end: str) -> None:
    async def enable() -> None:
        raise error

    async with serving() as pvs, running(pvs.url, enable=enable, read=pvs.read) as bench:
        await bench.until(pv_power=7000.0)
        report = bench.feed.report()
    assert report["closes"].keys() == {end}
    assert report["closes"][end] >= (4 if end == "away" else 2)
    assert "open" not in pvs.events.items


async def test_a_pvs_that_restarts_is_waited_for() -> None:
    refusals = [Refused(Refusal.UNREACHABLE, "gone")] * 3

    async def enable() -> None:
        await pvs.enable()
        if pvs.events.items.count("enable") > 1 and refusals:
            raise refusals.pop()

    talks = saying(power(**SOLAR), leave=True), saying(power(pv_p=2.0))
    async with serving(*talks) as pvs, running(pvs.url, enable=enable, read=pvs.read) as bench:
        await bench.until(pv_power=2000.0)
    assert "read" not in pvs.events.items
    assert bench.feed.report()["refused"] == {"unreachable": 3}


# The end


@pytest.mark.parametrize("phase", ["enable", "handshake", "silent", "speaking", "retry", "read", "poll pause"])
async def test_cancelled_in_every_phase_nothing_is_left(phase: str) -> None:
    reached, closed = asyncio.Event(), asyncio.Event()

    async def hang() -> Mapping[str, object]:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def switch_on() -> None:
        await hang()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await reader.read()
        writer.close()
        closed.set()

    async with serving(saying(power(**SOLAR), leave=phase == "retry") if phase != "silent" else stay) as pvs:
        if phase == "enable":
            async with running(pvs.url, enable=switch_on):
                await reached.wait()
        elif phase == "handshake":
            async with await asyncio.start_server(swallow, "127.0.0.1", 0) as server:
                async with running(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"):
                    await reached.wait()
                await closed.wait()
        elif phase in ("silent", "speaking"):
            async with running(pvs.url) as bench:
                await (pvs.until("open") if phase == "silent" else bench.until(pv_power=1000.0))
            await pvs.until("close")
            assert phase == "silent" or pvs.sockets[0].close_code == aiohttp.WSCloseCode.OK
        elif phase == "retry":
            async with running(pvs.url, first_retry=9e9, longest_retry=9e9):
                await pvs.until("close")
        elif phase == "read":
            async with running(None, read=hang):
                await reached.wait()
        else:
            async with running(None, read=pvs.read, poll_every=9e9) as bench:
                await bench.until(pv_power=7000.0)
        assert pvs.open == 0


async def test_a_fault_of_ours_is_not_hidden() -> None:
    def deliver(_values: Mapping[str, Value], _at: datetime | None) -> None:
        raise ValueError("a bug")

    feed = LiveFeed(url=None, enable=None, read=Pvs([stay]).read, deliver=deliver, log=logging.getLogger("test"))
    with pytest.raises(ExceptionGroup) as failure:
        await feed.run()
    assert failure.group_contains(ValueError, match="a bug")
