"""Which of several words on one quantity counts. Pure.

The words that are fresh and known stand in this order:

1. those of the sources that the owner put first (``precedence`` of the configuration);
2. what was heard or read from the device itself, before what another device tells of it;
3. what is refreshed more often: values that stand for a shorter time;
4. by the name of the source, so that the order never depends on who spoke last.

A word that is too old or unknown gives way to the next one. Where none is fresh, the one that was fresh for longest
is the last word. A source that is not configured any more comes last. Energies have a rule of their own (`counting`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from pvsmqtt.model.reading import Value


@dataclass(frozen=True, slots=True)
class Held:
    """A value, until when it stands for the present, who gave it (the source's whole name), for how long it stands
    each time, and when it was measured by our clock that only goes forward."""

    value: Value
    until: float
    source: str
    lasts: float = 0.0
    moment: float = -math.inf


Rank = tuple[bool, int, bool, int, str]


class Precedence:
    """The order of the sources of one house."""

    def __init__(self, listed: Sequence[str] = ()) -> None:
        self._listed = tuple(listed)
        self._configured: frozenset[str] | None = None
        self.changes = 0
        """Counts how often it became another one."""

    def are(self, listed: Sequence[str]) -> None:
        """The owner put these first, from now on: names of sources, or kinds."""
        self._listed = tuple(listed)
        self.changes += 1

    def configured(self, sources: Collection[str]) -> list[str]:
        """These sources are all there are; tells which of the listed ones are none of them."""
        self._configured = frozenset(sources)
        self.changes += 1
        return [name for name in self._listed if not any(_speaks_of(name, source) for source in sources)]

    def place(self, source: str) -> int:
        """Where the owner put it; the number of all that he listed for any other."""
        found = (number for number, name in enumerate(self._listed) if _speaks_of(name, source))
        return next(found, len(self._listed))

    def gone(self, source: str) -> bool:
        """Whether it is not configured any more."""
        if self._configured is None:
            return False
        words = source.split(" ")  # its name, and what it may be called in short: there may be very many others
        return not any(" ".join(words[:end]) in self._configured for end in range(len(words), 0, -1))

    def rank(self, source: str, direct: bool, lasts: float) -> Rank:
        """The lowest goes first. Times are taken roughly, for they differ a little from reading to reading."""
        pace = round(10 * math.log(lasts)) if lasts > 0 else 0
        return self.gone(source), self.place(source), not direct, pace, source


def chosen(words: Iterable[tuple[Rank, Held]], now: float) -> Held | None:
    """The word that counts for a quantity that is not counted."""
    ordered = [held for _, held in sorted(words, key=lambda word: word[0])]
    for held in ordered:
        if held.until > now and held.value is not None:
            return held
    # `None` is no word: what is known may hold.
    known = [held for held in ordered if held.value is not None]
    return max(known, key=lambda held: held.until) if known else next(iter(ordered), None)


def _speaks_of(name: str, source: str) -> bool:
    return f"{source} ".startswith(f"{name} ")
