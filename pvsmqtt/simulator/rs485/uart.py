"""What a receiver makes of bits that were sent at another speed.

    idle 1 | start 0 | eight data bits, lowest first | parity, if any | stop 1 | idle 1 ...

A receiver waits for the line to fall, looks again half a bit of its own later (a line that is high by then was a
spike), and then once in the middle of each of its bits. Whatever it sees where the stop bit should be, the byte is
delivered, as a Linux driver does that was not asked to check; a 0 there begins no byte, for the line does not fall.
So a slow receiver fuses bytes into fewer ones, and a fast one reads a single bit as several. It looks at the line 16
times a bit, so it sees everything a little late.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from pvsmqtt.modbus.setting import Setting

LATE = 1 / 32
"""Of a bit: how late an edge is seen, in the mean."""


def heard(data: bytes, sent: Setting, listening: Setting, times: Sequence[float] | None = None) -> bytes:
    """``data`` as it is heard by a receiver with another speed or parity.

    ``times`` are the seconds at which the characters begin, in order and not overlapping; without them one follows
    the other.
    """
    if sent == listening:
        return data
    if times is None:
        times = [index * sent.character_time for index in range(len(data))]
    line = _Line(data, times, sent)
    bit = 1 / listening.baudrate
    received = bytearray()
    now = times[0] - bit if data else 0.0
    while (fall := line.falls_after(now)) is not None:
        fall += LATE * bit
        if line.level(fall + bit / 2):
            now = fall + bit / 2
            continue
        received.append(sum(line.level(fall + (1.5 + index) * bit) << index for index in range(8)))
        now = fall + (9.5 + (listening.parity != "N")) * bit
    return bytes(received)


class _Line:
    """The level of the line at any time."""

    def __init__(self, data: bytes, times: Sequence[float], sent: Setting) -> None:
        self._times = times
        self._bit = 1 / sent.baudrate
        self._characters = [_levels(byte, sent) for byte in data]

    def level(self, when: float) -> int:
        index = bisect_right(self._times, when) - 1
        if index < 0:
            return 1
        place = int((when - self._times[index]) / self._bit)
        levels = self._characters[index]
        return levels[place] if place < len(levels) else 1

    def falls_after(self, when: float) -> float | None:
        """The next time at which it goes from 1 to 0, later than ``when``; None if it never does."""
        for index in range(max(0, bisect_right(self._times, when) - 1), len(self._characters)):
            before = 1
            for place, level in enumerate(self._characters[index]):
                edge = self._times[index] + place * self._bit
                if level < before and edge > when:
                    return edge
                before = level
        return None


def _levels(byte: int, sent: Setting) -> tuple[int, ...]:
    data = [byte >> index & 1 for index in range(8)]
    parity = {"N": [], "E": [sum(data) & 1], "O": [~sum(data) & 1]}[sent.parity]
    return (0, *data, *parity, *[1] * sent.stopbits)
