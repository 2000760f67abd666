"""Readings beside the expectations that stand next to a fixture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pvsmqtt.model.reading import Reading


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def stem(path: Path) -> str:
    return path.stem


def as_told(reading: Reading) -> dict[str, Any]:
    """A reading in the shape of an expectation."""
    device, when = reading.device, reading.measured_at
    return {
        "id": device.id,
        "kind": device.kind.value,
        "serial": device.serial,
        "via": device.via,
        "measured_at": when and when.isoformat().replace("+00:00", "Z"),
        "age": reading.age,
        "live": reading.valid_for > 0,
        "values": dict(reading.values),
    }
