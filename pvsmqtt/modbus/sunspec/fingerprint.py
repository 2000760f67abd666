"""Which model a unit may have, judged by what is read of it: a guess, never a fact.

Idea: a master that knows the chain reads only what it wants, out of the middle of models, so headers may never be
heard. But what it reads gives models away: ranges do not cut through values of two registers, scale factors are small
numbers, enumerations are numbers that have a name, and the first model after the common one stands at 40070. Each
candidate is laid over the ranges at every place where a range could begin with one of its points, and collects points
for what fits (`_judge`); what cannot be rules it out. Of candidates that overlap, the best stays.

Found so: units that are read at 40081..40092, 40104..40131 and 40136..40139 have a battery (802) at 40070 and a
lithium-ion bank (803) behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from pvsmqtt.modbus.sunspec.chain import ModelAt
from pvsmqtt.modbus.sunspec.definitions import HEADER, ModelDefinition, PointDefinition, definition, shape

MODELS: tuple[int, ...] = (101, 102, 103, 111, 112, 113, 120, 121, 122, 123, 124, 160, 201, 202, 203, 204)
MODELS += (211, 212, 213, 214, 701, 702, 713, 714, 802)
"""What energy systems have; others are not guessed at."""
COMPANIONS = {802: 803}
"""What as a rule stands behind a model: guessed when somebody reads from its first point on."""
FIRST = 40070
"""Where the first model stands behind the mark, the common model and its 66 registers."""

_ENOUGH = 10
_SHORTEST = 4
"""Registers of a range that says anything."""
_AT_MOST = 10

_FITS = 2
_AT_FIRST = 4
_WHOLE = 8
"""A range is exactly the model, or all of it but its header."""
_CUT = -100
_STRANGE = -4


class Registers(Protocol):
    """What is asked of an image: its values, and the ranges (address, count) that are read at once."""

    ranges: Counter[tuple[int, int]]

    def get(self, address: int) -> int | None:
        """A register, None while it is not known."""


class Guess(NamedTuple):
    """A model that may stand at ``address``, for a person to judge: ``score`` grows with what fits."""

    model: int
    address: int
    length: int
    score: int
    ranges: tuple[tuple[int, int], ...]
    """The polled ranges it explains."""

    @property
    def end(self) -> int:
        """The address after it."""
        return self.address + HEADER + self.length


def guesses(image: Registers, chain: Iterable[ModelAt] = ()) -> tuple[Guess, ...]:
    """Models that explain ranges which ``chain`` does not, the likeliest first; none overlaps another one."""
    taken = [(model.address, model.end) for model in chain]
    ranges = sorted(span for span in image.ranges if not any(span[0] < end and at < sum(span) for at, end in taken))
    found = sorted(_candidates(image, ranges, taken), key=lambda guess: (-guess.score, guess.address, guess.model))
    best: list[Guess] = []
    for guess in found:
        if len(best) < _AT_MOST and all(guess.end <= other.address or other.end <= guess.address for other in best):
            best.append(guess)
    for guess in tuple(best):
        best += _companions(guess, ranges, best)
    return tuple(best)


def _candidates(image: Registers, ranges: list[tuple[int, int]], taken: list[tuple[int, int]]) -> Iterator[Guess]:
    places = [address for address, count in ranges if count >= _SHORTEST]
    for number in MODELS:
        model, size = definition(number), shape(number)
        if model is None or size is None:
            continue
        offsets = [point.offset for point in model.group.points]
        for address in {start - offset for start in places for offset in offsets if start >= offset}:
            end = address + HEADER + size.fixed
            if any(address < other and at < end for at, other in taken):
                continue
            inside = tuple(span for span in ranges if address < sum(span) and span[0] < end)
            score = _judge(image, model, address, end, inside)
            if score >= _ENOUGH:
                yield Guess(number, address, size.fixed, score, inside)


def _judge(
    image: Registers, model: ModelDefinition, address: int, end: int, ranges: tuple[tuple[int, int], ...]
) -> int:
    """How well a model fits what was read of its registers."""
    edges = {address + point.offset for point in model.group.points} | {end}
    score = _AT_FIRST if address == FIRST else 0
    for start, count in ranges:
        if start < address or start not in edges or (start + count < end and start + count not in edges):
            return _CUT
        if start + count == end and start in (address, address + HEADER):
            score += _WHOLE
    for point in model.group.points:
        score += _point(image.get(address + point.offset), point, model.model)
    return score


def _point(raw: int | None, point: PointDefinition, model: int) -> int:
    """What the first register of a point says for the model, or against it."""
    if raw is None:
        return 0
    if point.offset == 0:
        return _FITS if raw == model else _CUT
    if point.type == "sunssf":
        return _FITS if raw in (0x8000, *range(1, 5), *range(0xFFFC, 0x10000)) else 1 if raw == 0 else _STRANGE
    if point.type == "enum16" and point.symbols:
        return _FITS if raw in point.symbols else 0 if raw in (0, 0xFFFF) else _STRANGE
    return 0


def _companions(guess: Guess, ranges: list[tuple[int, int]], best: list[Guess]) -> list[Guess]:
    number = COMPANIONS.get(guess.model)
    size = None if number is None else shape(number)
    first = guess.end + HEADER
    if number is None or size is None or any(other.address <= first < other.end for other in best):
        return []
    end = first + size.fixed
    inside = tuple(span for span in ranges if first <= span[0] and sum(span) <= end)
    return [Guess(number, guess.end, size.fixed, 0, inside)] if any(span[0] == first for span in inside) else []
