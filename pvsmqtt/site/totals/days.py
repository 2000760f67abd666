"""What each total stood at when a day began, by the clock on the wall of the house. Pure.

One row for each local day, with the last count before that day and the moment of it: what was counted from then on
belongs to the day. Where the service was away at midnight that moment is earlier, and the day's figure has a bit of
the day before in it, or several days. Rows of days are kept for three years, those of the first of a month for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from pvsmqtt.model.times import iso

FORMAT = 1
KEPT = 3 * 366
"""Days."""

FIRST_YEAR = 2020
"""A clock that tells an earlier one has not been set."""

Row = dict[str, tuple[float, datetime]]
"""By flow: kWh, and when it was counted so far."""


@dataclass(slots=True)
class Days:
    """Rows of all houses, by site and day. ``zone``: of the wall; ``None``: of this machine."""

    zone: tzinfo | None = None
    changes: int = 0
    rows: dict[str, dict[date, Row]] = field(default_factory=dict)
    _today: dict[str, date] = field(default_factory=dict)

    def turn(self, site: str, wall: datetime, totals: Mapping[str, tuple[float | None, datetime | None]]) -> bool:
        """It is this time; the totals are as they were counted before. Tells whether there is something to save."""
        today = local(wall, self.zone).date()
        if today.year < FIRST_YEAR:
            return False
        rows = self.rows.setdefault(site, {})
        if self._today.get(site) != today:
            self._today[site] = today
            self._prune(rows, today)
        row = rows.setdefault(today, {})
        new = {key: (round(t, 4), at or wall) for key, (t, at) in totals.items() if t is not None and key not in row}
        if new:
            row.update(new)
            self.changes += 1
        return bool(new)

    def begin(self, site: str, key: str, total: float, untold: datetime | None = None) -> None:
        """A flow is counted anew, from here: rows with more are of a count that is lost, and would hide what flows
        from now on. Those since ``untold`` are of a count of which nothing was told."""
        for row in self.rows.get(site, {}).values():
            if key in row and (row[key][0] > total or (untold is not None and row[key][1] >= untold)):
                del row[key]
                self.changes += 1

    @staticmethod
    def _prune(rows: dict[date, Row], today: date) -> None:
        """Days that are long past, and those that a wrong clock has made."""
        for day in list(rows):
            if day > today + timedelta(days=1) or (today - day > timedelta(days=KEPT) and day.day != 1):
                del rows[day]

    def document(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "format": FORMAT,
            "sites": {
                site: {
                    day.isoformat(): {
                        key: [total, iso(at.replace(microsecond=0))] for key, (total, at) in row.items()
                    }
                    for day, row in sorted(rows.items())
                    if row
                }
                for site, rows in self.rows.items()
            },
        }

    def adopt(self, document: Mapping[str, Any]) -> None:
        """Go on from a document.

        Raises:
            ValueError, KeyError, TypeError: when the document is none of ours.
        """
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']!r}")
        self.rows = {
            str(site): {
                date.fromisoformat(day): {
                    str(key): (float(total), datetime.fromisoformat(at)) for key, (total, at) in row.items()
                }
                for day, row in rows.items()
            }
            for site, rows in document["sites"].items()
        }


def local(when: datetime, zone: tzinfo | None) -> datetime:
    """A moment as the clock on the wall shows it; a zone ``None`` is that of this machine."""
    return when.astimezone(zone)


def midnight(day: date, zone: tzinfo | None) -> datetime:
    """When a day begins on the wall."""
    begin = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - of the wall
    return begin.astimezone() if zone is None else begin.replace(tzinfo=zone)
