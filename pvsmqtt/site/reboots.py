"""How often a supervisor has restarted, told by its uptime. Survives restarts of this service.

The uptime begins anew: that is a restart. What happened while this service was away is seen by the moment of the last
start, by the clock of the supervisor: if that is much later than the one known, there was a restart, or several.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pvsmqtt.model.times import iso
from pvsmqtt.site.registry import Registry

COUNT, BOOTED = "reboots", "booted at"
UNSURE = timedelta(hours=1)
"""By how much the moment of a start may seem to move: the uptime in a DeviceList is up to 40 minutes old."""


class Reboots:
    """Counts for all supervisors. The counts are facts in the registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._uptime: dict[str, float] = {}

    def count(self, device_id: str, uptime: float, measured_at: datetime | None) -> int:
        """The restarts seen so far, with this uptime in seconds taken into account."""
        facts = self._registry[device_id].facts
        known = int(facts[COUNT]) if facts.get(COUNT, "").isdigit() else 0
        booted = None if measured_at is None else measured_at - timedelta(seconds=uptime)
        before = self._uptime.get(device_id)
        last = _moment(facts.get(BOOTED))
        if before is not None:
            restarted = uptime < before
        else:
            restarted = booted is not None and last is not None and booted - last > UNSURE
        self._uptime[device_id] = uptime
        corrected = before is not None and booted is not None and last is not None and abs(booted - last) > UNSURE
        if booted is not None and (restarted or last is None or corrected):
            self._registry.learn(device_id, BOOTED, str(iso(booted.replace(microsecond=0))))
        if restarted:
            known += 1
            self._registry.learn(device_id, COUNT, str(known))
        return known


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
