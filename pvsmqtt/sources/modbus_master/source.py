"""Equipment that is asked over Modbus as a source: one connection or more, cycle by cycle.

The doors of one table belong to one piece of equipment (the two ports of a gateway). They are asked one after the
other, so that the equipment has one request of ours at a time; what they tell of one unit is one reading, in which
what the unit says of itself in SunSpec counts more than the registers of its maker.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from pvsmqtt.model.device import Device
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.base import Deliver, Health, patience
from pvsmqtt.sources.memory import Memory
from pvsmqtt.sources.modbus_master import report
from pvsmqtt.sources.modbus_master.door import Door
from pvsmqtt.sources.modbus_master.patient import Patient
from pvsmqtt.sources.modbus_master.reader import Reader
from pvsmqtt.sources.modbus_master.refusal import Refusal, Refused
from pvsmqtt.sources.modbus_master.survey import Language
from pvsmqtt.sources.modbus_master.wanted import Wanted
from pvsmqtt.sources.register_units import registers
from pvsmqtt.sources.register_units.decoder import Place

LINE_EVERY = 4
"""Cycles after which the connection itself is told of."""

FIRST_REST, LONGEST_REST = 5.0, 60.0
"""Seconds until equipment that cannot be reached is tried again."""

SHUT_EVERY = 4
"""Cycles after which a shut door is tried again while another one is open: each try may cost a time-out."""

SEARCH_AFTER = 5
"""Cycles in vain after which equipment that was found by itself is searched for again."""

Located = Callable[[], Awaitable[list[tuple[Door, Wanted]]]]
"""Where the equipment is, and what is wanted of it; raises `Refused` when it cannot be found."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a table asks for."""

    name: str
    """Of the source: ``modbus_tcp conext``."""
    place: Place
    interval: float
    pause: float
    device: Device
    """The connection itself."""
    locate: Located
    needs_all: bool = False
    """Whether a door that is shut is trouble though another one is open."""
    search_rest: float | None = None
    """Seconds at most until it is looked for again, where that has to be found out; None: it is where it is."""


def _now() -> datetime:
    return datetime.now(UTC)


class MasterSource:
    """Asks until cancelled. Clocks and sleep are parameters for the tests."""

    def __init__(
        self,
        setup: Setup,
        memory: Memory,
        wall: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name, self.site = setup.name, setup.place.site
        self.health = Health(logging.getLogger(f"pvsmqtt.{setup.name}"))
        self.health.present = self._present
        self.health.registers = self._registers
        self.health.patience = patience(setup.interval)
        self.doors: list[Door] = []
        self.readers: list[Reader] = []
        self.trouble: Refused | None = None
        """What a person should know."""
        self._setup, self._memory = setup, memory
        self._wall, self._monotonic, self._sleep, self._jitter = wall, monotonic, sleep, jitter
        self._line_said = ""
        self._cycles = self._in_vain = 0

    async def run(self, deliver: Deliver) -> None:
        """Ask, tell, and rest until the next cycle."""
        try:
            while True:
                began = self._monotonic()
                readings = await self.cycle()
                if readings:
                    deliver(readings)
                await self._sleep(max(self._rest(self._monotonic() - began), self._setup.pause))
        finally:
            await self.close()

    async def cycle(self) -> list[Reading]:
        """One round; what was told in it."""
        try:
            if not self.readers:
                await self._find()
        except Refused as refused:
            self._in_vain += 1
            self._say(refused)
            return self._of_line()
        told: list[tuple[int, float, list[Reading]]] = []
        for reader in [reader for reader in self.readers if self._is_due(reader)]:
            readings = await reader.cycle(self._moment)
            told.append((_rank(reader), self._monotonic(), readings))
        now = self._monotonic()
        by_language = [_older(readings, now - then) for _, then, readings in sorted(told, key=itemgetter(0))]
        self._judge(any(by_language))
        return [*merged(by_language), *self._of_line()]

    def _rest(self, took: float) -> float:
        """Seconds until the next cycle, after one that took so long."""
        rest = self._setup.interval - took
        if not self._in_vain:
            return rest
        ceiling = LONGEST_REST if self.readers else self._setup.search_rest or LONGEST_REST
        soon = min(ceiling, FIRST_REST * 2.0 ** min(self._in_vain - 1, 10)) * (0.6 + 0.4 * self._jitter())
        return min(max(rest, 0.0), soon) if self.readers else soon

    def _is_due(self, reader: Reader) -> bool:
        another = any(other is not reader and other.shut is None for other in self.readers)
        return reader.shut is None or not another or self._cycles % SHUT_EVERY == 0

    async def _find(self) -> None:
        for door, wanted in await self._setup.locate():
            patient = Patient(door, self._setup.pause, self._monotonic, self._sleep)
            self.doors.append(door)
            self.readers.append(Reader(patient, wanted, self._setup.place, self._memory, self._monotonic))

    async def close(self) -> None:
        """Hang up."""
        for door in self.doors:
            await door.close()

    def _judge(self, told: bool) -> None:
        """Note how it goes."""
        self._in_vain = 0 if told else self._in_vain + 1
        self._say(self._trouble(told), told)
        moves = self._setup.search_rest is not None
        if moves and self._in_vain >= SEARCH_AFTER and all(reader.shut for reader in self.readers):
            self._forget()

    def _say(self, trouble: Refused | None, told: bool = False) -> None:
        self.trouble = trouble
        if trouble is not None:
            self.health.bad(trouble.reason, str(trouble), self._monotonic())
        elif told:
            self.health.good(self._wall(), self._monotonic())

    def _forget(self) -> None:
        """It may be somewhere else by now: the next cycle looks for it again."""
        for door in self.doors:
            if door.is_open:
                return
        self.doors, self.readers = [], []

    def _trouble(self, told: bool) -> Refused | None:
        """What a person should know: nobody answers, somebody no longer does, or a door that is wanted is shut."""
        shut = [reader.shut for reader in self.readers if reader.shut is not None]
        if shut and (self._setup.needs_all or len(shut) == len(self.readers)):
            return shut[0]
        silent = [
            polled.trouble
            for reader in self.readers
            for polled in reader.units.values()
            if polled.trouble is not None and reader.shut is None
        ]
        if silent:
            return silent[0]
        if (missing := self.missing()) is not None:
            return missing
        if told or any(reader.units for reader in self.readers):
            return None
        where = ", ".join(door.name for door in self.doors)
        return Refused(Refusal.NOBODY, f"{where}: nobody tells anything")

    def missing(self) -> Refused | None:
        """Why a unit that was ordered is behind none of the doors."""
        known = {number for reader in self.readers for number in reader.units}
        absent = (
            refused
            for reader in self.readers
            for number, refused in reader.absent.items()
            if number in reader.ordered and number not in known
        )
        return next(absent, None)

    def _of_line(self) -> list[Reading]:
        """The connection itself: now and then, and when it does something else."""
        state = report.state_of(self.readers, self._cycles > 0)
        turn, self._cycles = self._cycles % LINE_EVERY, self._cycles + 1
        if turn and state == self._line_said:
            return []
        self._line_said = state
        values = report.values_of(self.readers, self.doors, state)
        hold = max(3 * LINE_EVERY * self._setup.interval, self._setup.place.stale_after, 3 * LONGEST_REST)
        return [Reading(self._setup.device, values, self.name, self._wall(), age=0.0, valid_for=hold)]

    def _moment(self, when: float) -> datetime:
        return self._wall() - timedelta(seconds=max(0.0, self._monotonic() - when))

    def _registers(self) -> list[dict[str, Any]]:
        return [
            registers.line(f"{self.name} {door.name}", reader.images, reader.decoder, reader.chains, self._moment)
            for reader, door in zip(self.readers, self.doors, strict=True)
        ]

    def _present(self) -> dict[str, Any]:
        return report.details_of(self.readers, self.doors, self._monotonic())


def merged(told: Sequence[Sequence[Reading]]) -> list[Reading]:
    """One reading for each device out of what several doors told; later ones have the last word, but what they do not
    know takes nothing away."""
    found: dict[str, Reading] = {}
    for reading in (reading for readings in told for reading in readings):
        before = found.get(reading.device.id)
        if before is None:
            found[reading.device.id] = reading
            continue
        news = {key: value for key, value in reading.values.items() if value is not None or key not in before.values}
        device = replace(before.device, **{name: value for name, value in _facts(reading.device).items() if value})
        found[reading.device.id] = replace(reading, values={**before.values, **news}, device=device)
    return list(found.values())


def _older(readings: Iterable[Reading], by: float) -> list[Reading]:
    """The same, so many seconds later: meanwhile another door was asked."""
    return [replace(one, age=one.age + by) if one.age is not None else one for one in readings]


def _facts(device: Device) -> dict[str, Any]:
    names = ("serial", "model", "manufacturer", "sw_version", "hw_version")
    return {name: getattr(device, name) for name in names}


def _rank(reader: Reader) -> int:
    return 1 if reader.language is Language.SUNSPEC else 0
