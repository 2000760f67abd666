"""A status page on loopback inside this process, and clients that say exactly what a test wants."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from harness import PATIENCE, free_port

from pvsmqtt.bus import Bus
from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceState
from pvsmqtt.sinks.web import passwords
from pvsmqtt.sinks.web.log_tail import LogTail
from pvsmqtt.sinks.web.options import WebOptions
from pvsmqtt.sinks.web.parts import Known, Parts
from pvsmqtt.sinks.web.sink import WebSink
from pvsmqtt.sinks.web.view import View

EVERYWHERE = (
    "",
    "static/index.html",
    "login",
    "logout",
    "api/state",
    "api/events",
    "api/curves",
    "api/registers",
    "api/diagnostics",
    "healthz",
    "metrics",
    "nowhere",
    "static/nothing.js",
    "static/../options.py",
)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)

STARTED = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)
PASSWORD = "solar Größe 7"
HASH = passwords.make(PASSWORD)
WELL = {"sources": [], "broker": {"connected": True}}


async def _no_metrics(accept: str) -> tuple[bytes, str]:
    return b"", "text/plain; version=0.0.4; charset=utf-8"


async def _no_diagnostics() -> str:
    return ""


def nothing() -> Parts:
    """Nothing is kept, counted or heard, and all is well where the broker is there."""
    return Parts(
        curves=lambda device, now: {"step": 300, "series": {}},
        metrics=_no_metrics,
        verdict=lambda health: [] if (health.get("broker") or {}).get("connected") else ["broker: not connected"],
        diagnostics=_no_diagnostics,
        registers=lambda: {"lines": []},
    )


def panel(number: int, power: float | None = 100.0) -> DeviceState:
    device = Device(f"e{number:03}", Kind.INVERTER, f"Panel {number}", serial=f"E{number:03}")
    return DeviceState(device, True, {"power": power}, STARTED, ("pvs a",), {"power": "pvs a"})


def basic(password: str, user: str = "anybody") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def guarded(headers: Mapping[str, str]) -> None:
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Server"] == "pvsmqtt"


@dataclass
class Page:
    """The page under test."""

    sink: WebSink
    bus: Bus[Any]
    port: int
    session: aiohttp.ClientSession
    tail: LogTail
    health: dict[str, Any] = field(default_factory=lambda: dict(WELL))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def get(self, path: str = "", method: str = "GET", **how: Any) -> tuple[aiohttp.ClientResponse, str]:
        async with self.session.request(method, self.url + path, allow_redirects=False, **how) as response:
            return response, await response.text()

    async def json(self, path: str, **how: Any) -> Any:
        response, text = await self.get(path, **how)
        assert response.status == 200, text
        return json.loads(text)

    async def raw(self, data: bytes) -> bytes:
        """Send bytes, and what comes until the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            async with asyncio.timeout(PATIENCE):
                return await reader.read()
        finally:
            writer.close()

    @asynccontextmanager
    async def follow(self, **how: Any) -> AsyncIterator[Follower]:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with self.session.get(f"{self.url}api/events", timeout=timeout, **how) as response:
            yield Follower(response)

    def deaf(self) -> socket.socket:
        """A client of the events that never reads."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return sock


class Follower:
    """Reads events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self, *events: str) -> Any:
        """The document of the next event, of the next of these where some are named."""
        name = ""
        async for line in self.response.content:
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                name = text.removeprefix("event: ")
            elif text.startswith("data: ") and (not events or name in events):
                return json.loads(text.removeprefix("data: "))
        raise EOFError

    async def end(self) -> None:
        """Read until it is over."""
        with contextlib.suppress(EOFError, aiohttp.ClientError):
            while True:
                await self.next()


@asynccontextmanager
async def serving(parts: Parts | None = None, **options: Any) -> AsyncIterator[Page]:
    port = free_port()
    bus: Bus[Any] = Bus()
    tail = LogTail()
    chosen = WebOptions(**{"listen": f"127.0.0.1:{port}", **options})
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        page: Page

        def topic(device: Device) -> str:
            return f"pvsmqtt/home/{device.id}/state"

        known = Known("0.0", "home", STARTED, lambda: page.health, lambda: {"devices": 1}, topic)
        sink = WebSink(chosen, known, parts or nothing(), bus, View(), tail)
        page = Page(sink, bus, port, session, tail)
        running = asyncio.create_task(sink.run())
        try:
            async with asyncio.timeout(PATIENCE):
                await sink.listening.wait()
            yield page
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
