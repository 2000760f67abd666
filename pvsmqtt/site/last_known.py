"""What every source had counted of every device, for the first reading after a restart: a slip to 0 just then must
not become the count that all goes on from.

The file is one JSON object, written as a whole, and seldom: an SD card wears. It need not be new: a counter that has
gone on since only rises.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pvsmqtt.model.times import iso
from pvsmqtt.site.counters import Last

FILE = "counters.json"
EVERY = 900.0
"""Seconds between two writings of the file."""

_FORMAT = 1
_log = logging.getLogger(__name__)

Known = dict[str, dict[str, dict[str, Last]]]
"""Device id -> source -> quantity."""


def document(known: Mapping[str, Mapping[str, Mapping[str, Last]]]) -> dict[str, Any]:
    """Ready for JSON: ``{"format": 1, "devices": {"e0012…": {"pvs 172.27.153.1": {"energy": [1834.5, "…"]}}}}``."""
    return {
        "format": _FORMAT,
        "devices": {
            device: {
                source: {key: [last.value, iso(last.measured_at)] for key, last in counted.items()}
                for source, counted in sources.items()
            }
            for device, sources in known.items()
        },
    }


def of(found: Any) -> Known:
    """What a `document` says.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: when it is none of ours.
    """
    if found["format"] != _FORMAT:
        raise ValueError(f"format {found['format']!r}")
    return {
        device: {source: {key: _last(*pair) for key, pair in counted.items()} for source, counted in sources.items()}
        for device, sources in found["devices"].items()
    }


def load(path: Path) -> Known:
    """What is in a file; nothing where there is none. A damaged one is of no use and of no harm, and written anew."""
    try:
        return of(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning(
            "the last known counters in %s cannot be used (%s): a counter that is wrong in just the first reading "
            "would not be noticed",
            path,
            error,
        )
        return {}


def _last(value: float, moment: str | None) -> Last:
    if not math.isfinite(float(value)):
        raise ValueError(f"{value!r} kWh")
    measured_at = None if moment is None else datetime.fromisoformat(moment)
    if measured_at is not None and measured_at.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return Last(float(value), measured_at)
