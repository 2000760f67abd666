"""An RS-485 line as a wave of two levels, and the UART that samples it: what wrong settings make of good bytes.

Level 1 is idle (mark). A character is a start bit 0, eight data bits with the least significant first, a parity bit
if there is one, a stop bit 1. The receiver finds a falling edge, looks again in the middle of the start bit, samples
every bit in its middle, and takes a 0 in place of the stop bit as a framing error; then it waits for a 1.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple


class Received(NamedTuple):
    when: float
    byte: int
    framing_error: bool
    parity_error: bool


@dataclass
class Wave:
    """``edges``: (time, level from then on), alternating, the first one idle."""

    edges: list[tuple[float, int]]

    def __post_init__(self):
        self.times = [when for when, _ in self.edges]

    def level(self, when):
        place = bisect_right(self.times, when) - 1
        return self.edges[max(place, 0)][1]

    def next_edge(self, when, level):
        """When the line next changes to ``level`` after ``when``; or None."""
        place = bisect_right(self.times, when)
        return next((time for time, to in self.edges[place : place + 2] if to == level), None)

    def swapped(self, fail_safe=False):
        """With A and B exchanged; a receiver with ``fail_safe`` inputs still takes a line that nobody drives as idle:
        here, where it is 1 for longer than 20 bits of 1200 baud."""
        edges = [(when, 1 - level) for when, level in self.edges]
        if fail_safe:
            long = 20 / 1200
            for place, ((begin, level), (end, _)) in enumerate(pairwise([*edges, (edges[-1][0] + 1, 0)])):
                if level == 0 and end - begin > long:
                    edges[place] = (begin, 1)
            edges = [one for place, one in enumerate(edges) if place == 0 or edges[place - 1][1] != one[1]]
        return Wave(edges)


def _bits(byte, parity):
    data = [byte >> place & 1 for place in range(8)]
    check = {"N": [], "E": [sum(data) & 1], "O": [1 - (sum(data) & 1)]}[parity]
    return [0, *data, *check, 1]


def wave(chunks, baudrate, parity="N"):
    """``chunks``: (time, bytes); one that would begin before the one before has ended begins at its end."""
    edges = [(-1.0, 1)]
    free = 0.0
    for begin, data in chunks:
        begin = max(begin, free)
        count = 0
        for byte in data:
            for level in _bits(byte, parity):
                if edges[-1][1] != level:
                    edges.append((begin + count / baudrate, level))
                count += 1
        free = begin + count / baudrate
    return Wave(edges)


def receive(line, baudrate, parity="N"):
    bit = 1 / baudrate
    found = []
    now = line.times[0]
    while (edge := line.next_edge(now, 0)) is not None:
        if line.level(edge + bit / 2) == 1:
            now = edge + bit / 2
            continue
        bits = [line.level(edge + (1.5 + place) * bit) for place in range(8)]
        byte = sum(level << place for place, level in enumerate(bits))
        stop = edge + 9.5 * bit
        parity_error = False
        if parity != "N":
            parity_error = (sum(bits) + line.level(stop) + (parity == "O")) % 2 == 1
            stop += bit
        framing_error = line.level(stop) == 0
        found.append(Received(stop, byte, framing_error, parity_error))
        now = stop
        if framing_error:
            now = line.next_edge(stop, 1)
            if now is None:
                break
    return found
