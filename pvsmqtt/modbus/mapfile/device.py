"""What maps tell of the device itself: who it is, and which maps are about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.mapfile.apply import Image, decode
from pvsmqtt.modbus.mapfile.entry import RegisterMap

_NOTHING = re.compile(r"[0\W_]*|n\W*a|none|null|unknown|unavailable|not available|[fx]{4,}", re.IGNORECASE)
"""What stands in the place of a fact when there is none: nothing, zeros and signs alone, N/A, erased memory."""


def facts(
    maps: Iterable[RegisterMap], unit: int, image: Image, table: Table = Table.HOLDING_REGISTERS
) -> dict[str, str]:
    """Who a unit says it is, out of one table: texts by the names of the fields of `Device`. The last map wins."""
    found: dict[str, str] = {}
    for row in decode(maps, unit, table, image, wanted=lambda entry: entry.fact is not None):
        if row.entry.fact and isinstance(row.value, str) and not _NOTHING.fullmatch(row.value):
            found[row.entry.fact] = row.value
    return found


def of_product(maps: Sequence[RegisterMap], unit: int, product: str | None) -> list[RegisterMap]:
    """The maps that count for a unit that told its product id (on Conext equipment the FGA number at 0x000A).

    Returns:
        Those that are for this product, made for this unit whatever its number; if there are none, those that are for
        no product in particular and go by unit number; and all of them, by unit number, when it told nothing.
    """
    told = (product or "").strip().upper()
    if not told:
        return list(maps)
    its_own = [one for one in maps if any(told.startswith(start.upper()) for start in one.products)]
    return [one.for_unit(unit) for one in its_own] or [one for one in maps if not one.products]
