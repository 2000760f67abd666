"""How a moment is written wherever a program reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def iso(moment: datetime) -> str: ...
@overload
def iso(moment: None) -> None: ...
def iso(moment: datetime | None) -> str | None:
    """``2026-06-21T18:05:00Z``: always UTC; unknown stays unknown."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
