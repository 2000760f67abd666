"""Energies never fall for nothing. Pure.

A counter that comes back a little lower is the same one in other words: firmware rounds it differently from one
interface to the next. One that is far lower, or 0, is mostly a slip that is gone with the next reading (seen on
equipment: smcneece/ha-esunpower): the last value stands until the lower one was measured `CONFIRMATIONS` times; then
the equipment has really started anew.

A net counter may fall, but not to next to nothing from one measurement to the next: that is the same slip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import Value

CONFIRMATIONS = 3
SPELLING = 0.05
"""kWh by which a counter may seem to fall through rounding; large ones by `SPELLING_SHARE` of themselves."""

SPELLING_SHARE = 2e-6

LIFETIME = frozenset(
    key for key, row in QUANTITIES.items() if row.device_class == "energy" and row.state_class == "total_increasing"
)

NET = frozenset(key for key, row in QUANTITIES.items() if row.device_class == "energy" and row.state_class == "total")
COUNTED = LIFETIME | NET
_LEAST_SLIP = 5.0
"""kWh; and nine tenths of the value. A net counter that is near 0 may well pass it."""


@dataclass(frozen=True, slots=True)
class Fall:
    """An energy that fell from one value to another; ``real``: it has stayed there."""

    key: str
    before: float
    after: float
    real: bool


@dataclass(slots=True)
class Counters:
    """The energies of one device."""

    _held: dict[str, float] = field(default_factory=dict)
    _lower: dict[str, list[datetime | None]] = field(default_factory=dict)

    def passed(
        self, values: Mapping[str, Value], measured_at: datetime | None
    ) -> tuple[Mapping[str, Value], list[Fall]]:
        """The values with counters that seem to fall put right, and what was noticed of it for the first time."""
        changed: dict[str, Value] = {}
        falls = []
        for key in COUNTED & values.keys():
            value = values[key]
            if not isinstance(value, int | float):
                continue
            before = self._held.get(key)
            if before is None or not _falls(key, before, value):
                self._take(key, value)
                continue
            if key in LIFETIME and before - value <= max(SPELLING, SPELLING_SHARE * before):
                self._take(key, before)
                changed[key] = before
                continue
            seen = self._lower.setdefault(key, [])
            if not seen:
                falls.append(Fall(key, before, value, real=False))
            if measured_at is None or measured_at not in seen:
                seen.append(measured_at)
            if len(seen) >= CONFIRMATIONS:
                self._take(key, value)
                falls.append(Fall(key, before, value, real=True))
            else:
                changed[key] = before
        return ({**values, **changed} if changed else values), falls

    def take_over(self, other: Counters) -> None:
        """Go on with what was counted under another id; what is known here comes first."""
        self._held = {**other._held, **self._held}

    def forget(self, key: str) -> None:
        """Another counter is known to be the true one: the next value is the first."""
        self._held.pop(key, None)
        self._lower.pop(key, None)

    def _take(self, key: str, value: float) -> None:
        self._held[key] = value
        self._lower.pop(key, None)


def _falls(key: str, before: float, value: float) -> bool:
    """Whether a counter that goes on does not do this."""
    if key in LIFETIME:
        return value < before
    return abs(before) - abs(value) > max(_LEAST_SLIP, 0.9 * abs(before))
