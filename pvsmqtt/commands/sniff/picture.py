"""What was heard so far, as a display needs it. Pure: frames and blocks in, numbers out; time is a parameter.

Memory is bounded: 256 units, the registers that the images keep, the last few events.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pvsmqtt.commands.replay.meaning import Meaning
from pvsmqtt.modbus.block import RegisterBlock, Table
from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.image import Images
from pvsmqtt.modbus.mapfile import RegisterMap
from pvsmqtt.sources.register_units.registers import text_of
from pvsmqtt.sources.register_units.stats import BusStats
from pvsmqtt.sources.rs485.autobaud import Trial

RATE_OVER = 60.0
"""Seconds that a unit's rate looks back."""

MOST_TIMES = 1000
FRESH = 3.0
"""Seconds for which a change is highlighted."""


@dataclass(slots=True)
class Talk:
    """One unit: what is asked of it and what it answers."""

    functions: Counter[int] = field(default_factory=Counter)
    """Requests by function code."""
    requests: int = 0
    responses: int = 0
    exceptions: Counter[int] = field(default_factory=Counter)
    heard: float | None = None
    """When it answered last."""
    times: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_TIMES))

    def rate(self, now: float, since: float) -> float:
        """Answers per second over the last minute, or since the listening began."""
        recent = sum(when > now - RATE_OVER for when in self.times)
        return recent / max(1.0, min(RATE_OVER, now - since))


class Row(NamedTuple):
    """One register, ready to be shown."""

    unit: int
    table: Table
    address: int
    raw: int
    age: float
    """Seconds since it was told."""
    changes: int
    fresh: bool
    """It changed a moment ago."""
    name: str
    """Empty: unknown."""
    value: str


class Picture:
    """Feed it what a tap hears. ``units`` empty: all of them."""

    def __init__(
        self, images: Images, stats: BusStats, maps: Sequence[RegisterMap] = (), units: Collection[int] = ()
    ) -> None:
        self.stats = stats
        self.talks: dict[int, Talk] = {}
        self.trial: Trial | None = None
        """While the speed is searched for."""
        self.said = ""
        """What the line does, for people."""
        self.advice = ""
        self.began: float | None = None
        self._images = images
        self._meaning = Meaning(images, maps)
        self._units = frozenset(units)
        self._changed: dict[tuple[int, Table, int], float] = {}
        self._names: dict[tuple[int, Table], dict[int, tuple[str, str]]] = {}

    def shows(self, unit: int) -> bool:
        """Whether this unit is wanted."""
        return not self._units or unit in self._units

    def frame(self, frame: Frame) -> None:
        """A frame was heard."""
        if self.began is None:
            self.began = frame.when
        if frame.echo or not self.shows(frame.unit):
            return
        talk = self.talks.setdefault(frame.unit, Talk())
        if not frame.is_response:
            talk.functions[frame.function] += 1
            talk.requests += 1
            return
        talk.responses += 1
        talk.heard = frame.when
        talk.times.append(frame.when)
        if frame.exception is not None:
            talk.exceptions[frame.exception] += 1

    def block(self, block: RegisterBlock, changed: Collection[int]) -> None:
        """Registers were heard; they are in the images already, ``changed`` are those with a new value."""
        self._meaning.take(block)
        self._names.pop((block.unit, block.table), None)
        image = self._images.get((block.unit, block.table))
        for address in changed:
            if image is not None and image.changes(address):
                spot = (block.unit, block.table, address)
                self._changed.pop(spot, None)
                self._changed[spot] = block.when

    def rows(self, now: float, most: int) -> list[Row]:
        """The registers that changed last, else those that were told last: at most so many, by unit and address."""
        spots = list(self._changed)[::-1][:most]
        if len(spots) < most:
            known = set(spots)
            rest = [
                (unit, table, address)
                for (unit, table), image in self._images.items()
                if self.shows(unit)
                for address in image
                if (unit, table, address) not in known
            ]
            spots += rest[: most - len(spots)]
        return [self._row(*spot, now) for spot in sorted(spots) if self.shows(spot[0])]

    def registers(self) -> tuple[int, int]:
        """How many registers were heard of, and how many of them nothing explains."""
        total = unknown = 0
        for (unit, table), image in self._images.items():
            if self.shows(unit):
                total += len(image)
                unknown += len(self._meaning.unknown(unit, table, image))
        return total, unknown

    def changed(self) -> int:
        """How many registers changed since the beginning."""
        return sum(self.shows(unit) for unit, _, _ in self._changed)

    def _row(self, unit: int, table: Table, address: int, now: float) -> Row:
        image = self._images[unit, table]
        name, value = self._named(unit, table).get(address, ("", ""))
        told = image.when(address)
        fresh = now - self._changed.get((unit, table, address), -FRESH - now) < FRESH
        return Row(
            unit,
            table,
            address,
            image.get(address) or 0,
            0.0 if told is None else max(0.0, now - told),
            image.changes(address),
            fresh,
            name,
            value,
        )

    def _named(self, unit: int, table: Table) -> dict[int, tuple[str, str]]:
        """Name and value by address; a later map has the last word."""
        if (unit, table) not in self._names:
            self._names[unit, table] = {
                one["address"]: (one["name"], text_of(one["value"], one["unit"]))
                for one in self._meaning.decoded(unit, table)
            }
        return self._names[unit, table]
