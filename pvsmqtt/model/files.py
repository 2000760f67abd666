"""Small files that must survive a power cut."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LONG = 0.1
"""Seconds of a writing that are worth a pause."""

SHARE = 0.02
"""Of all time that goes into writing a file that takes so long."""


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file as a whole, for its owner alone: afterwards it holds the old document or the new one, never a
    part.

    Raises:
        OSError: when the disk is full, read-only or not ours.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    with open(draft, "w", encoding="utf-8", opener=_private) as file:
        file.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")))  # `dump` takes ten times as long
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class Rest:
    """How long a file that is large rests after it was written: that of a house is written whenever it changed, that
    of a fleet changes all the time. ``clock`` only goes forward."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = self._began = -1.0

    @property
    def over(self) -> bool:
        """Whether it may be written again."""
        return self._clock() >= self._until

    def begin(self) -> None:
        """It is being put together."""
        self._began = self._clock()

    def end(self) -> None:
        """It is written."""
        now = self._clock()
        took = now - self._began
        self._until = now + took / SHARE if took >= LONG else now


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
