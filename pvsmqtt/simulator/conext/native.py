"""Entries and values made into registers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pvsmqtt.simulator.conext.gateway_map import Entry

Order = Literal["big", "little"]
"""Which word of 32 bits comes first: the high one, or the low one as a ComBox can be set."""

ORDERS: tuple[Order, ...] = ("big", "little")

Told = Mapping[str, float | str]
"""Values by the name of the entry, in the units of the map."""


def registers(entries: Iterable[Entry], told: Told, order: Order = "big") -> dict[int, int]:
    """All registers of these entries; those without a value are 0."""
    image: dict[int, int] = {}
    for entry in entries:
        image.update(enumerate(_words(entry, told.get(entry.name), order), entry.address))
    return image


def _words(entry: Entry, value: float | str | None, order: Order) -> list[int]:
    size = 2 * entry.length
    if entry.kind.startswith("text"):
        raw = str(value or "").encode("ascii")[:size].ljust(size, b"\0")
    else:
        number = 0 if value is None else round((float(value) - entry.offset) / entry.scale)
        raw = (number % (1 << 8 * size)).to_bytes(size)
    words = [int.from_bytes(raw[at : at + 2]) for at in range(0, size, 2)]
    return words[::-1] if order == "little" and not entry.kind.startswith("text") else words
