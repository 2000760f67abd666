"""The PVS as a source: finds out what it speaks, polls it at its pace, follows when its firmware changes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pvsmqtt.model.device import SITE_ID, slug
from pvsmqtt.sources.base import Deliver, Health, patience
from pvsmqtt.sources.pvs.access.address import Address, address, to_be_found
from pvsmqtt.sources.pvs.access.certificate import Certificate
from pvsmqtt.sources.pvs.access.client import PvsClient
from pvsmqtt.sources.pvs.access.login import Login
from pvsmqtt.sources.pvs.generation import Decision, Generation
from pvsmqtt.sources.pvs.live.feed import LiveFeed
from pvsmqtt.sources.pvs.live.of_house import live_feed
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.newer.reader import VarserverReader
from pvsmqtt.sources.pvs.older.reader import LegacyReader
from pvsmqtt.sources.pvs.options import PvsOptions
from pvsmqtt.sources.pvs.reader import Cycle, Reader, Setting
from pvsmqtt.sources.pvs.refusal import Refusal, Refused
from pvsmqtt.sources.pvs.review import Review
from pvsmqtt.sources.pvs.schedule import GAP, clock_trouble, until_next, until_retry

FAREWELL = 1.0
"""Seconds that the logout may take when the service stops."""

LONGEST_CYCLE = 1800.0
"""Seconds within which a cycle ends, however it does: review, login, poll and errands of a PVS that lets each request
run into its time-out of 120 s."""

MOST_UNMAPPED = 30
LOST = 6
"""Failed connections in a row after which a PVS that was found by searching is searched for again."""

_GONE = frozenset(
    {
        Refusal.UNREACHABLE,
        Refusal.NO_TLS,
        Refusal.TIMEOUT,
        Refusal.NOT_FOUND,
        Refusal.NO_LOGIN_PAGE,
        Refusal.CERTIFICATE,
        Refusal.STATUS,
        Refusal.HTML,
    }
)
"""Nobody is there any more, or somebody else."""


def _now() -> datetime:
    return datetime.now(UTC)


class PvsSource:
    """Reads one PVS. ``state_dir`` is for what it remembers. Clocks are parameters, so that tests can hold them."""

    def __init__(
        self,
        options: PvsOptions,
        state_dir: Path | None = None,
        wall: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = f"pvs {options.host}"
        self.health = Health(logging.getLogger(f"pvsmqtt.{self.name}"))
        self.health.present = self._present
        self.health.patience = patience(options.interval)
        self._options = options
        self.site = f"{SITE_ID}_{slug(options.site)}" if options.site else SITE_ID
        self._setting = Setting(self.name, self.site, options)
        self._memory = Memory(state_dir, options.host)
        self._wall, self._monotonic, self._jitter = wall, monotonic, jitter
        self._review = Review(options, self._memory, wall, self.health.log)
        self._client: PvsClient | None = None
        self._reader: Reader | None = None
        self._feed: LiveFeed | None = None
        self._ahead = 0.0
        self._last_poll = -math.inf
        self._failures = 0

    async def run(self, deliver: Deliver) -> None:
        """Poll until cancelled."""
        while True:
            await self._read(await self._locate(), deliver)

    async def _read(self, where: Address, deliver: Deliver) -> None:
        """Read at one address until the PVS is lost there."""
        certificate = Certificate(self._options.certificate, self._memory)
        password = self._options.password.get_secret_value() if self._options.password else None
        async with PvsClient(where, certificate) as client:
            login = Login(client, password, self._monotonic)
            self._client = client
            decision: Decision | None = None
            try:
                while not self._lost():
                    # A new login knows no serial number, and another address may be that of another PVS: ask.
                    decision = await self._decide(client, login, first=decision is None)
                    if decision is not None:
                        async with self._companions(decision, client, login, deliver):
                            await self._poll(decision, client, login, deliver)
            finally:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FAREWELL):
                        await login.log_out()

    async def _decide(self, client: PvsClient, login: Login, first: bool) -> Decision | None:
        """What to speak, asked for at the start; ``None`` after a failure and its pause."""
        started = self._alive()
        try:
            known = None if first else self._review.decision
            return known or await self._review.run(client, login, started)
        except Refused as refused:
            await self._rest(self._failed(refused, started))
            return None

    async def _poll(self, decision: Decision, client: PvsClient, login: Login, deliver: Deliver) -> None:
        """Poll until another way of reading is called for."""
        reader = self._reader
        assert reader is not None  # noqa: S101 - the companions have made it
        while not self._lost():
            # Also when a failure elsewhere made this source start again, the PVS gets its rest.
            await self._rest(max(0.0, self._last_poll + min(GAP, self._options.interval) - self._monotonic()))
            wall, started = self._wall(), self._alive()
            try:
                if self._review.due(started, self._failures, reader.build):
                    await self._review.run(client, login, started)
                    if self._review.decision != decision:
                        self._failures = 0
                        return
                cycle = await reader.cycle(started)
                self._last_poll = started
            except Refused as refused:
                pause = self._failed(refused, started)
            else:
                if self._failures:
                    reader.recovered()
                self._failures = 0
                deliver(cycle.readings)
                self._note(cycle, started)
                if more := await reader.errands(started):
                    deliver(more)
                now = self._wall().timestamp()
                pause = until_next(self._options.interval, wall.timestamp(), now, self._ahead)
            await self._rest(min(pause, 2 * self._options.interval))

    def _alive(self, pause: float = 0.0) -> float:
        """A sign of life, before a cycle or a ``pause``; the time."""
        now = self._monotonic()
        self.health.heartbeat.promise(now, pause + LONGEST_CYCLE)
        return now

    async def _rest(self, pause: float) -> None:
        self._alive(pause)
        await asyncio.sleep(pause)

    def _failed(self, refused: Refused, started: float) -> float:
        """Note a refusal; the seconds until the next try."""
        self._failures += 1
        self.health.bad(refused.reason, str(refused), self._monotonic())
        elapsed = self._monotonic() - started
        return until_retry(self._failures, elapsed, self._options.interval, self._jitter())

    def _lost(self) -> bool:
        return to_be_found(self._options.host) and self.health.trouble in _GONE and self._failures >= LOST

    async def _locate(self) -> Address:
        """Where the PVS is: as configured, or found on the network."""
        if not to_be_found(self._options.host):
            return address(self._options.host, self._options.live_url)
        from pvsmqtt.sources.pvs.finding import find

        while True:
            self._failures = 0
            started = self._alive()
            try:
                found = await find.locate(self._options.host)
            except Refused as refused:
                await self._rest(max(self._failed(refused, started), min(GAP, self._options.interval)))
            else:
                self.health.log.info("found at %s", found)
                return address(found, self._options.live_url)

    @contextlib.asynccontextmanager
    async def _companions(
        self, decision: Decision, client: PvsClient, login: Login, deliver: Deliver
    ) -> AsyncIterator[None]:
        """The reader of this generation, and what runs beside its polls."""
        reader = self._reader = self._reader_of(decision, client, login)
        feed = self._feed = live_feed(
            name=self.name,
            site=self.site,
            options=self._options,
            url=client.address.live,
            model=decision.identity.model,
            access=reader.access,
            deliver=deliver,
            log=self.health.log,
            monotonic=self._monotonic,
            jitter=self._jitter,
        )
        reader.follow(feed)
        work = [] if feed is None else [feed.run()]
        if reader.often is not None:
            work.append(self._between_polls(reader, reader.often, deliver))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in work]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                self._reader = self._feed = None

    def _reader_of(self, decision: Decision, client: PvsClient, login: Login) -> Reader:
        if decision.generation is Generation.VARSERVER:
            return VarserverReader(login, self._setting, self._memory, decision.identity, self._monotonic)
        return LegacyReader(client, self._setting)

    async def _between_polls(self, reader: Reader, often: float, deliver: Deliver) -> None:
        """Errands that are due more often than polls."""
        while True:
            await asyncio.sleep(often)
            if self._failures == 0 and (readings := await reader.errands(self._monotonic())):
                deliver(readings)

    def _note(self, cycle: Cycle, started: float) -> None:
        wall, now = self._wall(), self._monotonic()
        self.health.good(wall, now)
        if cycle.clock is not None:
            self._ahead = (cycle.clock - wall).total_seconds()
        details: dict[str, Any] = {
            "duration": round(now - started, 3),
            "devices": cycle.devices,
            "clock_ahead": round(self._ahead),
            "left_out": {reason.value: count for reason, count in cycle.refused.items()},
            "unmapped": sorted(cycle.unmapped)[:MOST_UNMAPPED],
        }
        before = self.health.details
        trouble = clock_trouble(self._ahead)
        if trouble is not None and clock_trouble(before.get("clock_ahead", 0)) is None:
            self.health.log.warning(
                "the clock of the PVS is %s. Times of measurement are published as the PVS tells them, and freshness "
                "is judged by its clock alone",
                trouble,
            )
        for key, what in (
            ("left_out", "entries of its reply"),
            ("unmapped", "readings nobody has described yet"),
        ):
            if set(details[key]) - set(before.get(key, ())):
                self.health.log.info("%s: %s", what, details[key])
        self.health.details = details

    def _present(self) -> dict[str, Any]:
        """What belongs in the health topic whether or not a poll has worked."""
        traffic = self._client.traffic if self._client else None
        return {
            "interface": self._review.decision.report() if self._review.decision else None,
            "traffic": {"requests": traffic.requests, "logins": traffic.logins, "bytes": traffic.bytes}
            if traffic
            else None,
            "live": self._feed.report() if self._feed else None,
            **(self._reader.report() if self._reader else {}),
        }
