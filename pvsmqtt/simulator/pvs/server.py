"""A PVS5 or PVS6 with any firmware as a web server, over http and https, with live data beside it.

    /cgi-bin/dl_cgi?Command=DeviceList       legacy: the house, or the given payload byte for byte
    /cgi-bin/dl_cgi/devices/list             the same; varserver: with a session, over https
    /cgi-bin/dl_cgi/supervisor/info          who this is
    /auth, /vars                             varserver: a login, and everything else
    /simulator/...                           the simulator itself (`control`)

What is answered where is a matter of `routes`, what is told a matter of `machine`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from pvsmqtt.simulator.pvs.firmware import JSON
from pvsmqtt.simulator.pvs.machine import Machine
from pvsmqtt.simulator.pvs.newer.auth import COOKIE
from pvsmqtt.simulator.pvs.traps import NULL_LIVE_DATA
from pvsmqtt.simulator.pvs.web import certificate, control, routes
from pvsmqtt.simulator.pvs.web.exchange import HttpExchange, Refusal
from pvsmqtt.simulator.pvs.web.faults import ALL_FAULTS, Area
from pvsmqtt.simulator.pvs.web.lighttpd import Handler, headers_of, survive
from pvsmqtt.simulator.pvs.web.listener import Listener
from pvsmqtt.simulator.pvs.web.live import LiveServer
from pvsmqtt.simulator.pvs.web.stats import Request, Stats, kind_of

SHUTDOWN_PATIENCE = 0.05
"""Seconds that a reply under way gets when the server stops: some faults never end by themselves."""


@dataclass
class PvsSimulator(Machine):
    """The server. Every attribute may be changed while it runs, except addresses and clock settings."""

    payload: bytes | None = None
    """A recorded DeviceList to serve in place of the house's."""
    delay: float = 0.0
    """Seconds that a DeviceList takes."""
    vars_delay: float = 0.0
    """Seconds that a request to ``/vars`` takes; they are served one after another."""
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any free port; after `start` it is the real one."""
    https_port: int | None = None
    """The same for https; None: no https."""
    live_port: int | None = None
    """The same for live data, if the firmware has any; None: no live data."""
    fault: str | None = None
    """A key of `ALL_FAULTS`, from the next request on."""
    insecure_cookie: bool = False
    """Whether a session counts over http too."""
    expired: str = "401"
    """What ``/vars`` says to a session that is over: a key of `routes.EXPIRED`, or ``open``."""
    content_type: str | None = None
    """Of ``/vars``; None is that of the firmware."""
    live: LiveServer | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.one_at_a_time = asyncio.Lock()
        self._runner: web.AppRunner | None = None
        self._listeners: list[Listener] = []
        self._tls: ssl.SSLContext | None = None
        self._shown: certificate.Certificate | None = None
        self._changed = asyncio.Event()
        self._fault_end: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._booting = False
        self._nulls = False
        self._restarting: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """``http://127.0.0.1:8080``."""
        return f"http://{self._at(self.port)}"

    @property
    def https_url(self) -> str:
        """``https://127.0.0.1:8443``; raises ValueError when there is no https."""
        if self.https_port is None:
            raise ValueError("there is no https: no https_port was given")
        return f"https://{self._at(self.https_port)}"

    @property
    def fingerprint(self) -> str | None:
        """SHA-256 of the certificate that new connections see, hexadecimal; None without https."""
        return None if self._shown is None else self._shown.fingerprint

    async def start(self) -> None:
        """Listen; raises OSError when an address is not to be had, ModuleNotFoundError without ``cryptography``."""
        self.start_clock()
        self.settle()
        app = web.Application(middlewares=[survive, self._note])
        app.on_response_prepare.append(headers_of(self.told_now))
        control.add_routes(app.router, self)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_PATIENCE)
        await runner.setup()
        self._runner = runner
        self._listeners = [Listener(self._accept, self.host, self.port)]
        try:
            if self.https_port is not None:
                self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self.new_certificate()
                self._listeners.append(Listener(self._accept, self.host, self.https_port, self._tls))
            for listener in self._listeners:
                await listener.open()
            await self._adjust_live()
        except (OSError, ModuleNotFoundError):
            await self.stop()
            raise
        self.port = self._listeners[0].port
        if self.https_port is not None:
            self.https_port = self._listeners[1].port

    async def stop(self) -> None:
        """Stop listening and break off whatever is under way."""
        if self._fault_end is not None:
            self._fault_end.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for listener in self._listeners:
            listener.close()
        await self._stop_live()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def wait_until(self, met: Callable[[Stats], bool]) -> None:
        """Wait for something to be true of the statistics, such as ``stats.device_lists >= 2``."""
        while not met(self.stats):
            await self._changed.wait()

    async def restart(self, seconds: float = 0.0) -> None:
        """Break every connection, refuse new ones for a while, then boot."""
        self._booting = True
        try:
            for listener in self._listeners:
                await listener.pause()
            await self._stop_live()
            self._drop_connections()
            await asyncio.sleep(seconds)
            self.boot()
            for listener in self._listeners:
                await listener.open()
        finally:
            self._booting = False
        await self._adjust_live()

    def begin_restart(self, seconds: float) -> asyncio.Task[None]:
        """`restart` beside whatever else goes on; one that is under way begins again."""
        if self._restarting is not None:
            self._restarting.cancel()
        self._restarting = self._begin(self.restart(seconds))
        return self._restarting

    def boot(self, nightly: bool = False) -> None:
        """Start anew; the connections stay, and live data begin or end with the firmware."""
        super().boot(nightly)
        self.tell_change()
        if self._runner is not None and not self._booting:
            self._begin(self._adjust_live())

    def settle(self) -> None:
        """Do what is due; live data follow the house and its trap."""
        super().settle()
        if self.live is not None:
            self.live.house = self.house
            nulls = NULL_LIVE_DATA in self.traps
            if nulls != self._nulls:
                self._nulls = self.live.nulls = nulls

    def new_certificate(self) -> None:
        """Show another certificate on new connections, as after a factory reset."""
        if self._tls is not None:
            self._shown = certificate.make()
            self._shown.load_into(self._tls)

    def set_fault(self, name: str | None, seconds: float = float("inf")) -> None:
        """Switch a fault on, for a while, or off."""
        if self._fault_end is not None:
            self._fault_end.cancel()
            self._fault_end = None
        self.fault = name
        if 0 <= seconds < float("inf"):
            self._fault_end = asyncio.get_running_loop().call_later(seconds, self.set_fault, None)

    def token(self, request: web.Request) -> str | None:
        """The session that a request names, if it counts on this connection."""
        return request.cookies.get(COOKIE) if request.secure or self.insecure_cookie else None

    def is_owner(self, request: web.Request) -> bool:
        """Whether a request belongs to a session that is not over."""
        return self.sessions.holds(self.token(request) or "", self.session_lifetime, self.sliding)

    async def reply(
        self,
        request: web.Request,
        body: bytes,
        area: Area = Area.OTHER,
        status: int = 200,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> web.StreamResponse:
        """Answer, unless the fault that is set makes something else of it."""
        fault = ALL_FAULTS.get(self.fault or "")
        if fault is None or not fault.spoils(area):
            return web.Response(body=body, status=status, content_type=content_type, headers=headers)
        kind = _kind(request)
        exchange = HttpExchange(request, body, lambda size: self.stats.sent(kind, size))
        with suppress(ConnectionError):  # the client had enough of it
            await fault.behaviour(exchange)
        return exchange.response

    def tell_change(self) -> None:
        """The statistics have changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.settle()
        return await routes.answer(self, request)

    def _accept(self) -> asyncio.BaseProtocol:
        fault = ALL_FAULTS.get(self.fault or "")
        if (fault is not None and fault.at_accept) or self._booting:
            return Refusal()
        assert self._runner is not None  # noqa: S101 - nothing listens without it
        assert self._runner.server is not None  # noqa: S101 - it was set up
        return self._runner.server()

    def _drop_connections(self) -> None:
        if self._runner is not None and self._runner.server is not None:
            for connection in self._runner.server.connections:
                connection.force_close()

    async def _adjust_live(self) -> None:
        """Live data are there with firmware that has them."""
        if self.live_port is None or not self.running.has_live:
            await self._stop_live()
        elif self.live is None:
            live = LiveServer(self.house, self.told_now, self.host, self.live_port, lambda: self.live_enabled)
            await live.start()
            self.live, self.live_port = live, live.port

    async def _stop_live(self) -> None:
        live, self.live = self.live, None
        if live is not None:
            await live.stop()

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _at(self, port: int) -> str:
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"

    @web.middleware
    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(control.PREFIX):
            return await handler(request)
        kind = _kind(request)
        self.stats.begin(kind)
        try:
            body = (await request.read()).decode(errors="replace") if request.can_read_body else ""
            self.stats.requests.append(
                Request(request.path_qs, datetime.now(UTC), request.method, body, request.secure)
            )
            self.tell_change()
            response = await handler(request)
            if isinstance(response, web.Response) and isinstance(response.body, bytes):
                self.stats.sent(kind, len(response.body))
            return response
        finally:
            self.stats.end(kind)
            self.tell_change()


def _kind(request: web.Request) -> str:
    return kind_of(request.path, request.query.get("Command"))
