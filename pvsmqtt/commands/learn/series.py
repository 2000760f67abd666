"""What a register held and when, as runs of equal values: small for what rarely changes, however often it is read."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from pvsmqtt.modbus.block import Table

LONGEST_GAP = 60.0
"""Seconds between two reads after which nobody knows what the register held in between."""

MOST_RUNS = 50_000
"""Of one register; a day of a register that changes at every other second."""

V = TypeVar("V")


class Place(NamedTuple):
    """One register of one unit."""

    unit: int
    table: Table
    address: int


class Series(Generic[V]):
    """Runs ``(start, end, value)`` in the order of time; between two runs nothing is known."""

    __slots__ = ("ends", "refused", "starts", "values")

    def __init__(self) -> None:
        self.starts: list[float] = []
        self.ends: list[float] = []
        self.values: list[V] = []
        self.refused = 0

    def put(self, start: float, end: float, value: V) -> None:
        """It held ``value`` from ``start`` to ``end`` (the same for a single read). Time does not go back: what is
        older than what is known is left out."""
        if self.values and start < self.ends[-1]:
            self.refused += 1
        elif self.values and value == self.values[-1] and start - self.ends[-1] <= LONGEST_GAP:
            self.ends[-1] = end
        elif len(self.values) >= MOST_RUNS:
            self.refused += 1
        else:
            self.starts.append(start)
            self.ends.append(end)
            self.values.append(value)

    def within(self, begin: float, end: float) -> list[V]:
        """The values of the runs that touch the time from ``begin`` to ``end``, in order."""
        return self.values[bisect_left(self.ends, begin) : bisect_right(self.starts, end)]

    def changes(self) -> int:
        """How often the value was another than before."""
        return sum(a != b for a, b in zip(self.values, self.values[1:], strict=False))

    def constant(self) -> bool:
        """Whether it never held anything else."""
        return all(value == self.values[0] for value in self.values)

    def __len__(self) -> int:
        return len(self.values)


def together(first: Series[int], second: Series[int]) -> Series[tuple[int, int]]:
    """Two registers that are read together, as one: the runs of the pairs of their values."""
    both: Series[tuple[int, int]] = Series()
    for start, end, value in _overlaps(first, second):
        both.put(start, end, value)
    return both


def _overlaps(first: Series[int], second: Series[int]) -> Iterator[tuple[float, float, tuple[int, int]]]:
    a = b = 0
    while a < len(first) and b < len(second):
        start, end = max(first.starts[a], second.starts[b]), min(first.ends[a], second.ends[b])
        if start <= end:
            yield start, end, (first.values[a], second.values[b])
        if first.ends[a] <= second.ends[b]:
            a += 1
        else:
            b += 1
