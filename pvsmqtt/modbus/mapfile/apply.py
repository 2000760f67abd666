"""A register map laid over an image: values of what is known, and the registers that nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, Protocol

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.mapfile.entry import Entry, Number, RegisterMap
from pvsmqtt.modbus.values import TYPES, bit_names, unsigned
from pvsmqtt.modbus.values import Decoded as Value
from pvsmqtt.modbus.values import decode as read
from pvsmqtt.model.quantity import QUANTITIES


class Image(Protocol):
    """What is asked of an image (`pvsmqtt.modbus.image.RegisterImage` has it)."""

    def span(self, address: int, count: int) -> tuple[int, ...] | None:
        """So many registers from there on; None unless all are known."""

    def oldest(self, address: int, count: int) -> float | None:
        """When the one that was heard longest ago was heard."""

    def __iter__(self) -> Iterator[int]:
        """Known addresses, in order."""


class Decoded(NamedTuple):
    """A value, in the unit of its entry; None: the device says that there is none, or it cannot be."""

    entry: Entry
    value: Value
    raw: Value
    """What the registers say, before scale and names; of ``bits`` the number."""
    when: float
    """When the oldest of its registers was heard."""


def decode(
    maps: Iterable[RegisterMap],
    unit: int,
    table: Table,
    image: Image,
    wanted: Callable[[Entry], bool] = lambda _: True,
) -> list[Decoded]:
    """Values of this unit whose registers are all known, map by map, row by row; only of the rows that are wanted."""
    found = []
    for entry in filter(wanted, _entries(maps, unit, table)):
        registers = image.span(entry.address, entry.length)
        when = image.oldest(entry.address, entry.length)
        if registers is not None and when is not None:
            raw = _raw(entry, registers)
            found.append(Decoded(entry, _value(entry, raw), raw, when))
    return found


def unknown(
    maps: Iterable[RegisterMap],
    unit: int,
    table: Table,
    image: Iterable[int],
    sunspec_addresses: Collection[int] = (),
) -> list[int]:
    """Addresses that were heard of and that no map explains, nor SunSpec (`SunSpecView.addresses`)."""
    entries = tuple(_entries(maps, unit, table))
    known = {address for entry in entries for address in range(entry.address, entry.address + entry.length)}
    return [address for address in image if address not in known and address not in sunspec_addresses]


def _entries(maps: Iterable[RegisterMap], unit: int, table: Table) -> Iterator[Entry]:
    for one in maps:
        for entry in one.entries:
            if entry.table is table and unit in entry.units:
                yield entry


def _raw(entry: Entry, registers: tuple[int, ...]) -> Value:
    if entry.type == "bool":
        return registers[0] >> (entry.bit or 0) & 1
    if entry.type == "bits":
        return unsigned(registers if entry.word_order == "big" else registers[::-1])
    return read(entry.type, registers, entry.word_order)


def _value(entry: Entry, raw: Value) -> Value:
    if raw is None or isinstance(raw, str) or _is_missing(entry, raw):
        return raw if isinstance(raw, str) else None
    if entry.type == "bits":
        return bit_names(int(raw), entry.bits)
    if entry.enum:
        return entry.enum.get(int(raw), None if _closed(entry) else raw)
    value: Number = raw
    if (entry.scale, entry.offset) != (1, 0):
        value = raw * entry.scale + entry.offset
        if isinstance(raw, int) and isinstance(value, float):
            value = round(value, _places(entry.scale, entry.offset))
    if entry.type == "float32":  # more digits than seven are dust of the wider number
        value = float(f"{value:.7g}")
    inside = (entry.min is None or value >= entry.min) and (entry.max is None or value <= entry.max)
    return value if inside and abs(value) != float("inf") else None


def _is_missing(entry: Entry, raw: Number) -> bool:
    """Whether this number means "no value". 0x8000 of an int16 may be written so, or as −32768."""
    if not entry.missing or not isinstance(raw, int):
        return False
    return raw in entry.missing or raw % (1 << 16 * TYPES[entry.type].length) in entry.missing


def _closed(entry: Entry) -> bool:
    """Whether nothing but the names of a quantity may be told."""
    quantity = QUANTITIES.get(entry.quantity or "")
    return quantity is not None and bool(quantity.options or quantity.switch)


@lru_cache(256)
def _places(scale: Number, offset: Number) -> int:
    """Decimal places that a whole number has after this: what is beyond them is dust of the multiplication."""
    exponents = (Decimal(repr(number)).as_tuple().exponent for number in (scale, offset))
    return max(-exponent if isinstance(exponent, int) else 0 for exponent in exponents)
