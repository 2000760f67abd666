"""When to ask the PVS next. Pure: times come in, seconds come out.

The PVS measures at 5-minute marks of its own clock and has the values ready a few seconds later: asking there gets
fresh values, and asking more often gets the same values again. After a failure the first retry comes soon, then
they get rarer; the longest pause stays short enough for readings to flow again within 2 minutes.
"""

from __future__ import annotations

from datetime import timedelta

LAG = 8.0
"""Seconds after a mark at which the new values are there."""

FIRST_RETRY = 10.0
LONGEST_RETRY = 100.0
GAP = 60.0
"""Seconds between two requests that a PVS can bear for ever."""

CLOCK_OFF = 300.0
"""Seconds by which the clock of the PVS may differ from ours before it is worth a word."""


def until_next(interval: float, started: float, now: float, ahead: float) -> float:
    """Seconds until the next poll.

    ``started`` and ``now`` are seconds of this machine's wall clock: when the last poll began, and the present.
    ``ahead`` is by how many seconds the clock of the PVS is ahead of it. An interval that neither divides nor is
    a multiple of 300 s is kept as it is.
    """
    if interval < GAP or (300 % interval and interval % 300):
        return max(0.0, started + interval - now)
    gap = min(GAP, interval) - 1
    earliest = max(started + gap, now) + ahead - LAG
    mark = -(-earliest // interval) * interval
    return mark + LAG - ahead - now


def until_retry(failures: int, elapsed: float, interval: float, jitter: float) -> float:
    """Seconds until the next try after so many ``failures`` in a row (at least 1).

    ``elapsed`` is how long the last try took: it counts as part of the pause. ``jitter`` is a random number from
    0 to 1. Nothing waits longer than the polling interval.
    """
    longest = min(LONGEST_RETRY, interval)
    pause = min(longest, min(FIRST_RETRY, interval) * 2.0 ** min(failures - 1, 10))
    return max(min(1.0, interval), pause * (0.6 + 0.4 * jitter) - elapsed)


def clock_trouble(ahead: float) -> str | None:
    """``1:00:00 ahead of this machine's clock: one of them is wrong``, if it is that far off; seconds come in."""
    if abs(ahead) <= CLOCK_OFF:
        return None
    where = "ahead of" if ahead > 0 else "behind"
    return f"{timedelta(seconds=abs(round(ahead)))} {where} this machine's clock: one of them is wrong"
