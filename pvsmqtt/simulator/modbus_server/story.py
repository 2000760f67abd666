"""The house in time: what state it is in now."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import HouseState

T = TypeVar("T")


def once(make: Callable[[HouseState], T]) -> Callable[[HouseState], T]:
    """The same, made once for each state that `Story` gives."""
    known: list[tuple[HouseState, T]] = []

    def made(state: HouseState) -> T:
        if not known or known[0][0] is not state:
            known[:] = [(state, make(state))]
        return known[0][1]

    return made


@dataclass
class Story:
    """A house and a clock. `state` is computed once for each second."""

    house: House
    speed: float = 1.0
    """Simulated seconds per second."""
    start_at: datetime | None = None
    """Simulated time at the start; None is now."""
    clock: Callable[[], datetime] | None = None
    """Gives the simulated time (UTC) in place of the two: that of a simulated PVS beside this."""
    _known: HouseState | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin at ``start_at``."""
        self._begun = time.monotonic()
        self._epoch = self.start_at or datetime.now(UTC)

    def now(self) -> datetime:
        """The simulated time."""
        if self.clock is not None:
            return self.clock()
        return self._epoch + timedelta(seconds=(time.monotonic() - self._begun) * self.speed)

    def state(self) -> HouseState:
        """Of the second that is now."""
        when = self.now().replace(microsecond=0)
        if self._known is None or self._known.when != when:
            self._known = self.house.at(when)
        return self._known
