"""What is remembered of one line over restarts: its speed, the SunSpec chains of its units, that it ever spoke.

One small JSON file in the state directory, written only when something new was learned. Whatever stands in it is
checked before it is used: a file that is not ours costs a search, nothing else.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from pvsmqtt.model.device import slug
from pvsmqtt.model.files import write_json

_log = logging.getLogger(__name__)


class Memory:
    """A dictionary that lasts. ``folder`` None, or not ``writable``: what is learned lasts as long as the process."""

    def __init__(self, folder: Path | None, name: str, writable: bool = True) -> None:
        file = None if folder is None else folder / f"rs485-{slug(name)}.json"
        self._known: dict[str, Any] = {} if file is None else _read(file)
        self.path = file if writable else None
        self._said = False

    def get(self, key: str) -> Any:
        """What is known, or ``None``."""
        return self._known.get(key)

    def table(self, key: str) -> dict[str, Any]:
        """What is known under a key as a table; empty when there is none."""
        known = self._known.get(key)
        return known if isinstance(known, dict) else {}

    def set(self, key: str, value: Any) -> None:
        """Remember; ``None`` forgets."""
        if self._known.get(key) == value:
            return
        self._known[key] = value
        if self.path is None:
            return
        try:
            write_json(self.path, {key: value for key, value in self._known.items() if value is not None})
        except OSError as error:
            if not self._said:
                self._said = True
                _log.error(
                    "cannot save what was learned of the line: %s. All goes on, but it is learned anew after each "
                    "restart. Make %s writable for this service",
                    error,
                    self.path.parent,
                )


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
        if not isinstance(document, dict):
            raise ValueError("no object")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        _log.warning("what was learned of the line in %s cannot be used (%s); it is learned anew", path, error)
        return {}
    return document
