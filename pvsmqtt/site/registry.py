"""The devices that are known, with every quantity they ever told. Survives restarts.

A panel that sleeps is still a device: its entities, its name and its place in the tree stay. The registry also
settles identity. A device keeps the id that it was given first, and where two kinds of device bear one serial
number, the one that came later appends its kind. A reply that does not say what kind of device it
speaks of makes no other device of it, and a device whose kind is learned late keeps its id. Where a source hears a
device itself (``cabinet_221``) is remembered as a fact of that device (`aliases` says how it is found out).

The file is written only when something new was learned, and as a whole (write, flush, rename), so that a power cut
leaves the old one or the new one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from pvsmqtt.model.device import BRIDGE_ID, SITE_ID, Device, Kind, slug
from pvsmqtt.model.quantity import QUANTITIES

UNSURE = frozenset({Kind.OTHER, Kind.METER})
"""Kinds that only say that the kind is not known."""

ALIKE = (
    frozenset({Kind.INVERTER, Kind.STORAGE_INVERTER}),
    frozenset({Kind.BMS, Kind.BATTERY}),
    frozenset({Kind.METER, Kind.PRODUCTION_METER, Kind.CONSUMPTION_METER}),
)
"""Kinds that what a device says of itself on a line does not tell apart."""

_MORE = frozenset({(Kind.STORAGE_INVERTER, Kind.INVERTER), (Kind.BMS, Kind.BATTERY)})
"""What is known and what is heard: the same, less of which was heard this time."""

HEARD_AS, PROVEN_AS = "heard as", "proven as"
"""Facts: the places on lines where a device is heard, and those that its own serial number proved. Where nothing is
proven there is mostly one."""

_RANK = {key: rank for rank, key in enumerate(QUANTITIES)}
_FORMAT = 1
_FIELDS = tuple(f.name for f in fields(Device))
G = TypeVar("G")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Known:
    """A device, the keys of its quantities, and facts learned of it that its readings do not always show."""

    device: Device
    quantities: set[str] = field(default_factory=set)
    facts: dict[str, str] = field(default_factory=dict)

    def ordered(self) -> list[str]:
        """Its quantities in the order of the table."""
        return sorted(self.quantities & _RANK.keys(), key=_RANK.__getitem__)


class Registry:
    """Devices by id. ``changes`` counts what was learned, so that one sees whether there is something to save.

    What is asked for with every reading is found without looking at all devices: one service may read many houses.
    """

    def __init__(self, known: Iterable[Known] = ()) -> None:
        self._known: dict[str, Known] = {}
        self._by_serial: dict[str, dict[Kind, str]] = {}
        self._by_place: dict[str, str] = {}
        self._by_site: dict[str, dict[str, Known]] = {}
        self._by_via: dict[str | None, dict[str, Known]] = {}
        self._placed: dict[str, Known] = {}
        self._sites: dict[str, Known] = {}
        self.changes = 0
        self.departures = 0
        """Counts whatever may have left a house without devices: devices that went or moved, houses that came."""
        for entry in known:
            self._add(entry)

    def __iter__(self) -> Iterator[Known]:
        return iter(self._known.values())

    def __len__(self) -> int:
        return len(self._known)

    def __getitem__(self, device_id: str) -> Known:
        return self._known[device_id]

    def __contains__(self, device_id: object) -> bool:
        return device_id in self._known

    def of_site(self, site: str) -> Collection[Known]:
        """The devices of a house, itself included, in the order of the registry."""
        return self._by_site.get(site, {}).values()

    def hanging_on(self, via: str | None) -> Collection[Known]:
        """The devices that hang on this one."""
        return self._by_via.get(via, {}).values()

    def at_places(self) -> Collection[Known]:
        """The devices that a source hears or reads itself."""
        return self._placed.values()

    def sites(self) -> Collection[Known]:
        """The houses as devices; one that is only just heard of may not be there yet."""
        return self._sites.values()

    def site_ids(self) -> Collection[str]:
        """The houses that have any device."""
        return self._by_site.keys()

    def identify(self, device: Device) -> str:
        """The id under which this device is known, or the one it shall get."""
        bearer = self.bearer(device)
        if bearer is not None:
            return bearer
        wanted = device.id if device.serial is None or device.place is None else slug(device.serial)
        if device.kind is Kind.BUS and wanted in (BRIDGE_ID, SITE_ID):
            return f"{wanted}_{device.kind}"
        holder = self._known.get(wanted)
        same = holder is None or holder.device.kind is device.kind or _nameless(holder.device, device)
        return wanted if same else f"{wanted}_{device.kind}"

    def bearer(self, device: Device) -> str | None:
        """The id of the device that is known to have its serial number."""
        bearers = self._by_serial.get(slug(device.serial or ""), {})
        if device.kind in bearers:
            return bearers[device.kind]
        for kind, device_id in bearers.items():
            if device.kind in UNSURE or kind in UNSURE:
                return device_id
            heard = device.place is not None or self._known[device_id].device.place is not None
            if heard and agree(kind, device.kind):
                return device_id
        return None

    def admit(self, device: Device, quantities: Iterable[str]) -> Known:
        """Learn of a device (under its settled id) and of quantities that it told. What it does not say this
        time stays as it was."""
        entry = self._known.get(device.id)
        if entry is None:
            entry = Known(device)
            self._add(entry)
            self.changes += 1
            _log.debug("new device: %s (%s)", device.name, device.id)
        else:
            merged = _merged(entry.device, device)
            if merged != entry.device:
                self._change(entry, merged)
                self.changes += 1
        new = {key for key in quantities if key in QUANTITIES} - entry.quantities
        if new:
            entry.quantities |= new
            self.changes += 1
        return entry

    def learn(self, device_id: str, fact: str, value: str) -> None:
        """Remember a fact of a device until it proves otherwise."""
        if self._known[device_id].facts.get(fact) != value:
            self._known[device_id].facts[fact] = value
            self.changes += 1

    def unlearn(self, device_id: str, fact: str) -> None:
        """It is not so any more."""
        if self._known[device_id].facts.pop(fact, None) is not None:
            self.changes += 1

    def forget(self, device_id: str) -> None:
        """A device that is none any more."""
        entry = self._known[device_id]
        self._forget_serial(entry)
        for place in self.places(device_id):
            self._by_place.pop(place, None)
        del self._known[device_id]
        self._leave(self._by_site, entry.device.site, entry)
        self._leave(self._by_via, entry.device.via, entry)
        self._placed.pop(device_id, None)
        self._sites.pop(device_id, None)
        self.changes += 1
        self.departures += 1

    def on_a_line(self, device_id: str) -> bool:
        """Whether no supervisor lists this device."""
        device = self._known[device_id].device
        if device.place is None or device.via is None:
            return False
        return device.via not in self._known or self._known[device.via].device.kind is Kind.BUS

    def heard_at(self, place: str) -> str | None:
        """The id of the device that is heard at this place of a line."""
        return self._by_place.get(place)

    def places(self, device_id: str) -> list[str]:
        """Where a device is heard; mostly nowhere."""
        facts = self._known[device_id].facts
        return [*facts.get(PROVEN_AS, "").split(), *facts.get(HEARD_AS, "").split()]

    def tie(self, device_id: str, place: str, proven: bool) -> None:
        """From now on what is heard at ``place`` is this device, ``proven`` by its serial number or not."""
        fact = PROVEN_AS if proven else HEARD_AS
        known = self._known[device_id].facts.get(fact, "").split()
        if self._by_place.get(place) == device_id and (not proven or place in known):
            return
        self.untie(place)
        self.learn(device_id, fact, " ".join([*known, place]))
        self._by_place[place] = device_id

    def untie(self, place: str) -> None:
        """Whoever was heard there is not, or not any more."""
        device_id = self._by_place.pop(place, None)
        if device_id is None:
            return
        for fact in (HEARD_AS, PROVEN_AS):
            left = [other for other in self._known[device_id].facts.get(fact, "").split() if other != place]
            if left:
                self.learn(device_id, fact, " ".join(left))
            else:
                self.unlearn(device_id, fact)

    def _add(self, entry: Known) -> None:
        device = entry.device
        self._known[device.id] = entry
        self._by_place.update((place, device.id) for place in self.places(device.id))
        self._by_site.setdefault(device.site, {})[device.id] = entry
        self._by_via.setdefault(device.via, {})[device.id] = entry
        self._note(entry)

    def _change(self, entry: Known, device: Device) -> None:
        """What is said of a device is this from now on."""
        before = entry.device
        self._forget_serial(entry)
        entry.device = device
        if before.site != device.site:
            self._leave(self._by_site, before.site, entry)
            self._by_site[device.site] = {e.device.id: e for e in self if e.device.site == device.site}
        if before.via != device.via:
            self._leave(self._by_via, before.via, entry)
            self._by_via.setdefault(device.via, {})[device.id] = entry
        self.departures += (before.site, before.kind) != (device.site, device.kind)
        if device.place is None:
            self._placed.pop(device.id, None)
        if device.kind is not Kind.SITE:
            self._sites.pop(device.id, None)
        self._note(entry)

    @staticmethod
    def _leave(groups: dict[G, dict[str, Known]], key: G, entry: Known) -> None:
        del groups[key][entry.device.id]
        if not groups[key]:
            del groups[key]

    def _note(self, entry: Known) -> None:
        device = entry.device
        if device.serial is not None:
            self._by_serial.setdefault(slug(device.serial), {})[device.kind] = device.id
        if device.place is not None:
            self._placed[device.id] = entry
        if device.kind is Kind.SITE:
            self.departures += device.id not in self._sites
            self._sites[device.id] = entry

    def _forget_serial(self, entry: Known) -> None:
        if entry.device.serial is not None:
            self._by_serial[slug(entry.device.serial)].pop(entry.device.kind, None)

    def document(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "format": _FORMAT,
            "devices": [
                {
                    **{name: getattr(entry.device, name) for name in _FIELDS},
                    "quantities": entry.ordered(),
                    "facts": dict(entry.facts),
                }
                for entry in self
            ],
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Registry:
        """The registry that `document` described.

        Raises:
            ValueError, KeyError, TypeError: when the document is none of ours.
        """
        if document["format"] != _FORMAT:
            raise ValueError(f"format {document['format']!r}")
        known = []
        for row in document["devices"]:
            device = Device(**{**{k: v for k, v in row.items() if k in _FIELDS}, "kind": Kind(row["kind"])})
            known.append(
                Known(
                    device,
                    {key for key in row["quantities"] if key in QUANTITIES},
                    {str(fact): str(value) for fact, value in row["facts"].items()},
                )
            )
        return cls(known)


def agree(one: Kind, other: Kind) -> bool:
    """Whether a device that is heard as the one may be the other."""
    return one is other or bool({one, other} & UNSURE) or any({one, other} <= kinds for kinds in ALIKE)


def _nameless(known: Device, said: Device) -> bool:
    """Whether both are the device at one place of a line: its kind may be learned late, or corrected."""
    return known.serial is None and known.place is not None and known.place == said.place


def _merged(known: Device, said: Device) -> Device:
    """What is known of a device, with what is said of it now; who does not know its kind does not name it either."""
    news = {f.name: getattr(said, f.name) for f in fields(said)}
    named_by_line = known.place is not None and said.place is None
    if said.kind is known.kind and slug(said.serial or "") == slug(known.serial or "") and not named_by_line:
        # A serial number that is spelt in capitals today and small tomorrow is still the same.
        news |= {"serial": known.serial, "name": known.name}
    if said.kind in UNSURE or (said.place is not None and (known.kind, said.kind) in _MORE):
        news |= {"kind": known.kind, "name": known.name, "manufacturer": known.manufacturer}
    return replace(known, **{name: value for name, value in news.items() if value is not None})


def load(path: Path) -> Registry:
    """The registry in a file; empty when there is none. A damaged file is set aside, never fatal."""
    try:
        return Registry.of(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return Registry()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.error(
            "the list of known devices in %s cannot be used (%s); it is set aside as %s.bad, and the devices will "
            "be learned again",
            path,
            error,
            path.name,
        )
        try:
            path.replace(path.with_name(path.name + ".bad"))
        except OSError as blocked:
            _log.error("it cannot be set aside either: %s", blocked)
        return Registry()
