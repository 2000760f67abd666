"""A reading as the house took it: what every consumer of readings gets, each of them once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pvsmqtt.model.reading import Value


@dataclass(frozen=True, slots=True)
class Accepted:
    """A reading after identity and guard.

    ``device`` is the settled id; ``values`` are in canonical units, counters as they are published.
    ``measured_at`` is the time of measurement in UTC by the equipment's clock, ``None`` where it is unknown;
    ``accepted_at`` is when the service took it, by its own clock.
    """

    device: str
    source: str
    measured_at: datetime | None
    accepted_at: datetime
    values: Mapping[str, Value]
