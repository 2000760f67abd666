"""An RS-485 line as a source: what a tap hears becomes readings of the units on it, and of the line itself.

A burst of polls is told as a whole: when the line falls idle behind it, or where it never does, a moment after it was
due. A line that is silent is no trouble by itself (a supervisor may rest at night): it is said since when. Trouble is
what a person can do something about: the line is lost, nothing was ever heard, bytes are none of Modbus at this
speed, or only one side of the talk is heard.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pvsmqtt.modbus import mapfile
from pvsmqtt.modbus.block import RegisterBlock
from pvsmqtt.model.device import SITE_ID, slug
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.base import Deliver, Health
from pvsmqtt.sources.register_units import registers
from pvsmqtt.sources.register_units.chains import Chains
from pvsmqtt.sources.register_units.decoder import Decoder, Place
from pvsmqtt.sources.register_units.listening import EVERY, Listening
from pvsmqtt.sources.rs485 import report
from pvsmqtt.sources.rs485.autobaud import Trial
from pvsmqtt.sources.rs485.line import open_line
from pvsmqtt.sources.rs485.lost import LineLost
from pvsmqtt.sources.rs485.memory import Memory
from pvsmqtt.sources.rs485.options import Rs485Options, pins_of
from pvsmqtt.sources.rs485.search import tap_of, to_remember
from pvsmqtt.sources.rs485.tap import Hear, Opener, State
from pvsmqtt.sources.rs485.trouble import trouble
from pvsmqtt.sources.rs485.units import ENOUGH, KNOWN

BURST = 2.0
"""Seconds for which a burst of polls may go on before what is due is told all the same."""


def _now() -> datetime:
    return datetime.now(UTC)


class Rs485Source(Hear):
    """Listens to one line. ``state_dir`` is for what it remembers. Clocks and line are parameters for the tests."""

    def __init__(
        self,
        options: Rs485Options,
        state_dir: Path | None = None,
        wall: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        opener: Opener = open_line,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = f"rs485 {options.name}"
        self.site = f"{SITE_ID}_{slug(options.site)}" if options.site else SITE_ID
        self.health = Health(logging.getLogger(f"pvsmqtt.{self.name}"))
        self.health.present = self._present
        self.health.registers = self._registers
        self._options = options
        self._wall, self._monotonic, self._sleep = wall, monotonic, sleep
        self._memory = Memory(state_dir, options.name)
        self.tap = tap_of(
            options, self._memory, monotonic=monotonic, wall=wall, opener=opener, sleep=sleep, jitter=jitter
        )
        self._chains = Chains(self.tap.images, self._memory, lambda _: options.sunspec != "off", pins_of(options))
        self._decoder = Decoder(
            Place(
                self.name,
                options.name,
                self.site,
                options.stale_after,
                known=KNOWN,
                maker="SunPower",
                enough=ENOUGH,
            ),
            self.tap.images,
            [*mapfile.shipped(), *options.register_maps],
            self._chains,
            {int(unit): kind for unit, kind in options.units.items()},
        )
        self._device = report.device_of(options.name, self.site, str(self.tap.url))
        self._deliver: Deliver = lambda _: None
        self._frames = 0
        self._trial: Trial | None = None
        self._listening = Listening(self.health, monotonic)
        self._began = monotonic()

    async def run(self, deliver: Deliver) -> None:
        """Listen until cancelled. When a recording ends, what it told stays as long as it is fresh."""
        self._deliver = deliver
        async with asyncio.TaskGroup() as group:
            group.create_task(
                self._listening.keep_telling(
                    self._judge,
                    lambda: report.state_of(self.tap),
                    self._tell_line,
                    lambda: self._sleep(self._options.interval),
                )
            )
            await self.tap.run(self)
            self._tell_units(self.tap.now, ended=True)
            self._judge()
            self._tell_line()

    def on_block(self, block: RegisterBlock, changed: tuple[int, ...]) -> None:
        """See `Hear`."""
        with self._listening.whatever_happens():
            self._decoder.take(block, changed)
        self._tell_units(block.when, patience=BURST)

    def on_idle(self, when: float) -> None:
        """See `Hear`."""
        self._tell_units(when)

    def on_trial(self, trial: Trial) -> None:
        """See `Hear`."""
        self._trial = trial

    def on_state(self, state: State, said: str, lost: LineLost | None) -> None:
        """See `Hear`."""
        if state is State.LISTENING:
            self._trial = None
        if state is State.LOST and lost is not None:
            self.health.bad(f"line_{lost.reason}", str(lost), self._monotonic())
        else:
            self._listening.say(said)

    def _tell_units(self, when: float, patience: float = 0.0, ended: bool = False) -> None:
        """Deliver what is due of units that have news."""
        interval = 0.0 if ended else self._options.interval
        readings = []
        for unit in self._decoder.due(when, interval, patience):
            with self._listening.whatever_happens():
                if (reading := self._decoder.reading(unit, when, self.tap.moment)) is not None:
                    readings.append(replace(reading, values={**report.counts_of(self.tap, unit), **reading.values}))
        if readings:
            with self._listening.whatever_happens():
                self._deliver(readings)

    def _tell_line(self) -> None:
        values = report.values_of(self.tap, self._decoder)
        hold = max(3 * EVERY * self._options.interval, self._options.stale_after)
        self._deliver([Reading(self._device, values, self.name, self._wall(), age=0.0, valid_for=hold)])

    def _judge(self) -> None:
        """Note how it goes: good when frames came, bad when a person should know."""
        tap, now = self.tap, self._monotonic()
        frames = tap.count().totals["frames"]
        found = trouble(tap, now - self._began, known=bool(self._memory.get("heard")))
        if found is not None:
            lost = tap.state is State.LOST  # that names the line by itself
            self.health.bad(found.reason, found.text if lost else f"{tap.url}: {found.text}", now)
        elif frames > self._frames or self._is_back():
            self.health.good(self._wall(), now)
        if frames > self._frames and tap.dialogue.counters.paired:
            self._memory.set("heard", True)
            self._memory.set("setting", to_remember(tap))
        self._frames = frames

    def _is_back(self) -> bool:
        """The line was lost and is open again: that nothing comes yet is no trouble."""
        return self.tap.state is State.LISTENING and (self.health.trouble or "").startswith("line_")

    def _registers(self) -> list[dict[str, Any]]:
        return [registers.line(self.name, self.tap.images, self._decoder, self._chains, self.tap.moment)]

    def _present(self) -> dict[str, Any]:
        found = report.details_of(self.tap, self._decoder, self._chains)
        found["advice"] = self.tap.verdict or (self.tap.advice if self.tap.quality.frames else "") or None
        if self._trial is not None:
            found["search"] = {"setting": str(self._trial.setting), "verdict": str(self._trial.verdict)}
        return found
