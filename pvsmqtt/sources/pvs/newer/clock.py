"""The clock by which newer firmware stamps its measurements, as of a reply. Pure.

The varserver does not tell its clock; the ``Date`` of its web server does, unless a proxy in front of it writes its
own. Then measurements seem far too old (or from the future), although they go on: what goes on is alive, so its clock
is off by that much. What stands still is simply old.
"""

from __future__ import annotations

from datetime import datetime, timedelta

FUTURE = timedelta(minutes=5)
PLAUSIBLE = timedelta(minutes=15)
"""How old the newest measurement is at most while all is well: the equipment measures every 5 minutes."""

_NONE = timedelta(0)


class MeasuringClock:
    """Learns by how much the clock of the measurements differs from the ``Date`` of the replies."""

    def __init__(self) -> None:
        self._offset = _NONE
        self._newest: datetime | None = None

    def at_reply(self, sent_at: datetime | None, newest: datetime | None) -> datetime | None:
        """The clock of the measurements when a reply was sent at ``sent_at`` (its ``Date``) with ``newest`` as the
        newest time of a measurement in it."""
        if sent_at is None or newest is None:
            return sent_at
        went_on = self._newest is not None and newest > self._newest
        self._newest = newest
        gap = sent_at - newest
        if -FUTURE <= gap <= PLAUSIBLE:
            self._offset = _NONE
        elif gap < -FUTURE or went_on:
            self._offset = newest - sent_at
        return sent_at + self._offset
