"""Types of values in registers: how many registers, and what they say.

Rule: bits in, a value out; nothing is scaled here. One vocabulary for register maps and SunSpec, the names that
SunSpec uses (`TYPES`); a map file may use those that `PLAIN` lists.

A register holds two bytes, the high one first. Values of several registers have the high word first (``"big"``, which
is what SunSpec and nearly everybody does) or last (``"little"``); text is never turned round.

Missing is None: NaN and infinities, text without a character, and in SunSpec (`implemented`) the pattern of each type
that means "not implemented". An ``int16`` of −1 is a value, 0x8000 is none; an ``acc32`` of 0 is none, though a
counter that has just been reset says 0 too. Source: SunSpec Device Information Model Specification V1.1, table of
types.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Literal, NamedTuple

WordOrder = Literal["big", "little"]
Decoded = int | float | str | None

_TEXT = "text"
_ADDRESS = "address"


class RegisterType(NamedTuple):
    """One type: its registers (0: as many as are declared), how they are read, and SunSpec's "not implemented"."""

    length: int
    code: str
    """For `struct`; or text, or the address of a network."""
    missing: int | None
    """All its bits as one unsigned number; None: it has no such pattern."""


TYPES: dict[str, RegisterType] = {
    "int16": RegisterType(1, "h", 0x8000),
    "uint16": RegisterType(1, "H", 0xFFFF),
    "int32": RegisterType(2, "i", 0x8000_0000),
    "uint32": RegisterType(2, "I", 0xFFFF_FFFF),
    "int64": RegisterType(4, "q", 0x8000_0000_0000_0000),
    "uint64": RegisterType(4, "Q", 0xFFFF_FFFF_FFFF_FFFF),
    "float32": RegisterType(2, "f", None),
    "float64": RegisterType(4, "d", None),
    "string": RegisterType(0, _TEXT, None),
    "count": RegisterType(1, "H", 0xFFFF),
    "acc16": RegisterType(1, "H", 0),
    "acc32": RegisterType(2, "I", 0),
    "acc64": RegisterType(4, "Q", 0),
    "enum16": RegisterType(1, "H", 0xFFFF),
    "enum32": RegisterType(2, "I", 0xFFFF_FFFF),
    "bitfield16": RegisterType(1, "H", 0xFFFF),
    "bitfield32": RegisterType(2, "I", 0xFFFF_FFFF),
    "bitfield64": RegisterType(4, "Q", 0xFFFF_FFFF_FFFF_FFFF),
    "sunssf": RegisterType(1, "h", 0x8000),
    "pad": RegisterType(1, "H", None),
    "ipaddr": RegisterType(2, _ADDRESS, 0),
    "ipv6addr": RegisterType(8, _ADDRESS, 0),
    "eui48": RegisterType(4, _ADDRESS, None),
}

PLAIN = ("int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "string")
"""The types that are numbers and text and nothing more."""

_NO_HARDWARE = 0xFFFF_FFFF_FFFF
"""An EUI-48 of nothing but ones; it stands in the last six of eight bytes."""


def decode(kind: str, registers: Sequence[int], word_order: WordOrder = "big") -> Decoded:
    """What these registers say: a number, a text, or None when it is no value or there are too few or too many."""
    row = TYPES[kind]
    if not registers or (row.length and len(registers) != row.length):
        return None
    if row.code == _TEXT:
        return _text(_bytes(registers))
    words = registers if word_order == "big" else registers[::-1]
    if row.code == _ADDRESS:
        return _network(kind, _bytes(words))
    number: int | float = struct.unpack(f">{row.code}", _bytes(words))[0]
    return number if math.isfinite(number) else None


def implemented(kind: str, registers: Sequence[int]) -> bool:
    """Whether SunSpec takes this for a value at all, high word first."""
    pattern = unsigned(registers)
    if kind == "eui48":
        return pattern & _NO_HARDWARE not in (0, _NO_HARDWARE)
    if kind == "string":
        return registers[0] >> 8 != 0
    return pattern != TYPES[kind].missing


def unsigned(registers: Sequence[int]) -> int:
    """All bits as one number, high word first."""
    return int.from_bytes(_bytes(registers), "big")


def bit_names(number: int, names: dict[int, str]) -> str:
    """The bits that are set, by name, ``"ground_fault, bit 7"``; ``"none"`` when there are none."""
    bits = (bit for bit in range(number.bit_length()) if number >> bit & 1)
    return ", ".join(names.get(bit, f"bit {bit}") for bit in bits) or "none"


def _bytes(registers: Sequence[int]) -> bytes:
    return struct.pack(f">{len(registers)}H", *registers)


def _text(raw: bytes) -> str | None:
    """Up to the first NUL, without white space around it; bytes that are no UTF-8 become question marks."""
    text = raw.split(b"\0", 1)[0].decode("utf-8", "replace").replace("\N{REPLACEMENT CHARACTER}", "?")
    return "".join(character for character in text if character.isprintable()).strip() or None


def _network(kind: str, raw: bytes) -> str:
    if kind == "ipaddr":
        return ".".join(map(str, raw))
    if kind == "eui48":
        return raw[2:].hex(":").upper()
    return raw.hex(":", 4).upper()
