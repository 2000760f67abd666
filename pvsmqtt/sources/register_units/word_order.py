"""Which word of a 32-bit value comes first, where equipment can be set either way. Pure.

Values with bounds (a mains voltage lies between 100 and 300 V) are right in one order only: when some are in theirs
the other way round and none as they should be, the other way is the right one. A value of zeros says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pvsmqtt.modbus import mapfile
from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.image import RegisterImage
from pvsmqtt.modbus.mapfile import RegisterMap
from pvsmqtt.modbus.values import WordOrder

Order = Literal["auto", "big", "little"]

ENOUGH = 2
"""Values that have to agree."""

_WIDE = frozenset({"int32", "uint32"})


def plausible(maps: Iterable[RegisterMap], unit: int, image: RegisterImage) -> WordOrder | None:
    """The order in which the bounded values of a unit make sense; None when they do not tell."""
    maps = list(maps)
    fitting = {order: _fitting(maps, unit, image, order) for order in ("big", "little")}
    for order, other in (("big", "little"), ("little", "big")):
        if fitting[order] >= ENOUGH and not fitting[other]:
            return "big" if order == "big" else "little"
    return None


def _fitting(maps: list[RegisterMap], unit: int, image: RegisterImage, order: str) -> int:
    turned = [one.with_word_order("big" if order == "big" else "little") for one in maps]
    rows = mapfile.decode(turned, unit, Table.HOLDING_REGISTERS, image)
    return sum(
        row.value is not None and bool(row.raw)
        for row in rows
        if row.entry.type in _WIDE and row.entry.min is not None and row.entry.max is not None
    )
