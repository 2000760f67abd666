"""The last 24 hours of one number, in buckets of five minutes. Pure.

A value stands until another one comes, or until it is told to be unknown; a bucket has the mean of what stood in it,
weighed by how long it stood. So live data that comes every 5 s is averaged, what a panel tells every 5 minutes leaves
no holes, and a bucket in which nothing was known stays unknown.

Times are seconds since 1970 as the clock on the wall shows them; a bucket is their number divided by `STEP`. Memory
is one array of `BUCKETS` floats of 4 bytes.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

STEP = 300
"""Seconds of a bucket."""
BUCKETS = 288
"""Of 24 hours."""

_NOTHING = array("f", [math.nan]) * BUCKETS


class Series:
    """``at``: from when on."""

    __slots__ = ("_ring", "_seconds", "_sum", "_value", "at")

    def __init__(self, at: float) -> None:
        self.at = at
        """Until then it is counted."""
        self._ring = _NOTHING[:]
        """By bucket, modulo `BUCKETS`: those that are over."""
        self._value = math.nan
        self._sum = self._seconds = 0.0
        """Of the present bucket: value times seconds, and seconds in which it was known."""

    def put(self, value: float, at: float) -> None:
        """This value stands from here on; NaN: it is unknown."""
        self.advance(at)
        self._value = value

    def advance(self, to: float) -> None:
        """Time went by; nothing happens when it did not."""
        if to - self.at > STEP * BUCKETS:
            self._ring = array("f", [self._value]) * BUCKETS
            self._sum = self._seconds = 0.0
            self.at = to - to % STEP
        while self.at < to:
            bucket = int(self.at // STEP)
            end = min((bucket + 1) * STEP, to)
            if not math.isnan(self._value):
                self._sum += self._value * (end - self.at)
                self._seconds += end - self.at
            self.at = end
            if end % STEP == 0:
                self._ring[bucket % BUCKETS] = self._mean()
                self._sum = self._seconds = 0.0

    def jump(self, to: float) -> None:
        """The clock was set: between before and after, nothing was lived, and what lies in
        the future is forgotten. What stands goes on from there."""
        was, now = int(self.at // STEP), int(to // STEP)
        if was != now:
            self._ring[was % BUCKETS] = self._mean()
            first, last = min(was, now), max(was, now)
            for bucket in range(first + 1, min(last, first + BUCKETS) + 1):
                self._ring[bucket % BUCKETS] = math.nan
            self._sum = self._seconds = 0.0
        self.at = to

    def means(self) -> list[float | None]:
        """The last 24 hours, the oldest first; the last bucket is the present one."""
        bucket = int(self.at // STEP)
        before = [self._ring[number % BUCKETS] for number in range(bucket - BUCKETS + 1, bucket)]
        return [None if math.isnan(mean) else mean for mean in (*before, self._mean())]

    def restore(self, means: Sequence[float | None], until: float) -> None:
        """Take up what `means` told ``until`` then; buckets that have something already keep it."""
        last = int(until // STEP)
        present = int(self.at // STEP)
        for bucket, mean in enumerate(means, last - len(means) + 1):
            if mean is None or not present - BUCKETS < bucket <= present:
                continue
            if bucket < present:
                if math.isnan(self._ring[bucket % BUCKETS]):
                    self._ring[bucket % BUCKETS] = mean
            elif bucket == last and not self._seconds:
                self._seconds = min(until, self.at) - bucket * STEP
                self._sum = mean * self._seconds

    def _mean(self) -> float:
        return self._sum / self._seconds if self._seconds else math.nan
