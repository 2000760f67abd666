"""A PVS with a WebSocket that does as it is told, connection by connection, and a feed that listens to it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from aiohttp import web
from harness.basics import Feed

from pvsmqtt.model.reading import Value
from pvsmqtt.sources.pvs.live.feed import LiveFeed
from pvsmqtt.sources.pvs.live.pace import Pace

SOLAR = {"pv_p": 1.0, "pv_en": 100.0, "net_p": -0.4, "net_en": -50.0, "site_load_p": 0.6, "site_load_en": 50.0}

QUICK = Pace(
    stale=60.0,
    connect=20.0,
    first_retry=0.001,
    longest_retry=0.004,
    steady=0.0,
    renew_after=0.0,
    first_return=0.001,
    longest_return=0.004,
    tick=0.005,
    few=2,
    few_away=4,
)
"""Retries at once; silence, where a test is not about it, lasts longer than the test."""

Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


def power(**params: Any) -> str:
    return json.dumps({"notification": "power", "params": params})


async def stay(socket: web.WebSocketResponse) -> None:
    """Say nothing until the other side goes."""
    async for _ in socket:
        pass


def saying(*messages: str | bytes, leave: bool = False) -> Talk:
    async def talk(socket: web.WebSocketResponse) -> None:
        for message in messages:
            await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
        if not leave:
            await stay(socket)

    return talk


class Pvs:
    """What happened to it, in order: ``enable``, ``open``, ``close``, ``read``."""

    def __init__(self, talks: list[Talk]) -> None:
        self.events = Feed[str]()
        self.talks = talks
        self.open = 0
        self.url = ""
        self.heads: list[Mapping[str, str]] = []
        self.sockets: list[web.WebSocketResponse] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.heads.append(dict(request.headers))
        talk = self.talks.pop(0) if len(self.talks) > 1 else self.talks[0]
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        self.open += 1
        self.events.add("open")
        try:
            await talk(socket)
            await socket.close()
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            self.events.add("close")
        return socket

    async def enable(self) -> None:
        self.events.add("enable")

    async def read(self) -> Mapping[str, object]:
        self.events.add("read")
        return {f"/sys/livedata/{name}": str(value) for name, value in {**SOLAR, "pv_p": 7.0}.items()}

    async def until(self, event: str, times: int = 1) -> None:
        await self.events.until(lambda: self.events.items.count(event) >= times or None, f"{times} × {event}")


@asynccontextmanager
async def serving(*talks: Talk) -> AsyncIterator[Pvs]:
    """A PVS on a free port. The last way to talk is for every further connection."""
    pvs = Pvs(list(talks) or [stay])
    application = web.Application()
    application.router.add_get("/", pvs.serve)
    runner = web.AppRunner(application, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    pvs.url = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield pvs
    finally:
        for socket in pvs.sockets:
            await socket.close()
        await runner.cleanup()


class Bench:
    """A feed that runs, and what it delivered."""

    def __init__(self, url: str | None, pace: Pace, **parts: Any) -> None:
        self.delivered = Feed[tuple[Mapping[str, Value], datetime | None]]()
        parts = {"enable": None, "read": None, "every": 0.0, "poll_every": 0.002} | parts
        self.feed = LiveFeed(
            url=url,
            deliver=lambda values, at: self.delivered.add((values, at)),
            log=logging.getLogger("pvsmqtt.test"),
            jitter=lambda: 0.5,
            pace=pace,
            **parts,
        )

    async def until(self, **wanted: Value) -> Mapping[str, Value]:
        """Wait until values were delivered that hold these."""

        def find() -> Mapping[str, Value] | None:
            hits = (values for values, _ in self.delivered.items if wanted.items() <= values.items())
            return next(hits, None)

        return await self.delivered.until(find, str(wanted))


@asynccontextmanager
async def running(url: str | None, pace: Pace = QUICK, **parts: Any) -> AsyncIterator[Bench]:
    """A feed that runs; at the end it is cancelled, and nothing of it may be left."""
    changes = {key: parts.pop(key) for key in list(parts) if key in Pace.__dataclass_fields__}
    before = asyncio.all_tasks()
    bench = Bench(url, replace(pace, **changes), **parts)
    task = asyncio.create_task(bench.feed.run())
    try:
        yield bench
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            await task
    left = {t for t in asyncio.all_tasks() - before if "pvsmqtt" in repr(t.get_coro()) or "LiveFeed" in repr(t)}
    assert not left
