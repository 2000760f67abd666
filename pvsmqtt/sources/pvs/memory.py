"""What is remembered of one PVS over restarts: its certificate, its generation, which variables it has.

One small JSON file in the state directory, written only when something new was learned. The serial number is in it,
and with it the password that newer firmware wants: the state directory is for this service alone.
"""

from __future__ import annotations

import json
import logging
import secrets
from pathlib import Path
from typing import Any

from pvsmqtt.model.device import slug
from pvsmqtt.model.files import write_json

_log = logging.getLogger(__name__)


class Memory:
    """A dictionary that lasts. ``folder`` None, or not ``writable``: what is learned lasts as long as the process."""

    def __init__(self, folder: Path | None, host: str, writable: bool = True) -> None:
        file = None if folder is None else folder / f"pvs-{slug(host)}.json"
        self._known: dict[str, Any] = {} if file is None else _read(file)
        self.path = file if writable else None
        self._said = False

    def get(self, key: str) -> Any:
        """What is known, or ``None``."""
        return self._known.get(key)

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
                    "cannot save what was learned of the PVS: %s. All goes on, but it is learned anew after each "
                    "restart. Make %s writable for this service",
                    error,
                    self.path.parent,
                )

    @property
    def id(self) -> str:
        """A short name of our own for what the PVS remembers for us, the same after a restart."""
        if not isinstance(self.get("id"), str):
            self.set("id", secrets.token_hex(3))
        return str(self.get("id"))


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
        if not isinstance(document, dict):
            raise ValueError("no object")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        _log.warning("what was learned of the PVS in %s cannot be used (%s); it is learned anew", path, error)
        return {}
    return document
