"""Live data: what a PVS6 pushes to whoever connects to its port 9002, in plain text and without a login.

    {"notification": "power", "params": {"time": 1753730397, "net_p": 0.653, "ess_p": 1.186, ...}}

A key is sent only when its value has changed, so every frame is a part, the first one too, and what rests is
never sent. When nothing moves there are gaps of a minute (seen in the field). Without a battery ``ess_p``,
``ess_en`` and ``soc`` are not a number, and are not sent.

    time                                              s since 1970, UTC
    pv_p net_p site_load_p ess_p                      kW: net + import, ess + discharging
    pv_en net_en site_load_en ess_en                  kWh since commissioning; net and ess may fall
    soc                                               0 to 1
    backupTimeRemaining                               minutes
    midstate                                          2 in all samples
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle

from aiohttp import web

from pvsmqtt.simulator.pvs.house.house import COMMISSIONED, House

Values = dict[str, float | int]
Params = dict[str, float | int | None]

MID_CLOSED = 2

DIGITS = {"pv_p": 3, "net_p": 3, "site_load_p": 3, "ess_p": 3, "soc": 2} | dict.fromkeys(
    ("pv_en", "net_en", "site_load_en", "ess_en"), 2
)
"""Decimals in a frame; what moves less has not changed."""

LOOK_BACK = timedelta(seconds=10)
"""The stream is older than a connection: the first frame has what changed in this time."""

QUIET = 60
"""After so many seconds of house time a frame comes although nothing moves, with the time alone."""

PATIENCE = 0.5
"""Seconds that a client gets to agree to the end of a connection."""

HUGE = 1 << 20

GARBAGE: tuple[str | bytes, ...] = (
    "{",
    "",
    '{"notification": "power", "params": {"time": 175373',
    b"\x00\xff\xfe\x80",
    b'{"notification": "power", "params": {"pv_p": 99.0}}',
    "null",
    "[1, 2, 3]",
    '"power"',
    '{"params": {"pv_p": 99.0}}',
    '{"notification": "power"}',
    '{"notification": "power", "params": null}',
    '{"notification": "power", "params": [99.0]}',
    '{"notification": "power", "params": {}}',
    '{"notification": "weather", "params": {"pv_p": 99.0}}',
    '{"notification": 7, "params": {"pv_p": 99.0}}',
    '{"notification": "power", "params": {"pv_p": NaN, "net_p": Infinity, "ess_p": -1e999}}',
    '{"notification": "power", "params": {"pv_p": "n/a", "net_p": true, "site_load_p": [], "soc": {}}}',
    '{"notification": "power", "params": {"pressure": 1013, "time": "noon", "midstate": "closed"}}',
    "[" * 5000,
    '{"notification": "power", "params": {"padding": "' + "x" * HUGE + '"}}',
)
"""What no client may believe or stumble over; a number is never 99 kW in this house of at most 400 panels."""


def live_values(house: House, when: datetime) -> Values:
    """All 12 values at the full second before ``when``, unrounded; those of the battery are nan without one.

    They agree with the meters: ``pv_en`` is what the production meter has counted, ``net_en`` the consumption
    meter's import less its export, at the second that these name as the time of measurement.
    """
    now = math.floor((when - COMMISSIONED).total_seconds())
    battery = house.battery
    return {
        "time": math.floor(COMMISSIONED.timestamp()) + now,
        "pv_p": house.production.value(now),
        "pv_en": house.production.above(now),
        "net_p": house.net.value(now),
        "net_en": house.net.above(now) - house.net.below(now),
        "site_load_p": house.load.value(now),
        "site_load_en": house.load.above(now),
        "ess_p": battery.power.value(now) if battery else math.nan,
        "ess_en": battery.power.above(now) - battery.power.below(now) if battery else math.nan,
        "soc": battery.state_of_charge(now) if battery else math.nan,
        "backupTimeRemaining": house.backup_time(now),
        "midstate": MID_CLOSED,
    }


def rounded(values: Values) -> Params:
    """The values as frames have them; what is not a number is not there."""
    return {
        key: round(value, DIGITS[key]) + 0.0 if key in DIGITS else value
        for key, value in values.items()
        if not math.isnan(value)
    }


def changes(before: Params, after: Params) -> Params:
    """What is to be sent: nothing when only the time has moved, and not for long."""
    moved = {key: value for key, value in after.items() if key not in before or before[key] != value}
    if moved.keys() == {"time"} and (after["time"] or 0) - (before.get("time") or 0) < QUIET:
        return {}
    return moved


@dataclass
class LiveStats:
    """What has been sent so far to everybody, in whole messages."""

    connections: int = 0
    open: int = 0
    frames: int = 0
    bytes: int = 0


@dataclass
class LiveServer:
    """The server. Attributes may be changed while it runs, except the address."""

    house: House
    now: Callable[[], datetime]
    """The time in the house (UTC)."""
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any free port; after `start` it is the real one."""
    enabled: Callable[[], bool] = lambda: True
    """``/sys/telemetryws/enable``: while it is false a connection is accepted, and nothing is said."""
    period: float = 1.0
    """Seconds from one look at the house to the next."""
    lifetime: float = 600.0
    """Seconds after which a connection is closed."""
    silent: bool = False
    """A fault: nothing is sent, and the connections stay open."""
    partial_only: frozenset[str] | set[str] | None = None
    """A fault: only these keys are ever sent (a site with dead current transformers: time, soc, ess_p, ess_en)."""
    garbage: bool = False
    """A fault: one of `GARBAGE` is sent every period, before the frame if there is one."""
    nulls: bool = False
    """A fault: every value is null (seen at night)."""
    refuse: bool = False
    """A fault: connections are closed at accept; those that are open stay so."""
    stats: LiveStats = field(default_factory=LiveStats, init=False)

    def __post_init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._open: set[web.WebSocketResponse] = set()
        self._changed = asyncio.Event()
        self._rubbish = cycle(GARBAGE)

    @property
    def url(self) -> str:
        """``ws://127.0.0.1:9002/``."""
        return f"ws://[{self.host}]:{self.port}/" if ":" in self.host else f"ws://{self.host}:{self.port}/"

    async def start(self) -> None:
        """Listen; raises OSError when the address is not to be had."""
        app = web.Application()
        app.router.add_get("/", self._serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=PATIENCE)
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
        """Stop listening and close what is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.close_all()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def close_all(self) -> None:
        """Close the connections that are open; new ones are welcome."""
        await asyncio.gather(*(socket.close() for socket in list(self._open)))

    async def wait_until(self, met: Callable[[LiveStats], bool]) -> None:
        """Wait for something to be true of the statistics, such as ``stats.open == 0``."""
        while not met(self.stats):
            await self._changed.wait()

    def _accept(self, runner: web.AppRunner) -> asyncio.BaseProtocol:
        if self.refuse:
            return _Unwelcome()
        assert runner.server is not None  # noqa: S101 - it was set up
        return runner.server()

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=PATIENCE, compress=False)
        await socket.prepare(request)
        reader = asyncio.create_task(_ignore(socket))
        with self._counted(socket):
            try:
                with suppress(TimeoutError, ConnectionError):
                    async with asyncio.timeout(self.lifetime):
                        await self._tell(socket, reader)
            finally:
                reader.cancel()
                await asyncio.wait({reader})
                await socket.close()
        return socket

    async def _tell(self, socket: web.WebSocketResponse, reader: asyncio.Task[None]) -> None:
        """Send what changes until the client leaves."""
        sent = self._values(self.now() - LOOK_BACK)
        while not reader.done():
            if self.enabled() and not self.silent:
                if self.garbage:
                    await self._send(socket, next(self._rubbish))
                news = changes(sent, self._values(self.now(), nulls=self.nulls))
                if news:
                    sent |= news
                    await self._send(socket, json.dumps({"notification": "power", "params": news}))
            await asyncio.wait({reader}, timeout=self.period)

    def _values(self, when: datetime, nulls: bool = False) -> Params:
        values = rounded(live_values(self.house, when))
        return {
            key: None if nulls else value
            for key, value in values.items()
            if self.partial_only is None or key in self.partial_only
        }

    async def _send(self, socket: web.WebSocketResponse, message: str | bytes) -> None:
        if isinstance(message, bytes):
            await socket.send_bytes(message)
            size = len(message)
        else:
            await socket.send_str(message)
            size = len(message.encode())
        self.stats.frames += 1
        self.stats.bytes += size
        self._tell_change()

    @contextmanager
    def _counted(self, socket: web.WebSocketResponse) -> Iterator[None]:
        self._open.add(socket)
        self.stats.connections += 1
        self.stats.open += 1
        self._tell_change()
        try:
            yield
        finally:
            self._open.discard(socket)
            self.stats.open -= 1
            self._tell_change()

    def _tell_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


async def _ignore(socket: web.WebSocketResponse) -> None:
    """Read until the client leaves: nothing it may say is of interest."""
    async for _ in socket:
        pass


class _Unwelcome(asyncio.Protocol):
    """A connection that is closed as soon as it is made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
