"""How many may look at the status page, and what becomes of those who do not read."""

from __future__ import annotations

import asyncio

import pytest
from helpers_web import POLICY, panel, serving

from pvsmqtt.sinks.web import door, routes, stream


async def test_a_client_that_leaves_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    left = asyncio.Event()
    leave = stream.Hub.leave
    monkeypatch.setattr(stream.Hub, "leave", lambda hub, box: (leave(hub, box), left.set()))
    async with serving() as page:
        async with page.follow() as events:
            await events.next()
            assert page.sink.report()["following"] == 1
        async with asyncio.timeout(10):
            await left.wait()
        assert page.sink.report()["following"] == 0
        assert not page.sink.report()["refused"]


async def test_too_many_follow() -> None:
    async with serving() as page:
        sockets = []
        try:
            for _ in range(stream.MOST_CLIENTS):
                reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
                sockets.append(writer)
                writer.write(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert b" 200 " in await reader.readline()
            response, text = await page.get("api/events")
            assert response.status == 503
            assert response.headers["Retry-After"]
            assert "too many follow the page already" in text
            assert page.sink.report()["refused"] == {"clients": 1}
            await page.json("api/state")
        finally:
            for writer in sockets:
                writer.close()


async def test_too_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MOST_CONNECTIONS", 3)
    async with serving() as page:
        idle = [await asyncio.open_connection("127.0.0.1", page.port) for _ in range(3)]
        reply = await page.raw(b"")
        assert reply.startswith(b"HTTP/1.1 503 ")
        assert f"Content-Security-Policy: {POLICY}".encode() in reply
        assert page.sink.report()["refused"] == {"connections": 1}
        assert page.sink.report()["connections"] == 3
        for _, writer in idle:
            writer.close()


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\nHost: loc"])
async def test_who_asks_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch, begin: bytes) -> None:
    monkeypatch.setattr(door, "IDLE", 0.1)
    async with serving() as page:
        assert await page.raw(begin) == b""


async def test_a_client_that_does_not_read_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "WRITE_WITHIN", 0.2)
    dropped = asyncio.Event()
    leave = stream.Hub.leave

    def left(hub: stream.Hub, box: stream.Mailbox) -> None:
        leave(hub, box)
        dropped.set()

    monkeypatch.setattr(stream.Hub, "leave", left)
    async with serving() as page, page.follow() as reading:
        await reading.next("state")
        deaf = page.deaf()
        try:
            number = 0
            async with asyncio.timeout(60):
                while not dropped.is_set():
                    number += 1
                    for one in range(100):
                        page.bus.publish(panel(one, float(number)))
                    while True:  # who reads gets all of it meanwhile
                        document = await reading.next("device")
                        if (document["id"], document["values"][0]["value"]) == ("e099", float(number)):
                            break
            assert page.sink.report()["refused"] == {"slow": 1}
            assert page.sink.report()["following"] == 1
        finally:
            deaf.close()
