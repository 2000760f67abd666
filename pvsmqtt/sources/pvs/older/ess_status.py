"""The storage report: what ``dl_cgi/energy-storage-system/status`` replies, as readings.

Layout (2020 to 61839; the only place where the legacy interface tells power and charge of a battery)::

    {"ess_report": {
       "last_updated": "2022-12-10 22:00:01",
       "battery_status": [{"serial_number": "M001…", "last_updated": …, "system_state_of_charge": {…},
                           "battery_amperage": {"value": 9.0, "unit": "A"}, …}, …],
       "ess_status": [{"serial_number": "00001ABC1234_SY01…", "ess_meter_reading": {"agg_power": {…},
                       "meter_a": {"reading": {"current": {…}, "power": {…}, "voltage": {…}}}, "meter_b": …}, …}],
       "hub_plus_status": {"serial_number": "SY…", "contactor_position": "CLOSED", …},
       "inverter_status": [{"ac_power": {…}, …}],
       "ess_state": [{"operational_mode": "SELF_CONSUMPTION", "permission_to_operate": true, …}]},
     "errors": [{"error_name": "…", "last_occurrence": "…", …}]}

Older firmware has one ``state_of_charge`` per battery and ``ess_state`` as an object. Every part may be null or
absent, lists may be ``[null]``, and without storage ``ess_report`` is absent. One ESS is the rule; where there
are more, ``errors`` go to the first, and the first ``ess_state`` to the first, the second to the second.

Times are UTC by the PVS's clock. What each key means stands in the tables of `ess_types`, who is who in
`ess_identity`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pvsmqtt.model.device import SITE_ID, Device, Kind, slug
from pvsmqtt.model.reading import Reading, Value
from pvsmqtt.sources.pvs.older import ess_identity
from pvsmqtt.sources.pvs.older.ess_types import NOT_READINGS, PROPERTIES, SECTIONS, Row, Words, moment
from pvsmqtt.sources.pvs.refusal import Refusal
from pvsmqtt.sources.pvs.replies import succeeded, wrong_shape
from pvsmqtt.sources.pvs.values import text

Entry = Mapping[str, Any]

_LONGEST_SERIAL = 128
_DEEPEST = 6
"""Levels of an entry in which keys that no table has are looked for."""

_FUTURE = 300.0
"""A measurement that claims to be newer than the reply by more than this many seconds has no believable time."""


@dataclass(frozen=True, slots=True)
class Storage:
    """A decoded report: readings, one per device, the ESS first; what was left out and why, and the reading keys for
    which no table has a row (``battery_status.key``)."""

    readings: tuple[Reading, ...]
    refused: Counter[Refusal]
    unmapped: frozenset[str]


def decode(
    payload: object,
    source: str,
    site: str = SITE_ID,
    known: Iterable[Device] = (),
    clock: datetime | None = None,
    stale_after: float = 900.0,
    keep: float = 0.0,
) -> Storage:
    """Decode the JSON document of the reply.

    ``known`` are the devices that the DeviceList named: an entry that is one of them bears that very device. A
    device that is new here hangs on the ESS, and the ESS on the supervisor.
    ``clock`` is what the clock of the PVS shows, in UTC; without it the time of the report stands for it, else the
    newest time in it. ``stale_after`` and ``keep`` are seconds, as for the DeviceList. An entry without a time is
    as old as the report; one with a time that cannot be read or believed is of unknown age.

    Raises:
        Refused: when it is no such report at all. Bad entries are left out and counted instead.
    """
    reply = succeeded(payload, "ess_report")
    report = reply.get("ess_report")
    refused: Counter[Refusal] = Counter()
    unmapped = set(_names("reply", reply, {"ess_report", "errors", "result", "success"}))
    if report is None:
        return Storage((), refused, frozenset(unmapped))
    if not isinstance(report, dict):
        raise wrong_shape("report that is an object")
    unmapped.update(_names("ess_report", report, SECTIONS.keys() | NOT_READINGS))

    devices = {device.id: device for device in known}
    sections = {key: _entries(report.get(key), refused) for key in SECTIONS}
    sections["ess_status"] = _with_system(sections["ess_status"], reply, report, devices.values(), refused)
    times = _Times(moment(report.get("last_updated")), clock or _newest(report, sections), stale_after, keep)
    readings = []
    for key, entries in sections.items():
        kind, table = SECTIONS[key]
        for device, entry in _identify(kind, entries, devices, site, refused):
            measured_at, age = times.of(entry)
            valid_for = times.valid_for(age)
            values = _values(entry, table, refused, times if valid_for else None)
            readings.append(Reading(device, values, source, measured_at, age, valid_for))
            unmapped.update(_unmapped(key, entry, table))
    return Storage(tuple(readings), refused, frozenset(unmapped))


@dataclass(frozen=True, slots=True)
class _Times:
    """The time of the report, what the clock shows, and for how long a measurement stands for the present."""

    report: datetime | None
    now: datetime | None
    stale_after: float
    keep: float

    def of(self, entry: Entry) -> tuple[datetime | None, float | None]:
        """When an entry was measured, and its age in seconds."""
        raw = entry.get("last_updated")
        measured_at = self.report if text(raw) is None else moment(raw)
        age = self.age(measured_at)
        if age is not None and age < -_FUTURE:
            return None, None
        return measured_at, None if age is None else max(0.0, age)

    def age(self, when: datetime | None) -> float | None:
        """Seconds since then, negative in the future."""
        return None if when is None or self.now is None else (self.now - when).total_seconds()

    def valid_for(self, age: float | None) -> float:
        """For how many seconds a measurement of this age may stand for the present."""
        return 0.0 if age is None or age >= self.stale_after else max(self.stale_after - age, self.keep)


def _entries(raw: object, refused: Counter[Refusal]) -> list[Entry]:
    """The objects of a list, or the one object that stands in its place; nulls are nothing."""
    items = raw if isinstance(raw, list) else [raw]
    refused.update(Refusal.NOT_AN_OBJECT for item in items if item is not None and not isinstance(item, dict))
    return [item for item in items if isinstance(item, dict)]


def _with_system(
    entries: Sequence[Entry], reply: Entry, report: Entry, known: Iterable[Device], refused: Counter[Refusal]
) -> list[Entry]:
    """The entries of the ESS with what is told of the system: ``ess_state`` and ``errors``.

    Where no ESS has an entry, the only one that is known has an entry of its own for them.
    """
    states = _entries(report.get("ess_state"), refused)
    system: Entry = {
        **({"ess_state": None} if "ess_state" in report else {}),
        **({"errors": reply["errors"]} if "errors" in reply else {}),
    }
    if not entries and (states or reply.get("errors")) and sum(device.kind is Kind.ESS for device in known) == 1:
        entries = [{}]
    told: list[Entry] = [{**entry, **(system if at == 0 else {})} for at, entry in enumerate(entries)]
    return [{**entry, "ess_state": states[at]} if at < len(states) else entry for at, entry in enumerate(told)]


def _identify(
    kind: Kind, entries: Sequence[Entry], devices: dict[str, Device], site: str, refused: Counter[Refusal]
) -> Iterator[tuple[Device, Entry]]:
    """Each entry with its device; new ones are added to ``devices``. Of entries with one serial the last counts."""
    told: dict[str, tuple[str, Entry]] = {}
    for position, entry in enumerate(entries):
        serial = text(entry.get("serial_number")) or ""
        name = slug(serial) if len(serial) <= _LONGEST_SERIAL else ""
        if name in told:
            refused[Refusal.DUPLICATE_SERIAL] += 1
        told[name or f"?{position}"] = (serial if name else "", entry)
    via = _hangs_on(kind, devices.values())
    found = ess_identity.match(kind, [slug(serial) for serial, _ in told.values()], devices.values())
    for device, (serial, entry) in zip(found, told.values(), strict=True):
        if device is None and not serial:
            refused[Refusal.NO_SERIAL] += 1
            continue
        device = device or ess_identity.new_device(kind, serial, devices, via, site)
        devices[device.id] = device
        yield device, entry


def _hangs_on(kind: Kind, devices: Iterable[Device]) -> str | None:
    """What a new device of this kind hangs on: the ESS, where there is no other ESS, else the supervisor."""
    everything = list(devices)
    storages = [device.id for device in everything if device.kind is Kind.ESS]
    if kind is not Kind.ESS and len(storages) == 1:
        return storages[0]
    return next((device.id for device in everything if device.kind is Kind.SUPERVISOR), None)


def _values(entry: Entry, table: Sequence[Row], refused: Counter[Refusal], times: _Times | None) -> dict[str, Value]:
    """What the rows find. In a live entry (with ``times``) a part that is history by its own time is unknown."""
    values: dict[str, Value] = {}
    for path, quantity, convert in table:
        found = _at(entry, path)
        if found is None or values.get(quantity) is not None:
            continue
        raw, when = found
        history = times is not None and when is not None and not times.valid_for(times.age(when))
        values[quantity] = None if history else convert(raw)
        if values[quantity] is not None and isinstance(convert, Words) and not convert.lists(raw):
            refused[Refusal.UNLISTED_VALUE] += 1
    return values


def _at(entry: Entry, path: str) -> tuple[object, datetime | None] | None:
    """What stands at this path, out of ``{value, unit}`` if it is one, and the time of the part that it stands in.

    ``None`` where nothing is told; a part that is null tells that all in it is unknown.
    """
    node: object = entry
    when = None
    for depth, key in enumerate(path.split(".")):
        if not isinstance(node, dict):
            return None, when
        if depth:
            when = moment(node.get("last_updated")) or when
        if key not in node:
            return None
        node = node[key]
    return node.get("value") if isinstance(node, dict) else node, when


def _newest(report: Entry, sections: Mapping[str, Sequence[Entry]]) -> datetime | None:
    own = moment(report.get("last_updated"))
    times = (moment(entry.get("last_updated")) for entries in sections.values() for entry in entries)
    return own or max(filter(None, times), default=None)


def _unmapped(section: str, entry: Entry, table: Sequence[Row]) -> Iterator[str]:
    """Paths of readings for which the table has no row; a part that has one is looked into."""
    mapped = {path for path, _, _ in table}
    parts = {path.rsplit(".", up)[0] for path in mapped for up in range(1, path.count(".") + 1)}
    todo = [(key, value) for key, value in entry.items() if isinstance(key, str)]
    while todo:
        path, value = todo.pop()
        if path in mapped or path.rsplit(".", 1)[-1] in PROPERTIES:
            continue
        if isinstance(value, dict) and "value" not in value and path.count(".") < _DEEPEST:
            todo += [(f"{path}.{key}", inner) for key, inner in value.items() if isinstance(key, str)]
        elif path not in parts:
            yield from _names(section, {path: value}, ())


def _names(where: str, told: Entry, mapped: Iterable[str]) -> Iterator[str]:
    listed = set(mapped)
    for key in told:
        if key not in listed and isinstance(key, str) and len(key) < 64 and key.isascii() and key.isprintable():
            yield f"{where}.{key}"
