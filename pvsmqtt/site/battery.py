"""What the battery of a house does, and what it did when the meters measured. Pure: time is a parameter.

Its AC power is told by, in this order:

1. the storage systems, as their supervisor knows them;
2. the storage inverters themselves;
3. the gateway of a Conext system: the power of the battery on its DC side, which is some percent more or less.

They are never added to each other, and each counts only when all devices of it are known: half a sum is none.

A gateway that is read every 15 s stands beside meters that are read every 300 s. So what was told lately is kept, and
with a set of meters goes what the battery did nearest to their measurement. It stays with them until they measure
again; only where nothing near was known yet, it may still come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import root
from pvsmqtt.site.precedence import Held

LEVELS: tuple[tuple[Kind, str], ...] = (
    (Kind.ESS, "power"),
    (Kind.STORAGE_INVERTER, "power"),
    (Kind.GATEWAY, "battery_power"),
)
"""Who tells what a battery does, the first one first: kind and quantity."""

NEAR = 30.0
"""Seconds from the measurement of the meters within which the first of `LEVELS` counts, be another one nearer: two
polls of a gateway."""

KEPT = 1000.0
MOST = 256
"""Seconds for which, and how often, what was told is kept."""

Measured = Callable[[Device, str], Held | None]
"""The fresh word on a quantity of a device."""

Signature = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """What the battery did at a moment (W, + discharging), until when that stands for the present, and who told
    it."""

    power: float
    moment: float
    until: float
    source: str


def samples(devices: Iterable[Device], measured: Measured) -> list[Sample | None]:
    """What each of `LEVELS` tells now."""
    devices = list(devices)
    return [_together([measured(d, key) for d in devices if d.kind is kind]) for kind, key in LEVELS]


def _together(words: Sequence[Held | None]) -> Sample | None:
    known = [word for word in words if word is not None]
    powers = [word.value for word in known if isinstance(word.value, int | float)]
    if not powers or len(powers) < len(words):
        return None
    power = round(sum(powers), 3)
    sources = ", ".join(sorted({root(word.source) for word in known}))
    return Sample(power, max(word.moment for word in known), min(word.until for word in known), sources)


@dataclass(slots=True)
class Battery:
    """The battery of one house."""

    _told: list[deque[Sample]] = field(default_factory=lambda: [deque(maxlen=MOST) for _ in LEVELS])
    _meters: Signature = ()
    _with_them: Sample | None = None

    def note(self, told: Sequence[Sample | None], now: float) -> None:
        """What each of `LEVELS` tells now."""
        for known, sample in zip(self._told, told, strict=True):
            if sample is not None and (not known or known[-1] != sample):
                known.append(sample)
            while known and known[0].moment < now - KEPT:
                known.popleft()

    @staticmethod
    def present(told: Sequence[Sample | None]) -> Sample | None:
        """What counts of what is told now."""
        return next((sample for sample in told if sample is not None), None)

    def beside(self, meters: Signature, moment: float, now: float, source: str | None = None) -> Sample | None:
        """What it did when the meters measured.

        ``meters`` is which they are and when they did; ``moment``, the latest of that. With a ``source``, only what
        that told counts.
        """
        before = self._with_them
        if meters == self._meters and before is not None and abs(before.moment - moment) <= NEAR:
            return before
        found = self._nearest(moment, now, source)
        near = found is not None and abs(found.moment - moment) <= NEAR
        if meters != self._meters or near:
            self._meters, self._with_them = meters, found
        return self._with_them

    def _nearest(self, moment: float, now: float, source: str | None) -> Sample | None:
        told = [[s for s in known if source is None or s.source == source] for known in self._told]
        nearest = [min(known, key=lambda s: abs(s.moment - moment)) for known in told if known]
        stood = (sample for sample in nearest if sample.until > moment)
        near = next((sample for sample in stood if abs(sample.moment - moment) <= NEAR), None)
        if near is not None:
            return near
        fresh = [sample for sample in nearest if sample.until > now]
        return min(fresh, key=lambda s: abs(s.moment - moment), default=None)
