"""Where the totals are kept: ``energy.json`` (counts, and the counters they were made of) and ``energy-days.json``.

Both are written as a whole. A damaged one is set aside, never fatal: then measured totals begin with what the
equipment has counted, and estimated ones at 0.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import Any

from pvsmqtt.model.device import Kind
from pvsmqtt.site.registry import Registry
from pvsmqtt.site.totals.days import Days
from pvsmqtt.site.totals.ledger import COUNT, Ledger, Wall

TOTALS, DAYS = "energy.json", "energy-days.json"

_log = logging.getLogger(__name__)


def load(folder: Path, registry: Registry, wall: Wall, zone: tzinfo | None = None) -> Ledger:
    """The ledger in a folder, to be saved there; empty when there is none."""
    ledger = Ledger(wall, bounded=True, days=Days(zone))
    epochs = {entry.facts[COUNT] for entry in registry if entry.device.kind is Kind.SITE and COUNT in entry.facts}
    known = next(iter(epochs)) if len(epochs) == 1 else None
    dropped: list[str] = []

    def adopt(document: Any) -> None:
        dropped.extend(ledger.adopt(document, known))

    if not _read(folder / TOTALS, adopt) and epochs:
        _log.error(
            "the totals in %s are gone: those that equipment measures go on from its counters, estimated ones begin "
            "at 0. Home Assistant takes that for a meter that was reset, and loses nothing",
            folder / TOTALS,
        )
    if dropped:
        _log.error(
            "%s is of another time than devices.json beside it: %s would be counted twice by Home Assistant and "
            "begin at 0. Restore the whole folder, not one file of it",
            folder / TOTALS,
            ", ".join(dropped),
        )
    _read(folder / DAYS, ledger.days.adopt)
    return ledger


def days(folder: Path, zone: tzinfo | None) -> Days:
    """The rows of days in a folder; none where there is no file, or one that cannot be used."""
    found = Days(zone)
    try:
        found.adopt(json.loads((folder / DAYS).read_text("utf-8")))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.error("%s cannot be read: %s", folder / DAYS, error)
    return found


def _read(path: Path, adopt: Callable[[Any], None]) -> bool:
    """Whether there was a file that could be used."""
    try:
        adopt(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.error("%s cannot be used (%s); it is set aside as %s.bad", path, error, path.name)
        try:
            path.replace(path.with_name(path.name + ".bad"))
        except OSError as blocked:
            _log.error("it cannot be set aside either: %s", blocked)
        return False
    return True
