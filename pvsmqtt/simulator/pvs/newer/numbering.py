"""The indices that devices have in ``/vars``: they start anywhere, have gaps, and are others after every boot.

In the per-field shape every family counts for itself; objects share one number range, in which the meters come
first. A device keeps its index from its first sight until the next boot.
"""

from __future__ import annotations

from random import Random

SPREAD = 40
STEP = 13
"""From one boot to the next the first index moves by this much, so that it is never the same twice running."""

LONGEST_GAP = 3


class Numbering:
    """Of one boot."""

    def __init__(self, seed: int, boot: int) -> None:
        self._random = Random(f"indices {seed} {boot}")
        self._boot = boot
        self._next: dict[str, int] = {}
        self._known: dict[tuple[str, str, str, int], int] = {}

    def index(self, space: str, family: str, serial: str, occurrence: int = 0) -> int:
        """The index of a device in a number range; ``occurrence`` tells devices with the same serial apart."""
        key = (space, family, serial, occurrence)
        if key not in self._known:
            first = (STEP * self._boot) % SPREAD
            index = self._next.get(space, first)
            self._known[key] = index
            self._next[space] = index + self._random.randint(1, LONGEST_GAP)
        return self._known[key]
