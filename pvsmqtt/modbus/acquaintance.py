"""Which units speak on a line, so that noise has to imitate one of them.

The units are known when for a while only known ones were heard. Until then, and on a line where ever new units speak,
everybody is trusted.
"""

from __future__ import annotations

from collections import OrderedDict

BROADCAST = 0
"""Every master may speak to all units at once, however rarely it does."""
LEARNED = 3
"""Frames that make a unit known."""
FOR_A_WHILE = 64
"""Frames in a row that came from known units."""
REFUSED = 32

_ALL_KNOWN = (1 << FOR_A_WHILE) - 1


class Acquaintance:
    """The units of one line."""

    def __init__(self) -> None:
        self._frames = [0] * 256
        self._history = 0
        self._refused: OrderedDict[bytes, None] = OrderedDict()
        self.settled = False
        """Whether the units of the line are known."""
        self.known = {BROADCAST}

    def met(self, unit: int) -> None:
        """A frame came from or went to a unit."""
        known = unit in self.known
        self._history = self._history << 1 & _ALL_KNOWN | known
        self.settled = self._history == _ALL_KNOWN
        if not known:
            self._frames[unit] += 1
            if self._frames[unit] >= LEARNED:
                self.known.add(unit)

    def trusts(self, unit: int) -> bool:
        """Whether a frame of this unit needs no further evidence."""
        return not self.settled or unit in self.known

    def refuse(self, adu: bytes) -> None:
        """Remember a frame that was not believed: when it comes again, it was one."""
        self._refused[adu] = None
        if len(self._refused) > REFUSED:
            self._refused.popitem(last=False)

    def refused(self, adu: bytes) -> bool:
        """Whether this frame came before and was not believed."""
        return adu in self._refused
