"""How fast may be published: so many messages a second, and a burst before that begins to count.

A broker bears more than any house sends; who listens may not. Mosquitto throws away what a slow subscriber has not
taken when 1000 messages wait for it.
"""

from __future__ import annotations

SHORTEST = 0.001
"""Seconds that are worth waiting for."""


class Pace:
    """``rate`` messages a second (0: no limit) after a burst. Time is a parameter: seconds of a clock that only goes
    forward."""

    BURST = 200
    """Messages at once: a house of 40 panels appears in about 130."""

    def __init__(self, rate: float, burst: int = BURST) -> None:
        self.rate = rate
        self._burst = burst
        self._full_at = 0.0

    def delay(self, now: float) -> float:
        """Seconds that a message which comes now has to wait. It counts as sent."""
        if not self.rate:
            return 0.0
        self._full_at = max(self._full_at, now) + 1 / self.rate
        delay = self._full_at - now - self._burst / self.rate
        return delay if delay >= SHORTEST else 0.0
