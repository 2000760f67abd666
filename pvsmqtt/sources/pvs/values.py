"""Values as the PVS writes them: everything is text, and much of it means "nothing".

``None`` is returned for every spelling of missing: ``""``, ``nan``, ``-nan``, ``inf``, ``n/a``, ``null``,
``TBD`` and text that is no number. Units are converted here and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

from pvsmqtt.model.reading import Value

Convert = Callable[[object], Value]

_MISSING = {"", "nan", "-nan", "inf", "-inf", "infinity", "-infinity", "n/a", "na", "null", "none", "tbd", "-"}
_LONGEST_NUMBER = 40
_LONGEST_TEXT = 255
"""What Home Assistant takes as a state."""


def text(raw: object) -> str | None:
    """The text without white space around it, or ``None`` when it means nothing.

    Halves of characters, which JSON can spell but UTF-8 cannot, become question marks.
    """
    if not isinstance(raw, str):
        return None if number(raw) is None else str(raw)
    stripped = raw.strip()[:_LONGEST_TEXT]
    return None if stripped.lower() in _MISSING else stripped.encode("utf-8", "replace").decode("utf-8")


def number(raw: object) -> float | None:
    """A finite number out of ``"0.6579"``, ``60`` or ``" 60 "``."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, str):
        raw = raw.strip()
        if not raw or len(raw) > _LONGEST_NUMBER or "_" in raw:
            return None
    elif not isinstance(raw, int | float):
        return None
    try:
        value = float(raw)
    except (ValueError, OverflowError):
        return None
    return value + 0.0 if math.isfinite(value) else None  # −0 is 0


def kilo(raw: object) -> float | None:
    """kW, kVA, kvar -> W, VA, var. Rounded to a milliwatt: the factor leaves dust in the last digits."""
    value = number(raw)
    return None if value is None else number(round(value * 1000, 3))


def whole(raw: object) -> int | float | None:
    """A count: ``"60"`` -> 60."""
    value = number(raw)
    return int(value) if value is not None and value.is_integer() and abs(value) < 2**53 else value


def on_off(raw: object) -> str | None:
    """A flag: ``"0"`` -> ``off``, any other number -> ``on``."""
    value = number(raw)
    return None if value is None else "on" if value else "off"


def raw_value(raw: object) -> Value:
    """A status word: a number if it is one, else its text."""
    value = whole(raw)
    return text(raw) if value is None else value


def option(options: tuple[str, ...]) -> Convert:
    """One of the texts of an enum in lower case; a text that is not among them becomes ``other``."""

    def convert(raw: object) -> str | None:
        word = text(raw)
        if word is None:
            return None
        word = word.lower().replace(" ", "_")
        return word if word in options else "other"

    return convert


def moment(raw: object) -> datetime | None:
    """``2023,08,23,11,35,00`` (UTC, the PVS's clock)."""
    if not isinstance(raw, str):
        return None
    try:
        year, month, day, hour, minute, second = (int(part) for part in raw.split(","))
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
