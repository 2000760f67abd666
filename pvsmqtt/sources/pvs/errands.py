"""The slow requests beside the main one: each at its own pace, at most one with every poll.

An errand that this firmware does not have, or whose variables hang, is tried again once a day.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

HOUR, DAY = 3600.0, 86400.0
ABSENT = frozenset({Refusal.NOT_FOUND, Refusal.BAD_REQUEST, Refusal.WRONG_SHAPE})
"""How firmware says that it does not have something."""

PERHAPS_ABSENT = frozenset({Refusal.FORBIDDEN, Refusal.HTML, Refusal.NOT_SUCCEED, Refusal.STATUS})
"""How it says the same, or that it does not feel well: believed after `BELIEVED` times, if it never worked."""

BELIEVED = 3
LONGEST_PAUSE = 900.0
"""Seconds up to which the pause after a request without an answer is doubled: it has kept the PVS busy."""


@dataclass(slots=True)
class Errand:
    """A name, seconds between two of them, what it does, and when it was last tried and last refused.

    ``optional``: firmware may not have it.
    """

    name: str
    pace: float
    run: Callable[[float], Awaitable[Sequence[Reading]]]
    wanted: Callable[[], bool] = lambda: True
    optional: bool = True
    tried_at: float = -math.inf
    refused: Refusal | None = None
    refusals: int = 0
    """How often in a row."""
    worked: bool = False

    def lateness(self, now: float) -> float:
        """How many times its pace has gone by since the last try; below 1 it is not due."""
        return (now - self.tried_at) / self._pace()

    def _pace(self) -> float:
        if self.optional and not self.worked:
            believed = self.refused in PERHAPS_ABSENT and self.refusals >= BELIEVED
            if believed or self.refused in ABSENT:
                return max(DAY, self.pace)
        if self.refused is Refusal.TIMEOUT:
            return max(self.pace, min(LONGEST_PAUSE, self.pace * 2.0 ** min(self.refusals, 10)))
        return self.pace


class Errands:
    """All errands of one way to read a PVS."""

    def __init__(self, errands: Sequence[Errand]) -> None:
        self._errands = errands

    async def all(self, now: float) -> list[Reading]:
        """Every one that is wanted, one after the other: for the start."""
        readings: list[Reading] = []
        for errand in self._errands:
            if errand.wanted() and errand.lateness(now) >= 1:
                readings += await self._run(errand, now)
        return readings

    async def one(self, now: float) -> list[Reading]:
        """The one that is most overdue, if one is."""
        due = [errand for errand in self._errands if errand.wanted() and errand.lateness(now) >= 1]
        return [*await self._run(max(due, key=lambda errand: errand.lateness(now)), now)] if due else []

    def recovered(self) -> None:
        """The PVS feels well again: what it refused meanwhile is asked for anew."""
        for errand in self._errands:
            if errand.refused is not None and errand.refused not in ABSENT:
                errand.tried_at, errand.refusals = -math.inf, 0

    def refusals(self) -> dict[str, str]:
        """What is refused at the moment, by name."""
        return {errand.name: errand.refused.value for errand in self._errands if errand.refused is not None}

    @staticmethod
    async def _run(errand: Errand, now: float) -> Sequence[Reading]:
        errand.tried_at = now
        try:
            readings = await errand.run(now)
        except Refused as refused:
            errand.refused = refused.reason
            errand.refusals += 1
            return []
        errand.refused, errand.refusals, errand.worked = None, 0, True
        return readings
