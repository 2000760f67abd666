"""A source that hears what a test says, with clocks that a test holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pvsmqtt.broker.options import Broker
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.yasdi.options import YasdiOptions
from pvsmqtt.sources.yasdi.source import YasdiSource

STAMP = 1782064979


class Bench:
    """Both clocks go on by ``after``; what is delivered is kept."""

    def __init__(self, folder: Path | None = None, shared: Broker | None = None, **options: Any) -> None:
        self.now = 1000.0
        self.readings: list[Reading] = []
        table = YasdiOptions(host=None if shared else "127.0.0.1", **options)
        table._shared = shared
        self.source = YasdiSource(
            table,
            folder,
            wall=lambda: datetime.fromtimestamp(STAMP + self.now - 1000, UTC),
            monotonic=lambda: self.now,
        )
        self.source._deliver = self._take

    def _take(self, readings: Sequence[Reading]) -> None:
        self.readings += readings

    @property
    def health(self) -> dict[str, Any]:
        return self.source.health.report(self.now)

    def after(self, seconds: float) -> Bench:
        self.now += seconds
        return self

    def hears(
        self, serial: int = 7, late: float = 0.0, retained: bool = False, topic: str = "", **values: Any
    ) -> Reading | None:
        """A message of an inverter, stamped ``late`` seconds ago; the reading it gave, if any."""
        stamp = STAMP + self.now - 1000 - late
        document = {"sn": serial, "time": stamp, "values": values or {"Pac": 100}}
        return self.hears_bytes(json.dumps(document).encode(), topic or f"solar/inverter/{serial}", retained)

    def hears_bytes(self, payload: bytes, topic: str = "solar/inverter/7", retained: bool = False) -> Reading | None:
        before = len(self.readings)
        self.source.on_message(topic, payload, retained)
        return self.readings[-1] if len(self.readings) > before else None
