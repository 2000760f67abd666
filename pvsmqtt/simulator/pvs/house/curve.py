"""A function of time with an exact integral.

Everything in the house follows from two such functions, sunlight and load. A curve is given by its value at
every full minute and is straight in between, so the area under it is exact at any instant, in any order and
however far apart the instants are: an energy counter needs no memory and cannot fall. The marks repeat for
ever; before second 0 the curve is 0.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise

MARK = 60
"""Seconds from one mark to the next."""

HOUR = 3600


class Curve:
    """Marks in kW; areas in kWh, apart for what lies above and below zero. Times are in seconds."""

    def __init__(self, marks: Sequence[float]) -> None:
        self._marks = array("d", marks)
        self._marks.append(marks[0])
        self._period = MARK * len(marks)
        self._above = array("d", [0.0])
        self._below = array("d", [0.0])
        for start, end in pairwise(self._marks):
            self._above.append(self._above[-1] + area_above(start, end, MARK))
            self._below.append(self._below[-1] + area_above(-start, -end, MARK))

    @property
    def period(self) -> int:
        """After how many seconds the marks repeat."""
        return self._period

    @property
    def marks(self) -> Sequence[float]:
        """What the curve was made from."""
        return self._marks[:-1]

    def value(self, seconds: float) -> float:
        """The value at one instant, kW."""
        if seconds < 0:
            return 0.0
        mark, rest = divmod(seconds % self._period, MARK)
        return self._between(int(mark), rest)

    def above(self, seconds: float) -> float:
        """The area above zero from second 0 until now, kWh: never falls."""
        return self._area(self._above, 1.0, seconds)

    def below(self, seconds: float) -> float:
        """The area below zero from second 0 until now, kWh, positive: never falls."""
        return self._area(self._below, -1.0, seconds)

    def _between(self, mark: int, rest: float) -> float:
        start, end = self._marks[mark], self._marks[mark + 1]
        return start + (end - start) * rest / MARK

    def _area(self, until_mark: Sequence[float], sign: float, seconds: float) -> float:
        if seconds <= 0:
            return 0.0
        periods, within = divmod(seconds, self._period)
        mark, rest = divmod(within, MARK)
        index = int(mark)
        begun = area_above(sign * self._marks[index], sign * self._between(index, rest), rest)
        return (periods * until_mark[-1] + until_mark[index] + begun) / HOUR


def area_above(start: float, end: float, width: float) -> float:
    """The area above zero below a straight line from ``start`` to ``end``, in units of both."""
    if start >= 0 and end >= 0:
        return (start + end) / 2 * width
    if start <= 0 and end <= 0:
        return 0.0
    summit = max(start, end)
    return summit * summit / (2 * abs(end - start)) * width
