"""Whether a panel that is silent sleeps, is lost, or nobody knows. Time is a parameter.

    live     a source measures it
    asleep   silent in the dark, or silent since it had faded: it gives nothing. Its power is 0, and that is known
    stale    silent, and not clear why: by day, or because whoever tells of it is silent as well
    lost     silent for `lost_after` seconds of daylight in which others produced: a problem, until it speaks again

What follows from what::

    live   -> asleep   no light (`daylight`), or it gave next to nothing at last
    live   -> stale    with light, or nobody can tell
    asleep -> stale    others have had light for `WAKING` seconds: panels of a roof wake up to an hour apart
    stale  -> asleep   it got dark
    stale  -> lost     after `lost_after` seconds with light; where nothing tells of light, of silence

Light is counted while somebody is there who would tell of the panel: what a supervisor that is gone does not say
means nothing. What was counted begins anew with the first dark after it fell silent, and goes on after that, so that
a panel that never wakes is found on short days as well. Lost is a fact of the registry, so that it outlives restarts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.site.availability import Freshness
from pvsmqtt.site.daylight import PANEL, Daylight, Light, Panel
from pvsmqtt.site.guard import Latest
from pvsmqtt.site.precedence import Precedence
from pvsmqtt.site.registry import Known, Registry
from pvsmqtt.site.replaced import REPLACED
from pvsmqtt.site.retired import retired
from pvsmqtt.site.wishes import Wishes

LOST_AFTER = 7200.0
WAKING = 4500.0
"""Seconds of light after which a panel that slept should have woken: an hour, and until it is measured."""

PAUSE = 1800.0
"""Seconds for which panels sleep on while who tells of them is silent: a PVS restarts at night, for 10 minutes."""

LOST = "lost"
"""Fact of a panel that is lost."""


@dataclass(slots=True)
class _Record:
    """Of one panel: who tells of it, the last power (W) and the most it can do, and how its silence went on."""

    sources: set[str] = field(default_factory=set)
    heard: float = -math.inf
    direct: bool = False
    power: float | None = None
    can: float = PANEL
    ever_live: bool = False
    old: bool = False
    """Whether a measurement came that was known to be of the past."""
    at: Freshness = Freshness.STALE
    slept: bool = False
    """Whether it was asleep since it spoke."""
    nights: bool = False
    """Whether it was dark since it spoke."""
    lit: float = 0.0
    """Seconds with light since it spoke."""
    cut: bool = False
    """Whether it fell silent at work, while whoever tells of it spoke."""

    @property
    def faded(self) -> bool:
        """Whether it gave next to nothing when it was last measured."""
        return self.ever_live and Panel(self.can, False, self.power).faded

    def spoke(self) -> None:
        self.ever_live, self.slept, self.nights, self.lit = True, False, False, 0.0
        self.cut = False


@dataclass(slots=True)
class _Array:
    """Of the panels of a house."""

    daylight: Daylight = field(default_factory=Daylight)
    light: Light | None = None
    until: float = -math.inf
    """When the evidence for it ends."""
    sources: set[str] = field(default_factory=set)
    """Those that told of devices of this house."""
    looked: float = -math.inf
    due: float = math.inf
    """When it may be otherwise without any news."""


class Watch:
    """Of all panels of this service; ``lost_after`` in seconds."""

    def __init__(self, registry: Registry, order: Precedence, wishes: Wishes, lost_after: float = LOST_AFTER) -> None:
        self._registry, self._order, self._wishes = registry, order, wishes
        self.lost_after = lost_after
        self._records: dict[str, _Record] = {}
        self._arrays: dict[str, _Array] = {}
        self._speaks: dict[str, tuple[float, float]] = {}
        """By source: when it last told of the devices of a house, and until when it counts as speaking."""
        self._stirred: dict[str, None] = dict.fromkeys(registry.site_ids())

    def note(self, device: Device, reading: Reading, direct: bool, now: float) -> None:
        """A reading of a device (under its settled id) came in; ``direct``: the device tells of itself."""
        source = reading.source
        if reading.valid_for > 0 and device.kind is not Kind.BUS:
            self._speaks[source] = (now, max(now + reading.valid_for, self._speaks.get(source, (0, now))[1]))
            self._array(device.site).sources.add(source)
        if device.kind in (Kind.INVERTER, Kind.PRODUCTION_METER, Kind.SITE):
            self._stirred[device.site] = None
        if device.kind is not Kind.INVERTER:
            return
        record = self._records.setdefault(device.id, _Record())
        record.sources.add(source)
        record.direct = direct
        if reading.valid_for > 0:
            record.heard = now
        power = reading.values.get("power")
        record.old = record.old or (reading.valid_for <= 0 and reading.age is not None)
        if isinstance(power, int | float) and (reading.valid_for > 0 or (record.old and not record.ever_live)):
            record.power = power
            record.can = max(record.can, power)
        rating = reading.values.get("power_rating")
        if isinstance(rating, int | float):
            record.can = max(record.can, rating)

    def forget(self, device_id: str) -> None:
        """A device that is none any more."""
        self._records.pop(device_id, None)

    def stir(self, sites: Iterable[str] | None = None) -> None:
        """Something else changed: look again, at these houses or at all of them."""
        self._stirred.update(dict.fromkeys(self._registry.site_ids() if sites is None else sites))

    def look(self, now: float, latest: Mapping[str, Latest]) -> list[Known]:
        """See how it is now, in the houses of which something is new or due; tells of which panels it changed."""
        looked, self._stirred = self._stirred, {}
        changed = []
        for site in looked:
            changed += self._look(site, now, latest)
        return changed

    def _look(self, site: str, now: float, latest: Mapping[str, Latest]) -> list[Known]:
        array = self._array(site)
        panels, meters = [], []
        for entry in self._registry.of_site(site):
            if entry.device.kind is Kind.INVERTER:
                panels.append(entry)
            elif entry.device.kind is Kind.PRODUCTION_METER and REPLACED not in entry.facts:
                meters.append(entry.device.id)
        spoken = (self._speaks[source][1] for source in array.sources)
        array.due = min((end for until in spoken for end in (until, until + PAUSE) if end > now), default=math.inf)
        changed = []
        if panels:
            self._count(array, panels, latest, now)
            metered, until = _metered(meters, latest, site, now)
            shown = [self._panel(entry, latest, now) for entry in panels if not self.is_gone(entry)]
            array.light = array.daylight.look(metered, shown, now)
            if len(shown) == 1 and array.light is Light.DARK and self._stopped(panels, latest, now):
                array.light = None  # its meter has nothing else to show
            array.until = until if metered is not None else math.inf
            changed = [entry for entry in panels if self._judge(entry, array, latest, now)]
        array.looked = now
        return changed

    def next_change(self, site: str, now: float) -> float:
        """When it may be otherwise with a house without any news."""
        array = self._arrays.get(site)
        return array.due if array is not None and array.due > now else math.inf

    def at(self, entry: Known) -> Freshness:
        """How it is with a panel."""
        return self._record(entry.device.id).at

    def is_gone(self, entry: Known) -> bool:
        """Whether nobody waits for a panel any more: it is retired, or another one is in its place."""
        return REPLACED in entry.facts or retired(entry, self._wishes)

    def _array(self, site: str) -> _Array:
        return self._arrays.setdefault(site, _Array())

    def _record(self, device_id: str) -> _Record:
        return self._records.setdefault(device_id, _Record())

    def _panel(self, entry: Known, latest: Mapping[str, Latest], now: float) -> Panel:
        record = self._record(entry.device.id)
        return Panel(record.can, _online(entry, latest, now), record.power)

    def _count(self, array: _Array, panels: Iterable[Known], latest: Mapping[str, Latest], now: float) -> None:
        """Count the light since the last look for all that were silent then and are now."""
        elapsed = max(0.0, min(now, array.until) - array.looked)
        if not elapsed or math.isinf(elapsed) or array.light in (Light.DARK, Light.DIM):
            return
        for entry in panels:
            record = self._record(entry.device.id)
            if record.at is Freshness.LIVE or _online(entry, latest, now):
                continue
            if (array.light is Light.BRIGHT or record.cut) and self._told(entry, latest, now):
                record.lit += elapsed

    def _judge(self, entry: Known, array: _Array, latest: Mapping[str, Latest], now: float) -> bool:
        """Settle how it is with a panel; tells whether that is news."""
        record, light = self._record(entry.device.id), array.light
        before = record.at
        if before is Freshness.LIVE and not _online(entry, latest, now):
            record.cut = self._cut(entry, latest, now)
        record.at = self._state(entry, record, light, latest, now)
        if record.at is Freshness.LOST and LOST not in entry.facts and not self.is_gone(entry):
            self._registry.learn(entry.device.id, LOST, "on")
        elif record.at is Freshness.LIVE:
            record.spoke()
            self._registry.unlearn(entry.device.id, LOST)
        if record.at in (Freshness.ASLEEP, Freshness.STALE) and light in (Light.BRIGHT, None):
            for end in (WAKING, self._limit(record)):
                if record.lit < end:
                    array.due = min(array.due, now + end - record.lit)
        return record.at is not before

    def _state(
        self, entry: Known, record: _Record, light: Light | None, latest: Mapping[str, Latest], now: float
    ) -> Freshness:
        if _online(entry, latest, now):
            return Freshness.LIVE
        if LOST in entry.facts or self.is_gone(entry):
            return Freshness.LOST
        if not self._told(entry, latest, now):
            return Freshness.STALE
        if record.lit >= self._limit(record):
            return Freshness.LOST
        if light is Light.DARK and not record.nights:
            record.nights, record.lit = True, 0.0
        dark = light is Light.DARK or (light is None and self._says_error(entry, record, latest, now))
        waits = record.lit < WAKING and (record.slept or record.faded)
        if dark or waits:
            record.slept, record.cut = True, False
            return Freshness.ASLEEP
        return Freshness.STALE

    def _limit(self, record: _Record) -> float:
        return max(self.lost_after, WAKING) if record.slept else self.lost_after

    def _told(self, entry: Known, latest: Mapping[str, Latest], now: float) -> bool:
        """Whether somebody is there who would tell of it."""
        record, device = self._record(entry.device.id), entry.device
        if not record.sources:  # not since the start of this service
            if device.place is not None or device.via is None:
                return True
            via = latest.get(device.via)
            return via is not None and via.online(now)
        sources = [source for source in record.sources if not self._order.gone(source)]
        if record.direct:
            return bool(sources)
        spoken = [self._speaks[source] for source in sources if source in self._speaks]
        pause = PAUSE if record.slept else 0.0
        return any(at > record.heard and until + pause > now for at, until in spoken)

    def _cut(self, entry: Known, latest: Mapping[str, Latest], now: float) -> bool:
        record = self._record(entry.device.id)
        return not record.faded and self._told(entry, latest, now)

    def _stopped(self, panels: Iterable[Known], latest: Mapping[str, Latest], now: float) -> bool:
        """Whether the only panel fell silent at work."""
        for entry in panels:
            record = self._record(entry.device.id)
            if self.is_gone(entry) or _online(entry, latest, now):
                continue
            if record.cut or (record.at is Freshness.LIVE and self._cut(entry, latest, now)):
                return True
        return False

    @staticmethod
    def _says_error(entry: Known, record: _Record, latest: Mapping[str, Latest], now: float) -> bool:
        """All there is after a start in the dark where nothing measures the light: its supervisor has lost it."""
        known = latest.get(entry.device.id)
        return (
            record.old
            and not record.ever_live
            and known is not None
            and known.values(["state"], now)["state"] == "error"
        )


def _online(entry: Known, latest: Mapping[str, Latest], now: float) -> bool:
    known = latest.get(entry.device.id)
    return known is not None and known.online(now)


def _metered(
    meters: Iterable[str], latest: Mapping[str, Latest], site: str, now: float
) -> tuple[float | None, float]:
    """What is produced by live data and meters (W), and until when that stands."""
    told: list[tuple[float, float]] = []
    live = latest[site].measured("pv_power", now) if site in latest else None
    if live is not None and isinstance(live.value, int | float):
        told.append((live.value, live.until))
    total, until, complete = 0.0, math.inf, False
    for meter in meters:
        known = latest.get(meter)
        power = None if known is None else known.measured("power", now)
        if known is None or power is None or not isinstance(power.value, int | float):
            complete = False
            break
        if not power.value and known.values(["energy"], now)["energy"] == 0:
            continue  # it never counted anything: no current transformers
        total, until, complete = total + power.value, min(until, power.until), True
    if complete:
        told.append((total, until))
    return max(told, default=(None, -math.inf), key=lambda pair: pair[0])
