"""What the two ways to read a PVS have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pvsmqtt.model.device import Device
from pvsmqtt.model.reading import Reading, Value
from pvsmqtt.sources.pvs.access.requests import Request
from pvsmqtt.sources.pvs.diagnostics.flash import flash_problem
from pvsmqtt.sources.pvs.errands import Errand
from pvsmqtt.sources.pvs.live.feed import LiveFeed
from pvsmqtt.sources.pvs.live.of_house import Access
from pvsmqtt.sources.pvs.options import PvsOptions
from pvsmqtt.sources.pvs.refusal import Refusal

OUTLASTS = 2.5
"""By how many of its paces the values of an errand outlast the last one that worked."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a reader reads for: the name of its source, the site, the options."""

    name: str
    site: str
    options: PvsOptions

    @property
    def keep(self) -> float:
        """Seconds for which a fresh measurement stands at least, so that one lost poll changes nothing."""
        interval = float(self.options.interval)
        return 2 * interval + min(60.0, interval)


@dataclass(frozen=True, slots=True)
class Cycle:
    """What one poll found: readings, the clock of the PVS at that moment, what was left out, and how many devices."""

    readings: Sequence[Reading]
    clock: datetime | None
    devices: int
    refused: Counter[Refusal] = field(default_factory=Counter)
    unmapped: frozenset[str] = frozenset()


class Reader(Protocol):
    """One way to read a PVS.

    ``build`` is what the PVS tells of its firmware while it is read, ``access`` how its live data is to be had, and
    ``often`` the seconds after which errands are due also between two polls, if they are.
    """

    build: int | None
    access: Access
    often: float | None

    def follow(self, feed: LiveFeed | None) -> None:
        """This live data runs beside: help it with what polls find out."""

    async def cycle(self, now: float) -> Cycle:
        """The main request of a poll; ``now`` is of a clock that only goes forward.

        Raises:
            Refused: when it was.
        """

    async def errands(self, now: float) -> Sequence[Reading]:
        """What is asked for rarely, after the main request: one thing at most, at the first time everything."""

    def recovered(self) -> None:
        """Polls work again after they failed."""

    def report(self) -> dict[str, Any]:
        """Its part of the health topic."""


def told_rarely(setting: Setting, device: Device, values: Mapping[str, Value], pace: float) -> Reading:
    """What an errand found out: its values outlast the errand's pace, but prove nothing of the present."""
    problem = flash_problem(values)
    values = values if problem is None else {**values, "flash_problem": problem}
    return Reading(device, values, f"{setting.name} diagnostics", valid_for=0.0, lasts=OUTLASTS * pace)


def about_supervisor(
    setting: Setting,
    name: str,
    pace: float,
    request: Request,
    get: Callable[[Request], Awaitable[Any]],
    supervisor: Callable[[], Device | None],
    decode: Callable[[object], dict[str, Value]],
) -> Errand:
    """An errand whose reply is about the supervisor itself."""

    async def run(_now: float) -> Sequence[Reading]:
        values = decode(await get(request))
        device = supervisor()
        return [] if device is None else [told_rarely(setting, device, values, pace)]

    return Errand(name, pace, run, wanted=lambda: supervisor() is not None)
