"""Each house as a whole: what its devices add up to, and what live data tells of it.

Totals wait until every source has spoken that measures the house: before that, a part may be missing of which nobody
knows. A source that reads single devices (`expect`) is waited for only by what they are parts of; what a supervisor
lists does not need it.

What only a line hears is no part of the totals, lest they come and go with it; what a source that measures the house
has read there is: such a source is asked for, so that its devices are unknown when it is silent, and not gone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pvsmqtt.model.device import BRIDGE_ID, LABELS, SITE_ID, Device, Kind
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import DERIVED, DeviceGone, DeviceState, Reading, root
from pvsmqtt.site import availability, capability, energy, powers
from pvsmqtt.site.battery import Battery
from pvsmqtt.site.counters import Counters, Fall
from pvsmqtt.site.energy import METERS
from pvsmqtt.site.guard import Latest
from pvsmqtt.site.notices import Notices
from pvsmqtt.site.powers import Inhabitants, Totals
from pvsmqtt.site.precedence import Precedence
from pvsmqtt.site.registry import Known, Registry
from pvsmqtt.site.replaced import REPLACED
from pvsmqtt.site.retired import Retirement
from pvsmqtt.site.totals.bases import OF_SUPERVISOR, PANELS, Shown, flowing, of_house
from pvsmqtt.site.totals.basis import FLOWS, MOST_POWER, PV
from pvsmqtt.site.totals.ledger import COUNT, Ledger
from pvsmqtt.site.wishes import Wishes

DEFAULT_INSTANCE = "home"
READ_BY = "read by"
"""Fact of a device that no supervisor lists: the source that measures the house by reading it."""

Note = Callable[[Known, Reading, Latest, list[Fall]], None]

_NO_TIME = datetime.min.replace(tzinfo=UTC)
"""Measurements without a time are all one: looking again does not confirm them."""


class Sites:
    """All sites of this service; ``latest`` is what is known of each device, by id."""

    def __init__(
        self,
        registry: Registry,
        wishes: Wishes,
        notices: Notices,
        order: Precedence,
        latest: dict[str, Latest],
        instance: str,
        ledger: Ledger,
    ) -> None:
        self._ledger, self._retirement = ledger, Retirement(registry, wishes)
        self._registry, self._wishes, self._notices = registry, wishes, notices
        self._order, self._latest, self._instance = order, latest, instance
        self._counters: dict[str, Counters] = {}
        self._batteries: dict[str, Battery] = {}
        self._said: dict[str, DeviceState] = {}
        self._expected: dict[str, str] = {}
        self._measuring: dict[str, set[str]] = {}
        self._single: frozenset[str] = frozenset()
        self._heard: set[str] = set()
        self._silent: set[str] = set()
        self._departures = -1
        self._lonely: list[Device] = []

    def expect(self, sources: Mapping[str, str], single: Collection[str] = ()) -> None:
        """Which sources measure a house, and the site that each belongs to; ``single`` are those that read single
        devices of it."""
        self._expected, self._single = dict(sources), frozenset(single)
        self._silent = self._expected.keys() - self._heard
        self._measuring = {}
        for source, site in sources.items():
            self._measuring.setdefault(site, set()).add(source)

    def heard(self, sources: Iterable[str]) -> bool:
        """These have spoken; tells whether with them, for the first time, every source has."""
        before = self._all_have_spoken()
        spoken = set(sources)
        self._heard |= spoken
        self._silent -= spoken
        return self._all_have_spoken() and not before

    def note(self, entry: Known, reading: Reading) -> None:
        """A device was heard at its place on a line."""
        source = root(reading.source)
        if not self._registry.on_a_line(entry.device.id):
            return
        if source in self._expected and entry.facts.get(READ_BY) not in self._expected:
            self._registry.learn(entry.device.id, READ_BY, source)

    def count_anew(self, site: str) -> None:
        """A meter of a house was replaced: its net counters are others."""
        self._counters.pop(site, None)

    def accept_live(self, readings: Sequence[Reading], now: float, note: Note) -> list[Known]:
        """Live data of the house as a whole. Where several supervisors measure one house, none knows it all. ``note``
        is told what was taken."""
        touched = []
        for reading in readings:
            site = reading.device.site
            if len(self._measuring.get(site, set()) - self._single) > 1:
                self._notices.shared(site, reading.source)
                continue
            told = [key for key, value in reading.values.items() if value is not None]
            touched.append(self._registry.admit(self._device(site), told))
            latest = self._latest.setdefault(site, Latest(self._order))
            note(touched[-1], reading, latest, latest.accept(reading, now))
        return touched

    def state(self, site: str, everything: Iterable[DeviceState], now: float) -> DeviceState:
        """What a house adds up to."""
        states = [s for s in everything if s.device.site == site and s.device.kind is not Kind.BUS]
        found, who = self._totals(site, states, now)
        by_devices = dict(found.feeds)
        live = self._latest.setdefault(site, Latest(self._order))
        lasting = {k: h for k, h in live.lasting(now).items() if found.values.get(k) is None}
        for held in lasting.items():
            found.put({held[0]: held[1].value}, held[1].source)
        powers.put_live(found, live.fresh(now), any(s.device.kind in energy.STORAGE for s in states))
        if who is not None:
            self._count(site, who, found, live, now)
        for key in FLOWS:
            found.values.pop(key, None)
        metered = [s for s in states if s.device.kind in METERS]
        times = [s.measured_at for s in metered or states if s.measured_at is not None]
        measured_at = live.measured_at if live.online(now) else max(times, default=live.measured_at)
        passed, _ = self._counters.setdefault(site, Counters()).passed(found.values, measured_at or _NO_TIME)
        found.put({**passed, **availability.counts(states)}, None)
        found.put(self._ledger.published(site), None)
        found.feeds.update(self._counted_from(site, states, by_devices, found.feeds))
        known = [key for key, value in found.values.items() if value is not None]
        entry = self._registry.admit(self._device(site), known)
        before = self._said[site].feeds if site in self._said else {}
        feeds = {**before, **{key: found.feeds.get(key, DERIVED) for key in known}}
        state = DeviceState(
            self._wishes.named(entry.device),
            live.online(now) or any(state.online for state in states),
            {key: found.values.get(key) for key in entry.ordered()},
            measured_at,
            feeds={key: feeds[key] for key in entry.ordered() if key in feeds},
            marks=self._ledger.marks(site),
        )
        self._said[site] = state
        return state

    def empty(self, now: float) -> list[DeviceGone]:
        """Sites of which the last device has moved to another: the house got another name. One whose live data came
        before its first device is none of them."""
        if self._departures != self._registry.departures:
            self._departures = self._registry.departures
            self._lonely = [entry.device for entry in self._registry.sites() if not self._inhabited(entry.device)]
        gone = [device for device in self._lonely if not self._inhabited(device) and not self._lives(device, now)]
        for device in gone:
            self._registry.forget(device.id)
            self._said.pop(device.id, None)
        return [DeviceGone(device) for device in gone]

    def _inhabited(self, site: Device) -> bool:
        return any(e.device.kind not in (Kind.SITE, Kind.BUS) for e in self._registry.of_site(site.id))

    def _lives(self, site: Device, now: float) -> bool:
        return site.id in self._latest and self._latest[site.id].online(now)

    def _totals(self, site: str, states: Sequence[DeviceState], now: float) -> tuple[Totals, Inhabitants | None]:
        """What is known of a house as a whole, and who lives in it, if all who tell of that have spoken."""
        expected = self._measuring.get(site, set())
        found, who = Totals({}, {}), None
        whole = expected <= self._heard
        if expected - self._single <= self._heard:
            gone = self._retirement.gone(states)
            there = [s for s in states if self._counts(s.key, whole)]
            there = [s for s in there if s.device.kind is Kind.INVERTER or s.key not in gone]
            by_panels = self._ledger.basis(site, PV) == PANELS
            if by_panels:
                there = [s for s in there if s.online or s.device.kind is not Kind.PRODUCTION_METER]
            battery = self._batteries.setdefault(site, Battery())
            who = Inhabitants(there, states, whole, gone)
            working = replace(who, there=[s for s in there if not _idle(s)]) if by_panels else who
            found = powers.of_house(working, self._meanings(there), battery, self._latest.__getitem__, now)
            self._notices.blocking(there)
        if not whole and site in self._said:
            # Another source was configured: what is counted holds until it has spoken.
            held = {key: value for key, value in self._said[site].values.items() if QUANTITIES[key].holds}
            found.put({key: value for key, value in held.items() if found.values.get(key) is None}, None)
        return found, who

    def _count(self, site: str, who: Inhabitants, found: Totals, live: Latest, now: float) -> None:
        """Count what flowed since the last time."""
        wall = self._ledger.wall(now)
        shown = Shown(
            who,
            self._meanings(who.there),
            live.lasting(now),
            now,
            flowing(found, who, live.fresh(now), self._latest.__getitem__, now),
            self._retirement.look(site, who.all, wall),
            self._most(who),
        )
        self._ledger.look(site, of_house(shown), now, whole=who.whole, storage=who.storage)
        if self._ledger.bounded and site in self._registry and self._ledger.marks(site):
            self._registry.learn(site, COUNT, self._ledger.epoch)

    def _most(self, who: Inhabitants) -> float:
        """The power that no counter of a house can exceed, kW: a large array shows what it can do."""
        panels = capability.PANEL * sum(state.device.kind is Kind.INVERTER for state in who.there)
        meters = (self._latest[state.key].most(state.device) for state in who.there if state.device.kind in METERS)
        return max(MOST_POWER, panels, *meters)

    def _counted_from(
        self, site: str, states: Iterable[DeviceState], by_devices: Mapping[str, str], all_feeds: Mapping[str, str]
    ) -> dict[str, str]:
        """The sources of what each flow is counted by."""
        found = {}
        for key in FLOWS:
            basis = self._ledger.basis(site, key)
            found[key] = (all_feeds if basis in OF_SUPERVISOR else by_devices).get(key, DERIVED)
            if (key, basis) == (PV, PANELS):
                told = {s.feeds["energy"] for s in states if s.device.kind is Kind.INVERTER and "energy" in s.feeds}
                found[key] = ", ".join(sorted(told)) or DERIVED
        return found

    def _meanings(self, states: Iterable[DeviceState]) -> dict[str, energy.Measures]:
        return {s.key: what for s in states if (what := self._measures(s)) is not None}

    def _counts(self, device_id: str, whole: bool) -> bool:
        """Whether a device is part of the totals."""
        facts = self._registry[device_id].facts
        read = whole and facts.get(READ_BY) in self._expected
        return REPLACED not in facts and (read or not self._registry.on_a_line(device_id))

    def _measures(self, state: DeviceState) -> energy.Measures | None:
        """What a consumption meter measures: as it says, else as its values prove, else as they proved before."""
        if state.device.kind is not Kind.CONSUMPTION_METER:
            return None
        what = energy.commissioned(state.values) or energy.proven(state.values)
        if what is not None:
            self._registry.learn(state.key, "measures", what)
            return what
        known = self._registry[state.key].facts.get("measures")
        return "grid" if known == "grid" else "load" if known == "load" else None

    def _all_have_spoken(self) -> bool:
        return bool(self._heard) and not self._silent

    def _device(self, site: str) -> Device:
        called = site.removeprefix(SITE_ID).strip("_").replace("_", " ").capitalize()
        if not called and self._instance != DEFAULT_INSTANCE:
            called = self._instance
        name = f"{LABELS[Kind.SITE]} {called}".strip()
        return Device(site, Kind.SITE, name, manufacturer="pvsmqtt", model="Site", via=BRIDGE_ID, site=site)


def _idle(state: DeviceState) -> bool:
    """Whether it is a production meter that measures nothing. Where the panels are counted in its place, so is their
    power: it stands at 0 because it is dead, or because they are dark."""
    power = state.values.get("power")
    return state.device.kind is Kind.PRODUCTION_METER and not (isinstance(power, int | float) and power > 0)
