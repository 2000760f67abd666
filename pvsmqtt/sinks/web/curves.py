"""The curves of the last 24 hours: the powers of each house, and the power of each inverter and meter. Pure.

It is fed with states, and with the time by both clocks: the one on the wall says where a value belongs, the one that
only goes forward whether the other was set. A clock that was set makes a gap, or forgets what lay in the future; what
came while it was wrong stays where it was put.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import DeviceGone, DeviceState, Value
from pvsmqtt.model.times import iso
from pvsmqtt.sinks.web.series import BUCKETS, STEP, Series

OF_SITE = ("pv_power", "load_power", "grid_power", "battery_power", "state_of_charge")
KEYS: dict[Kind, tuple[str, ...]] = {
    Kind.SITE: OF_SITE,
    **dict.fromkeys((Kind.INVERTER, Kind.PRODUCTION_METER, Kind.CONSUMPTION_METER, Kind.METER), ("power",)),
}
"""What is kept of each kind of device."""

MOST_SERIES = 5000
"""Some 7 MB; a house has five, and one for each panel and meter."""
CLOCK_SET = 10.0
"""Seconds that one clock is ahead of the other when it was set; less is what it drifts."""
FIRST_YEAR = 2020
"""A clock that tells an earlier one has not been set."""

Curve = tuple[str, str]
"""Device id and key."""


class Curves:
    """Of all devices. ``zone`` is where the house stands; ``None``: where this machine does."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        self.zone = zone
        self.left_out = 0
        """Values of curves for which there is no room."""
        self._series: dict[Curve, Series] = {}
        self._ahead: float | None = None
        """Of the clock on the wall, before the other one."""

    def take(self, event: object, wall: datetime, now: float) -> None:
        """Something new on the bus, at ``wall`` by the clock on the wall and ``now`` by the one that goes forward."""
        at = self._moment(wall, now)
        if isinstance(event, DeviceGone):
            for curve in [curve for curve in self._series if curve[0] == event.key]:
                del self._series[curve]
        elif isinstance(event, DeviceState) and at is not None:
            for key in KEYS.get(event.device.kind, ()):
                if key in event.values:
                    self._put((event.key, key), event.values[key], at)

    def document(self, wall: datetime, now: float, device: str | None = None) -> dict[str, Any]:
        """``api/curves`` of one device, or of every site."""
        at = self._moment(wall, now)
        end = wall.timestamp() if at is None else at
        start = (int(end // STEP) - BUCKETS + 1) * STEP
        series: dict[str, dict[str, list[float | None]]] = {}
        for (owner, key), one in self._series.items():
            if owner == device or (device is None and key in OF_SITE):
                one.advance(end)
                series.setdefault(owner, {})[key] = [_short(mean) for mean in one.means()]
        return {
            "step": STEP,
            "start": iso(datetime.fromtimestamp(start, UTC)),
            "now": iso(wall),
            "midnight": iso(midnight(wall, self.zone)),
            "series": series,
        }

    def kept(self, wall: datetime, now: float) -> Iterator[tuple[Curve, list[float | None]]]:
        """Every curve as it is now, to be kept over a restart."""
        at = self._moment(wall, now)
        for curve, one in self._series.items():
            if at is not None:
                one.advance(at)
            yield curve, one.means()

    def restore(self, curve: Curve, means: list[float | None], until: datetime, wall: datetime, now: float) -> None:
        """Go on from what was `kept` until then."""
        at = self._moment(wall, now)
        if at is not None and (one := self._of(curve, at)) is not None:
            one.restore(means, until.timestamp())

    def _put(self, curve: Curve, value: Value, at: float) -> None:
        number = isinstance(value, int | float)
        if not number and curve not in self._series:
            return
        one = self._of(curve, at)
        if one is not None:
            one.put(float(value) if number else float("nan"), at)  # type: ignore[arg-type]

    def _of(self, curve: Curve, at: float) -> Series | None:
        one = self._series.get(curve)
        if one is None:
            if len(self._series) >= MOST_SERIES:
                self.left_out += 1
                return None
            one = self._series[curve] = Series(at)
        return one

    def _moment(self, wall: datetime, now: float) -> float | None:
        """The time on the wall, after a look whether that clock was set meanwhile; None while it never was."""
        if wall.year < FIRST_YEAR:
            return None
        at = wall.timestamp()
        if self._ahead is not None and abs(at - now - self._ahead) > CLOCK_SET:
            before = now + self._ahead
            for one in self._series.values():
                one.advance(before)
                one.jump(at)
            self._ahead = at - now
        elif self._ahead is None:
            self._ahead = at - now
        return at


def midnight(wall: datetime, zone: tzinfo | None) -> datetime:
    """When the day began in a zone; ``None``: in that of this machine."""
    day = wall.astimezone(zone)
    begin = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - on the wall
    return begin.astimezone() if zone is None else begin.replace(tzinfo=zone)


def _short(mean: float | None) -> float | None:
    return None if mean is None else round(mean, 1) + 0.0  # never −0
