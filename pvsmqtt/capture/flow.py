"""One direction of a TCP connection: segments in any order -> bytes in their order, and where some are missing.

Sequence numbers run around; what was there before (a retransmission, an overlap, the same packet captured twice) is
dropped; what comes too early waits. What is missing is missed when the other side has acknowledged it (it came, but
was not captured), when more waits than is kept, when it has not come for `PATIENCE`, or when only a part of a packet
was recorded. A number far from what is due belongs to another connection with the same ports.

Time is a parameter. Memory: `MOST_WAITING` bytes.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from typing import NamedTuple

PATIENCE = 3.0
"""Seconds in which a lost segment is sent again."""
MOST_WAITING = 16 * 1024
MOST_SEGMENTS = 64
FAR = 1 << 20
"""Bytes from what is due beyond which it is another connection; no window of these devices is so large."""
_RING = 1 << 32


class Bytes(NamedTuple):
    """Bytes in their place."""

    data: bytes
    when: float
    packet: int


class Missing(NamedTuple):
    """So many bytes are missing here; None: nobody knows."""

    bytes: int | None


@dataclass(slots=True)
class Counters:
    """Of as many flows as share it."""

    repeated: int = 0
    """Segments that had been there before."""
    gaps: int = 0
    """Places where bytes are missing."""
    cut: int = 0
    """Of these, because not all bytes of a packet were recorded."""


class _Early(NamedTuple):
    at: int
    """Position in the stream: like the sequence number, but it never runs around."""
    packet: int
    data: bytes
    length: int
    when: float


Piece = Bytes | Missing


class Flow:
    """Feed it segments."""

    def __init__(self, counters: Counters | None = None) -> None:
        self.counters = counters or Counters()
        self._position = 0
        """Of the byte that is due."""
        self._origin: int | None = None
        """The sequence number of position 0."""
        self._early: list[_Early] = []
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """Bytes that came too early."""
        return self._waiting

    def begin(self, sequence: int) -> None:
        """The number of the first byte."""
        self._origin = (sequence - self._position) % _RING

    def segment(self, sequence: int, data: bytes, length: int, when: float, packet: int) -> list[Piece]:
        """Take a segment of ``length`` bytes, of which ``data`` were recorded."""
        if not length:
            return []
        if self._origin is None:
            self.begin(sequence)
        found: list[Piece] = []
        ahead = self._ahead(sequence)
        if abs(ahead) > FAR:
            self._give_up_all(found)
            found.append(Missing(None))
            self.counters.gaps += 1
            self.begin(sequence)
            ahead = 0
        if ahead + length <= 0:
            self.counters.repeated += 1
            return found
        self._hold(_Early(self._position + ahead, packet, data, length, when))
        self._advance(found)
        while self._early and (self._waiting > MOST_WAITING or len(self._early) > MOST_SEGMENTS):
            self._miss(found)
        return found

    def acknowledged(self, sequence: int) -> list[Piece]:
        """The other side has everything before this number: what is missing before it will not come again."""
        found: list[Piece] = []
        while self._early and self._early[0].at - self._position <= self._ahead(sequence) <= FAR:
            self._miss(found)
        return found

    def tick(self, now: float) -> list[Piece]:
        """Time goes by."""
        found: list[Piece] = []
        while self._early and now - min(one.when for one in self._early) > PATIENCE:
            self._miss(found)
        return found

    def finish(self) -> list[Piece]:
        """Nothing more comes."""
        found: list[Piece] = []
        self._give_up_all(found)
        return found

    def _ahead(self, sequence: int) -> int:
        """How far a number is from what is due; negative: it was there before."""
        ahead = (sequence - (self._origin or 0) - self._position) % _RING
        return ahead - _RING if ahead >= _RING // 2 else ahead

    def _hold(self, one: _Early) -> None:
        insort(self._early, one)
        self._waiting += len(one.data)

    def _advance(self, found: list[Piece]) -> None:
        """Everything that is in its place now."""
        while self._early and self._early[0].at <= self._position:
            one = self._early.pop(0)
            self._waiting -= len(one.data)
            known = self._position - one.at
            if known >= one.length:
                self.counters.repeated += 1
                continue
            data = one.data[known:]
            if data:
                found.append(Bytes(data, one.when, one.packet))
            if unrecorded := one.length - known - len(data):
                found.append(Missing(unrecorded))
                self.counters.gaps += 1
                self.counters.cut += 1
            self._position = one.at + one.length

    def _miss(self, found: list[Piece]) -> None:
        """What is due will not come."""
        first = self._early[0].at
        found.append(Missing(first - self._position))
        self.counters.gaps += 1
        self._position = first
        self._advance(found)

    def _give_up_all(self, found: list[Piece]) -> None:
        while self._early:
            self._miss(found)
