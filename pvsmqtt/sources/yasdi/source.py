"""yasdi2mqtt as a source: each of its messages becomes a reading of one inverter.

It says nothing at night, keeps nothing on the broker and has no last will: an inverter of which nothing came for
``stale_after`` seconds is offline, and the next message brings it back. That nothing comes is no trouble, it is said
since when; trouble is that nothing ever came, that the broker is away, and what cannot be understood.

Its clock serves to tell old messages from new ones (`newest`) and as the time of measurement; where it is off by more
than some minutes the time of arrival is the better one. How long a reading is fresh counts from its arrival alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pvsmqtt.broker import reasons
from pvsmqtt.broker.connection import default_client_id
from pvsmqtt.broker.subscription import Hear, Subscription
from pvsmqtt.model.device import SITE_ID, Device, Kind, default_name, slug
from pvsmqtt.model.reading import Reading
from pvsmqtt.model.times import iso
from pvsmqtt.sources.base import Deliver, Health
from pvsmqtt.sources.yasdi import payload
from pvsmqtt.sources.yasdi.memory import Memory
from pvsmqtt.sources.yasdi.newest import Newest
from pvsmqtt.sources.yasdi.options import YasdiOptions
from pvsmqtt.sources.yasdi.refusal import QUIET, SILENT, Refusal, told

PATIENCE = 900.0
"""Seconds without a first message after which somebody should look; yasdi2mqtt may need two minutes to start."""

MOST_DEVICES = 64
"""An RS-485 line bears 50 inverters; who invents serial numbers must not fill memory, disk and Home Assistant."""

MOST_NAMES = 50
OF_THE_BROKER = reasons.KEYS | {"denied"}
NOTHING_HEARD = "nothing_heard"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Inverter:
    newest: Newest = field(default_factory=Newest)
    at: float = 0.0


class YasdiSource(Hear):
    """Listens to one topic. ``state_dir`` is for what it remembers. Clocks and sleep are parameters for the tests."""

    def __init__(
        self,
        options: YasdiOptions,
        state_dir: Path | None = None,
        wall: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if options.broker is None:
            raise ValueError("there is no broker to listen to: write host in [[yasdi]]")
        self._broker = options.broker
        self.name = f"yasdi {options.subject}"
        self.site = f"{SITE_ID}_{slug(options.site)}" if options.site else SITE_ID
        self.health = Health(logging.getLogger(f"pvsmqtt.{self.name}"))
        self.health.present = self._present
        self._options = options
        self._wall, self._monotonic, self._sleep = wall, monotonic, sleep
        self._memory = Memory(state_dir, str(options.subject))
        client_id = options.client_id or default_client_id(f"{state_dir}/{self.name}")
        self._subscription = Subscription(self._broker, client_id, options.filters, self, sleep)
        self._deliver: Deliver = lambda _: None
        self._inverters: dict[str, _Inverter] = {}
        self._unmapped: dict[str, None] = {}
        self._left_out: dict[str, None] = {}
        self._protocol: str | None = None
        self._began = monotonic()
        self._heard_at: float | None = None
        self._ahead = 0.0

    async def run(self, deliver: Deliver) -> None:
        """Listen until cancelled."""
        self._deliver = deliver
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_watch())
            await self._subscription.run()

    def on_connected(self, version: str) -> None:
        """See `Hear`."""
        self._protocol = version
        self.health.log.info("listens to %s at the broker %s", " and ".join(self._options.filters), self._broker)
        if self.health.trouble in OF_THE_BROKER:
            self.health.good(self._wall(), self._monotonic())

    def on_lost(self, reason: str, message: str, first_tries: bool) -> None:
        """See `Hear`. The broker inside this process needs its time to start."""
        self._protocol = None
        if not (self._broker.embedded and first_tries):
            self.health.bad(reason, message, self._monotonic())

    def on_alive(self, within: float) -> None:
        """See `Hear`."""
        self.health.heartbeat.promise(self._monotonic(), within)

    def on_message(self, topic: str, payload_: bytes, retained: bool) -> None:
        """See `Hear`. What the broker kept is old, however new it looks."""
        now, wall = self._monotonic(), self._wall()
        message = Refusal.RETAINED if retained else payload.decode(payload_, topic, wall)
        if isinstance(message, Refusal):
            self._refuse(message, now)
            return
        inverter = self._inverters.get(message.serial)
        if inverter is None:
            if len(self._inverters) >= MOST_DEVICES:
                self._refuse(Refusal.CROWD, now)
                return
            inverter = self._inverters.setdefault(message.serial, _Inverter())
        if not inverter.newest.is_news(message.time, now):
            self._refuse(Refusal.REPEATED, now)
            return
        inverter.at = self._heard_at = now
        self._note(message)
        self._deliver([self._reading(message)])
        self.health.good(wall, now)
        self._memory.set("heard", True)

    def _reading(self, message: payload.Message) -> Reading:
        serial = message.serial
        device = Device(
            f"sma_{serial}",
            Kind.INVERTER,
            default_name(Kind.INVERTER, serial),
            serial=serial,
            manufacturer="SMA",
            site=self.site,
        )
        return Reading(
            device, message.values, self.name, message.measured_at, age=0.0, valid_for=self._options.stale_after
        )

    def _refuse(self, refusal: Refusal, now: float) -> None:
        if refusal in QUIET:
            self.health.refused[refusal] += 1
        else:
            self.health.bad(refusal, told(refusal), now)

    def _note(self, message: payload.Message) -> None:
        """What health tells of a message, and the log once."""
        for names, found, what in (
            (self._unmapped, message.unmapped, "channels nobody has described yet"),
            (self._left_out, message.left_out, "channels with values that cannot be used"),
        ):
            news = [name for name in dict.fromkeys(found) if name not in names][: MOST_NAMES - len(names)]
            if news:
                names.update(dict.fromkeys(news))
                self.health.log.info("%s: %s", what, ", ".join(news))
        before, self._ahead = self._ahead, message.ahead
        if abs(before) <= payload.CLOCK_OFF < abs(message.ahead):
            self.health.log.warning(
                "the clock of yasdi2mqtt's machine is %.0f min %s; the time at which its messages arrive is taken as "
                "the time of measurement. Set that clock",
                abs(message.ahead) / 60,
                "ahead" if message.ahead > 0 else "behind",
            )

    async def _keep_watch(self) -> None:
        """Somebody should look when nothing ever came."""
        while True:
            await self._sleep(PATIENCE)
            ever = self._heard_at is not None or bool(self._memory.get("heard"))
            if self._protocol is not None and not ever and self.health.trouble in (None, NOTHING_HEARD):
                first, _ = self._options.filters
                self.health.bad(
                    NOTHING_HEARD,
                    f"nothing was ever heard of yasdi2mqtt on {first} at the broker {self._broker}: {SILENT}",
                    self._monotonic(),
                )

    def _present(self) -> dict[str, Any]:
        now = self._monotonic()
        silent = now - (self._began if self._heard_at is None else self._heard_at)
        inverters = {serial: round(now - one.at) for serial, one in self._inverters.items() if one.at}
        since = self.health.last_success if self._heard_at is not None else None
        return {
            "connected": self._protocol is not None,
            "protocol": self._protocol,
            "last_message": iso(since),
            "silent_for": round(silent),
            "inverters": inverters,
            "clock_ahead": round(self._ahead),
            "unmapped": sorted(self._unmapped),
            "left_out": sorted(self._left_out),
        }
