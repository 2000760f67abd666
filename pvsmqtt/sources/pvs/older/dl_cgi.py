"""The legacy interface: what ``dl_cgi?Command=DeviceList`` replies, as readings.

Layout (firmware 4150 of 2019 to 61839 of 2025; the same from ``dl_cgi/devices/list``)::

    {"devices": [{"DETAIL": "detail", "SERIAL": "ZT…", "DEVICE_TYPE": "PVS", "SWVER": "2025.06, Build 61839",
                  "DATATIME": "2025,07,20,17,25,39", "CURTIME": "2025,07,20,18,03,33", "dl_uptime": "10599", …},
                 {"SERIAL": "PVS6M…p", "TYPE": "PVS5-METER-P", "p_3phsum_kw": "8.0855", …},
                 {"SERIAL": "E0012…", "DEVICE_TYPE": "Inverter", "STATE": "working", …}, …],
     "result": "succeed"}

Upper-case keys are properties, lower-case keys readings, and every reading is text. ``DATATIME`` (``DATETIME``
in some firmware) is when it was measured, ``CURTIME`` when it was sent, both UTC by the PVS's own clock: their
difference is the age, whatever that clock shows. At night inverters go to ``STATE`` ``error`` and keep, lose or
freeze their readings, depending on firmware: ``DATATIME`` tells live from dead, ``STATE`` does not.

What each key means stands in the tables of `device_types`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pvsmqtt.model.device import SITE_ID, Device, Kind, default_name, slug
from pvsmqtt.model.quantity import STATES
from pvsmqtt.model.reading import Reading, Value
from pvsmqtt.sources.pvs.identity import ids, no_serial
from pvsmqtt.sources.pvs.older.device_types import (
    METERS,
    NOT_COUNTERS_OF_A_GROSS_METER,
    PROPERTIES,
    TYPES,
    UNKNOWN,
    Table,
    Type,
)
from pvsmqtt.sources.pvs.refusal import Refusal, Refused
from pvsmqtt.sources.pvs.values import moment, option, text

_STATE = option(STATES)

_FUTURE = 300.0
"""A measurement that claims to be newer than the reply by more than this many seconds has no believable time."""


@dataclass(frozen=True, slots=True)
class DeviceList:
    """A decoded reply: readings in the order of the list, the PVS's clock when it sent the last of them, what was
    left out and why, and the reading keys for which no table has a row (``DEVICE_TYPE.key``)."""

    readings: tuple[Reading, ...]
    clock: datetime | None
    refused: Counter[Refusal]
    unmapped: frozenset[str]


def decode(
    payload: object, source: str, site: str = SITE_ID, stale_after: float = 900.0, keep: float = 0.0
) -> DeviceList:
    """Decode the JSON document of a DeviceList reply.

    ``stale_after`` is the age in seconds from which a measurement is history; a younger one stands for the
    present until it is that old, and for ``keep`` seconds at least, so that one lost poll changes nothing.

    Raises:
        Refused: when it is not a device list at all. Bad entries are left out and counted instead.
    """
    entries = _entries(payload)
    refused: Counter[Refusal] = Counter()
    unmapped: set[str] = set()
    clock: datetime | None = None
    found: dict[tuple[Kind, str], tuple[Mapping[str, Any], Type, str]] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            refused[Refusal.NOT_AN_OBJECT] += 1
            continue
        clock = max(filter(None, (clock, moment(entry.get("CURTIME")))), default=None)
        serial = text(entry.get("SERIAL"))
        if serial is None or no_serial(serial):
            refused[Refusal.NO_SERIAL] += 1
            continue
        kind = _type(entry, serial)
        if (kind.kind, slug(serial)) in found:
            refused[Refusal.DUPLICATE_SERIAL] += 1
        found[kind.kind, slug(serial)] = (entry, kind, serial)

    known = ids(found)
    supervisor = next((known[key] for key in found if key[0] is Kind.SUPERVISOR), None)
    readings = []
    for key, (entry, type_, serial) in found.items():
        values = _values(entry, type_.table, refused)
        unmapped.update(_unmapped(entry, type_.table))
        via = supervisor if key[0] is not Kind.SUPERVISOR else None
        parent = slug(text(entry.get("PARENT")) or "")
        if parent and (Kind.ESS, parent) in known and key[0] is not Kind.ESS:
            via = known[Kind.ESS, parent]
        device = replace(_device(entry, type_, serial, known[key]), via=via, site=site)
        measured_at, age = _time(entry, type_, clock)
        valid_for = 0.0 if age is None or age >= stale_after else max(stale_after - age, keep)
        readings.append(Reading(device, values, source, measured_at, age, valid_for))
    return DeviceList(tuple(readings), clock, refused, frozenset(unmapped))


def _entries(payload: object) -> Sequence[object]:
    if not isinstance(payload, dict):
        raise Refused(Refusal.WRONG_SHAPE, f"the reply is a JSON {type(payload).__name__}, not an object")
    result = payload.get("result")
    if result != "succeed":
        said = text(payload.get("msg")) or text(payload.get("error")) or text(payload.get("description"))
        if "devices" not in payload or result is not None:
            raise Refused(Refusal.NOT_SUCCEED, f"the PVS says {(said or f'result {result!r}')[:80]!r}")
    entries = payload.get("devices")
    if not isinstance(entries, list):
        raise Refused(Refusal.WRONG_SHAPE, "the reply has no list of devices")
    return entries


def _type(entry: Mapping[str, Any], serial: str) -> Type:
    name = text(entry.get("DEVICE_TYPE")) or ""
    if name != "Power Meter":
        return TYPES.get(name, UNKNOWN)
    known = METERS.get(text(entry.get("TYPE")) or "")
    by_serial = {"p": "PVS5-METER-P", "c": "PVS5-METER-C"}.get(serial[-1:])
    return known or (METERS[by_serial] if by_serial else TYPES[name])


def _device(entry: Mapping[str, Any], type_: Type, serial: str, device_id: str) -> Device:
    unit = entry.get("slave")
    return Device(
        id=device_id,
        kind=type_.kind,
        name=default_name(type_.kind, serial),
        serial=serial,
        model=text(entry.get("MODEL")),
        panel=text(entry.get("PANEL")),
        manufacturer=type_.maker,
        sw_version=text(entry.get("SWVER")),
        hw_version=text(entry.get("hw_version")) or text(entry.get("HWVER")),
        modbus_unit=unit if isinstance(unit, int) and not isinstance(unit, bool) else None,
        interface=text(entry.get("interface")),
    )


def _values(entry: Mapping[str, Any], table: Table, refused: Counter[Refusal]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    state = _STATE(entry.get("STATE"))
    if state is not None:
        values["state"] = state
    for key, (quantity, convert) in table.items():
        if key in entry and values.get(quantity) is None:
            values[quantity] = convert(entry[key])
    refused.update(Refusal.UNLISTED_VALUE for value in values.values() if value == "other")
    if str(values.get("meter_type", "")).startswith("gross_consumption"):
        for quantity in NOT_COUNTERS_OF_A_GROSS_METER:
            values.pop(quantity, None)
    return values


def _unmapped(entry: Mapping[str, Any], table: Table) -> set[str]:
    kind = text(entry.get("DEVICE_TYPE")) or "?"
    return {
        f"{kind}.{key}"
        for key in entry
        if key not in table
        and key not in PROPERTIES
        and not key.isupper()
        and len(key) < 64
        and key.isascii()
        and key.isprintable()
    }


def _time(entry: Mapping[str, Any], type_: Type, clock: datetime | None) -> tuple[datetime | None, float | None]:
    """When an entry was measured, and its age in seconds when it was sent."""
    measured_at = moment(entry.get("DATATIME")) or moment(entry.get("DATETIME"))
    sent_at = moment(entry.get("CURTIME")) or clock
    if type_.kind is Kind.SUPERVISOR or (measured_at is None and not type_.timed):
        return measured_at or sent_at, 0.0
    if measured_at is None or sent_at is None:
        # Without times only the supervisor's own word is left: "working" was measured now, "error" who knows when.
        return (measured_at or sent_at, 0.0) if _STATE(entry.get("STATE")) == "working" else (measured_at, None)
    age = (sent_at - measured_at).total_seconds()
    return (None, None) if age < -_FUTURE else (measured_at, max(0.0, age))
