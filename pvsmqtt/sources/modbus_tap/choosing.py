"""Whose devices are told of, where several servers are heard: one gateway is one installation. Pure.

Every unit number of another server would be another device of the same name, so only one server counts. Which, its
owner says (`server`); else the one that was heard first, until it has been silent for `SILENT` and another is heard:
its address may change. Those that do not count are named in the health topic.
"""

from __future__ import annotations

from collections import Counter

SILENT = 600.0
MOST_OTHERS = 20


class Choosing:
    """``ordered`` is what the owner says, ``remembered`` whom it was before the restart; empty: nobody."""

    def __init__(self, ordered: str, remembered: str = "") -> None:
        self.chosen = ordered or remembered
        """The address that counts."""
        self.others: Counter[str] = Counter()
        """Blocks of registers of servers that do not count."""
        self._ordered = bool(ordered)
        self._heard: float | None = None

    def counts(self, address: str, now: float) -> bool:
        """Whether the server counts of which registers were heard now."""
        if self._heard is None:
            self._heard = now
        silent = now - self._heard > SILENT
        if not self._ordered and (not self.chosen or (address != self.chosen and silent)):
            self.chosen = address
            self.others.pop(address, None)
        if address == self.chosen:
            self._heard = now
            return True
        if address in self.others or len(self.others) < MOST_OTHERS:
            self.others[address] += 1
        return False
