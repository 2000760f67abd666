"""The PVS as a source: polls the device list at its pace and delivers readings."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pvsmqtt.model.device import SITE_ID, slug
from pvsmqtt.sources.base import Deliver, Health
from pvsmqtt.sources.pvs import dl_cgi
from pvsmqtt.sources.pvs.client import DEVICE_LIST, PvsClient
from pvsmqtt.sources.pvs.options import PvsOptions, base_url
from pvsmqtt.sources.pvs.refusal import Refused
from pvsmqtt.sources.pvs.schedule import GAP, clock_trouble, until_next, until_retry


def _now() -> datetime:
    return datetime.now(UTC)


class PvsSource:
    """Polls one PVS. The clocks are parameters, so that tests can hold them."""

    def __init__(
        self,
        options: PvsOptions,
        wall: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = f"pvs {options.host}"
        self.health = Health(logging.getLogger(f"pvsmqtt.{self.name}"))
        self._options = options
        self.site = f"{SITE_ID}_{slug(options.site)}" if options.site else SITE_ID
        self._wall, self._monotonic, self._jitter = wall, monotonic, jitter
        self._ahead = 0.0
        self._last_poll = -math.inf

    async def run(self, deliver: Deliver) -> None:
        """Poll until cancelled."""
        failures = 0
        async with PvsClient(base_url(self._options.host)) as client:
            while True:
                # Also when a failure elsewhere made this source start again, the PVS gets its rest.
                await asyncio.sleep(max(0.0, self._last_poll + min(GAP, self._options.interval) - self._monotonic()))
                wall, started = self._wall(), self._monotonic()
                try:
                    payload = await client.get(DEVICE_LIST)
                    self._last_poll = started
                    reply = dl_cgi.decode(
                        payload,
                        source=self.name,
                        site=self.site,
                        stale_after=self._options.stale_after,
                        keep=2 * self._options.interval + min(60.0, self._options.interval),
                    )
                except Refused as refused:
                    failures += 1
                    self.health.bad(refused.reason, str(refused))
                    elapsed = self._monotonic() - started
                    pause = until_retry(failures, elapsed, self._options.interval, self._jitter())
                else:
                    failures = 0
                    deliver(reply.readings)
                    self._note(reply, started)
                    now = self._wall().timestamp()
                    pause = until_next(self._options.interval, wall.timestamp(), now, self._ahead)
                await asyncio.sleep(min(pause, 2 * self._options.interval))

    def _note(self, reply: dl_cgi.DeviceList, started: float) -> None:
        wall, now = self._wall(), self._monotonic()
        self.health.good(wall, now)
        if reply.clock is not None:
            self._ahead = (reply.clock - wall).total_seconds()
        details = {
            "duration": round(now - started, 3),
            "devices": len(reply.readings),
            "clock_ahead": round(self._ahead),
            "left_out": {reason.value: count for reason, count in reply.refused.items()},
            "unmapped": sorted(reply.unmapped),
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
