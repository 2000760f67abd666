"""What the house knows and has counted, on disk: read at the start, written seldom (SD cards wear), and at the end.

==================  ==============================================================  =====================
`devices.json`      devices and their quantities (`site.registry`)                  when something is new
`energy.json`       the totals of the house (`site.totals`)                         when they say it is due
`energy-days.json`  what they were at the begin of each day                         once a day
`counters.json`     what each source had counted of each device (`site.last_known`) every quarter of an hour
==================  ==============================================================  =====================

A folder that cannot be written to is said once; all goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from pvsmqtt.model.files import Rest, write_json
from pvsmqtt.site import last_known, registry
from pvsmqtt.site.house import House
from pvsmqtt.site.totals import files

DEVICES = "devices.json"
FIRST_COUNTERS = 60.0
"""Seconds after the start at which the counters are written for the first time."""

_log = logging.getLogger("pvsmqtt")

_UNSAVED = {
    DEVICES: "cannot save the known devices: %s. All goes on, but after a restart they are known only when they "
    "speak again. Make %s writable for this service",
    files.TOTALS: "cannot save the totals: %s. All goes on, but after a restart what was estimated meanwhile is "
    "lost, and the energies may fall. Make room in %s, and make it writable for this service",
}


class Kept:
    """The house in its folder; ``now`` is of a clock that only goes forward, ``wall`` the one by which it counts."""

    def __init__(
        self, folder: Path, instance: str, zone: tzinfo | None, now: float, wall: Callable[[], datetime] | None
    ) -> None:
        known = registry.load(folder / DEVICES)
        counted = last_known.load(folder / last_known.FILE)
        self.ledger = files.load(folder, known, lambda _: (wall or _wall)(), zone)
        self.house = House(known, instance, self.ledger, counted)
        self._folder = folder
        self._counted = last_known.document(counted)
        self._counters_due = now + FIRST_COUNTERS
        self._devices = self._days = 0
        self._said: set[str] = set()
        self._saving = asyncio.Lock()
        self._rests = {DEVICES: Rest(), files.TOTALS: Rest()}

    async def save(self, now: float, last: bool = False) -> None:
        """Write what is due; the ``last`` time, everything: nothing is counted any more."""
        changes = self.house.registry.changes
        rested = last or self._rests[DEVICES].over
        if changes != self._devices and rested and await self._write(DEVICES, self.house.registry.document):
            self._devices = changes
        if last or (self.ledger.due(now) and self._rests[files.TOTALS].over):
            await self.save_totals(now, last)
        if last or now >= self._counters_due:
            self._counters_due = now + last_known.EVERY
            counted = last_known.document(self.house.counted())
            if counted != self._counted and await self._write(last_known.FILE, lambda: counted):
                self._counted = counted

    async def save_totals(self, now: float, last: bool) -> None:
        """Write the totals alone; the ``last`` time, nothing is told beyond them any more."""
        async with self._saving:
            await self._write_totals(now, last)

    async def _write_totals(self, now: float, last: bool) -> None:
        document, changes = self.ledger.document(now, last), self.ledger.days.changes
        if changes != self._days and await self._write(files.DAYS, self.ledger.days.document):
            self._days = changes
        if await self._write(files.TOTALS, lambda: document):
            self.ledger.saved()
        else:
            self.ledger.failed()

    async def _write(self, name: str, document: Callable[[], Any]) -> bool:
        """Whether it was written."""
        rest = self._rests.get(name, Rest())
        rest.begin()
        try:
            await asyncio.to_thread(write_json, self._folder / name, document())
        except OSError as error:
            if name in _UNSAVED and name not in self._said:
                self._said.add(name)
                _log.error(_UNSAVED[name], error, self._folder)
            return False
        finally:
            rest.end()
        self._said.discard(name)
        return True


def _wall() -> datetime:
    return datetime.now(UTC)
