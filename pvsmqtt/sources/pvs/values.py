"""Values as the PVS writes them: everything is text, and much of it means "nothing".

``None`` is returned for every spelling of missing: ``""``, ``nan``, ``-nan``, ``inf``, ``n/a``, ``null``,
``TBD`` and text that is no number. Units are converted here and nowhere else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime

from pvsmqtt.model.reading import Value

Convert = Callable[[object], Value]

_MISSING = {"", "nan", "-nan", "inf", "-inf", "infinity", "-infinity", "n/a", "na", "null", "none", "tbd", "-"}
_LONGEST_NUMBER = 40
_LONGEST_TEXT = 255
"""What Home Assistant takes as a state."""

_RELAY = re.compile(r"(?:[a-z0-9]+_state_)?(closed|open)")
_EARLIEST_EPOCH = 1e9
"""September 2001: smaller numbers are no moments but placeholders, dates or years."""

_MILLISECONDS = 1e11


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


def single(raw: object) -> float | None:
    """A number of the varserver, which keeps 32-bit floats: ``"59.970001"`` -> 59.97, ``"2843.847168"`` -> 2843.847.

    Such a float carries about seven digits, and what is printed after them is noise: seven are kept, and never less
    than two decimals, so that whole numbers and large counters stay as they are. Rounding keeps the order of
    numbers: a counter that does not fall does not fall here.
    """
    value = number(raw)
    if value is None:
        return None
    return number(round(value, 2) if abs(value) >= 100_000 else f"{value:.7g}")


def single_kilo(raw: object) -> float | None:
    """kW, kVA, kvar of the varserver -> W, VA, var."""
    return kilo(single(raw))


def fraction(raw: object) -> float | None:
    """A fraction of 1 -> %: ``"0.590000"`` -> 59.

    Whether a state of charge stays between 0 and 1 is not documented, so a little more is let through; what lies far
    outside is no fraction.
    """
    value = single(raw)
    return None if value is None or abs(value) > 1.5 else round(value * 100, 4)


def health(raw: object) -> float | None:
    """State of health -> %. A guess: up to 1 it is a ratio, above it is per cent.

    The variable is a whole number and the only sample is 1. Nothing is known at 0: it is the value before the first
    measurement, and what is left of a ratio below 1.
    """
    value = single(raw)
    if value is None or not 0 < value <= 100:
        return None
    return round(value * 100, 4) if value <= 1 else value


def wear(raw: object) -> int | float | None:
    """Wear of flash memory in steps of 10 % -> %: ``0x05`` -> 50, ``0x0B`` (its life is over) -> 100.

    The number may be decimal. 0 means "not defined" in the standard of such memory (JEDEC JESD84, life time
    estimation).
    """
    word = text(raw) or ""
    try:
        steps = int(word, 16) if word[:2].lower() == "0x" else whole(raw)
    except ValueError:
        return None
    return None if steps is None or steps <= 0 else min(10 * steps, 100)


def capitals(options: tuple[str, ...]) -> Convert:
    """One of the texts of an enum in upper case; a text that is not among them becomes ``OTHER``."""

    def convert(raw: object) -> str | None:
        word = text(raw)
        if word is None:
            return None
        word = word.upper().replace(" ", "_")
        return word if word in options else "OTHER"

    return convert


def relay(raw: object) -> str | None:
    """A relay: ``MID_STATE_CLOSED``, ``PVD_STATE_CLOSED`` -> ``closed``; ``…_STATE_OPEN`` -> ``open``, by analogy: no
    sample of it is known; any other text -> ``unknown``."""
    word = text(raw)
    if word is None:
        return None
    found = _RELAY.fullmatch(word.lower())
    return found[1] if found else "unknown"


def instant(raw: object) -> datetime | None:
    """``2026-04-10T11:30:00Z``: ISO 8601 with or without fractions, UTC where it names no offset; or an epoch in
    seconds or milliseconds. A date alone is no moment."""
    epoch = number(raw)
    try:
        if epoch is not None:
            if epoch < _EARLIEST_EPOCH:
                return None
            seconds = epoch / 1000 if epoch >= _MILLISECONDS else epoch
            return datetime.fromtimestamp(seconds, UTC)
        if not isinstance(raw, str) or len(raw.strip()) <= len("2026-04-10"):
            return None
        told = datetime.fromisoformat(raw.strip().upper())
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
