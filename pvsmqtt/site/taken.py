"""The readings that the house took, until somebody fetches them.

A measurement that a source tells again as it was (a supervisor tells at night what its panels measured in the
evening) is the same reading, not another one. One without a time of measurement is always another one. One without
values (a supervisor is there) proves that a device is alive and is no reading that anybody would keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pvsmqtt.model.accepted import Accepted
from pvsmqtt.model.reading import Reading, Value


class Taken:
    """Collects readings. Bounded by being fetched: whoever delivers to the house fetches after each delivery."""

    def __init__(self) -> None:
        self._readings: list[tuple[str, Reading, Mapping[str, Value]]] = []
        self._last: dict[tuple[str, str], tuple[datetime, Mapping[str, Value]]] = {}

    def note(self, device_id: str, reading: Reading, values: Mapping[str, Value]) -> None:
        """Note a reading of a device, with the values as they passed the guard."""
        if not values:
            return
        if reading.measured_at is not None:
            news = reading.measured_at, values
            if self._last.get((device_id, reading.source)) == news:
                return
            self._last[device_id, reading.source] = news
        self._readings.append((device_id, reading, values))

    def forget(self, device_id: str) -> None:
        """A device that is none any more."""
        for key in [key for key in self._last if key[0] == device_id]:
            del self._last[key]

    def fetch(self, at: datetime) -> list[Accepted]:
        """Everything noted since the last time, in order; ``at``: what the clock says."""
        noted, self._readings = self._readings, []
        return [
            Accepted(device_id, reading.source, reading.measured_at, at, values)
            for device_id, reading, values in noted
        ]
