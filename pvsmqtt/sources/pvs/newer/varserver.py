"""The newer interface: what ``/vars`` replies, as readings.

Layout (PVS6 from build 61840 of 2025, PVS5 from build 5408), as a list or, with ``fmt=obj``, as one object::

    {"values": [{"name": "/sys/info/sw_rev", "value": "2025.10.20.61846"}, …], "count": 38}
    {"/sys/info/sw_rev": "2025.10.20.61846", …}

Devices stand in it in one of two shapes, by firmware::

    "/sys/devices/inverter/0/freqHz": "59.970001"         <family>/<index>/<field>, every value is text
    "/sys/devices/21/inverter/data": {"freqHz": 60.01, …}    <number>/<family>/data, only valid fields

Rule: where the last element is ``data`` the value is an object with all fields; otherwise the last three are family,
index and field. An index may change with each start of the PVS, so that a device is known by its serial (``sn``)
alone. ``msmtEps`` is when it was measured, by the PVS's own clock; before the first measurement it is ``n/a`` and
numbers are 0. At night values stand still and ``msmtEps`` with them.

What each variable means stands in the tables of `variables`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pvsmqtt.model.device import SITE_ID, Device, Kind, default_name, slug
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import Reading, Value
from pvsmqtt.sources.pvs.identity import Key, ids, no_serial
from pvsmqtt.sources.pvs.newer.variables import (
    FAMILIES,
    HARDWARE,
    LIVE_DATA,
    METERS,
    MODEL,
    ORDER,
    PROPERTIES,
    SERIAL,
    SOFTWARE,
    STORAGE_SETTINGS,
    SUPERVISOR,
    UNKNOWN,
    Family,
    Table,
)
from pvsmqtt.sources.pvs.refusal import Refusal, Refused
from pvsmqtt.sources.pvs.values import instant, text

_DEVICES = "/sys/devices/"
_MAKER = "SunPower"
_UNLISTED = ("other", "OTHER", "unknown")

_FUTURE = 300.0
"""A measurement that claims to be newer than the reply by more than this many seconds has no believable time."""

_Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices of a reply: readings in a fixed order, the PVS's clock if it was told, the newest time of a
    measurement, what was left out and why, and the fields for which no table has a row (``family.field``)."""

    readings: tuple[Reading, ...]
    clock: datetime | None
    newest: datetime | None
    refused: Counter[Refusal]
    unmapped: frozenset[str]


def variables(payload: object) -> dict[str, object]:
    """Name -> raw value, out of either form of a reply; JSON within a text is unpacked.

    Raises:
        Refused: when it is neither form. Entries that are not well formed are left out.
    """
    if not isinstance(payload, dict):
        raise Refused(Refusal.WRONG_SHAPE, f"the reply is a JSON {type(payload).__name__}, not an object")
    entries = payload.get("values")
    if isinstance(entries, list):
        return {
            entry["name"]: _unpacked(entry["value"])
            for entry in entries
            if isinstance(entry, dict) and isinstance(entry.get("name"), str) and "value" in entry
        }
    found = {
        name: _unpacked(value) for name, value in payload.items() if isinstance(name, str) and name.startswith("/")
    }
    if payload and not found:
        raise Refused(Refusal.WRONG_SHAPE, "the reply holds no variables")
    return found


def decode(
    found: Mapping[str, object],
    source: str,
    site: str = SITE_ID,
    supervisor: str | None = None,
    clock: datetime | None = None,
    stale_after: float = 900.0,
    keep: float = 0.0,
) -> Devices:
    """Decode the devices among these variables, which hang on the device with the id ``supervisor``.

    ``clock`` is the PVS's own clock when it replied; where it is not known, the newest measurement of the reply
    stands for it. ``stale_after`` is the age in seconds from which a measurement is history; a younger one stands for
    the present until it is that old, and for ``keep`` seconds at least, so that one lost poll changes nothing.

    Raises nothing: what cannot be read is left out and counted.
    """
    refused: Counter[Refusal] = Counter()
    unmapped: set[str] = set()
    devices: dict[Key, tuple[str, Family, str, _Fields]] = {}
    for name, fields in _entries(found, refused, unmapped):
        serial = text(fields.get("sn"))
        if serial is None or no_serial(serial):
            refused[Refusal.NO_SERIAL] += 1
            continue
        family = _family(name, serial, fields)
        key = (family.kind, slug(serial))
        if key in devices:
            refused[Refusal.DUPLICATE_SERIAL] += 1
        devices[key] = (name, family, serial, fields)

    times = {key: instant(fields.get("msmtEps")) for key, (_, _, _, fields) in devices.items()}
    newest = max(filter(None, times.values()), default=None)
    replied_at = clock or newest
    readings = []
    for key, device_id in ids(_in_order(devices), filter(None, [supervisor])).items():
        name, family, serial, fields = devices[key]
        unmapped.update(_unmapped(name, family, fields))
        measured_at, age = _time(times[key], replied_at)
        values = _values(fields, family.table)
        refused.update(
            Refusal.UNLISTED_VALUE
            for quantity, value in values.items()
            if value in _UNLISTED and QUANTITIES[quantity].options
        )
        if measured_at is None:
            # As far as anybody knows these are the values of before the first measurement, and a counter is not 0.
            values = {quantity: value for quantity, value in values.items() if value != 0}
        device = Device(
            id=device_id,
            kind=family.kind,
            name=default_name(family.kind, serial),
            serial=serial,
            model=text(fields.get("prodMdlNm")),
            manufacturer=_MAKER,
            via=supervisor,
            site=site,
        )
        valid_for = 0.0 if age is None or age >= stale_after else max(stale_after - age, keep)
        readings.append(Reading(device, values, source, measured_at, age, valid_for))
    return Devices(tuple(readings), clock, newest, refused, frozenset(unmapped))


def supervisor(
    found: Mapping[str, object],
    source: str,
    site: str = SITE_ID,
    clock: datetime | None = None,
    serial: str | None = None,
    model: str | None = None,
    valid_for: float = 900.0,
) -> Reading | None:
    """The PVS itself; ``None`` without a serial number.

    ``serial`` and ``model`` stand in where the variables do not tell them. It is as of the reply: ``clock``.
    """
    number = text(found.get(SERIAL)) or text(serial)
    if number is None or no_serial(number):
        return None
    key = (Kind.SUPERVISOR, slug(number))
    device = Device(
        id=ids([key])[key],
        kind=Kind.SUPERVISOR,
        name=default_name(Kind.SUPERVISOR, number),
        serial=number,
        model=text(found.get(MODEL)) or text(model),
        manufacturer=_MAKER,
        sw_version=text(found.get(SOFTWARE)),
        hw_version=text(found.get(HARDWARE)),
        site=site,
    )
    return Reading(device, _values(found, SUPERVISOR), source, clock, 0.0, valid_for)


def storage_settings(found: Mapping[str, object]) -> dict[str, Value]:
    """What the owner chose for the storage: ``control_mode`` and ``reserve`` in %, as far as they are told."""
    return _values(found, STORAGE_SETTINGS)


def live(found: Mapping[str, object]) -> dict[str, object]:
    """The live data among these variables, raw, without the path before their names."""
    return {name.removeprefix(LIVE_DATA): value for name, value in found.items() if name.startswith(LIVE_DATA)}


def _unpacked(value: object) -> object:
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            unpacked: object = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return unpacked
    return value


def _entries(
    found: Mapping[str, object], refused: Counter[Refusal], unmapped: set[str]
) -> Iterable[tuple[str, _Fields]]:
    """Every device as the name of its family and its fields. Objects come first: of a device in both shapes the
    other one, which tells more, is the last and wins."""
    groups: dict[tuple[str, str], dict[str, object]] = {}
    for name, value in found.items():
        if not name.startswith(_DEVICES):
            continue
        path = name.removeprefix(_DEVICES).split("/")
        if len(path) != 3:
            unmapped.update(_named(".".join("*" if part.isdecimal() else part for part in path)))
        elif path[2] != "data":
            groups.setdefault((path[0], path[1]), {})[path[2]] = value
        elif isinstance(value, dict):
            yield path[1], value
        else:
            refused[Refusal.NOT_AN_OBJECT] += 1
    for (family, _), fields in groups.items():
        yield family, fields


def _family(name: str, serial: str, fields: _Fields) -> Family:
    if name == "meter":
        model = text(fields.get("prodMdlNm")) or ""
        return METERS.get(serial[-1:]) or METERS.get(model[-1:]) or FAMILIES[name]
    return FAMILIES.get(name, UNKNOWN)


def _in_order(keys: Iterable[Key]) -> list[Key]:
    """By kind as a device list has them, so that ids do not depend on the order of the variables."""
    rank = {kind: place for place, kind in enumerate(ORDER)}
    return sorted(keys, key=lambda key: (rank.get(key[0], -1), key[1]))


def _values(fields: _Fields, table: Table) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for field, quantity, convert in table:
        if field in fields and values.get(quantity) is None:
            values[quantity] = convert(fields[field])
    return values


def _unmapped(name: str, family: Family, fields: _Fields) -> Iterable[str]:
    known = PROPERTIES | family.silent | {field for field, _, _ in family.table}
    for field in fields:
        if field not in known:
            yield from _named(f"{name}.{field}")


def _named(name: str) -> Iterable[str]:
    """The name, if it can be shown."""
    if len(name) < 64 and name.isascii() and name.isprintable():
        yield name


def _time(measured_at: datetime | None, replied_at: datetime | None) -> tuple[datetime | None, float | None]:
    """When a device was measured, and its age in seconds when the PVS replied."""
    if measured_at is None or replied_at is None:
        return None, None
    age = (replied_at - measured_at) / timedelta(seconds=1)
    return (None, None) if age < -_FUTURE else (measured_at, max(0.0, age))
