"""Models and chains as registers.

A model's values are given by the name of its point in the units of the standard; the scale factor that is among the
values turns them into numbers. A point without a value is told as not implemented. Groups within a model are a list
of such values under the group's name. 32-bit values have the high word first.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pvsmqtt.modbus.sunspec.definitions import COMMON, HEADER, GroupDefinition, PointDefinition, definition
from pvsmqtt.modbus.values import TYPES

Values = Mapping[str, Any]
"""Numbers and texts by the name of the point; a list of more of these by the name of a group."""

MARK = (0x5375, 0x6E53)
"""``SunS``."""
END = (0xFFFF, 0)
NOT_SCALED = ("string", "sunssf", "float32", "float64", "bitfield16", "bitfield32", "enum16", "enum32")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model stands: the address of its header, and its length without the header."""

    model: int
    address: int
    length: int

    @property
    def registers(self) -> range:
        """Addresses of its header and its points."""
        return range(self.address, self.address + HEADER + self.length)


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain as it stands in a unit."""

    base: int
    registers: dict[int, int]
    places: tuple[Place, ...]

    @property
    def spans(self) -> list[range]:
        """The models, the first one with the mark before it, and the header that ends the chain."""
        first, *others = (place.registers for place in self.places)
        end = (others or [first])[-1].stop
        return [range(self.base, first.stop), *others, range(end, end + HEADER)]


def chain(base: int, models: Sequence[tuple[int, Values]], short_common: bool = False) -> Chain:
    """The chain of these models, which follow each other from ``base`` on."""
    words, places = [*MARK], []
    for number, values in models:
        body = model(number, values)
        if short_common and number == COMMON:
            body = [number, body[1] - 1, *body[HEADER:-1]]
        places.append(Place(number, base + len(words), len(body) - HEADER))
        words += body
    words += END
    return Chain(base, dict(enumerate(words, base)), tuple(places))


def model(number: int, values: Values) -> list[int]:
    """Header and points of one model; raises KeyError for a value that has no place in it."""
    group = _group(number)
    _check(number, group, values)
    words = list(_words(group, values, values))
    return [number, len(words) - HEADER, *words[HEADER:]]


def fitting(number: int, values: Values) -> Values:
    """The values that have a place of their own in this model: integer and float models differ in scale factors."""
    known = {point.name for point in _group(number).points}
    return {name: value for name, value in values.items() if name in known}


def offset(number: int, name: str) -> int:
    """Registers from a model's header to a point of its own, not one of its groups."""
    for point in _group(number).points:
        if point.name == name:
            return point.offset
    raise KeyError(name)


def _group(number: int) -> GroupDefinition:
    found = definition(number)
    if found is None:
        raise KeyError(f"model {number}")
    return found.group


def _check(number: int, group: GroupDefinition, values: Values) -> None:
    known = {point.name for point in group.points} | {inner.name for inner in group.groups}
    if unknown := values.keys() - known:
        raise KeyError(f"model {number} has no {', '.join(sorted(unknown))}")
    for inner in group.groups:
        for part in values.get(inner.name, ()):
            _check(number, inner, part)


def _words(group: GroupDefinition, values: Values, scales: Values) -> Iterator[int]:
    for point in group.points:
        yield from _point(point, values.get(point.name), scales)
    for inner in group.groups:
        parts = values.get(inner.name, () if inner.count not in (None, 1) else ({},))
        for part in parts:
            yield from _words(inner, part, scales)


def _point(point: PointDefinition, value: Any, scales: Values) -> Sequence[int]:
    kind = TYPES[point.type]
    if point.type == "string":
        return _unpack(str(value or "").encode("ascii")[: 2 * point.length].ljust(2 * point.length, b"\0"))
    if point.type in ("float32", "float64"):
        return _unpack(struct.pack(f">{kind.code}", math.nan if value is None else value))
    if point.type == "pad" and value is None:
        return (0x8000,) * point.length
    if value is None or not math.isfinite(value):
        return _unpack((kind.missing or 0).to_bytes(2 * point.length))
    if point.scale is not None and point.type not in NOT_SCALED:
        power = scales.get(point.scale, 0) if isinstance(point.scale, str) else point.scale
        value = value / 10**power if power >= 0 else value * 10**-power
    bits = 16 * point.length
    return _unpack((round(value) % (1 << bits)).to_bytes(2 * point.length))


def _unpack(raw: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(raw) // 2}H", raw)
