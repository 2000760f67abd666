"""What comes from outside, made harmless: anybody may have written to the broker, and names are names of people.

A document of the wrong shape is an empty one; a text has no control characters, which a terminal would obey.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

LONGEST_TEXT = 2000
LONGEST_DOCUMENT = 8 * 1024 * 1024


def document(payload: bytes) -> Any:
    """JSON, or ``None`` where it is none."""
    if len(payload) > LONGEST_DOCUMENT:
        return None
    try:
        return json.loads(payload, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def mapping(value: object) -> Mapping[str, Any]:
    """A JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def number(value: object) -> float | None:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def count(value: object) -> int:
    """How many; nothing where it is no number."""
    return int(number(value) or 0)


def text(value: object) -> str:
    """A text of one line, with a ``?`` for everything that is not meant to be seen; empty where it is none."""
    if not isinstance(value, str):
        return ""
    line = " ".join(value[:LONGEST_TEXT].splitlines())
    return "".join(c if c.isprintable() else "?" for c in line)


def moment(value: object) -> datetime | None:
    """A time in UTC."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    try:
        return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None
    except (OverflowError, ValueError):
        return None


def total(counters: object) -> int:
    """The sum of the counters of a JSON object."""
    return sum(count(value) for value in mapping(counters).values())
