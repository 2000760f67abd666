"""The files for neighbours, and what their tests have in common."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONFIG = Path(__file__).parents[1] / "config"


def text(name: str) -> str:
    return (CONFIG / name).read_text("utf-8")


def replaced(content: str, *changes: tuple[str, str]) -> str:
    """With texts replaced, each of which must stand there exactly once: a file that changed is noticed."""
    for old, new in changes:
        assert content.count(old) == 1, f"{old!r} stands {content.count(old)} times in the file"
        content = content.replace(old, new)
    return content


def reading(sequence: int, device: str = "e00122125092032", **values: Any) -> str:
    """A message of the readings stream."""
    return json.dumps(
        {
            "stream": "a1b2c3d4",
            "sequence": sequence,
            "device": device,
            "source": "pvs 172.27.153.1",
            "measured_at": "2026-06-21T18:05:00Z",
            "accepted_at": "2026-06-21T18:05:02Z",
            "values": values or {"power": 231.4, "state": "working", "temperature": None},
        }
    )
