"""The clock by which the house lives: ours, or in the demo that of a house in fast motion."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from pvsmqtt.model.reading import Reading


class Clock:
    """Ours."""

    tick: float | None = None
    """Our seconds after which the service looks at it again and tells its health, where that is to be sooner."""
    day: Callable[[], datetime] | None = None
    """What the clock on the wall of the house shows, where it is another one."""

    def now(self) -> float:
        """Seconds of the house; they only go forward."""
        return time.monotonic()

    def there(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        """Readings as they are there."""
        return readings


class FastMotion(Clock):
    """A house in which ``speed`` seconds pass in one of ours. Its equipment tells ages in seconds of its own, as all
    equipment does; for how long a reading stands follows from the pace of our polls, and so is in seconds of ours."""

    def __init__(self, day: Callable[[], datetime], speed: float, tick: float) -> None:
        self.day, self.tick = day, tick
        self._day, self._speed = day, speed

    def now(self) -> float:
        """Seconds of its day."""
        return self._day().timestamp()

    def there(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        """Standing as long there as here."""
        return [replace(r, valid_for=r.valid_for * self._speed, lasts=r.lasts * self._speed) for r in readings]
