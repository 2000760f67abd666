"""Whose count of an energy goes on. Pure.

Energies are counted, and a supervisor tells them minutes late: going from one word to another must not make a counter
fall or jump. Two counters that differ by no more than that while both are fresh are one, and the higher reading is
the newer one. Two that differ by more count different things (direct current, another meter): then one of them is the
counter of the device, and goes on being it also while it is silent; the other is not shown. That one is the word of
the supervisor, which is the one that a house had first, or of the source that the owner put before it; or whoever
spoke first, for a counter that was shown goes on. Only a source that the owner lists takes it over, and one that is
not configured any more loses it.

A counter that has really started anew (`counters`) does so for all: what others told of it before is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pvsmqtt.site.counters import LIFETIME
from pvsmqtt.site.precedence import Held, Precedence, Rank, chosen

LATE = 5.0
"""kWh by which a counter may be behind that is told some minutes late."""


class Word(Protocol):
    """What one source tells of a device, and whether it heard that from the device itself."""

    direct: bool
    values: dict[str, Held]

    def rank(self, key: str, order: Precedence) -> Rank: ...  # noqa: D102


@dataclass(slots=True)
class Counting:
    """Of one device: by key, the source whose counter is shown, and those that count the same."""

    _shown: dict[str, str] = field(default_factory=dict)
    _alike: dict[str, set[str]] = field(default_factory=dict)

    def heed(self, key: str, words: Mapping[str, Word], order: Precedence, now: float) -> None:
        """A source told of an energy."""
        numbers = {name: number for name, word in words.items() if (number := _number(word, key)) is not None}
        if not numbers:
            return
        shown = self._shown.get(key)
        if shown is None or shown not in words or key not in words[shown].values:
            shown = self._take(key, min(numbers, key=lambda name: _first(name, words[name], order)))
        if order.gone(shown):
            heirs = [name for name in numbers if not order.gone(name) and words[name].values[key].until > now]
            if heirs and not self._alike.get(key, set()).intersection(heirs):
                shown = self._take(key, min(heirs, key=lambda name: _first(name, words[name], order)))
        for name in sorted(numbers.keys() - {shown}):
            fresh = all(words[one].values[key].until > now for one in (name, shown) if key in words[one].values)
            if not fresh or shown not in numbers:
                continue
            alike = self._alike.setdefault(key, set())
            if abs(numbers[name] - numbers[shown]) <= LATE:
                alike.add(name)
                continue
            ahead = name in alike and key in LIFETIME and numbers[name] > numbers[shown]
            alike.discard(name)
            if ahead or order.place(name) < order.place(shown):
                shown = self._take(key, name)

    def anew(self, key: str, source: str, words: Mapping[str, Word]) -> list[str]:
        """The counter of a source has really started anew; the sources that told the old count."""
        if source != self._shown.get(key) and source not in self._alike.get(key, ()):
            return []
        others = [name for name in (self._shown[key], *self._alike.get(key, ())) if name != source and name in words]
        self._take(key, source)
        return others

    def chosen(self, key: str, words: Mapping[str, Word], order: Precedence, now: float) -> Held | None:
        """The word that counts."""
        shown = self._shown.get(key)
        group = {name for name in (shown, *self._alike.get(key, ())) if name in words and key in words[name].values}
        if not group:
            group = {name for name, word in words.items() if key in word.values}
        best = chosen([(words[name].rank(key, order), words[name].values[key]) for name in group], now)
        known = [number for name in group if (number := _number(words[name], key)) is not None]
        if best is None or best.value is None or not known:
            return best
        if key not in LIFETIME:
            return best
        until = max(words[name].values[key].until for name in group)
        return Held(max(known), until, best.source, best.lasts, best.moment)

    def take_over(self, other: Counting) -> None:
        """Go on with what was counted under another id; what is known here comes first."""
        self._shown = {**other._shown, **self._shown}
        self._alike = {**other._alike, **self._alike}

    def _take(self, key: str, source: str) -> str:
        self._shown[key] = source
        self._alike.pop(key, None)
        return source


def _first(name: str, word: Word, order: Precedence) -> tuple[object, ...]:
    return order.gone(name), order.place(name), word.direct, name


def _number(word: Word, key: str) -> float | None:
    held = word.values.get(key)
    return held.value if held is not None and isinstance(held.value, int | float) else None
