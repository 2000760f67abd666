"""Live data of one PVS for ever: over its WebSocket, by polling where that is silent, and back.

The WebSocket (``ws://HOST:9002/``) wants no login, but somebody who is logged in must have switched it on, and when
that login ends it falls silent with the socket open: so it is switched on before every connection. The PVS closes
it about every 10 minutes and takes the next connection seconds later.

Where it does not speak, polling stands in until it does (`live_pace`).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, NoReturn

import aiohttp

from pvsmqtt.model.reading import Value
from pvsmqtt.sources.pvs.live.connection import LIBRARY, End, Ended, connect, receive, why
from pvsmqtt.sources.pvs.live.livedata import LiveData, Throttle, frame
from pvsmqtt.sources.pvs.live.pace import Pace, Retries, doubled
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

Deliver = Callable[[Mapping[str, Value], datetime | None], None]
Enable = Callable[[], Awaitable[None]]
Read = Callable[[], Awaitable[Mapping[str, object]]]

_AWAY = frozenset({Refusal.UNREACHABLE, Refusal.NO_TLS, Refusal.TIMEOUT, Refusal.BROKEN_OFF, Refusal.BUSY})


class LiveFeed:
    """The live data of one PVS.

    ``enable`` switches the WebSocket at ``url`` on, ``read`` polls the parameters from the varserver; both may raise
    `Refused`. ``deliver`` gets values in canonical units and the time of measurement, at most every ``every`` seconds
    unless something big happens.
    """

    def __init__(
        self,
        *,
        url: str | None,
        enable: Enable | None,
        read: Read | None,
        deliver: Deliver,
        log: logging.Logger,
        every: float = 5.0,
        poll_every: float = 20.0,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        pace: Pace | None = None,
    ) -> None:
        self._url, self._enable, self._read, self._deliver, self._log = url, enable, read, deliver, log
        self._poll_every, self._monotonic, self._jitter, self._pace = poll_every, monotonic, jitter, pace or Pace()
        self._data = LiveData(stale=self._pace.stale)
        self._lasting = max(self._pace.stale, 3 * poll_every)
        self._throttle = Throttle(every)
        self._stand_in = asyncio.Event()  # set while polling stands in for the WebSocket
        if url is None:
            self._stand_in.set()
        self._connected_at: float | None = None
        self._frame_at: float | None = None
        self._limit: asyncio.Timeout | None = None
        self._spoke = self._steady = self._renewing = False
        self._poll_trouble: str | None = None
        self._counts: Counter[str] = Counter()
        self._closes: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()

    def seed(self, params: Mapping[str, object]) -> None:
        """Parameters that another poll has read: they confirm what the stream does not send again."""
        self._data.confirm(params, self._monotonic())

    def renew(self) -> None:
        """A login has just been made: an old connection is replaced now, while switching it on costs nothing."""
        old = self._connected_at is not None and self._monotonic() - self._connected_at >= self._pace.renew_after
        if old and self._limit is not None and not self._limit.expired():
            self._renewing = True
            self._limit.reschedule(0)

    @property
    def mode(self) -> str:
        """``websocket``, ``polled`` or ``off``: where live data comes from, or should."""
        if not self._stand_in.is_set():
            return "websocket"
        return "off" if self._read is None else "polled"

    def report(self) -> dict[str, Any]:
        """For the health topic; ages are in seconds."""
        return {
            "mode": self.mode,
            "connected_for": self._age(self._connected_at),
            "last_frame_age": self._age(self._frame_at),
            **{what: self._counts[what] for what in ("connections", "frames", "ignored", "polls")},
            "closes": dict(self._closes),
            "refused": dict(self._refused),
        }

    def _age(self, since: float | None) -> float | None:
        return None if since is None else round(self._monotonic() - since, 1)

    async def run(self) -> None:
        """Feed until cancelled. What comes from outside never ends it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_offering())
            if self._url is not None:
                tasks.create_task(self._stream(self._url))
            if self._read is not None:
                tasks.create_task(self._poll(self._read))

    async def _keep_offering(self) -> NoReturn:
        """Also without news: a small change waits for its turn, and values grow too old."""
        while True:
            self._offer()
            await asyncio.sleep(self._pace.tick)

    def _offer(self) -> None:
        now = self._monotonic()
        values = self._data.values(now)
        if self._throttle.due(values, now):
            self._deliver(values, self._data.measured_at)

    # The WebSocket

    async def _stream(self, url: str) -> NoReturn:
        retries = Retries(self._pace, costly=self._enable is not None)
        while True:
            end = await self._connection(url)
            self._closes[end] += 1
            pause = retries.pause(end, spoke=self._spoke, steady=self._steady)
            if retries.given_up:
                self._give_way(end)
            await asyncio.sleep(pause * (0.8 + 0.4 * self._jitter()))

    async def _connection(self, url: str) -> End:
        """One connection, from switching on to its end."""
        self._spoke = self._steady = self._renewing = False
        try:
            await self._switch_on()
            async with connect(url, self._pace.connect) as socket:
                self._connected_at = self._monotonic()
                self._counts["connections"] += 1
                async with asyncio.timeout(self._pace.stale) as limit:
                    await self._listen(socket, limit)
        except Ended as ended:
            return ended.end
        except TimeoutError:
            return End.RENEWED if self._renewing else End.STALE if self._spoke else End.SILENT
        finally:
            if self._connected_at is not None:
                self._steady = self._monotonic() - self._connected_at >= self._pace.steady
            self._connected_at = None

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse, limit: asyncio.Timeout) -> NoReturn:
        self._limit = limit
        try:
            while True:
                self._take(await receive(socket))
        finally:
            self._limit = None

    async def _switch_on(self) -> None:
        try:
            if self._enable is not None:
                await self._enable()
        except Refused as refused:
            self._refused[refused.reason] += 1
            raise Ended(End.AWAY if refused.reason in _AWAY else End.NOT_ENABLED) from None
        except LIBRARY as error:
            self._refused[why(error)] += 1
            raise Ended(End.NOT_ENABLED) from None

    def _take(self, message: str) -> None:
        params, now = frame(message), self._monotonic()
        if params is None or not self._data.take(params, now):
            self._counts["ignored"] += 1
            return
        self._counts["frames"] += 1
        self._frame_at, self._spoke = now, True
        if self._limit is not None and not self._renewing:
            self._limit.reschedule(asyncio.get_running_loop().time() + self._pace.stale)
        if self._stand_in.is_set():
            self._stand_in.clear()
            self._log.info("live data comes over the WebSocket again")
        self._offer()

    def _give_way(self, end: End) -> None:
        if not self._stand_in.is_set():
            self._stand_in.set()
            instead = "there is none until it does" if self._read is None else "it is polled until it does"
            self._log.info("the WebSocket of the PVS gives no live data (%s): %s. No action needed", end, instead)

    # Polling

    async def _poll(self, read: Read) -> NoReturn:
        failures = 0
        while True:
            await self._stand_in.wait()
            try:
                params = await read()
            except (Refused, *LIBRARY) as error:
                failures += 1
                self._refused[error.reason if isinstance(error, Refused) else why(error)] += 1
                self._note_poll(str(error) if isinstance(error, Refused) else type(error).__name__)
            else:
                failures = 0
                self._counts["polls"] += 1
                self._note_poll(None)
                lasting = self._lasting if self._stand_in.is_set() else 0.0
                self._data.confirm(params, self._monotonic(), alive_for=lasting)
                self._offer()
            longest = max(self._poll_every, self._pace.longest_retry)
            await asyncio.sleep(doubled(self._poll_every, failures + 1, longest))

    def _note_poll(self, trouble: str | None) -> None:
        if trouble is not None and self._poll_trouble is None:
            self._log.warning("live data cannot be polled: %s", trouble)
        elif trouble is None and self._poll_trouble is not None:
            self._log.info("live data is polled again (it was: %s)", self._poll_trouble)
        self._poll_trouble = trouble
