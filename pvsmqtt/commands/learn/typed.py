"""Registers as numbers: the types that a quantity can have on a line, simplest first.

A pair is big-endian (``big``: high word first) or has its words swapped (``little``). Types that would only repeat
what a simpler one says are left out: a signed register that is never negative, a pair whose high word is always 0.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

WordOrder = Literal["big", "little"]
Decode = Callable[[int, int], float | None]


class Type(NamedTuple):
    """How raw registers become a number."""

    name: str
    words: int
    order: WordOrder
    decode: Decode
    """Of the high and the low word; of a single register it is the low one."""
    integer: bool = True
    """Whether it counts in steps of 1."""


def _signed(bits: int) -> Decode:
    half, full = 1 << bits - 1, 1 << bits

    def decode(high: int, low: int) -> float:
        raw = high << 16 | low
        return raw - full if raw >= half else raw

    return decode


def _unsigned(high: int, low: int) -> float:
    return high << 16 | low


def _float(high: int, low: int) -> float | None:
    value: float = struct.unpack(">f", struct.pack(">HH", high, low))[0]
    return value if math.isfinite(value) and (value == 0 or 1e-9 < abs(value) < 1e12) else None


SINGLE = (Type("uint16", 1, "big", _unsigned), Type("int16", 1, "big", _signed(16)))
PAIRS = tuple(
    Type(name, 2, order, decode, integer)
    for name, decode, integer in (
        ("uint32", _unsigned, True),
        ("int32", _signed(32), True),
        ("float32", _float, False),
    )
    for order in ("big", "little")
)


def single(values: Sequence[int], signed: bool = False) -> list[Type]:
    """The types worth trying for a register that held these values. Where they do not tell whether it has a sign, it
    has one if the quantity can be negative (``signed``)."""
    return list(SINGLE) if any(value >= 0x8000 for value in values) else [SINGLE[signed]]


def pairs(values: Sequence[tuple[int, int]]) -> list[Type]:
    """The types worth trying for two registers (the first, the second) that held these values."""
    found = []
    for type_ in PAIRS:
        words = [ordered(type_, value) for value in values]
        high = {word for word, _ in words}
        if type_.name == "float32":
            fits = sum(type_.decode(*word) is not None for word in words) >= 0.9 * len(words)
        elif type_.name == "uint32":
            fits = high != {0}
        else:
            fits = any(word >= 0x8000 for word in high) and high != {0xFFFF}
        if fits:
            found.append(type_)
    return found


def ordered(type_: Type, value: tuple[int, int]) -> tuple[int, int]:
    """The high and the low word."""
    return value if type_.order == "big" else (value[1], value[0])
