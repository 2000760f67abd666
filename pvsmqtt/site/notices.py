"""What the house has to tell its owner in the log, each thing once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from pvsmqtt.model.device import BRIDGE_ID, Device, Kind, slug
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import DeviceState, Reading, Value
from pvsmqtt.site.counters import Fall
from pvsmqtt.site.energy import METERS
from pvsmqtt.site.plausibility import Doubt
from pvsmqtt.site.registry import Known

_log = logging.getLogger(__name__)


class Notices:
    """Remembers what was said."""

    def __init__(self) -> None:
        self._strange: set[str] = set()
        self._crowded: set[str] = set()
        self._blocking: frozenset[str] = frozenset()
        self._shared: set[str] = set()
        self._unknown: set[str] = set()

    def strange(self, reading: Reading) -> None:
        """A source delivers a quantity that the table does not have."""
        for key in reading.values.keys() - QUANTITIES.keys() - self._strange:
            self._strange.add(key)
            _log.warning(
                "%s delivers %r, for which the table of quantities has no row: left out", reading.source, key
            )

    def crowd(self, site: str, most: int) -> None:
        """There are more devices than a house can have."""
        if site not in self._crowded:
            self._crowded.add(site)
            _log.error("%d devices of %s are known, and more are left out: no house has so many", most, site)

    def fallen(self, name: str, falls: Iterable[Fall]) -> None:
        """Lifetime energies of a device fell."""
        for fall in falls:
            what = QUANTITIES[fall.key].name.lower()
            if fall.jump and fall.real:
                _log.warning(
                    "%s: its %s stays at %g kWh after %g kWh, more than it can have counted meanwhile: it goes on "
                    "from there (another meter, or its count was set). Home Assistant's energy dashboard books the "
                    "difference in this hour: correct it there (Developer tools, Statistics)",
                    name,
                    what,
                    fall.after,
                    fall.before,
                )
            elif fall.jump:
                _log.info(
                    "%s: its %s jumped from %g to %g kWh, more than it can deliver in the time; the old value "
                    "stands until that is confirmed",
                    name,
                    what,
                    fall.before,
                    fall.after,
                )
            elif fall.real:
                _log.warning(
                    "%s: its %s stays at %g kWh after %g kWh: it counts anew", name, what, fall.after, fall.before
                )
            else:
                _log.info(
                    "%s: its %s fell from %g to %g kWh; the old value stands until that is confirmed",
                    name,
                    what,
                    fall.before,
                    fall.after,
                )

    def implausible(
        self,
        begun: Iterable[tuple[Reading, str, Value, Doubt]],
        ended: Iterable[tuple[Reading, str]],
        named: Callable[[Device], Device],
    ) -> None:
        """Values that cannot be began or ceased to come."""
        for reading, key, value, reason in begun:
            if reason is Doubt.TWO_DEVICES:
                _log.warning(
                    "%s tells twice of %s in one reply, and not the same: two devices with one serial number, of "
                    "which the last one is taken",
                    reading.source,
                    named(reading.device).name,
                )
            else:
                _log.warning(
                    "%s: its %s of %s cannot be (%s); it is unknown until a sensible one comes",
                    named(reading.device).name,
                    QUANTITIES[key].name.lower(),
                    value,
                    reason.value.replace("_", " "),
                )
        for reading, key in ended:
            _log.info("%s: its %s is sensible again", named(reading.device).name, QUANTITIES[key].name.lower())

    def shared(self, site: str, source: str) -> None:
        """Live data of a house that several sources measure: none of them tells of the whole."""
        if source not in self._shared:
            self._shared.add(source)
            _log.warning(
                "%s: several sources measure %s, so its totals come from the meters alone. If they are houses of "
                'their own, give each [[pvs]] table a site = "…"; else write live = "off", to spare the equipment',
                source,
                site,
            )

    def unknown_sources(self, names: Iterable[str], there: Iterable[str]) -> None:
        """Entries of ``precedence`` that speak of no source."""
        for name in names:
            if name not in self._unknown:
                self._unknown.add(name)
                _log.warning(
                    "precedence speaks of %r, but no source is called so; there are: %s. Write one of these, or a "
                    'kind such as "pvs" for all of that kind',
                    name,
                    ", ".join(there) or "none",
                )

    def unmatched(self, known: Iterable[Known], tables: Mapping[str, Collection[str]]) -> None:
        """Entries of the configuration that speak of no known device: probably misspelt."""
        ids, lines = {BRIDGE_ID}, set()
        for entry in known:
            ids |= {entry.device.id, slug(entry.device.serial or "")}
            if entry.device.kind is Kind.BUS:
                lines.add(entry.device.id)
        for table, keys in tables.items():
            for key in sorted(set(keys) - ids):
                line, _, unit = key.rpartition("_")
                if line in lines and unit.isdecimal():
                    continue  # a unit that may be heard later, or has become known by its serial number
                _log.warning("%s speaks of %r, but no device has this serial number or id", table, key)

    def blocking(self, meters: Sequence[DeviceState]) -> None:
        """Meters that keep totals from being known, while others of their kind speak."""
        speaking = {state.device.kind for state in meters if state.online}
        silent = {s.key: s for s in meters if s.device.kind in METERS & speaking and not s.online}
        for device_id in sorted(silent.keys() - self._blocking):
            _log.warning(
                "%s is silent, so the totals that it is part of are not known; if it is gone for good, "
                'write retire = ["%s"] at the top of the configuration',
                silent[device_id].device.name,
                silent[device_id].device.serial,
            )
        self._blocking = frozenset(silent)
