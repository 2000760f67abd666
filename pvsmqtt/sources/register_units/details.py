"""A unit in the health topic: what a person wants to see who asks why a value is missing. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from pvsmqtt.modbus.image import Images
from pvsmqtt.sources.register_units.chains import Chains
from pvsmqtt.sources.register_units.decoder import Decoder, Heard
from pvsmqtt.sources.register_units.stats import UnitStats

MOST_UNITS, MOST_RANGES = 32, 20


def unit_details(
    number: int, stats: UnitStats | None, decoder: Decoder, chains: Chains, images: Images, now: float
) -> dict[str, Any]:
    """What was heard of a unit, and what of it nobody understands."""
    heard = decoder.units.get(number, Heard())
    tables = {table: image for (unit, table), image in images.items() if unit == number}
    unknown = {table.value: decoder.unknown(number, table) for table in tables}
    found: dict[str, Any] = {
        "kind": heard.device.kind.value if heard.device else None,
        "age": None if stats is None or stats.heard is None else round(now - stats.heard, 1),
        "responses": stats.responses if stats else 0,
        "timeouts": stats.timeouts if stats else 0,
        "exceptions": {str(code): count for code, count in stats.codes.items()} if stats else {},
        "registers": {table.value: len(image) for table, image in tables.items()},
        "unknown": {table: ranges(addresses) for table, addresses in unknown.items() if addresses},
        "unknown_registers": sum(map(len, unknown.values())),
        "written": {
            f"{table.value} {address}": list(registers) for (table, address), (registers, _) in heard.written.items()
        },
    }
    if sunspec := chains.report(number):
        found["sunspec"] = sunspec
    return found


def ranges(addresses: Iterable[int]) -> list[str]:
    """``[1, 2, 3, 7]`` -> ``["1-3", "7"]``, the first of them."""
    found, ordered = [], list(addresses)
    starts = [0, *(at + 1 for at, (a, b) in enumerate(pairwise(ordered)) if b != a + 1), len(ordered)]
    for start, end in pairwise(starts):
        if start < end:
            first, last = ordered[start], ordered[end - 1]
            found.append(f"{first}" if first == last else f"{first}-{last}")
    return found[:MOST_RANGES]
