"""Energies never fall for nothing. Pure.

A counter that comes back a little lower is the same one in other words: firmware rounds it differently from one
interface to the next. One that is far lower, or 0, is mostly a slip that is gone with the next reading (seen on
equipment: smcneece/ha-esunpower): the last value stands until the lower one was measured `CONFIRMATIONS` times; then
the equipment has really started anew. One that is only a little lower (`LAG`) has not: it is told late by another
interface, or a production meter counts backwards at night.

A net counter may fall, but not to next to nothing from one measurement to the next: that is the same slip.

A counter that rises by more than its device can deliver in the time (`capability`) is a slip as well, until it has
stayed there for as many measurements: then a meter was replaced, or made to count on from elsewhere. After a silence
the time is long, and much is possible. It goes by our own clock and the age of measurements, so that a wrong clock of
the equipment changes nothing; only from the last run of this service to this one it is that of the equipment.

A measurement is another one when its time is another. Where the equipment's clock stands still, what has been told as
fresh for an hour counts as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

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
LAG, LAG_SHARE = 5.0, 0.05
"""kWh, and share of the count, up to which a lower value is no new count, however long it stays."""

_LEAST_SLIP = 5.0
"""kWh; and nine tenths of the value. A net counter that is near 0 may well pass it."""

PATIENCE = 3600.0
"""Seconds after which measurements that all bear one time have confirmed each other."""


@dataclass(frozen=True, slots=True)
class Fall:
    """An energy that fell, or rose beyond what is possible, from one value to another; ``real``: it has stayed."""

    key: str
    before: float
    after: float
    real: bool

    @property
    def jump(self) -> bool:
        """Whether it rose."""
        return self.after > self.before


class Moment(NamedTuple):
    """When a reading was measured by our clock that only goes forward, the most its device can deliver (kW), what
    its counters may rise by in no time (kWh), and whether it is of the present."""

    now: float
    most: float
    least: float = 10.0
    fresh: bool = True


class Last(NamedTuple):
    """A counter as it was known before this service was started, and when it was measured, if that is known."""

    value: float
    measured_at: datetime | None


@dataclass(slots=True)
class _Odd:
    """Values that are held back: the measurements, the first of them by our clock, and whether they are too high."""

    up: bool
    first: float | None
    last: float = 0.0
    seen: list[datetime | None] = field(default_factory=list)


@dataclass(slots=True)
class Counters:
    """The energies of one device."""

    _held: dict[str, float] = field(default_factory=dict)
    _at: dict[str, float] = field(default_factory=dict)
    _odd: dict[str, _Odd] = field(default_factory=dict)
    _before: dict[str, Last] = field(default_factory=dict)
    _times: dict[str, datetime | None] = field(default_factory=dict)

    def passed(
        self, values: Mapping[str, Value], measured_at: datetime | None, moment: Moment | None = None
    ) -> tuple[Mapping[str, Value], list[Fall]]:
        """The values with counters that seem to fall or to jump put right, and what was noticed of it for the first
        time. Without a ``moment`` nothing is too high."""
        changed: dict[str, Value] = {}
        falls = []
        for key in COUNTED & values.keys():
            value = values[key]
            if not isinstance(value, int | float):
                continue
            before = self._held.get(key)
            up = before is not None and moment is not None and self._jumps(key, before, value, measured_at, moment)
            if before is None or not (up or _falls(key, before, value)):
                self._take(key, value, measured_at, moment)
                continue
            if not up and key in LIFETIME and before - value <= max(SPELLING, SPELLING_SHARE * before):
                self._take(key, before, measured_at, moment)
                changed[key] = before
                continue
            odd = self._odd.get(key)
            if odd is None or odd.up != up:
                odd = self._odd[key] = _Odd(up, None if moment is None else moment.now)
                falls.append(Fall(key, before, value, real=False))
            elif moment is not None and up and abs(value - odd.last) > moment.least + moment.most:
                odd.seen.clear()  # not where it was either
                odd.first = moment.now
            odd.last = value
            if not _behind(key, before, value) and self._confirmed(odd, measured_at, moment):
                self._take(key, value, measured_at, moment)
                falls.append(Fall(key, before, value, real=True))
            else:
                changed[key] = before
        return ({**values, **changed} if changed else values), falls

    def recall(self, known: Mapping[str, Last]) -> None:
        """Go on with what was known before the start, where nothing is known yet."""
        for key, last in known.items():
            if key in COUNTED and key not in self._held:
                self._held[key] = last.value
                self._before[key] = last

    def known(self) -> dict[str, Last]:
        """What to `recall` after the next start."""
        return {key: Last(value, self._times.get(key)) for key, value in self._held.items()}

    def take_over(self, other: Counters) -> None:
        """Go on with what was counted under another id; what is known here comes first."""
        for key in other._held.keys() - self._held.keys():
            self._held[key] = other._held[key]
            self._times[key] = other._times.get(key)
            if key in other._at:
                self._at[key] = other._at[key]
            if key in other._before:
                self._before[key] = other._before[key]

    def forget(self, key: str) -> None:
        """Another counter is known to be the true one: the next value is the first."""
        for known in (self._held, self._at, self._odd, self._before, self._times):
            known.pop(key, None)

    def _jumps(self, key: str, before: float, value: float, measured_at: datetime | None, moment: Moment) -> bool:
        """Whether it changed by more than its device can do."""
        rise = value - before if key in LIFETIME else abs(value - before)
        if rise <= moment.least:
            return False
        since = self._at.get(key)
        if since is not None:
            seconds = moment.now - since
        else:
            last = self._before.get(key)
            if last is None or last.measured_at is None or measured_at is None or measured_at < last.measured_at:
                return False  # nobody knows how long it was
            seconds = (measured_at - last.measured_at).total_seconds()
        return rise > moment.least + moment.most * max(0.0, seconds) / 3600.0

    @staticmethod
    def _confirmed(odd: _Odd, measured_at: datetime | None, moment: Moment | None) -> bool:
        """Whether enough measurements say the same."""
        if measured_at is None or measured_at not in odd.seen:
            odd.seen.append(measured_at)
        elif moment is not None and moment.fresh and odd.first is not None and moment.now - odd.first >= PATIENCE:
            return True
        return len(odd.seen) >= CONFIRMATIONS

    def _take(self, key: str, value: float, measured_at: datetime | None, moment: Moment | None) -> None:
        self._held[key] = value
        self._times[key] = measured_at
        self._odd.pop(key, None)
        self._before.pop(key, None)
        if moment is not None:
            self._at[key] = moment.now


def _behind(key: str, before: float, value: float) -> bool:
    """Whether a counter is only a little lower: it lags, or counts what a meter takes in at night. It is waited for
    until it has passed the old value."""
    return key in LIFETIME and 0 < before - value <= min(LAG, LAG_SHARE * before)


def _falls(key: str, before: float, value: float) -> bool:
    """Whether a counter that goes on does not do this."""
    if key in LIFETIME:
        return value < before
    return abs(before) - abs(value) > max(_LEAST_SLIP, 0.9 * abs(before))
