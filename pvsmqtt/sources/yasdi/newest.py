"""Whether a message is news: old ones must not bring a sleeping inverter back. Pure.

A broker or a client may deliver a message again, and a person may publish an old one by hand. What was stamped no
later than what is known of the inverter is old, unless the clock of yasdi2mqtt was set back: then messages go on
from there at the pace of their arrival, and the second one proves it. Old messages that are delivered again come in a
burst.
"""

from __future__ import annotations

from dataclasses import dataclass

PACE = 10.0
"""Seconds by which the distance of two messages may differ in their stamps and in their arrival."""


@dataclass(slots=True)
class Newest:
    """The newest message of one inverter: its stamp, and the stamp and arrival of the last that seemed old."""

    time: float | None = None
    _doubted: tuple[float, float] | None = None

    def is_news(self, time: float, now: float) -> bool:
        """Take a message that was stamped at ``time`` and arrived at ``now`` of a clock that only goes forward."""
        if self.time is None or time > self.time:
            self.time, self._doubted = time, None
            return True
        if self._doubted is not None:
            before, then = self._doubted
            if time > before and abs((time - before) - (now - then)) <= PACE:
                self.time, self._doubted = time, None
                return True
        self._doubted = (time, now)
        return False
