"""How much may have flowed, and counters that show something else. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pvsmqtt.site.totals.basis import Basis, Part

MARGIN = 1.5
"""What is granted beyond the most that a house can do (`Basis.most`)."""

AT_ONCE, NET_AT_ONCE = 5.0, 2.0
"""kWh: a counter told late, or with a coarse resolution, may move by this in no time; a net one near 0 may slip."""

UNKNOWN_TIME = 30 * 24.0
"""Hours that are granted where it is not known how long it was: this machine's clock was turned back."""


@dataclass(slots=True)
class Suspect:
    """A counter that shows something that cannot be: what it showed first and last, and when."""

    first: float
    last: float
    stamps: list[object] = field(default_factory=list)

    def goes_on(self, value: float, basis: Basis) -> bool:
        """Whether it counts from there, as a counter does."""
        change = value - self.last
        return abs(change) <= allowed(3600.0, basis) and (change >= 0 or basis.way == "net")


def allowed(seconds: float, basis: Basis) -> float:
    """kWh that may have flowed."""
    hours = seconds / 3600 if seconds >= 0 else UNKNOWN_TIME
    return (NET_AT_ONCE if basis.way == "net" else AT_ONCE) + basis.most * MARGIN * hours


def measured(part: Part, wall: datetime) -> float:
    """The second (Unix time) of the equipment's clock at which a counter showed what it shows. This machine's own
    may stand still while nobody looks: a Raspberry Pi keeps none, and goes on from where it was switched off."""
    return max((moment.timestamp() for moment in _moments(part.stamp)), default=wall.timestamp())


def _moments(stamp: object) -> Iterator[datetime]:
    for one in stamp if isinstance(stamp, tuple) else (stamp,):
        if isinstance(one, datetime):
            yield one


def positive_area(first: float, second: float, seconds: float) -> float:
    """The part above 0 of the area under a straight line between two powers, in units of power times seconds."""
    if first >= 0 and second >= 0:
        return (first + second) / 2 * seconds
    if first <= 0 and second <= 0:
        return 0.0
    above = max(first, second)
    return above / 2 * seconds * above / abs(first - second)
