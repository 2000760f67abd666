"""The keys of a map file: a table of what each may be. A key that is not in it is an error."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.mapfile.entry import FACTS, TRANSPORTS
from pvsmqtt.modbus.values import PLAIN
from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity import QUANTITIES

TYPE_NAMES = (*PLAIN, "bits", "bool")
UNITS_ALLOWED = 'a unit (0 to 255), a range like "221-229", or a list of those'
_RANGE = re.compile(r"\s*(\d{1,3})\s*-\s*(\d{1,3})\s*")
_NAME = re.compile(r"[a-z0-9_]{1,64}")
_LONGEST = 125
"""Registers that one read can bring."""


class MapError(Exception):
    """A map cannot be used. ``str()`` is for people: a line for each of ``problems``, which names file, entry and
    key, what was found and what is allowed."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Key(NamedTuple):
    """How a key is read: the value that it gives, or None when it is not one of those that are allowed."""

    read: Callable[[Any], Any]
    allowed: str


def _integer(low: int, high: int) -> Callable[[Any], int | None]:
    return lambda raw: raw if type(raw) is int and low <= raw <= high else None


def _number(raw: Any) -> int | float | None:
    """Neither infinite nor beyond what a float can be."""
    try:
        return raw if type(raw) in (int, float) and math.isfinite(raw) else None
    except OverflowError:
        return None


def _text(raw: Any) -> str | None:
    return raw if isinstance(raw, str) and raw.strip() else None


def _one_of(words: Iterable[str]) -> Key:
    allowed = tuple(words)
    return Key(lambda raw: raw if isinstance(raw, str) and raw in allowed else None, ", ".join(allowed))


def _units(raw: Any) -> tuple[int, ...] | None:
    found: set[int] = set()
    for item in raw if isinstance(raw, list) else [raw]:
        if match := _RANGE.fullmatch(item) if isinstance(item, str) else None:
            low, high = int(match[1]), int(match[2])
        elif type(item) is int:
            low = high = item
        else:
            return None
        if not 0 <= low <= high <= 255:
            return None
        found.update(range(low, high + 1))
    return tuple(sorted(found)) or None


def _names(raw: Any) -> dict[int, str] | None:
    """``{"3": "operating", "0x10": "off"}`` -> numbers to names, in order."""
    if not isinstance(raw, dict) or not raw:
        return None
    try:
        found = {int(key, 0): name for key, name in raw.items()}
    except ValueError:
        return None
    return dict(sorted(found.items())) if len(found) == len(raw) and all(map(_text, found.values())) else None


def _missing(raw: Any) -> tuple[int, ...] | None:
    found = raw if isinstance(raw, list) else [raw]
    return tuple(found) if found and all(type(item) is int for item in found) else None


def _products(raw: Any) -> tuple[str, ...] | None:
    return tuple(raw) if isinstance(raw, list) and raw and all(map(_text, raw)) else None


def _quantity(raw: Any) -> str | None:
    return raw if isinstance(raw, str) and raw in QUANTITIES else None


SHARED: dict[str, Key] = {
    "units": Key(_units, UNITS_ALLOWED),
    "table": _one_of(Table),
    "kind": _one_of(Kind),
    "word_order": _one_of(("big", "little")),
    "source": Key(_text, "text that says where the fact comes from"),
}
"""What an entry may say, or the file for all its entries."""

ENTRY: dict[str, Key] = SHARED | {
    "address": Key(_integer(0, 0xFFFF), "a number from 0 to 65535 (0x0000 to 0xFFFF)"),
    "name": Key(
        lambda raw: raw if isinstance(raw, str) and _NAME.fullmatch(raw) else None,
        "up to 64 lower-case letters, digits and _",
    ),
    "type": _one_of(TYPE_NAMES),
    "length": Key(_integer(1, _LONGEST), f"registers, 1 to {_LONGEST}"),
    "bytes": Key(
        lambda raw: raw if type(raw) is int and 2 <= raw <= 2 * _LONGEST and raw % 2 == 0 else None,
        f"an even number of bytes, 2 to {2 * _LONGEST}",
    ),
    "scale": Key(lambda raw: _number(raw) or None, "a number other than 0"),
    "offset": Key(_number, "a number"),
    "unit": Key(_text, 'a unit of measurement, like "V"'),
    "enum": Key(_names, 'numbers and their names, like { 0 = "off", 1 = "on" }'),
    "bits": Key(
        lambda raw: found if (found := _names(raw)) and min(found) >= 0 and max(found) < 64 else None,
        'bits from 0 and their names, like { 0 = "fan", 3 = "supply" }',
    ),
    "bit": Key(_integer(0, 15), "a bit from 0 (the lowest) to 15"),
    "missing": Key(_missing, "a whole number or a list of them"),
    "min": Key(_number, "a number"),
    "max": Key(_number, "a number"),
    "quantity": Key(_quantity, "a key of docs/quantities.md"),
    "fact": _one_of(FACTS),
    "live": Key(lambda raw: raw if isinstance(raw, bool) else None, "true or false"),
}
FILE: dict[str, Key] = SHARED | {
    "name": Key(_text, "text"),
    "transport": _one_of(TRANSPORTS),
    "products": Key(_products, 'a list of how product ids begin, like ["865-6848"]'),
    "registers": Key(
        lambda raw: raw if isinstance(raw, list) and all(isinstance(row, dict) for row in raw) else None,
        "a list of tables",
    ),
}


def found_text(raw: object) -> str:
    """How a value of the file is shown to people."""
    try:
        text = json.dumps(raw, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(raw)
    return text if len(text) <= 60 else f"{text[:57]}..."
