"""The final images of a recording: every register with its value, when it was told, and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from pvsmqtt.commands.replay.meaning import Meaning
from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.image import Images, RegisterImage

_IN_A_ROW = 10


def document(images: Images, meaning: Meaning, timed: bool) -> list[dict[str, Any]]:
    """One object for each table of each unit. Times are in seconds since the recording began; None without times."""
    return [_table(unit, table, image, meaning, timed) for (unit, table), image in _in_order(images)]


def _in_order(images: Images) -> list[tuple[tuple[int, Table], RegisterImage]]:
    return sorted(images.items(), key=lambda item: (item[0][0], str(item[0][1])))


def _table(unit: int, table: Table, image: RegisterImage, meaning: Meaning, timed: bool) -> dict[str, Any]:
    decoded = meaning.decoded(unit, table)
    return {
        "unit": unit,
        "table": str(table),
        "ranges": [{"address": at, "count": n, "times": times} for (at, n), times in sorted(image.ranges.items())],
        "registers": [
            {
                "address": at,
                "value": image.get(at),
                "when": round(image.when(at) or 0.0, 6) if timed else None,
                "changes": image.changes(at),
            }
            for at in image
        ],
        "decoded": decoded if timed else [{**one, "when": None} for one in decoded],
        "sunspec": {"chain": meaning.chain(unit, table), "identity": meaning.identity(unit, table)}
        | {"guesses": meaning.guesses(unit, table)},
        "unknown": meaning.unknown(unit, table, image),
    }


def lines(images: Images, meaning: Meaning) -> Iterator[str]:
    """The same for people: what is known by name, then all registers, ten in a row."""
    for (unit, table), image in _in_order(images):
        yield f"unit {unit}, {table}: {len(image)} known"
        for one in meaning.decoded(unit, table):
            value = "not implemented" if one["value"] is None else _value(one["value"])
            yield (
                f"  {one['address']:5d}  {one['name']:24s} {value} {one['unit'] or ''}".rstrip()
                + f"   [{one['from']}]"
            )
        for start, values in _rows(image):
            yield f"  {start:5d}: " + " ".join(f"{value:5d}" for value in values)
        yield ""


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, tuple | list | frozenset | set):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _rows(image: RegisterImage) -> Iterator[tuple[int, list[int]]]:
    """Consecutive registers."""
    for _, run in groupby(enumerate(image), key=lambda item: item[1] - item[0]):
        addresses = [at for _, at in run]
        for start in range(0, len(addresses), _IN_A_ROW):
            row = addresses[start : start + _IN_A_ROW]
            yield row[0], [image.get(at) or 0 for at in row]
