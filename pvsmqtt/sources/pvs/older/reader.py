"""Reads a PVS with older firmware: the DeviceList, the state of a SunVault, and diagnostics at their own pace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pvsmqtt.model.device import Device, Kind, slug
from pvsmqtt.model.reading import Reading, Value
from pvsmqtt.sources.pvs.access.client import PvsClient
from pvsmqtt.sources.pvs.access.requests import (
    DEVICE_LIST,
    DISCOVERY,
    FIRMWARE_CHECK,
    GRID_PROFILE,
    INTERFACES_OLD,
    LAYOUT,
    STORAGE,
)
from pvsmqtt.sources.pvs.diagnostics import interfaces, layout, supervisor
from pvsmqtt.sources.pvs.diagnostics.flash import flash_problem
from pvsmqtt.sources.pvs.errands import DAY, HOUR, Errand, Errands
from pvsmqtt.sources.pvs.live.feed import LiveFeed
from pvsmqtt.sources.pvs.live.of_house import Access
from pvsmqtt.sources.pvs.older import dl_cgi, ess_status
from pvsmqtt.sources.pvs.reader import Cycle, Setting, about_supervisor, told_rarely

STORAGE_KINDS = frozenset({Kind.ESS, Kind.BATTERY, Kind.HUB_PLUS, Kind.STORAGE_INVERTER, Kind.BMS})
_A_LITTLE_LESS = 0.9
"""Of a pace, so that polls need not be to the second."""

ABOUT_SUPERVISOR = (
    ("interfaces", HOUR, INTERFACES_OLD, interfaces.interfaces),
    ("discovery", 6 * HOUR, DISCOVERY, supervisor.discovery),
    ("grid_profile", DAY, GRID_PROFILE, supervisor.grid_profile),
    ("firmware_check", DAY, FIRMWARE_CHECK, supervisor.firmware_check),
)


class LegacyReader:
    """Reads without a login. ``devices`` are those of the last list."""

    def __init__(self, client: PvsClient, setting: Setting) -> None:
        self._client = client
        self._setting = setting
        often = float(setting.options.battery_interval)
        self.build: int | None = None
        self.access = Access()
        self.often = often if often < float(setting.options.interval) else None
        self._devices: tuple[Device, ...] = ()
        self._first = True
        self._clock: tuple[datetime, float] | None = None
        errands = [
            about_supervisor(setting, name, pace, request, client.get, lambda: self._supervisor, decode)
            for name, pace, request, decode in ABOUT_SUPERVISOR
        ]
        places = Errand("layout", DAY, self._layout)
        storage = Errand(
            "storage", _A_LITTLE_LESS * setting.options.battery_interval, self.storage, self._has_storage
        )
        self._errands = Errands([storage, *errands, places])

    def follow(self, feed: LiveFeed | None) -> None:
        """Nothing that polls find out helps live data here."""

    async def cycle(self, now: float) -> Cycle:
        """The DeviceList.

        Raises:
            Refused: when there is no list.
        """
        options = self._setting.options
        reply = dl_cgi.decode(
            await self._client.get(DEVICE_LIST),
            source=self._setting.name,
            site=self._setting.site,
            stale_after=options.stale_after,
            keep=self._setting.keep,
        )
        self._devices = tuple(reading.device for reading in reply.readings)
        self._clock = None if reply.clock is None else (reply.clock, now)
        judged = [self._judged(reading) for reading in reply.readings if reading.device.kind is Kind.SUPERVISOR]
        readings = [*reply.readings, *judged]
        return Cycle(readings, reply.clock, len(reply.readings), reply.refused, reply.unmapped)

    async def errands(self, now: float) -> Sequence[Reading]:
        """An errand; at the first time every one."""
        if not self._devices:
            return ()
        first, self._first = self._first, False
        return await (self._errands.all(now) if first else self._errands.one(now))

    def _judged(self, supervisor: Reading) -> Reading:
        """What follows from what the supervisor tells of itself."""
        values: dict[str, Value] = {
            "firmware": supervisor.device.sw_version,
            "flash_problem": flash_problem(supervisor.values),
        }
        told = {key: value for key, value in values.items() if value is not None}
        return told_rarely(self._setting, supervisor.device, told, self._setting.options.interval)

    async def storage(self, now: float) -> Sequence[Reading]:
        """What the SunVault tells, if there is one.

        Raises:
            Refused: when it tells nothing.
        """
        if not self._has_storage():
            return ()
        options = self._setting.options
        clock = None if self._clock is None else self._clock[0] + timedelta(seconds=now - self._clock[1])
        found = ess_status.decode(
            await self._client.get(STORAGE),
            source=f"{self._setting.name} storage",
            site=self._setting.site,
            known=self._devices,
            clock=clock,
            stale_after=options.stale_after,
            keep=3 * float(options.battery_interval),
        )
        return found.readings

    def recovered(self) -> None:
        """Polls work again."""
        self._errands.recovered()

    def report(self) -> dict[str, Any]:
        """What is refused at the moment."""
        return {"errands_refused": self._errands.refusals()}

    def _has_storage(self) -> bool:
        return any(device.kind in STORAGE_KINDS for device in self._devices)

    @property
    def _supervisor(self) -> Device | None:
        return next((device for device in self._devices if device.kind is Kind.SUPERVISOR), None)

    async def _layout(self, _now: float) -> Sequence[Reading]:
        places: dict[str, dict[str, Value]] = layout.layout(await self._client.get(LAYOUT))
        inverters = {slug(device.serial or ""): device for device in self._devices if device.kind is Kind.INVERTER}
        return [
            told_rarely(self._setting, inverters[serial], values, DAY)
            for serial, values in places.items()
            if serial in inverters
        ]
