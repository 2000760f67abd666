"""The house: takes readings, knows its devices, says what is true now.

Readings come in by the cycle, states go out: one for each device of which something changed, and one for the house
as a whole. Nothing here waits, reads a clock or touches a disk.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pvsmqtt.model.device import BRIDGE_ID, LABELS, SITE_ID, Device, Kind
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import DeviceGone, DeviceState, Reading, Value
from pvsmqtt.site import energy
from pvsmqtt.site.aliases import Aliases, beside
from pvsmqtt.site.counters import Counters
from pvsmqtt.site.energy import METERS
from pvsmqtt.site.guard import Latest
from pvsmqtt.site.notices import Notices
from pvsmqtt.site.reboots import Reboots
from pvsmqtt.site.registry import Known, Registry
from pvsmqtt.site.replaced import REPLACED, retire
from pvsmqtt.site.wishes import Wishes

DEFAULT_INSTANCE = "home"
MOST_DEVICES = 1000
"""Devices that are taken in: a reply that invents serial numbers must not fill memory, disk and Home Assistant."""

_NO_TIME = datetime.min.replace(tzinfo=UTC)
"""Measurements without a time are all one: looking again does not confirm them."""

_log = logging.getLogger(__name__)


class House:
    """All sites of this service.

    ``names`` gives devices names of their owner's choice (serial number or id -> name), ``ignore`` lists devices
    that are not to be shown.
    """

    def __init__(self, registry: Registry, instance: str = DEFAULT_INSTANCE) -> None:
        self.registry = registry
        self._instance = instance
        self._wishes = Wishes(registry)
        self._latest: dict[str, Latest] = {}
        self._said: dict[str, DeviceState] = {}
        self._notices = Notices()
        self._due = -math.inf
        self._expected: dict[str, str] = {}
        self._heard: set[str] = set()
        self._reboots = Reboots(registry)
        self._aliases = Aliases(registry)
        self._counters: dict[str, Counters] = {}

    def configure(
        self, names: Mapping[str, str], ignore: Iterable[str], now: float
    ) -> list[DeviceState | DeviceGone]:
        """Set names and what is ignored, at the start or later; tells what changes for those who watch."""
        self._wishes.are(names, ignore)
        gone = [DeviceGone(entry.device) for entry in self.registry if self._wishes.ignores(entry.device)]
        for event in gone:
            self._said.pop(event.key, None)
        return [*gone, *self._empty_sites(now), *self._changes(list(self.registry), now)]

    def expect(self, sources: Mapping[str, str], beside: Collection[str] | None = None) -> list[DeviceGone]:
        """Which sources measure a house, and the site that each belongs to: a site adds up only when all have spoken.

        ``beside`` are the sources that measure none; ``None``: not known. Lines of which neither tells any more are
        no more, and neither is what was known by its place on them alone.
        """
        self._expected = dict(sources)
        self._due = -math.inf
        gone = [] if beside is None else self._aliases.lines_without({*sources, *beside})
        for device in gone:
            self._forget(device)
        return [DeviceGone(device) for device in gone]

    def accept(self, readings: Sequence[Reading], now: float) -> list[DeviceState | DeviceGone]:
        """Take what one cycle of a source found; ``now`` is of a clock that only goes forward."""
        known = len(self.registry)
        touched = self._accept_live([reading for reading in readings if reading.device.kind is Kind.SITE], now)
        readings = [reading for reading in readings if reading.device.kind is not Kind.SITE]
        ids = {reading.device.id: self._aliases.identify(reading.device) for reading in readings}
        all_had_spoken = bool(self._heard) and self._expected.keys() <= self._heard
        self._heard.update(reading.source for reading in readings)
        listed = []
        for reading in readings:
            device = self._placed(reading.device, ids, now)
            if device.id not in self.registry and len(self.registry) >= MOST_DEVICES:
                self._notices.crowd(MOST_DEVICES)
                continue
            heard = reading.device.place
            reading = self._of_a_gross_meter(device.id, reading)
            entry = self.registry.admit(device, _told(reading))
            if heard is None:
                listed.append(entry)
            elif reading.device.serial is not None:
                self.registry.tie(device.id, heard, proven=True)
            if device.kind is Kind.BUS:
                self._aliases.told_by(device.id, reading.source)
            latest = self._latest.setdefault(device.id, Latest())
            uptime = reading.values.get("uptime")
            if isinstance(uptime, int | float):
                reboots = self._reboots.count(device.id, uptime, reading.measured_at or latest.measured_at)
                reading = replace(reading, values={**reading.values, "reboots": reboots})
                entry = self.registry.admit(device, ["reboots"])
            self._notices.fallen(device.name, latest.accept(reading, now, heard is not None))
            self._notices.strange(reading)
            touched.append(entry)
        if len(self.registry) > known:
            _log.info("%d new devices, %d are known now", len(self.registry) - known, len(self.registry))
        for site in retire(self.registry, listed):
            self._counters.pop(site, None)  # another meter: another count
        gone = self._recognize(touched)
        if not all_had_spoken and self._heard and self._expected.keys() <= self._heard:
            self._notices.unmatched(self.registry, {"names": self._wishes.names, "ignore": self._wishes.ignored})
        return [*gone, *self._empty_sites(now), *self._changes(touched, now)]

    def _recognize(self, touched: list[Known]) -> list[DeviceGone]:
        """Devices that were known by their places on a line alone, and have turned out to be others."""
        gone = []
        for heard, device_id in self._aliases.settle():
            entry = self.registry.admit(self.registry[device_id].device, self.registry[heard.id].quantities)
            if heard.id in self._latest:
                self._latest.setdefault(device_id, Latest()).take_over(self._latest[heard.id])
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

    def _accept_live(self, readings: Sequence[Reading], now: float) -> list[Known]:
        """Live data of the house as a whole. Where several sources measure one house, none of them knows it all."""
        touched = []
        for reading in readings:
            site = reading.device.site
            if sum(where == site for where in self._expected.values()) > 1:
                self._notices.shared(site, reading.source)
                continue
            touched.append(self.registry.admit(self._site_device(site), _told(reading)))
            self._latest.setdefault(site, Latest()).accept(reading, now)
        return touched

    def _placed(self, device: Device, ids: Mapping[str, str], now: float) -> Device:
        """The device under its settled id, in its place: one that two supervisors list stays where it is as long as
        the first one speaks."""
        heard = device.place
        via = device.via and (ids.get(device.via) or self.registry.heard_at(device.via) or device.via)
        device = replace(device, id=ids[device.id], via=via)
        if device.id not in self.registry:
            return device
        known = self.registry[device.id].device
        if device.serial is None and known.serial is not None:
            return beside(known, device)
        if self._on_a_line(known) == (heard is not None):
            if known.via != device.via and known.via in self._latest and self._latest[known.via].online(now):
                return replace(device, via=known.via, site=known.site)
            return device
        return device if heard is None else beside(known, device)

    def _on_a_line(self, device: Device) -> bool:
        """Whether no supervisor lists it."""
        via = device.via
        if device.place is None or via is None:
            return False
        return via not in self.registry or self.registry[via].device.kind is Kind.BUS

    def tick(self, now: float) -> list[DeviceState]:
        """What changed by the passing of time."""
        return self._changes(list(self.registry), now) if now >= self._due else []

    def _changes(self, entries: Sequence[Known], now: float) -> list[DeviceState]:
        """States of these devices and of their sites, as far as they are news."""
        if now >= self._due:  # something else is too old by now, which nobody would be told of any more
            entries = list(self.registry)
        sites = dict.fromkeys(entry.device.site for entry in entries)
        states = {
            entry.device.id: self._state(entry, now)
            for entry in self.registry
            if entry.device.site in sites and not self._is_site(entry) and not self._wishes.ignores(entry.device)
        }
        houses = {state.device.site for state in states.values() if state.device.kind is not Kind.BUS}
        houses |= {site for site in sites if site in self._latest}
        found = [self._site_state(site, states.values(), now) for site in sites if site in houses]
        found += [states[entry.device.id] for entry in entries if entry.device.id in states]
        self._due = min((latest.next_change(now) for latest in self._latest.values()), default=math.inf)
        changed = [s for s in found if not self._wishes.ignores(s.device) and self._said.get(s.key) != s]
        self._said.update((state.key, state) for state in changed)
        return changed

    def _state(self, entry: Known, now: float) -> DeviceState:
        latest = self._latest.setdefault(entry.device.id, Latest())
        values = latest.values(entry.ordered(), now)
        device = self._wishes.named(entry.device)
        device = replace(device, via=self._parent(device))
        return DeviceState(device, latest.online(now), values, latest.measured_at, latest.sources)

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

    def _site_state(self, site: str, everything: Iterable[DeviceState], now: float) -> DeviceState:
        states = [s for s in everything if s.device.site == site and s.device.kind is not Kind.BUS]
        values: dict[str, Value] = {}
        if all(source in self._heard for source, where in self._expected.items() if where == site):
            # What only a line tells of is no part of the totals, lest they come and go with it.
            known = [self.registry[s.key] for s in states]
            there = {e.device.id for e in known if not self._on_a_line(e.device) and REPLACED not in e.facts}
            meters = [s for s in states if s.key in there]
            measured = {s.key: what for s in meters if (what := self._measured(s)) is not None}
            storage = any(s.device.kind in energy.STORAGE for s in states)
            values = energy.totals(meters, measured, storage)
            self._notices.blocking(meters)
        elif site in self._said:  # another source was configured: what is counted holds until it has spoken
            values = {key: value for key, value in self._said[site].values.items() if QUANTITIES[key].holds}
        live = self._latest.setdefault(site, Latest())
        values |= {key: value for key, value in live.lasting(now).items() if values.get(key) is None}
        values |= live.fresh(now)
        metered = [s for s in states if s.device.kind in METERS]
        times = [s.measured_at for s in metered or states if s.measured_at is not None]
        measured_at = live.measured_at if live.online(now) else max(times, default=live.measured_at)
        passed, _ = self._counters.setdefault(site, Counters()).passed(values, measured_at or _NO_TIME)
        values = {**passed, "devices_online": sum(state.online for state in states)}
        entry = self.registry.admit(self._site_device(site), [k for k, value in values.items() if value is not None])
        return DeviceState(
            self._wishes.named(entry.device),
            live.online(now) or any(state.online for state in states),
            {key: values.get(key) for key in entry.ordered()},
            measured_at,
        )

    def _measured(self, state: DeviceState) -> energy.Measures | None:
        """What a consumption meter measures: as it says, else as its values prove, else as they proved before."""
        if state.device.kind is not Kind.CONSUMPTION_METER:
            return None
        what = energy.commissioned(state.values) or energy.proven(state.values)
        if what is not None:
            self.registry.learn(state.key, "measures", what)
            return what
        known = self.registry[state.key].facts.get("measures")
        return "grid" if known == "grid" else "load" if known == "load" else None

    def _of_a_gross_meter(self, device_id: str, reading: Reading) -> Reading:
        """What newer firmware tells of a meter that was commissioned to measure the house; it calls load import."""
        if device_id not in self.registry or self.registry[device_id].facts.get("measures") != "load":
            return reading
        kept = {key: value for key, value in reading.values.items() if key not in energy.NOT_OF_A_GROSS_METER}
        return reading if len(kept) == len(reading.values) else replace(reading, values=kept)

    def _empty_sites(self, now: float) -> list[DeviceGone]:
        """Sites of which the last device has moved to another: the house got another name. One whose live data came
        before its first device is none of them."""
        inhabited = {e.device.site for e in self.registry if e.device.kind not in (Kind.SITE, Kind.BUS)}
        inhabited |= {device_id for device_id, latest in self._latest.items() if latest.online(now)}
        empty = [entry.device for entry in self.registry if self._is_site(entry) and entry.device.id not in inhabited]
        for device in empty:
            self.registry.forget(device.id)
            self._said.pop(device.id, None)
        return [DeviceGone(device) for device in empty]

    def _site_device(self, site: str) -> Device:
        called = site.removeprefix(SITE_ID).strip("_").replace("_", " ").capitalize()
        if not called and self._instance != DEFAULT_INSTANCE:
            called = self._instance
        name = f"{LABELS[Kind.SITE]} {called}".strip()
        return Device(site, Kind.SITE, name, manufacturer="pvsmqtt", model="Site", via=BRIDGE_ID, site=site)

    @staticmethod
    def _is_site(entry: Known) -> bool:
        return entry.device.kind is Kind.SITE


def _told(reading: Reading) -> list[str]:
    """The quantities of which a reading has a value."""
    return [key for key, value in reading.values.items() if value is not None]
