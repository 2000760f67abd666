"""A PVS6 with the old open firmware (2025.06 build 61839) as a web server: ``dl_cgi`` without a login.

    /cgi-bin/dl_cgi?Command=DeviceList       the house, or the given payload byte for byte
    /cgi-bin/dl_cgi/devices/list             the same
    /cgi-bin/dl_cgi/supervisor/info          who this is
    /simulator/fault/NAME[?seconds=N]        switch a fault on (for a while); NAME none switches it off
    /simulator/stats                         what has been asked so far, as JSON

Control paths are never faulty, except that nothing gets through while connections are closed at accept.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiohttp import web

from pvsmqtt.simulator.pvs import dl_cgi
from pvsmqtt.simulator.pvs.exchange import HttpExchange, Refusal
from pvsmqtt.simulator.pvs.faults import FAULTS, JSON
from pvsmqtt.simulator.pvs.house import House

_log = logging.getLogger(__name__)

HEADERS = {
    "Access-Control-Allow-Methods": "GET,POST,DELETE,PUT",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Content-Type",
    "Cache-Control": "no-cache, no-store, no-cache, must-revalidate,post-check=0, pre-check=0",
    "Pragma": "no-cache",
    "dlcgi-build-time": "Sep 15 2021 00:05:00",
    "Server": "lighttpd/1.4.51",
}
"""What the firmware's web server sends with every reply (seen in firmware 2021.9)."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTROL = "/simulator/"
NO_FAULT = "none"
SHUTDOWN_PATIENCE = 0.05
"""Seconds that a reply under way gets when the server stops: some faults never end by themselves."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the equipment's own paths, and when it came (real time, UTC)."""

    path: str
    received_at: datetime


@dataclass
class Stats:
    """What has been asked. Only the last requests are kept, everything is counted."""

    device_lists: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    requests: deque[Request] = field(default_factory=lambda: deque(maxlen=10_000))


@dataclass
class PvsSimulator:
    """The server. Every attribute may be changed while it runs, except address and clock settings."""

    house: House = field(default_factory=House)
    payload: bytes | None = None
    """A recorded DeviceList to serve in place of the house's."""
    delay: float = 0.0
    """Seconds that a DeviceList takes."""
    speed: float = 1.0
    """Simulated seconds per second."""
    start_at: datetime | None = None
    """Simulated time at the start; None is now."""
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any free port; after `start` it is the real one."""
    clock: Callable[[], datetime] | None = None
    """Gives the simulated time (UTC) in place of `speed` and `start_at`."""
    fault: str | None = None
    """A key of `FAULTS`, from the next request on."""
    stats: Stats = field(default_factory=Stats, init=False)

    def __post_init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Event()
        self._fault_end: asyncio.TimerHandle | None = None
        self._started = time.monotonic()
        self._epoch = self.start_at or datetime.now(UTC)

    @property
    def url(self) -> str:
        """``http://127.0.0.1:8080``."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def now(self) -> datetime:
        """The simulated time."""
        if self.clock is not None:
            return self.clock()
        if self.speed == 1 and self.start_at is None:
            return datetime.now(UTC)
        return self._epoch + timedelta(seconds=(time.monotonic() - self._started) * self.speed)

    async def start(self) -> None:
        """Listen; raises OSError when the address is not to be had."""
        self._started = time.monotonic()
        self._epoch = self.start_at or datetime.now(UTC)
        app = web.Application(middlewares=[_survive, self._note])
        app.on_response_prepare.append(_add_headers)
        for path, handler in self._routes().items():
            app.router.add_get(path, handler)
        app.router.add_route("*", CONTROL + "fault/{name}", self._switch_fault)
        app.router.add_get(CONTROL + "stats", self._tell_stats)
        runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=SHUTDOWN_PATIENCE,
        )
        await runner.setup()
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: self._accept(runner), self.host, self.port
            )
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and break off whatever is under way."""
        if self._fault_end is not None:
            self._fault_end.cancel()
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def wait_until(self, met: Callable[[Stats], bool]) -> None:
        """Wait for something to be true of the statistics, such as ``stats.device_lists >= 2``."""
        while not met(self.stats):
            await self._changed.wait()

    def _accept(self, runner: web.AppRunner) -> asyncio.BaseProtocol:
        fault = FAULTS.get(self.fault or "")
        if fault is not None and fault.at_accept:
            return Refusal()
        assert runner.server is not None  # noqa: S101 - it was set up
        return runner.server()

    def _routes(self) -> dict[str, Handler]:
        return {
            "/cgi-bin/dl_cgi": self._command,
            "/cgi-bin/dl_cgi/devices/list": self._device_list,
            "/cgi-bin/dl_cgi/supervisor/info": self._supervisor_info,
        }

    async def _command(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("Command") == "DeviceList":
            return await self._device_list(request)
        return await self._reply(request, dl_cgi.UNKNOWN_COMMAND)

    async def _device_list(self, request: web.Request) -> web.StreamResponse:
        async with self._counted():
            await asyncio.sleep(self.delay)
            body = dl_cgi.device_list(self.house, self.now()) if self.payload is None else self.payload
            return await self._reply(request, body, is_list=True)

    async def _supervisor_info(self, request: web.Request) -> web.StreamResponse:
        recorded = None if self.payload is None else dl_cgi.supervisor_info_of(self.payload)
        return await self._reply(request, recorded or dl_cgi.supervisor_info(self.house.serials.supervisor))

    async def _reply(self, request: web.Request, body: bytes, is_list: bool = False) -> web.StreamResponse:
        fault = None if self.fault is None else FAULTS[self.fault]
        if fault is None or (fault.list_only and not is_list):
            return web.Response(body=body, content_type=JSON)
        exchange = HttpExchange(request, body)
        with suppress(ConnectionError):  # the client had enough of it
            await fault.behaviour(exchange)
        return exchange.response

    @web.middleware
    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(CONTROL):
            self.stats.requests.append(Request(request.path_qs, datetime.now(UTC)))
            self._tell_change()
        return await handler(request)

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self.stats.device_lists += 1
        self.stats.in_flight += 1
        self.stats.max_in_flight = max(self.stats.max_in_flight, self.stats.in_flight)
        self._tell_change()
        try:
            yield
        finally:
            self.stats.in_flight -= 1
            self._tell_change()

    def _tell_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _switch_fault(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name != NO_FAULT and name not in FAULTS:
            names = ", ".join((NO_FAULT, *FAULTS))
            return web.json_response({"error": f"no fault is called {name!r}", "known": names}, status=404)
        try:
            seconds = float(request.query.get("seconds", "inf"))
        except ValueError:
            return web.json_response({"error": "seconds is not a number"}, status=400)
        self._set_fault(None if name == NO_FAULT else name)
        if 0 <= seconds < float("inf"):
            self._fault_end = asyncio.get_running_loop().call_later(seconds, self._set_fault, None)
        return web.json_response({"fault": self.fault})

    def _set_fault(self, name: str | None) -> None:
        if self._fault_end is not None:
            self._fault_end.cancel()
            self._fault_end = None
        self.fault = name

    async def _tell_stats(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(
            {
                "device_lists": self.stats.device_lists,
                "in_flight": self.stats.in_flight,
                "max_in_flight": self.stats.max_in_flight,
                "fault": self.fault,
                "now": self.now().isoformat(),
                "requests": [
                    {"path": request.path, "received_at": request.received_at.isoformat()}
                    for request in self.stats.requests
                ],
            }
        )


@web.middleware
async def _survive(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 500 when a handler fails; a client that goes away is no failure."""
    try:
        return await handler(request)
    except (web.HTTPException, ConnectionError):
        raise
    except Exception:
        _log.exception("the simulator failed to answer %s", request.path_qs)
        return web.Response(status=500, text="500 - Internal Server Error\n")


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
