"""What may still stand for the present. Time is a parameter: seconds of a clock that only goes forward.

Every value has a moment at which it stops being news. A value that `holds` (a counter, a nameplate) is then still
true; any other becomes unknown. A device is online as long as one of its sources measures it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import Reading, Value
from pvsmqtt.site.counters import Counters, Fall


@dataclass(frozen=True, slots=True)
class _Held:
    value: Value
    until: float
    source: str


@dataclass(slots=True)
class Latest:
    """The latest value of each quantity of one device."""

    measured_at: datetime | None = None
    _values: dict[str, _Held] = field(default_factory=dict)
    _alive: dict[str, float] = field(default_factory=dict)
    _counters: Counters = field(default_factory=Counters)

    def accept(self, reading: Reading, now: float) -> list[Fall]:
        """Take a reading. A source always corrects itself; it corrects another one only with fresher values.

        Tells of lifetime energies that fell.
        """
        values, falls = self._counters.passed(reading.values, reading.measured_at)
        self._alive[reading.source] = now + reading.valid_for
        until = now + max(reading.valid_for, reading.lasts)
        for key, value in values.items():
            held = self._values.get(key)
            if held is None or held.source == reading.source or until >= held.until:
                self._values[key] = _Held(value, until, reading.source)
        if reading.measured_at is not None:
            self.measured_at = reading.measured_at
        return falls

    def online(self, now: float) -> bool:
        """Whether a source measures it."""
        return any(until > now for until in self._alive.values())

    def values(self, keys: Iterable[str], now: float) -> dict[str, Value]:
        """The value of each of these quantities, ``None`` where it is unknown or too old."""
        result: dict[str, Value] = {}
        for key in keys:
            held = self._values.get(key)
            fresh = held is not None and (QUANTITIES[key].holds or held.until > now)
            result[key] = held.value if held is not None and fresh else None
        return result

    def fresh(self, now: float) -> dict[str, Value]:
        """The values that are known and stand for the present."""
        return {key: held.value for key, held in self._values.items() if held.until > now and held.value is not None}

    def lasting(self) -> dict[str, Value]:
        """The last values that stay true, whatever their age."""
        return {
            key: held.value for key, held in self._values.items() if QUANTITIES[key].holds and held.value is not None
        }

    def next_change(self, now: float) -> float:
        """When the first of what stands for the present now will be too old; infinity when nothing will."""
        until = [*self._alive.values(), *(held.until for held in self._values.values())]
        return min((moment for moment in until if moment > now), default=math.inf)
