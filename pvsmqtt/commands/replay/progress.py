"""How far a long recording was read: a line that is written over on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pvsmqtt.capture import Recording

EVERY = 0.5
"""Seconds between two words."""
LOOK = 1000
"""Items between two looks at the clock."""
_Item = TypeVar("_Item")


def watched(items: Iterator[_Item], recording: Recording, file: Path) -> Iterator[_Item]:
    """The items, while it is told how much of the file was read."""
    if not sys.stderr.isatty():
        yield from items
        return
    size = file.stat().st_size if file.is_file() else 0
    told, shown = time.monotonic(), False
    for number, item in enumerate(items):
        if number % LOOK == 0 and (now := time.monotonic()) - told >= EVERY:
            told, shown = now, True
            far = (
                f"{100 * recording.position / size:.0f} % of {size / 1e6:.1f}"
                if size
                else f"{recording.position / 1e6:.1f}"
            )
            print(f"\r\x1b[K{far} MB read", end="", file=sys.stderr, flush=True)  # noqa: T201
        yield item
    if shown:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201
