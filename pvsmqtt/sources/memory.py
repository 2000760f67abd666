"""What a source learned and remembers over restarts: a dictionary that lasts.

One small JSON file in the state directory for each source, written only when something new was learned. Whatever
stands in it is checked by whoever uses it: a file that is not ours costs that it is learned anew, nothing else.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, ClassVar

from pvsmqtt.model.device import slug
from pvsmqtt.model.files import write_json

_log = logging.getLogger(__name__)


class Memory:
    """Of one of its kind. ``folder`` None, or not ``writable``: what is learned lasts as long as the process."""

    prefix: ClassVar[str]
    """How its file is called, before the name of the equipment."""
    whose: ClassVar[str]
    """For people: ``the PVS``."""

    def __init__(self, folder: Path | None, name: str, writable: bool = True) -> None:
        file = None if folder is None else folder / f"{self.prefix}-{slug(name)}.json"
        self._known: dict[str, Any] = {} if file is None else self._read(file)
        self.path = file if writable else None
        self._said = False

    def get(self, key: str) -> Any:
        """What is known, or ``None``."""
        return self._known.get(key)

    def table(self, key: str) -> dict[str, Any]:
        """What is known under a key as a table; empty when there is none."""
        known = self.get(key)
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
                    "cannot save what was learned of %s: %s. All goes on, but it is learned anew after each "
                    "restart. Make %s writable for this service",
                    self.whose,
                    error,
                    self.path.parent,
                )

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            document = json.loads(path.read_text("utf-8"))
            if not isinstance(document, dict):
                raise ValueError("no object")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            _log.warning(
                "what was learned of %s in %s cannot be used (%s); it is learned anew", self.whose, path, error
            )
            return {}
        return document
