"""Who it is that a line hears: unit 221 on the bus is the MIO with the serial number SY…

A device on an RS-485 line mostly tells a unit number and no serial number; the supervisor of the same bus tells the
serial numbers, and of each the unit and its interface. What is heard at a place (``cabinet_221``) is, in this order,

1. the device that was found to be there before; that is remembered over restarts;
2. the one device of the same house with this unit on a bus of the same kind (unit 230 exists on the RS-485 bus and
   behind the gateway: two devices), of a kind that does not speak against it;
3. where the supervisor tells no units (newer firmware): the one device of this kind in the house, if it is of a kind
   that sits on the bus.

A serial number that a device tells itself (SunSpec model 1) goes before all of that, if another device bears it. One
that nobody bears is another name of the device that is there by 1 or 2 (`names`), unless it contradicts what was told
there before: then the device was exchanged. Where there is more than one answer there is none: both stay what they
are.

On a serial line a device is found at one place only, so that another line with the same unit number does not get it
too. A gateway may be read over the network and heard there at once: what has the unit of the one device that is
listed behind it is that device at every such place, as long as no other name is told there. Pure: all that is known
stands in the registry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from pvsmqtt.model.device import Device, Kind, Transport, slug, transport
from pvsmqtt.site import names
from pvsmqtt.site.names import Name
from pvsmqtt.site.registry import HEARD_AS, Known, Registry, agree
from pvsmqtt.site.replaced import REPLACED

ON_THE_BUS: dict[Kind, Transport] = {
    Kind.HUB_PLUS: "rtu",
    Kind.MIO: "rtu",
    Kind.PV_DISCONNECT: "rtu",
    Kind.GATEWAY: "sunspec",
    Kind.STORAGE_INVERTER: "sunspec",
    Kind.BMS: "sunspec",
}
"""Kinds of which a house mostly has one, and the bus on which a supervisor has them."""

TOLD_BY = "told by"
"""Fact of a line: the sources that hear it, one in each row."""

SHARED: Transport = "sunspec"
"""What is spoken where several may listen or ask at once."""


class Aliases:
    """Finds out who is heard where, over a registry that remembers it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._settled_at = -1

    def identify(self, device: Device, source: str) -> str:
        """The id under which a device of a reading is known, or the one it shall get."""
        owner = None
        if anonymous(device):
            owner = self.owner(device)
        elif device.place is not None:
            owner = self._registry.bearer(device) or self._named(device, source)
        return owner or self._registry.identify(device)

    def proven(self, device_id: str, heard: Device, source: str) -> None:
        """A device told its serial number at its place: next time it is known there, and by that name."""
        told = names.of(heard, source)
        if told is not None:
            self._registry.tie(device_id, told.place, proven=True)
            names.remember(self._registry, device_id, [told])

    def owner(self, heard: Device) -> str | None:
        """The id of the device that is heard at its place without a serial number; ``None``: nobody knows (yet)."""
        place = heard.place
        if place is None:
            return None
        tied = self._registry.heard_at(place)
        if tied is not None:
            known = self._registry[tied]
            if place not in known.facts.get(HEARD_AS, "").split() or _still(known.device, heard):
                return tied
            self._registry.untie(place)
        found = self._by_unit(heard) or self._by_kind(heard)
        if len(found) != 1 or self._rivals(heard, found[0].device):
            return None
        self._registry.tie(found[0].device.id, place, proven=False)
        return found[0].device.id

    def settle(self) -> list[tuple[Device, str]]:
        """Devices known by their places alone, or by names that nobody else knows, of which it has become known who
        they are, each with the id of that device. Looks only when something was learned since the last time."""
        if self._registry.changes == self._settled_at:
            return []
        found = []
        for entry in list(self._registry.at_places()):
            owner = self.owner(entry.device) if anonymous(entry.device) else self._listed_as(entry)
            if owner is not None and owner != entry.device.id:
                found.append((entry.device, owner))
        self._settled_at = self._registry.changes
        return found

    def adopted(self, heard: str, owner: str) -> list[Known]:
        """What hung on a place hangs on the device that is there."""
        return [
            self._registry.admit(replace(entry.device, via=owner), ())
            for entry in list(self._registry.hanging_on(heard))
        ]

    def told_by(self, line: str, source: str) -> None:
        """Remember that a source hears a line."""
        known = self._registry[line].facts.get(TOLD_BY, "").splitlines()
        if source not in known:
            self._registry.learn(line, TOLD_BY, "\n".join([*known, source]))

    def lines_without(self, sources: Collection[str]) -> list[Device]:
        """Lines that none of these sources hears, with what was known by its place on them alone. Who was heard there
        may be heard elsewhere now; who proved it by a serial number would be there again."""
        gone = []
        for line in [entry for entry in self._registry if entry.device.kind is Kind.BUS]:
            told_by = line.facts.get(TOLD_BY, "").splitlines()
            left = [teller for teller in told_by if any(f"{teller} ".startswith(f"{source} ") for source in sources)]
            if left:
                self._registry.learn(line.device.id, TOLD_BY, "\n".join(left))
                continue
            gone += [e.device for e in self._registry if anonymous(e.device) and e.device.via == line.device.id]
            gone.append(line.device)
            for entry in self._registry:
                for place in entry.facts.get(HEARD_AS, "").split():
                    if place.rpartition("_")[0] == line.device.id:
                        self._registry.untie(place)
        return gone

    def _named(self, device: Device, source: str) -> str | None:
        """The device that has told a serial number under which nobody is listed, if it is known who that is."""
        told = names.of(device, source)
        known = names.bearer(self._registry, device)
        if told is None or known is not None:
            return known
        there = self._registry.heard_at(told.place)
        if there is not None and self._registry[there].device.serial is not None:
            entry = self._registry[there]
            if _same_unit(entry.device, device) and not names.contradict(entry, told):
                return there
        return self._by_unit_and_name(device, [told])

    def _listed_as(self, entry: Known) -> str | None:
        """The listed device that one is which has told a name of its own at its place on a line."""
        device = entry.device
        if device.serial is None or device.place is None or not self._registry.on_a_line(device.id):
            return None
        if self._registry.heard_at(device.place) != device.id:
            return None
        told = list(names.of_known(entry))
        owner = self._by_unit_and_name(device, told)
        if owner is not None:
            for place in self._registry.places(device.id):
                self._registry.tie(owner, place, proven=True)
            names.remember(self._registry, owner, told)
        return owner

    def _by_unit_and_name(self, heard: Device, told: Collection[Name]) -> str | None:
        found = self._by_unit(heard)
        if len(found) != 1 or not self._is_listed(found[0]):
            return None
        if any(names.contradict(found[0], name) for name in told) or self._rivals(heard, found[0].device):
            return None
        return found[0].device.id

    def _by_unit(self, heard: Device) -> list[Known]:
        if transport(heard.interface) != SHARED:
            return [entry for entry in self._free(heard.site) if _same_unit(entry.device, heard)]
        return [e for e in self._bearers(heard.site) if self._is_listed(e) and _same_unit(e.device, heard)]

    def _is_listed(self, entry: Known) -> bool:
        return not self._registry.on_a_line(entry.device.id)

    def _by_kind(self, heard: Device) -> list[Known]:
        if heard.kind not in ON_THE_BUS or ON_THE_BUS[heard.kind] != transport(heard.interface):
            return []
        of_kind = [entry for entry in self._bearers(heard.site) if entry.device.kind is heard.kind]
        alone = len(of_kind) == 1 and of_kind[0].device.modbus_unit is None
        return [entry for entry in self._free(heard.site) if alone and entry is of_kind[0]]

    def _rivals(self, heard: Device, wanted: Device) -> bool:
        """Whether another place has a device that could as well be the wanted one. Where several may ask at once,
        only one that has told another name is another device."""
        shared = transport(heard.interface) == SHARED and wanted.modbus_unit is not None
        for entry in self._registry.at_places():
            other = entry.device
            if other.place == heard.place or other.id in (heard.id, wanted.id):
                continue
            if not anonymous(other) and not (shared and self._registry.on_a_line(other.id)):
                continue
            if shared and slug(other.serial or "") in ("", slug(heard.serial or "")):
                continue
            if wanted.modbus_unit is not None and _same_unit(wanted, other):
                return True
            if wanted.modbus_unit is None and (other.kind, other.site) == (wanted.kind, wanted.site):
                return True
        return False

    def _bearers(self, site: str) -> Iterable[Known]:
        """Devices with a serial number that are there."""
        for entry in self._registry.of_site(site):
            if entry.device.serial is not None and REPLACED not in entry.facts:
                yield entry

    def _free(self, site: str) -> Iterable[Known]:
        """Those that are heard nowhere yet."""
        return (entry for entry in self._bearers(site) if not self._registry.places(entry.device.id))


def anonymous(device: Device) -> bool:
    """Whether it is known by its place on a line alone."""
    return device.serial is None and device.place is not None


def beside(known: Device, heard: Device) -> Device:
    """A device that a supervisor lists, with what only its line tells of it."""
    return replace(
        known,
        model=known.model or heard.model,
        manufacturer=known.manufacturer or heard.manufacturer,
        sw_version=known.sw_version or heard.sw_version,
        hw_version=known.hw_version or heard.hw_version,
    )


def _same_unit(known: Device, heard: Device) -> bool:
    return (
        known.modbus_unit == heard.modbus_unit
        and known.site == heard.site
        and transport(known.interface) == transport(heard.interface)
        and agree(known.kind, heard.kind)
    )


def _still(known: Device, heard: Device) -> bool:
    """Whether nothing that was learned since speaks against it."""
    return known.site == heard.site and known.modbus_unit in (None, heard.modbus_unit)
