"""What may still stand for the present. Time is a parameter: seconds of a clock that only goes forward.

Every value has a moment at which it stops being news. A value that `holds` (a counter, a nameplate) is then still
true; any other becomes unknown. A device is online as long as one of its sources measures it.

What was heard from the device itself goes before what another device tells of it, as long as it is fresh; when the
line falls silent the told value counts again. The time of measurement follows the measurements: one that arrives late
does not turn it back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import Reading, Value
from pvsmqtt.site.counters import Counters, Fall
from pvsmqtt.site.precedence import Held, chosen


@dataclass(slots=True)
class _Word:
    """The latest value of each quantity by one way: heard from the device itself, or told by others."""

    values: dict[str, Held] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)

    def take(self, reading: Reading, until: float) -> list[Fall]:
        """A source always corrects itself; it corrects another one only with fresher values."""
        values, falls = self.counters.passed(reading.values, reading.measured_at)
        for key, value in values.items():
            held = self.values.get(key)
            if held is None or held.source == reading.source or until >= held.until:
                self.values[key] = Held(value, until, reading.source)
        return falls


@dataclass(slots=True)
class Latest:
    """The latest value of each quantity of one device."""

    measured_at: datetime | None = None
    _measured_by: str | None = None
    _moment: float = -math.inf
    _told: _Word = field(default_factory=_Word)
    _heard: _Word = field(default_factory=_Word)
    _alive: dict[str, float] = field(default_factory=dict)

    def accept(self, reading: Reading, now: float, heard: bool = False) -> list[Fall]:
        """Take a reading; ``heard``: of the device itself, on its line. Tells of lifetime energies that fell."""
        until = now + max(reading.valid_for, reading.lasts)
        falls = (self._heard if heard else self._told).take(reading, until)
        self._take_time(reading, now)
        self._alive[reading.source] = now + reading.valid_for
        return falls

    def take_over(self, other: Latest) -> None:
        """Go on with what was known of the same device under another id; what is known here comes first."""
        for mine, its in ((self._told, other._told), (self._heard, other._heard)):
            mine.values = {**its.values, **mine.values}
            mine.counters.take_over(its.counters)
        self._alive = {**other._alive, **self._alive}
        if other._moment > self._moment or self.measured_at is None:
            self.measured_at, self._measured_by, self._moment = (
                other.measured_at,
                other._measured_by,
                other._moment,
            )

    def _take_time(self, reading: Reading, now: float) -> None:
        """A source corrects its own clock; the time of another one counts when it is later, or when that one is gone
        and this was measured after it."""
        if reading.measured_at is None:
            return
        moment = now - (reading.age or 0.0)
        gone = self._measured_by is not None and self._alive.get(self._measured_by, -math.inf) <= now
        if (
            self.measured_at is None
            or self._measured_by == reading.source
            or reading.measured_at >= self.measured_at
            or (gone and reading.age is not None and reading.valid_for > 0 and moment > self._moment)
        ):
            self.measured_at, self._measured_by, self._moment = reading.measured_at, reading.source, moment

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that have told of it."""
        return tuple(sorted(self._alive))

    def online(self, now: float) -> bool:
        """Whether a source measures it."""
        return any(until > now for until in self._alive.values())

    def values(self, keys: Iterable[str], now: float) -> dict[str, Value]:
        """The value of each of these quantities, ``None`` where it is unknown or too old."""
        result: dict[str, Value] = {}
        for key in keys:
            held = self._chosen(key, now)
            fresh = held is not None and (QUANTITIES[key].holds or held.until > now)
            result[key] = held.value if held is not None and fresh else None
        return result

    def fresh(self, now: float) -> dict[str, Value]:
        """The values that are known and stand for the present."""
        return {key: held.value for key, held in self._all(now) if held.until > now and held.value is not None}

    def lasting(self, now: float) -> dict[str, Value]:
        """The last values that stay true, whatever their age."""
        return {key: held.value for key, held in self._all(now) if QUANTITIES[key].holds and held.value is not None}

    def next_change(self, now: float) -> float:
        """When the first of what stands for the present now will be too old; infinity when nothing will."""
        held = (*self._told.values.values(), *self._heard.values.values())
        until = [*self._alive.values(), *(one.until for one in held)]
        return min((moment for moment in until if moment > now), default=math.inf)

    def _chosen(self, key: str, now: float) -> Held | None:
        return chosen(key, self._told.values.get(key), self._heard.values.get(key), now)

    def _all(self, now: float) -> Iterable[tuple[str, Held]]:
        for key in dict.fromkeys((*self._told.values, *self._heard.values)):
            held = self._chosen(key, now)
            if held is not None:
                yield key, held
