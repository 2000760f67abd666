"""Whether an array of panels has light: told by what it produces, by no clock and no place on earth. Pure.

What is produced, as a share of what the panels can do, is dark, bright or between (dim: nothing follows from it). So
it is right in a polar night and under a midnight sun, under snow and at an eclipse. Evidence, the best first:

1. live data of the supervisor or the production meters, whichever say more;
2. the panels that still answer, as if all were like them;
3. none answers any more: dark, if most had faded before they fell silent; else nobody knows.

A meter that says nothing for `BLIND_AFTER` seconds while panels that answer produce has no current transformers: it
is not asked any more until it says something. It takes so long because panels are told minutes later than meters:
when the grid fails, the meter says so while the panels still seem to work.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

PANEL = 300.0
"""W: what the inverter of a panel can do, as long as it has shown no more and tells no nameplate."""

FADED, FADED_SHARE = 30.0, 0.1
"""W, and share of what a panel can do: with less it fades, if it falls silent then. On a day of heavy cloud that is
no sign of the night; that it does not come back with the others tells (`freshness`)."""

BLIND_AFTER = 3600.0

_DARK, _DARK_SHARE = 20.0, 0.01
"""W, and share of the array. Meters show a little at night, of either sign (-15 W: smcneece/ha-esunpower)."""

_BRIGHT, _BRIGHT_SHARE = 60.0, 0.04


class Light(StrEnum):
    """How much light an array has."""

    DARK = "dark"
    DIM = "dim"
    BRIGHT = "bright"


@dataclass(frozen=True, slots=True)
class Panel:
    """One inverter: what it can do (W), whether it answers, and the last power it told (W)."""

    can: float
    answers: bool
    power: float | None

    @property
    def faded(self) -> bool:
        """Whether it gave next to nothing at last."""
        return self.power is not None and self.power <= max(FADED, FADED_SHARE * self.can)


@dataclass(slots=True)
class Daylight:
    """Of the array of one house."""

    contradicted: float | None = None
    """Since when the meters do not see what the panels give."""

    def look(self, metered: float | None, panels: Collection[Panel], now: float = 0.0) -> Light | None:
        """How much light there is, if anything tells; ``metered`` is what meters or live data say (W)."""
        array = sum(panel.can for panel in panels)
        told = None if metered is None else _judged(metered, array)
        answering = [panel for panel in panels if panel.answers and panel.power is not None]
        by_panels = None
        if answering:
            share = sum(panel.power or 0.0 for panel in answering) / sum(panel.can for panel in answering)
            by_panels = _judged(share * array, array)
        if told is Light.DARK and by_panels is Light.BRIGHT:
            self.contradicted = now if self.contradicted is None else self.contradicted
        elif told is not None and (told is not Light.DARK or not self._blind(now)):
            self.contradicted = None
        if told is not None and not self._blind(now):
            return told if self.contradicted is None else Light.DIM
        if by_panels is not None:
            return by_panels
        silent = [panel for panel in panels if panel.power is not None and not panel.answers]
        if silent and 2 * sum(panel.faded for panel in silent) >= len(silent) and not any(p.answers for p in panels):
            return Light.DARK
        return None

    def _blind(self, now: float) -> bool:
        return self.contradicted is not None and now - self.contradicted >= BLIND_AFTER


def _judged(power: float, array: float) -> Light:
    if power <= max(_DARK, _DARK_SHARE * array):
        return Light.DARK
    return Light.BRIGHT if power >= max(_BRIGHT, _BRIGHT_SHARE * array) else Light.DIM
