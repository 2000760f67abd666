"""The PVS as a source: polls the device list at its pace and delivers readings."""

from __future__ import annotations

import asyncio
import logging
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
from pvsmqtt.sources.pvs.schedule import until_next, until_retry

CLOCK_OFF = 300.0
"""Seconds by which the clock of the PVS may differ from ours before it is worth a word."""


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
        self._site = f"{SITE_ID}_{slug(options.site)}" if options.site else SITE_ID
        self._wall, self._monotonic, self._jitter = wall, monotonic, jitter
        self._ahead = 0.0

    async def run(self, deliver: Deliver) -> None:
        """Poll until cancelled."""
        failures = 0
        async with PvsClient(base_url(self._options.host)) as client:
            while True:
                wall, started = self._wall(), self._monotonic()
                try:
                    payload = await client.get(DEVICE_LIST)
                    reply = dl_cgi.decode(
                        payload,
                        source=self.name,
                        site=self._site,
                        stale_after=self._options.stale_after,
                        keep=2 * self._options.interval + 60,
                    )
                except Refused as refused:
                    failures += 1
                    self.health.bad(refused.reason, str(refused))
                    elapsed = self._monotonic() - started
                    pause = until_retry(failures, elapsed, self._options.interval, self._jitter())
                else:
                    failures = 0
                    deliver(reply.readings)
                    self._note(reply, wall, started)
                    pause = until_next(
                        self._options.interval, wall.timestamp(), self._wall().timestamp(), self._ahead
                    )
                await asyncio.sleep(min(pause, 2 * self._options.interval))

    def _note(self, reply: dl_cgi.DeviceList, wall: datetime, started: float) -> None:
        now = self._monotonic()
        self.health.good(self._wall(), now)
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
        if abs(self._ahead) > CLOCK_OFF and abs(before.get("clock_ahead", 0)) <= CLOCK_OFF:
            self.health.log.warning(
                "the clock of the PVS is %+.0f s off this machine's clock: one of them is wrong. Times of "
                "measurement are published as the PVS tells them; freshness is not affected",
                self._ahead,
            )
        for key, what in (
            ("left_out", "entries of its reply"),
            ("unmapped", "readings nobody has described yet"),
        ):
            if details[key] and details[key] != before.get(key):
                self.health.log.info("%s: %s", what, details[key])
        self.health.details = details
