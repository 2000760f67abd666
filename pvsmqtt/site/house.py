"""The house: takes readings, knows its devices, says what is true now.

Readings come in by the cycle, states go out: one for each device of which something changed, and one for the house
as a whole. Nothing here waits, reads a clock or touches a disk.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pvsmqtt.model.device import BRIDGE_ID, LABELS, SITE_ID, Device, Kind, slug
from pvsmqtt.model.reading import DeviceGone, DeviceState, Reading, Value
from pvsmqtt.site import energy
from pvsmqtt.site.counters import Counters
from pvsmqtt.site.energy import METERS
from pvsmqtt.site.guard import Latest
from pvsmqtt.site.notices import Notices
from pvsmqtt.site.reboots import Reboots
from pvsmqtt.site.registry import Known, Registry

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
        self._names: dict[str, str] = {}
        self._ignored: set[str] = set()
        self._latest: dict[str, Latest] = {}
        self._said: dict[str, DeviceState] = {}
        self._notices = Notices()
        self._due = -math.inf
        self._expected: dict[str, str] = {}
        self._heard: set[str] = set()
        self._reboots = Reboots(registry)
        self._counters: dict[str, Counters] = {}

    def configure(
        self, names: Mapping[str, str], ignore: Iterable[str], now: float
    ) -> list[DeviceState | DeviceGone]:
        """Set names and what is ignored, at the start or later; tells what changes for those who watch."""
        self._names = {slug(key): name for key, name in names.items()}
        self._ignored = {slug(key) for key in ignore}
        gone = [DeviceGone(entry.device) for entry in self.registry if self._is_ignored(entry.device)]
        for event in gone:
            self._said.pop(event.key, None)
        return [*gone, *self._empty_sites(now), *self._changes(list(self.registry), now)]

    def expect(self, sources: Mapping[str, str]) -> None:
        """Which sources there are, and the site that each belongs to: a site adds up only when all have spoken."""
        self._expected = dict(sources)

    def accept(self, readings: Sequence[Reading], now: float) -> list[DeviceState | DeviceGone]:
        """Take what one cycle of a source found; ``now`` is of a clock that only goes forward."""
        known = len(self.registry)
        touched = self._accept_live([reading for reading in readings if reading.device.kind is Kind.SITE], now)
        readings = [reading for reading in readings if reading.device.kind is not Kind.SITE]
        ids = {reading.device.id: self.registry.identify(reading.device) for reading in readings}
        all_had_spoken = bool(self._heard) and self._expected.keys() <= self._heard
        self._heard.update(reading.source for reading in readings)
        for reading in readings:
            device = self._placed(reading.device, ids, now)
            if device.id not in self.registry and len(self.registry) >= MOST_DEVICES:
                self._notices.crowd(MOST_DEVICES)
                continue
            reading = self._of_a_gross_meter(device.id, reading)
            entry = self.registry.admit(device, _told(reading))
            latest = self._latest.setdefault(device.id, Latest())
            uptime = reading.values.get("uptime")
            if isinstance(uptime, int | float):
                reboots = self._reboots.count(device.id, uptime, reading.measured_at or latest.measured_at)
                reading = replace(reading, values={**reading.values, "reboots": reboots})
                entry = self.registry.admit(device, ["reboots"])
            self._notices.fallen(device.name, latest.accept(reading, now))
            self._notices.strange(reading)
            touched.append(entry)
        if len(self.registry) > known:
            _log.info("%d new devices, %d are known now", len(self.registry) - known, len(self.registry))
        self._retire(touched)
        if not all_had_spoken and self._heard and self._expected.keys() <= self._heard:
            self._notices.unmatched(self.registry, {"names": self._names, "ignore": self._ignored})
        return [*self._empty_sites(now), *self._changes(touched, now)]

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
        device = replace(device, id=ids[device.id], via=device.via and ids.get(device.via, device.via))
        if device.id in self.registry:
            place = self.registry[device.id].device
            if place.via != device.via and place.via in self._latest and self._latest[place.via].online(now):
                return replace(device, via=place.via, site=place.site)
        return device

    def _retire(self, touched: Sequence[Known]) -> None:
        """A supervisor has one meter of a kind: when it lists another one, the old one was replaced."""
        for new in touched:
            if new.device.kind not in METERS or new.device.via is None:
                continue
            if "replaced by" in new.facts:
                self.registry.unlearn(new.device.id, "replaced by")
                self._counters.pop(new.device.site, None)
            for old in self.registry:
                same_place = (old.device.kind, old.device.via) == (new.device.kind, new.device.via)
                if same_place and old not in touched and "replaced by" not in old.facts:
                    self.registry.learn(old.device.id, "replaced by", new.device.id)
                    self._counters.pop(new.device.site, None)  # another meter: another count
                    _log.warning("%s took the place of %s in the totals", new.device.name, old.device.name)

    def tick(self, now: float) -> list[DeviceState]:
        """What changed by the passing of time."""
        return self._changes(list(self.registry), now) if now >= self._due else []

    def _changes(self, entries: Sequence[Known], now: float) -> list[DeviceState]:
        """States of these devices and of their sites, as far as they are news."""
        sites = dict.fromkeys(entry.device.site for entry in entries)
        states = {
            entry.device.id: self._state(entry, now)
            for entry in self.registry
            if entry.device.site in sites and not self._is_site(entry) and not self._is_ignored(entry.device)
        }
        found = [self._site_state(site, states.values(), now) for site in sites]
        found += [states[entry.device.id] for entry in entries if entry.device.id in states]
        self._due = min((latest.next_change(now) for latest in self._latest.values()), default=math.inf)
        changed = [s for s in found if not self._is_ignored(s.device) and self._said.get(s.key) != s]
        self._said.update((state.key, state) for state in changed)
        return changed

    def _state(self, entry: Known, now: float) -> DeviceState:
        latest = self._latest.setdefault(entry.device.id, Latest())
        values = latest.values(entry.ordered(), now)
        device = self._named(entry.device)
        return DeviceState(replace(device, via=self._parent(device)), latest.online(now), values, latest.measured_at)

    def _parent(self, device: Device) -> str:
        """The device it hangs on, or where that is not shown, what that one hangs on."""
        via = device.via
        for _ in range(len(self.registry)):
            if via is None or via not in self.registry or not self._is_ignored(self.registry[via].device):
                break
            via = self.registry[via].device.via
        site = BRIDGE_ID if device.site in self._ignored else device.site
        return site if via is None or via == device.site else via

    def _site_state(self, site: str, everything: Iterable[DeviceState], now: float) -> DeviceState:
        states = [state for state in everything if state.device.site == site]
        values: dict[str, Value] = {}
        if all(source in self._heard for source, where in self._expected.items() if where == site):
            meters = [state for state in states if "replaced by" not in self.registry[state.key].facts]
            values = energy.totals(meters, {s.key: what for s in meters if (what := self._measured(s)) is not None})
            self._notices.blocking(meters)
        live = self._latest.setdefault(site, Latest())
        values |= {key: value for key, value in live.lasting().items() if values.get(key) is None} | live.fresh(now)
        metered = [s for s in states if s.device.kind in METERS]
        times = [s.measured_at for s in metered or states if s.measured_at is not None]
        measured_at = live.measured_at if live.online(now) else max(times, default=live.measured_at)
        passed, _ = self._counters.setdefault(site, Counters()).passed(values, measured_at or _NO_TIME)
        values = {**passed, "devices_online": sum(state.online for state in states)}
        entry = self.registry.admit(self._site_device(site), [k for k, value in values.items() if value is not None])
        return DeviceState(
            self._named(entry.device),
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
        inhabited = {entry.device.site for entry in self.registry if not self._is_site(entry)}
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

    def _named(self, device: Device) -> Device:
        if not self._names:
            return device
        name = self._names.get(device.id) or self._names.get(slug(device.serial or "-"))
        return replace(device, name=name) if name else device

    def _is_ignored(self, device: Device) -> bool:
        return bool(self._ignored) and (device.id in self._ignored or slug(device.serial or "-") in self._ignored)

    @staticmethod
    def _is_site(entry: Known) -> bool:
        return entry.device.kind is Kind.SITE


def _told(reading: Reading) -> list[str]:
    """The quantities of which a reading has a value."""
    return [key for key, value in reading.values.items() if value is not None]
