"""When each byte in hand arrived.

A frame may be recognised long after its last byte came, because something before it was waited for. Its time is still
that of its last byte: patience and echoes are measured by it. Bytes that came at the same time take one entry.
"""

from __future__ import annotations

from bisect import bisect_right

ENTRIES_AT_MOST = 2000


class Arrivals:
    """The times of a stream of bytes whose old ones are forgotten."""

    def __init__(self) -> None:
        self._begin: list[int] = []
        self._when: list[float] = []

    def note(self, offset: int, when: float) -> None:
        """From this byte on, they came at ``when``, until more is told."""
        if not self._when or when != self._when[-1]:
            self._begin.append(offset)
            self._when.append(when)

    def of(self, offset: int) -> float:
        """When this byte came; of a forgotten one, the earliest time that is known."""
        begin = self._begin
        if begin[-1] <= offset:
            return self._when[-1]
        return self._when[max(0, bisect_right(begin, offset) - 1)]

    @property
    def many(self) -> bool:
        """Whether it is time to forget."""
        return len(self._begin) > ENTRIES_AT_MOST

    def forget(self, offset: int) -> None:
        """Nobody asks any more for a byte before this one."""
        old = bisect_right(self._begin, offset) - 1
        if old > 0:
            del self._begin[:old]
            del self._when[:old]
