"""What the routes need of a supervisor that is asked over HTTP: replies, sessions, faults, and what was asked."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from pvsmqtt.simulator.pvs.firmware import JSON
from pvsmqtt.simulator.pvs.machine import Machine
from pvsmqtt.simulator.pvs.newer.auth import COOKIE
from pvsmqtt.simulator.pvs.web.exchange import HttpExchange
from pvsmqtt.simulator.pvs.web.faults import ALL_FAULTS, Area
from pvsmqtt.simulator.pvs.web.lighttpd import Handler
from pvsmqtt.simulator.pvs.web.live import LiveServer
from pvsmqtt.simulator.pvs.web.stats import Request, Stats, kind_of

PREFIX = "/simulator/"
"""Paths below it are no part of the equipment."""


@dataclass
class Served(Machine, ABC):
    """A supervisor as its routes see it. Every attribute may be changed while it runs."""

    payload: bytes | None = None
    """A recorded DeviceList to serve in place of the house's."""
    delay: float = 0.0
    """Seconds that a DeviceList takes."""
    vars_delay: float = 0.0
    """Seconds that a request to ``/vars`` takes; they are served one after another."""
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
        self._changed = asyncio.Event()
        self._fault_end: asyncio.TimerHandle | None = None

    @property
    @abstractmethod
    def fingerprint(self) -> str | None:
        """SHA-256 of the certificate that new connections see, hexadecimal; None without https."""

    @abstractmethod
    def new_certificate(self) -> None:
        """Show another certificate on new connections, as after a factory reset."""

    @abstractmethod
    def begin_restart(self, seconds: float) -> asyncio.Task[None]:
        """Break every connection, refuse new ones for a while, then boot; beside whatever else goes on."""

    async def wait_until(self, met: Callable[[Stats], bool]) -> None:
        """Wait for something to be true of the statistics, such as ``stats.device_lists >= 2``."""
        while not met(self.stats):
            await self._changed.wait()

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

    @web.middleware
    async def note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Write down what is asked and what it costs."""
        if request.path.startswith(PREFIX):
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
