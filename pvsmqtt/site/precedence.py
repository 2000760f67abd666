"""Which of two words on one quantity counts: the one heard from the device itself, or the one told of it. Pure.

Heard goes before told as long as it is fresh and known; then told. Where neither is fresh, the one that was fresh for
longer is the last word.

Energies are counted, and a supervisor tells them minutes late: going from one word to the other must not make a
counter fall. Two counters that differ by no more than that are one, and the higher reading is the newer one. Two that
differ by more count different things (direct current, another meter): then the word of the supervisor, which is the
one that a house had first, is the only one as long as it is fresh.
"""

from __future__ import annotations

from dataclasses import dataclass

from pvsmqtt.model.reading import Value
from pvsmqtt.site.counters import COUNTED, LIFETIME

LATE = 5.0
"""kWh by which a counter may be behind that is told some minutes late."""


@dataclass(frozen=True, slots=True)
class Held:
    """A value, until when it stands for the present, and who gave it."""

    value: Value
    until: float
    source: str


def chosen(key: str, told: Held | None, heard: Held | None, now: float) -> Held | None:
    """The word that counts for this quantity."""
    if told is None or heard is None:
        return told or heard
    speaking = [one for one in (heard, told) if one.until > now and one.value is not None]
    if key in COUNTED and isinstance(told.value, int | float) and isinstance(heard.value, int | float):
        same = abs(told.value - heard.value) <= LATE
        if same and key in LIFETIME:
            value = max(told.value, heard.value)
            return Held(value, max(told.until, heard.until), heard.source)
        if len(speaking) == 2 and not same:
            return told
    if speaking:
        return speaking[0]
    if told.value is None or heard.value is None:
        # `None` is no word: the one that is known may hold.
        return heard if told.value is None else told
    return max(heard, told, key=lambda one: one.until)
