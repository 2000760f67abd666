"""Reads a PVS with newer firmware: every device with one request, and one more for an errand.

The devices are one set of variables that the PVS remembers for us; what the PVS says of itself is another, live data
a third. Steady polling costs two requests.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from pvsmqtt.model.device import Device, Kind, default_name, slug
from pvsmqtt.model.reading import Reading, Value
from pvsmqtt.sources.pvs.access.client import Reply
from pvsmqtt.sources.pvs.access.login import YOUNG, Login
from pvsmqtt.sources.pvs.access.requests import INTERFACES, LIVE_DATA_ON, by_name, search
from pvsmqtt.sources.pvs.diagnostics import interfaces
from pvsmqtt.sources.pvs.errands import DAY, HOUR, Errand, Errands
from pvsmqtt.sources.pvs.generation import Identity, of_variables
from pvsmqtt.sources.pvs.live.feed import LiveFeed
from pvsmqtt.sources.pvs.live.of_house import Access
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.newer import varserver
from pvsmqtt.sources.pvs.newer.cached import CachedSet
from pvsmqtt.sources.pvs.newer.clock import MeasuringClock
from pvsmqtt.sources.pvs.newer.optional_names import OptionalNames
from pvsmqtt.sources.pvs.reader import Cycle, Setting, about_supervisor, told_rarely
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

ABOUT_ITSELF = 890.0
"""Seconds between two questions what the PVS says of itself: a little less than three polls of 300 s."""

SEED_SHARE = 0.9
"""The pace of reading live data along with the poll, as a share of the interval: polls are not to the second."""

DOUBT_AGAIN = 900.0
NEW_ENOUGH = 60.0
"""Seconds for which a login counts as new: of the 300 that it lives at least 240 are left for live data."""

GONE = DAY
"""Seconds after which a device that is missing is no longer searched for with every poll, but every hour."""


class VarserverReader:
    """Reads with a login. ``build`` becomes another one than that of ``identity`` when the PVS says so."""

    def __init__(
        self,
        login: Login,
        setting: Setting,
        memory: Memory,
        identity: Identity,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._login = login
        self._setting = setting
        self._identity = identity
        self.build = identity.build
        self.access = Access(self.switch_live_data_on, self.live)
        self.often: float | None = None
        self._feed: LiveFeed | None = None
        self._monotonic = monotonic
        self._names = OptionalNames(login, memory, identity.model, identity.build)
        self._wanted: Sequence[str] = ()
        own = f"pvsmqtt-{memory.id}"
        self._devices = CachedSet(login, f"{own}-devices", lambda name: search("/sys/devices/", name))
        self._itself = CachedSet(login, f"{own}-itself", lambda name: by_name(self._wanted, name))
        self._live = CachedSet(login, f"{own}-live", lambda name: search("/sys/livedata/", name))
        self._clock = MeasuringClock()
        self._supervisor = _supervisor(identity, setting.site)
        self._storage: Device | None = None
        self._told: Collection[str] = ()
        self._seen: dict[str, float] = {}
        self._missing = False
        self._doubted_at = -math.inf
        self._first = True
        network = about_supervisor(
            setting, "interfaces", HOUR, INTERFACES, login.get, lambda: self._supervisor, self._interfaces
        )
        live = Errand("live", SEED_SHARE * setting.options.interval, self._seed, wanted=self._wants_seed)
        self._errands = Errands([Errand("itself", ABOUT_ITSELF, self._ask_itself, optional=False), live, network])

    async def cycle(self, now: float) -> Cycle:
        """Every device.

        Raises:
            Refused: when the devices are not to be had.
        """
        found, reply = await self._read_devices(now)
        decoded = self._decode(found, reply.sent_at)
        clock = self._clock.at_reply(reply.sent_at, decoded.newest)
        if clock != reply.sent_at:
            decoded = self._decode(found, clock)
        self._note(decoded.readings, now)
        readings = [*self._presence(clock), *decoded.readings]
        return Cycle(readings, decoded.clock, len(decoded.readings) + 1, decoded.refused, decoded.unmapped)

    def follow(self, feed: LiveFeed | None) -> None:
        """Polls confirm what its stream does not send again, and tell it when a login has just been made."""
        self._feed = feed

    async def errands(self, now: float) -> Sequence[Reading]:
        """An errand; at the first time every one."""
        first, self._first = self._first, False
        readings = await (self._errands.all(now) if first else self._errands.one(now))
        if self._feed is not None and self._login.age < NEW_ENOUGH:
            self._feed.renew()  # switching it on costs no login of its own now
        return readings

    def _decode(self, found: Mapping[str, object], clock: datetime | None) -> varserver.Devices:
        return varserver.decode(
            found,
            source=self._setting.name,
            site=self._setting.site,
            supervisor=None if self._supervisor is None else self._supervisor.id,
            clock=clock,
            stale_after=self._setting.options.stale_after,
            keep=self._setting.keep,
        )

    async def live(self) -> Mapping[str, object]:
        """Live data, polled.

        Raises:
            Refused: when there is none.
        """
        found, _ = await self._live.read(self._monotonic())
        return varserver.live(found)

    async def switch_live_data_on(self) -> None:
        """Ask for the WebSocket to speak, under a login that is new: it falls silent when that ends.

        Raises:
            Refused: when the PVS does not let us.
        """
        await self._login.fresh(NEW_ENOUGH)
        try:
            await self._login.get(LIVE_DATA_ON)
        except Refused as refused:
            if refused.reason is not Refusal.TIMEOUT:
                raise
            # The PVS is there, it has just let us in: it is this that it does not answer, and each try costs a login.
            raise Refused(Refusal.NOT_SUCCEED, "the PVS does not answer when live data is switched on") from None

    def recovered(self) -> None:
        """Polls work again."""
        self._errands.recovered()

    def report(self) -> dict[str, Any]:
        """What is refused, and whether devices are missing."""
        return {"errands_refused": self._errands.refusals(), "devices_missing": self._missing}

    async def _read_devices(self, now: float) -> tuple[dict[str, object], Reply]:
        """A session that has ended may show less instead of saying so: then log in, and look again. Where that does
        not help there is nothing to see, and it is not tried again soon."""
        try:
            found, reply = await self._devices.read(now, anew=self._missing)
            if any(name.startswith("/sys/devices/") for name in found) or not self._in_doubt(now):
                return found, reply
        except Refused as refused:
            if refused.reason is not Refusal.BAD_REQUEST or not self._in_doubt(now):
                raise
        self._doubted_at = now
        self._login.drop()
        found, reply = await self._devices.read(now, anew=True)
        if any(name.startswith("/sys/devices/") for name in found):
            self._doubted_at = -math.inf
        return found, reply

    def _in_doubt(self, now: float) -> bool:
        """Whether the session may have ended: it is not young, and a new one has not just shown as little."""
        return self._login.age >= YOUNG and now - self._doubted_at >= DOUBT_AGAIN

    def _note(self, readings: Sequence[Reading], now: float) -> None:
        self._seen.update((reading.device.id, now) for reading in readings)
        self._seen = {device: at for device, at in self._seen.items() if now - at < GONE}
        self._missing = any(at < now for at in self._seen.values())
        self._storage = next((r.device for r in readings if r.device.kind is Kind.ESS), self._storage)

    def _presence(self, clock: datetime | None) -> list[Reading]:
        """The supervisor is there: it has just answered."""
        if self._supervisor is None:
            return []
        return [Reading(self._supervisor, {}, self._setting.name, clock, 0.0, self._setting.keep)]

    async def _ask_itself(self, now: float) -> Sequence[Reading]:
        self._wanted = await self._names.names(now)
        if not self._wanted:
            return []
        try:
            found, reply = await self._itself.read(now)
        except Refused as refused:
            if refused.reason in (Refusal.BAD_REQUEST, Refusal.TIMEOUT):
                self._names.forget()
            raise
        build = of_variables(found).build
        self.build = build if build is not None else self.build
        told = varserver.supervisor(
            found, self._setting.name, self._setting.site, reply.sent_at, serial=self._identity.serial
        )
        readings = []
        if told is not None:
            self._supervisor, self._told = told.device, [k for k, value in told.values.items() if value is not None]
            readings.append(told_rarely(self._setting, told.device, told.values, ABOUT_ITSELF))
        settings = varserver.storage_settings(found)
        if self._storage is not None and settings:
            readings.append(told_rarely(self._setting, self._storage, settings, ABOUT_ITSELF))
        return readings

    def _interfaces(self, payload: object) -> dict[str, Value]:
        """What the reply of older firmware tells more than variables do: both have words of their own for a state."""
        return {key: value for key, value in interfaces.interfaces(payload).items() if key not in self._told}

    async def _seed(self, _now: float) -> Sequence[Reading]:
        params = await self.live()
        if self._feed is not None:
            self._feed.seed(params)
        return []

    def _wants_seed(self) -> bool:
        return self._feed is not None and self._feed.mode != "polled"


def _supervisor(identity: Identity, site: str) -> Device | None:
    """The PVS as a device, as far as it is known before it was asked about itself."""
    if identity.serial is None or not slug(identity.serial):
        return None
    return Device(
        slug(identity.serial),
        Kind.SUPERVISOR,
        default_name(Kind.SUPERVISOR, identity.serial),
        identity.serial,
        identity.model,
        manufacturer="SunPower",
        sw_version=identity.version,
        site=site,
    )
