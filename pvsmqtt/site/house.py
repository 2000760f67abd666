"""The house: takes readings, knows its devices, says what is true now.

Readings come in by the cycle, states go out: one for each device of which something changed, and one for the house
as a whole. Nothing here waits, reads a clock or touches a disk.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pvsmqtt.model.accepted import Accepted
from pvsmqtt.model.device import BRIDGE_ID, Device, Kind, slug
from pvsmqtt.model.reading import DeviceGone, DeviceState, Reading
from pvsmqtt.site import energy
from pvsmqtt.site.aliases import Aliases, beside
from pvsmqtt.site.availability import FEEDS, KEYS, shown
from pvsmqtt.site.counters import Fall, Last
from pvsmqtt.site.freshness import LOST_AFTER, Watch
from pvsmqtt.site.guard import Latest
from pvsmqtt.site.notices import Notices
from pvsmqtt.site.plausibility import Doubt, Plausibility
from pvsmqtt.site.precedence import Precedence
from pvsmqtt.site.reboots import Reboots
from pvsmqtt.site.registry import Known, Registry
from pvsmqtt.site.replaced import retire
from pvsmqtt.site.sites import DEFAULT_INSTANCE, Sites
from pvsmqtt.site.taken import Taken
from pvsmqtt.site.totals.basis import FLOWS
from pvsmqtt.site.totals.ledger import Ledger
from pvsmqtt.site.wishes import Wishes

MOST_DEVICES = 1000
"""Devices that are taken in of a house: a reply that invents serial numbers must not fill memory, disk and Home
Assistant. Which house a source reads, the configuration says."""

_log = logging.getLogger(__name__)


class House:
    """All sites of this service.

    ``names`` gives devices names of their owner's choice (serial number or id -> name), ``ignore`` lists devices
    that are not to be shown.
    """

    def __init__(
        self,
        registry: Registry,
        instance: str = DEFAULT_INSTANCE,
        ledger: Ledger | None = None,
        counted: Mapping[str, Mapping[str, Mapping[str, Last]]] | None = None,
    ) -> None:
        self.registry = registry
        self._wishes = Wishes(registry)
        self._latest: dict[str, Latest] = {}
        self._said: dict[str, DeviceState] = {}
        self._notices = Notices()
        self._due: dict[str, float] = {}
        """By house: when something is too old, or may be otherwise."""
        self._order = Precedence()
        self._reboots = Reboots(registry)
        self._aliases = Aliases(registry)
        self.ledger = Ledger() if ledger is None else ledger
        self._sites = Sites(registry, self._wishes, self._notices, self._order, self._latest, instance, self.ledger)
        self._taken = Taken()
        self._plausible = Plausibility()
        self._watch = Watch(registry, self._order, self._wishes)
        for device_id, sources in (counted or {}).items():
            if device_id in registry and registry[device_id].device.kind is not Kind.SITE:
                latest = self._latest.setdefault(device_id, Latest(self._order))
                for source, known in sources.items():
                    latest.recall(source, known)

    def configure(
        self,
        names: Mapping[str, str],
        ignore: Iterable[str],
        now: float,
        precedence: Sequence[str] = (),
        retire: Iterable[str] = (),
        lost_after: float = LOST_AFTER,
    ) -> list[DeviceState | DeviceGone]:
        """Set names, what is ignored, which sources go first (`precedence`), who is gone for good (`retire`) and
        after how many seconds of daylight a silent panel is lost, at the start or later; tells what changes for
        those who watch."""
        self._watch.lost_after = lost_after
        self._watch.stir()
        self._wishes.are(names, ignore, retire)
        self._order.are(precedence)
        gone = [DeviceGone(entry.device) for entry in self.registry if self._wishes.ignores(entry.device)]
        for event in gone:
            self._said.pop(event.key, None)
        return [*gone, *self._empty_sites(now), *self._changes(list(self.registry), now)]

    def expect(
        self, sources: Mapping[str, str], beside: Collection[str] | None = None, single: Collection[str] = ()
    ) -> list[DeviceGone]:
        """Which sources measure a house, and the site that each belongs to: a site adds up only when all have spoken.
        ``single`` are those of them that read single devices of it, and tell of no meters (`sites`).

        ``beside`` are the sources that measure none; ``None``: not known. Lines of which neither tells any more are
        no more, and neither is what was known by its place on them alone.
        """
        self._sites.expect(sources, single)
        self._due = dict.fromkeys(self.registry.site_ids(), -math.inf)
        if beside is None:
            return []
        there = sorted({*sources, *beside})
        self._notices.unknown_sources(self._order.configured(there), there)
        gone = self._aliases.lines_without(there)
        for device in gone:
            self._forget(device)
        return [DeviceGone(device) for device in gone]

    def accept(self, readings: Sequence[Reading], now: float) -> list[DeviceState | DeviceGone]:
        """Take what one cycle of a source found; ``now`` is of a clock that only goes forward."""
        known = len(self.registry)
        readings = self._plausible.passed(readings)
        self._notices.implausible(*self._plausible.news(), self._wishes.named)
        live = [reading for reading in readings if reading.device.kind is Kind.SITE]
        touched = self._sites.accept_live(live, now, self._note)
        if touched:
            self._watch.stir(entry.device.site for entry in touched)
        readings = [reading for reading in readings if reading.device.kind is not Kind.SITE]
        ids = {reading.device.id: self._aliases.identify(reading.device, reading.source) for reading in readings}
        complete = self._sites.heard(reading.source for reading in readings)
        listed = []
        for reading in readings:
            device = self._placed(reading.device, ids, now)
            if device.id not in self.registry and len(self.registry.of_site(device.site)) >= MOST_DEVICES:
                self._notices.crowd(device.site, MOST_DEVICES)
                continue
            heard = reading.device.place
            reading = self._of_a_gross_meter(device.id, reading)
            entry = self.registry.admit(device, [*_told(reading), *(KEYS if device.kind is Kind.INVERTER else ())])
            if heard is None:
                listed.append(entry)
            else:
                self._aliases.proven(device.id, reading.device, reading.source)
                self._sites.note(entry, reading)
            if device.kind is Kind.BUS:
                self._aliases.told_by(device.id, reading.source)
            latest = self._latest.setdefault(device.id, Latest(self._order))
            uptime = reading.values.get("uptime")
            if isinstance(uptime, int | float):
                reboots = self._reboots.count(device.id, uptime, reading.measured_at or latest.measured_at)
                reading = replace(reading, values={**reading.values, "reboots": reboots})
                entry = self.registry.admit(device, ["reboots"])
            falls = latest.accept(reading, now, _direct(reading.device))
            self._watch.note(entry.device, reading, _direct(reading.device), now)
            self._note(entry, reading, latest, falls)
            self._notices.strange(reading)
            touched.append(entry)
        if len(self.registry) > known:
            _log.info("%d new devices, %d are known now", len(self.registry) - known, len(self.registry))
        for site in retire(self.registry, listed):
            self._sites.count_anew(site)
        gone = self._recognize(touched)
        if complete:
            self._notices.unmatched(self.registry, self._wishes.tables())
        return [*gone, *self._empty_sites(now), *self._changes(touched, now)]

    def taken(self, at: datetime) -> list[Accepted]:
        """The readings accepted since the last time this was asked, in order; ``at``: what the clock says."""
        return self._taken.fetch(at)

    def _note(self, entry: Known, reading: Reading, latest: Latest, falls: Sequence[Fall]) -> None:
        """A reading was taken; ``falls`` are the counters of it that were not, or that count anew."""
        house = entry.device.kind is Kind.SITE  # of its flows the ledger tells, which counts them
        self._notices.fallen(entry.device.name, (fall for fall in falls if not house or fall.key not in FLOWS))
        for fall in falls:
            if not fall.real:
                self._plausible.count(reading.source, fall.key, Doubt.JUMPED if fall.jump else Doubt.FELL)
        if not self._wishes.ignores(entry.device):
            self._taken.note(entry.device.id, reading, latest.passed)

    def _recognize(self, touched: list[Known]) -> list[DeviceGone]:
        """Devices that were known by their places on a line alone, and have turned out to be others."""
        gone = []
        for heard, device_id in self._aliases.settle():
            entry = self.registry.admit(self.registry[device_id].device, self.registry[heard.id].quantities)
            if heard.id in self._latest:
                self._latest.setdefault(device_id, Latest(self._order)).take_over(self._latest[heard.id])
            touched[:] = [one for one in touched if one.device.id not in (heard.id, device_id)]
            touched += [entry, *self._aliases.adopted(heard.id, device_id)]
            self._forget(heard)
            _log.info("%s is %s", heard.name, entry.device.name)
            gone.append(DeviceGone(heard))
        return gone

    def _forget(self, device: Device) -> None:
        self.registry.forget(device.id)
        self._latest.pop(device.id, None)
        self._said.pop(device.id, None)
        self._taken.forget(device.id)
        self._watch.forget(device.id)

    def _placed(self, device: Device, ids: Mapping[str, str], now: float) -> Device:
        """The device under its settled id, in its place: one that two supervisors list stays where it is as long as
        the first one speaks."""
        heard = device.place
        via = device.via and (ids.get(device.via) or self.registry.heard_at(device.via) or device.via)
        device = replace(device, id=ids[device.id], via=via)
        if device.id not in self.registry:
            return device
        known = self.registry[device.id].device
        if known.serial is not None and slug(device.serial or "") != slug(known.serial) and heard is not None:
            return beside(known, device)
        if device.serial is None and known.serial is not None:
            return beside(known, device)
        if self.registry.on_a_line(known.id) == (heard is not None):
            if known.via == device.via or not self._speaks(known, now):
                return device
            moved = replace(device, via=known.via, site=known.site)
            if heard is None:
                return moved
            return replace(moved, modbus_unit=known.modbus_unit, interface=known.interface)
        return device if heard is None else beside(known, device)

    def _speaks(self, known: Device, now: float) -> bool:
        """Whether what a device hangs on is there; where that is no device, whether it is there itself."""
        via = known.via
        there = self._latest.get(via if via is not None and via in self.registry else known.id)
        return there is not None and there.online(now)

    @property
    def refused_values(self) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """How many values were not taken, by source, quantity and reason."""
        return self._plausible.refused

    def counted(self) -> dict[str, dict[str, dict[str, Last]]]:
        """What every source has counted of every device, for the next start."""
        return {device_id: found for device_id, latest in self._latest.items() if (found := latest.counted())}

    def tick(self, now: float) -> list[DeviceState]:
        """What changed by the passing of time, or may be told by now."""
        freed, self.ledger.freed = self.ledger.freed, set()
        sites = dict.fromkeys([*self._too_old(now), *sorted(freed)])
        return self._changes(self._of(sites), now) if sites else []

    def _too_old(self, now: float) -> list[str]:
        """The houses of which something is too old by now, which nobody would be told of any more."""
        return [site for site, due in self._due.items() if now >= due]

    def _of(self, sites: Iterable[str]) -> list[Known]:
        return [entry for site in sites for entry in self.registry.of_site(site)]

    def _changes(self, entries: Sequence[Known], now: float) -> list[DeviceState]:
        """States of these devices and of their sites, as far as they are news."""
        due = self._too_old(now)
        for site in due:
            del self._due[site]
        self._watch.stir(due)
        touched = [*self._of(due), *entries, *self._watch.look(now, self._latest)]
        entries = list({entry.device.id: entry for entry in touched}.values())
        sites = dict.fromkeys(entry.device.site for entry in entries)
        found: list[DeviceState] = []
        states: dict[str, DeviceState] = {}
        for site in sites:
            of_site = {
                entry.device.id: self._state(entry, now)
                for entry in self.registry.of_site(site)
                if not self._is_site(entry) and not self._wishes.ignores(entry.device)
            }
            states |= of_site
            inhabited = any(state.device.kind is not Kind.BUS for state in of_site.values())
            if inhabited or site in self._latest:
                found.append(self._sites.state(site, of_site.values(), now))
            ends = [self._latest[entry.device.id].next_change(now) for entry in self._entries_of(site)]
            self._due[site] = min([*ends, self._watch.next_change(site, now)], default=math.inf)
        found += [states[entry.device.id] for entry in entries if entry.device.id in states]
        changed = [s for s in found if not self._wishes.ignores(s.device) and self._said.get(s.key) != s]
        self._said.update((state.key, state) for state in changed)
        return changed

    def _entries_of(self, site: str) -> list[Known]:
        """The devices of a house of which anything was told."""
        return [entry for entry in self.registry.of_site(site) if entry.device.id in self._latest]

    def _state(self, entry: Known, now: float) -> DeviceState:
        latest = self._latest.setdefault(entry.device.id, Latest(self._order))
        panel = entry.device.kind is Kind.INVERTER
        keys = entry.ordered() if panel else [key for key in entry.ordered() if key not in KEYS]
        values, feeds = latest.shown(keys, now)
        device = self._wishes.named(entry.device)
        if device.via != (parent := self._parent(device)):
            device = replace(device, via=parent)
        online = latest.online(now)
        if panel:
            online, values = shown(self._watch.at(entry), online, values, not self._watch.is_gone(entry))
            feeds = {**feeds, **FEEDS}
        return DeviceState(device, online, values, latest.measured_at, latest.sources, feeds)

    def _parent(self, device: Device) -> str:
        """The device it hangs on, or where that is not shown, what that one hangs on."""
        via = device.via
        if device.kind is Kind.BUS:
            return via or BRIDGE_ID
        if device.place is not None and via not in self.registry:
            via = None  # the line has not said yet what it is
        for _ in range(len(self.registry)):
            if via is None or via not in self.registry or not self._wishes.ignores(self.registry[via].device):
                break
            via = self.registry[via].device.via
        site = BRIDGE_ID if device.site in self._wishes.ignored else device.site
        return site if via is None or via == device.site else via

    def _of_a_gross_meter(self, device_id: str, reading: Reading) -> Reading:
        """What newer firmware tells of a meter that was commissioned to measure the house; it calls load import."""
        if device_id not in self.registry or self.registry[device_id].facts.get("measures") != "load":
            return reading
        kept = {key: value for key, value in reading.values.items() if key not in energy.NOT_OF_A_GROSS_METER}
        return reading if len(kept) == len(reading.values) else replace(reading, values=kept)

    def _empty_sites(self, now: float) -> list[DeviceGone]:
        gone = self._sites.empty(now)
        for event in gone:
            self._said.pop(event.key, None)
        return gone

    @staticmethod
    def _is_site(entry: Known) -> bool:
        return entry.device.kind is Kind.SITE


def _direct(device: Device) -> bool:
    """Whether who tells of a device reads or hears it itself, and is not told by what it hangs on."""
    return device.place is not None or device.via is None


def _told(reading: Reading) -> list[str]:
    """The quantities of which a reading has a value."""
    return [key for key, value in reading.values.items() if value is not None]
