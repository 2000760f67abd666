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
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from pvsmqtt.simulator.pvs.traps import NULL_LIVE_DATA
from pvsmqtt.simulator.pvs.web import certificate, control, routes
from pvsmqtt.simulator.pvs.web.exchange import Refusal
from pvsmqtt.simulator.pvs.web.faults import ALL_FAULTS
from pvsmqtt.simulator.pvs.web.lighttpd import headers_of, survive
from pvsmqtt.simulator.pvs.web.listener import Listener
from pvsmqtt.simulator.pvs.web.live import LiveServer
from pvsmqtt.simulator.pvs.web.served import Served

SHUTDOWN_PATIENCE = 0.05
"""Seconds that a reply under way gets when the server stops: some faults never end by themselves."""


@dataclass
class PvsSimulator(Served):
    """The server. Every attribute may be changed while it runs, except addresses and clock settings."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any free port; after `start` it is the real one."""
    https_port: int | None = None
    """The same for https; None: no https."""
    live_port: int | None = None
    """The same for live data, if the firmware has any; None: no live data."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._runner: web.AppRunner | None = None
        self._listeners: list[Listener] = []
        self._tls: ssl.SSLContext | None = None
        self._shown: certificate.Certificate | None = None
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
        app = web.Application(middlewares=[survive, self.note])
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
