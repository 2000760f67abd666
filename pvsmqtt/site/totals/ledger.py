"""The counts of all flows of all houses, and what of them survives a kill.

What is told must never fall, and a flow that is integrated cannot be caught up with. So with each account goes to the
disk how far it may be told until the next time (`Account.ceiling`): a little more than it grew since the last time.
It is told no further than that, and written again when it gets there, or after `EVERY` seconds. After a kill the
count goes on from what was saved; what is told starts where it can have been at most, and waits for the count there.

``bounded`` is False where nobody saves: then all is told.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pvsmqtt.model.times import iso
from pvsmqtt.site.totals.account import Account
from pvsmqtt.site.totals.basis import (
    CHARGE,
    DISCHARGE,
    ESTIMATED,
    EXPORT,
    FLOWS,
    IMPORT,
    LOAD,
    MEASURED,
    PV,
    Basis,
    Part,
)
from pvsmqtt.site.totals.days import Days

FORMAT = 1
EVERY = 600.0
"""Seconds between two writes while something is counted."""

LEAST_MARGIN = 0.05
"""kWh that may be told beyond what is saved, at least; else twice what was counted since the last time."""

Wall = Callable[[float], datetime]
"""The time of day (UTC) at a moment of the clock that only goes forward."""

_log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

COUNT = "counted in"
"""Fact of a site: the count (`Ledger.epoch`) whose totals were told last."""

BALANCE = "balance"
_BALANCE = ((PV, 1), (IMPORT, 1), (DISCHARGE, 1), (EXPORT, -1), (CHARGE, -1))


def no_time(_: float) -> datetime:
    """For who does not care when something was."""
    return _EPOCH


@dataclass(slots=True)
class Ledger:
    """All accounts, by site and flow. ``days`` are what they stood at when each day began."""

    wall: Wall = no_time
    bounded: bool = False
    epoch: str = field(default_factory=lambda: secrets.token_hex(4))
    """A name of this count, that a copy of it shares and one that began anew does not."""
    days: Days = field(default_factory=Days)
    _accounts: dict[str, dict[str, Account]] = field(default_factory=dict)
    _written: float | None = None
    _urgent: bool = False
    _dirty: bool = False
    _totals: dict[tuple[str, str], float] = field(default_factory=dict)
    """What was in the last document."""
    _pending: dict[tuple[str, str], float] = field(default_factory=dict)
    _floors: dict[tuple[str, str], float] = field(default_factory=dict)
    _said: dict[tuple[str, str], int] = field(default_factory=dict)
    freed: set[str] = field(default_factory=set)
    """Houses of which more may be told than was."""

    def look(
        self, site: str, bases: Mapping[str, Sequence[Basis]], now: float, *, whole: bool, storage: bool = False
    ) -> None:
        """What the equipment of a house shows now; ``storage``: the house has a battery."""
        wall = self.wall(now)
        accounts = self._accounts.setdefault(site, {})
        stood = {key: (a.total, a.seen) for key, a in accounts.items() if a.total is not None}
        self._urgent |= self.days.turn(site, wall, stood)
        for key in FLOWS:
            found = [*bases.get(key, ())]
            if key == LOAD:
                found += self._balance(accounts, storage)
            if not any(basis.parts for basis in found) and key not in accounts:
                continue
            account = accounts.setdefault(key, Account())
            since, events, before = account.since, len(account.events), account.total
            account.look(found, wall, whole)
            self._dirty |= account.total != before
            news = account.events[events:]
            if account.total is not None and (before is None or account.since != since):
                self.days.begin(site, key, account.total, since)
                self._urgent = True
            self._urgent |= bool(news)
            self._tell(site, key, account)
            over = account.ceiling is not None and max(account.total or 0.0, account.floor) > account.ceiling
            self._urgent |= self.bounded and (over or account.floor > account.floor_saved)

    @staticmethod
    def _balance(accounts: Mapping[str, Account], storage: bool) -> list[Basis]:
        """What the house used, as the other flows tell it."""
        wanted = [row for row in _BALANCE if storage or row[0] in (PV, IMPORT, EXPORT)]
        if any(key not in accounts or accounts[key].total is None for key, _ in wanted):
            return []
        ready = all(accounts[key].confirmed for key, _ in wanted)
        value = sum(sign * (accounts[key].total or 0.0) for key, sign in wanted)
        part = Part(value if ready else None)
        name = "+".join(key for key, _ in wanted)
        return [Basis(BALANCE, "production, grid and battery", "crest", {name: part}, measured=False)]

    def published(self, site: str) -> dict[str, float | None]:
        """What may be told of the flows of a house."""
        found = {key: a.published(self.bounded) for key, a in self._accounts.get(site, {}).items()}
        return {key: None if value is None else round(value, 4) for key, value in found.items()}

    def marks(self, site: str) -> dict[str, dict[str, str]]:
        """Of each flow of a house: whether it is measured or estimated, and by what."""
        return {
            key: {"certainty": MEASURED if account.measured else ESTIMATED, "basis": account.text}
            for key, account in self._accounts.get(site, {}).items()
            if account.total is not None
        }

    def basis(self, site: str, key: str) -> str | None:
        """What a flow is counted by now."""
        account = self._accounts.get(site, {}).get(key)
        return None if account is None else account.basis

    def due(self, now: float) -> bool:
        """Whether it is to be saved."""
        waited = self._written is None or now - self._written >= EVERY
        return self._urgent or (self._dirty and waited)

    def document(self, now: float, last: bool = False) -> dict[str, Any]:
        """Everything, ready for JSON; `saved` is to be called when it is on the disk. ``last``: nothing is told any
        more after this."""
        sites: dict[str, Any] = {}
        self._pending, self._dirty, self._urgent, self._written = {}, False, False, now
        for site, accounts in self._accounts.items():
            rows = {}
            for key, account in accounts.items():
                total = account.total or 0.0
                grown = total - self._totals.get((site, key), total)
                margin = 0.0 if last else max(LEAST_MARGIN, 2 * grown)
                ceiling = max(account.told_at_most, total + margin)
                self._pending[site, key] = ceiling
                self._floors[site, key] = account.floor
                self._totals[site, key] = total
                # What is told while it is being written must be covered by the old document and by the new one.
                account.ceiling = ceiling if account.ceiling is None else min(account.ceiling, ceiling)
                rows[key] = account.document(ceiling)
            sites[site] = rows
        return {"format": FORMAT, "epoch": self.epoch, "saved_at": iso(self.wall(now)), "sites": sites}

    def saved(self) -> None:
        """The last document is on the disk."""
        self._lift(self._pending)

    def failed(self) -> None:
        """It cannot be saved: all goes on, without the promise."""
        self._lift(dict.fromkeys(self._pending))
        self._dirty = True

    def _lift(self, ceilings: Mapping[tuple[str, str], float | None]) -> None:
        for (site, key), ceiling in ceilings.items():
            account = self._accounts.get(site, {}).get(key)
            if account is not None:
                told = account.published(self.bounded)
                account.ceiling = ceiling
                account.floor_saved = max(account.floor_saved, self._floors.get((site, key), 0.0))
                if told != account.published(self.bounded):
                    self.freed.add(site)

    def report(self) -> dict[str, Any]:
        """The part of the health topic: of each total by what it is counted, since when, and what happened."""
        return {
            site: {
                key: {
                    **self.marks(site)[key],
                    "since": iso(account.since),
                    "at": iso(account.at),
                    "counts": dict(account.counts),
                    "event": account.events[-1].what if account.events else None,
                }
                for key, account in accounts.items()
                if account.total is not None
            }
            for site, accounts in self._accounts.items()
        }

    def adopt(self, document: Mapping[str, Any], known_epoch: str | None) -> list[str]:
        """Go on from a document. One of another count than the one that was told last (``known_epoch``) would count
        twice what is estimated: that begins anew. Tells the flows of which that is so.

        Raises:
            ValueError, KeyError, TypeError: when the document is none of ours.
        """
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']!r}")
        accounts = {
            str(site): {key: Account.of(row) for key, row in rows.items() if key in FLOWS}
            for site, rows in document["sites"].items()
        }
        dropped = []
        if known_epoch is not None and known_epoch != document["epoch"]:
            for site, rows in accounts.items():
                gone = [key for key, account in rows.items() if not account.measured]
                dropped += [f"{site} {key}" for key in gone]
                for key in gone:
                    del rows[key]
        self._accounts = accounts
        self.epoch = str(document["epoch"])
        for site, rows in accounts.items():
            for key, account in rows.items():
                self._totals[site, key] = account.total or 0.0
                self._said[site, key] = sum(account.counts.values())
        return dropped

    def _tell(self, site: str, key: str, account: Account) -> None:
        """Say in the log what is new."""
        count = sum(account.counts.values())
        fresh = count - self._said.get((site, key), 0)
        self._said[site, key] = count
        for event in account.events[-fresh:] if fresh else []:
            _log.log(logging.INFO if event.good else logging.WARNING, "%s %s: %s", site, key, event.what)
