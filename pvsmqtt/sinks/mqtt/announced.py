"""What was left on the broker: retained topics and announced entities, remembered across restarts.

A component that is merely left out of a discovery payload stays in Home Assistant, and a retained topic stays on
the broker for ever: who wants to tidy up must know what was there. Only what stands in this list is ever removed.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

from pvsmqtt.model.files import Rest, write_json

_log = logging.getLogger(__name__)


class Announced:
    """Topics that were published retained, the components (key -> platform) in each discovery topic, and the
    ``root`` (base topic and instance) under which all that was said."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._changes = self._saved = 0
        self._unsaved_said = False
        self._rest = Rest()
        self.topics: set[str] = set()
        self.components: dict[str, dict[str, str]] = {}
        self.root: str | None = None
        if path is not None:
            self._load(path)

    def _load(self, path: Path) -> None:
        try:
            document = json.loads(path.read_text("utf-8"))
            self.root = document["root"]
            self.topics = {str(topic) for topic in document["topics"]}
            self.components = {
                str(t): {str(k): str(p) for k, p in c.items()} for t, c in document["components"].items()
            }
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning("the list of what was announced (%s) cannot be used: %s; a new one is begun", path, error)

    def add(self, topic: str, components: dict[str, str] | None = None) -> None:
        """Remember a topic, and the components announced in it if it is one of discovery."""
        if topic not in self.topics:
            self.topics.add(topic)
            self._changes += 1
        if components is not None and self.components.get(topic) != components:
            self.components[topic] = components
            self._changes += 1

    def forget(self, topic: str) -> None:
        """It is off the broker."""
        if topic in self.topics or topic in self.components:
            self.topics.discard(topic)
            self.components.pop(topic, None)
            self._changes += 1

    async def save(self, last: bool = False) -> None:
        """Write the list if it changed; a long one rests meanwhile, but for the ``last`` time. A disk that
        refuses is said once and does not stop anything."""
        changes = self._changes
        if changes == self._saved or self._path is None or not (last or self._rest.over):
            return
        self._rest.begin()
        document = {
            "root": self.root,
            "topics": sorted(self.topics),
            "components": {topic: dict(components) for topic, components in self.components.items()},
        }
        try:
            await asyncio.to_thread(write_json, self._path, document)
            self._saved = changes
            self._unsaved_said = False
        except OSError as error:
            if not self._unsaved_said:
                self._unsaved_said = True
                _log.error("cannot save %s: %s; what disappears later may stay in Home Assistant", self._path, error)
        finally:
            self._rest.end()
