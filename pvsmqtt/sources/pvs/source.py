"""The PVS as a source: finds out what it speaks, polls it at its pace, follows when its firmware changes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pvsmqtt.model.device import LABELS, SITE_ID, Device, Kind, slug
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import Reading, Value
from pvsmqtt.sources.base import Deliver, Health
from pvsmqtt.sources.pvs.access.address import Address, address, to_be_found
from pvsmqtt.sources.pvs.access.certificate import Certificate
from pvsmqtt.sources.pvs.access.client import PvsClient
from pvsmqtt.sources.pvs.access.login import Login
from pvsmqtt.sources.pvs.generation import Decision, Generation
from pvsmqtt.sources.pvs.live.feed import LiveFeed
from pvsmqtt.sources.pvs.live.livedata import STALE
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.newer.reader import VarserverReader
from pvsmqtt.sources.pvs.older.reader import LegacyReader
from pvsmqtt.sources.pvs.options import PvsOptions
from pvsmqtt.sources.pvs.reader import Cycle, Setting
from pvsmqtt.sources.pvs.refusal import Refusal, Refused
from pvsmqtt.sources.pvs.review import Review
from pvsmqtt.sources.pvs.schedule import GAP, clock_trouble, until_next, until_retry

FAREWELL = 2.0
"""Seconds that the logout may take when the service stops."""

MOST_UNMAPPED = 30
LOST = 6
"""Failed connections in a row after which a PVS that was found by searching is searched for again."""

_GONE = frozenset(
    {
        Refusal.UNREACHABLE,
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
        self._options = options
        self.site = f"{SITE_ID}_{slug(options.site)}" if options.site else SITE_ID
        self._setting = Setting(self.name, self.site, options)
        self._memory = Memory(state_dir, options.host)
        self._wall, self._monotonic, self._jitter = wall, monotonic, jitter
        self._review = Review(options, self._memory, wall, self.health.log)
        self._client: PvsClient | None = None
        self._reader: LegacyReader | VarserverReader | None = None
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
        started = self._monotonic()
        try:
            known = None if first else self._review.decision
            return known or await self._review.run(client, login, started)
        except Refused as refused:
            await asyncio.sleep(self._failed(refused, started))
            return None

    async def _poll(self, decision: Decision, client: PvsClient, login: Login, deliver: Deliver) -> None:
        """Poll until another way of reading is called for."""
        reader = self._reader
        assert reader is not None  # noqa: S101 - the companions have made it
        while not self._lost():
            # Also when a failure elsewhere made this source start again, the PVS gets its rest.
            await asyncio.sleep(max(0.0, self._last_poll + min(GAP, self._options.interval) - self._monotonic()))
            wall, started = self._wall(), self._monotonic()
            try:
                build = reader.build if isinstance(reader, VarserverReader) else None
                if self._review.due(started, self._failures, build):
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
                self._feed_on(reader)
                now = self._wall().timestamp()
                pause = until_next(self._options.interval, wall.timestamp(), now, self._ahead)
            await asyncio.sleep(min(pause, 2 * self._options.interval))

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
            started = self._monotonic()
            try:
                found = await find.locate(self._options.host)
            except Refused as refused:
                await asyncio.sleep(max(self._failed(refused, started), min(GAP, self._options.interval)))
            else:
                self.health.log.info("found at %s", found)
                return address(found, self._options.live_url)

    @contextlib.asynccontextmanager
    async def _companions(
        self, decision: Decision, client: PvsClient, login: Login, deliver: Deliver
    ) -> AsyncIterator[None]:
        """The reader of this generation, and what runs beside its polls."""
        if decision.generation is Generation.VARSERVER:
            reader = self._reader = VarserverReader(login, self._setting, self._memory, decision.identity)
            self._feed = self._live_feed(client, decision, deliver, reader)
            reader.wants_seed = self._feed is not None
            work = []
        else:
            older = self._reader = LegacyReader(client, self._setting)
            self._feed = self._live_feed(client, decision, deliver, None)
            often = float(self._options.battery_interval) < float(self._options.interval)
            work = [self._between_polls(older, deliver)] if often else []
        if self._feed is not None:
            work.append(self._feed.run())
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in work]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                self._reader = self._feed = None

    async def _between_polls(self, reader: LegacyReader, deliver: Deliver) -> None:
        """Errands that are due more often than polls: the state of a SunVault."""
        while True:
            await asyncio.sleep(self._options.battery_interval)
            if self._failures == 0 and (readings := await reader.errands(self._monotonic())):
                deliver(readings)

    def _live_feed(
        self, client: PvsClient, decision: Decision, deliver: Deliver, reader: VarserverReader | None
    ) -> LiveFeed | None:
        options = self._options
        if options.live == "off":
            return None
        socket = options.live == "auto" and (decision.identity.model != "PVS5" or options.live_url)
        if reader is None and not socket:
            return None
        house = Device(self.site, Kind.SITE, LABELS[Kind.SITE], site=self.site)
        source = f"{self.name} live"

        def tell(values: Mapping[str, Value], measured_at: datetime | None) -> None:
            # What was counted stays counted, though at night all live data are null; and nulls are no sign of life.
            told = {key: value for key, value in values.items() if value is not None or not QUANTITIES[key].holds}
            alive = any(value is not None for value in told.values())
            deliver([Reading(house, told, source, measured_at, 0.0, STALE if alive else 0.0)])

        async def read() -> Mapping[str, object]:
            assert reader is not None  # noqa: S101 - it is only called where there is one
            return await reader.live(self._monotonic())

        return LiveFeed(
            url=client.address.live if socket else None,
            enable=None if reader is None else reader.switch_live_data_on,
            read=None if reader is None else read,
            deliver=tell,
            every=options.live_interval,
            poll_every=options.live_poll,
            log=self.health.log,
            monotonic=self._monotonic,
            jitter=self._jitter,
        )

    def _feed_on(self, reader: LegacyReader | VarserverReader) -> None:
        """What a poll found out for the live data."""
        if self._feed is None or not isinstance(reader, VarserverReader):
            return
        if reader.seed:
            self._feed.seed(reader.seed)
            reader.seed = {}
        reader.wants_seed = self._feed.report().get("mode") != "polled"
        if reader.just_logged_in:
            self._feed.renew()

    def _note(self, cycle: Cycle, started: float) -> None:
        wall, now = self._wall(), self._monotonic()
        self.health.good(wall, now)
        if cycle.clock is not None:
            self._ahead = (cycle.clock - wall).total_seconds()
        details = {
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
            if details[key] and details[key] != before.get(key):
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
