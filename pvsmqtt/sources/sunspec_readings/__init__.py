"""What points of SunSpec models mean here.

=============  ==========================================================
`tables`       which quantity each point of a model gives; kinds of device
`conversions`  units, words and bit fields
`names`        what quantities are called where a unit is several things
=============  ==========================================================

A point that says "not implemented" gives ``None``, and one whose scale factor was never heard gives nothing.

Signs. Inverters: AC power + is generated, with storage + is discharging, as it is published. Meters (201 to 214): the
standard counts import as +, as it is published, though some makers turn it round. Batteries (802): the standard does
not say which way is +, so the charge status decides: whatever the number says, charging is published as −,
discharging as +; in every other state + is taken as discharging. The power that a battery asks for and the limits
that storage is told are published with the sign they have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from pvsmqtt.modbus.sunspec import Identity, Point
from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import Value
from pvsmqtt.sources.sunspec_readings.conversions import fields
from pvsmqtt.sources.sunspec_readings.names import BEHIND, BESIDE_INVERTER
from pvsmqtt.sources.sunspec_readings.tables import (
    DC_INPUTS,
    INVERTERS,
    ONCE,
    SEVERAL,
    TABLES,
    VENDOR_EVENTS,
    kind_of,
)

__all__ = ["facts", "kind", "readings", "tells", "wants"]

_GROUP = re.compile(r"\[\d+\]")
_DIRECTED = frozenset({"current", "power"})


def kind(models: Iterable[int]) -> Kind:
    """What a device is, by the models it has."""
    return kind_of(frozenset(models))


def wants(model: int, path: str) -> bool:
    """Whether `readings` looks at a point of a model, ``W`` or ``module[2].DCW``: of repeated groups all are looked
    at, or none."""
    return _GROUP.sub("[1]", path) in _wanted(model)


def tells(model: int) -> bool:
    """Whether anything of a model is published."""
    return bool(_wanted(model))


@cache
def _wanted(model: int) -> frozenset[str]:
    rows = {_GROUP.sub("[1]", path) for path, _, _ in TABLES.get(model, ())}
    return frozenset({*rows, *VENDOR_EVENTS.get(model, ())})


def readings(points: Iterable[Point]) -> tuple[Kind, dict[str, Value]]:
    """What one device tells, out of all its points (`SunSpecView.points`, limited to those that are fresh).

    Returns:
        Its kind, and values in canonical units by quantity; ``None`` is known to be unknown, what is absent is no
        news.
    """
    by_model: dict[int, dict[str, Point]] = {}
    repeated: set[int] = set()
    for point in points:
        path = f"{point.group}.{point.name}" if point.group else point.name
        first = by_model.setdefault(point.model, {}).setdefault(path, point)
        if point.model in ONCE and first.address != point.address:
            repeated.add(point.model)
    what = kind(by_model)
    with_inverter = not INVERTERS.isdisjoint(by_model)
    values: dict[str, Value] = {}
    for model in TABLES:
        if model in repeated:
            continue
        found = _told(model, by_model.get(model, {}))
        if with_inverter and model in BESIDE_INVERTER:
            found = _renamed(found, BESIDE_INVERTER[model])
        for key, value in found.items():
            if values.get(key) is None:
                values[key] = value
    if what is Kind.BMS:
        values |= _battery(by_model.get(802, {}), values)
    if 20001 in by_model:
        values = _renamed(values, BEHIND)
    return what, values


def facts(identity: Identity | None) -> dict[str, str]:
    """What model 1 says of the device, by the names of the fields of `pvsmqtt.model.device.Device`."""
    if identity is None:
        return {}
    found = {
        "manufacturer": identity.manufacturer,
        "model": identity.model,
        "sw_version": identity.version,
        "serial": identity.serial,
    }
    return {name: text for name, text in found.items() if text}


def _told(model: int, points: Mapping[str, Point]) -> dict[str, Value]:
    """The quantities of one model."""
    values: dict[str, Value] = {}
    several = SEVERAL.get(model)
    table = TABLES[model]
    if several is not None and any(path.startswith(several) for path in points):
        table = (*(row for row in table if "[1]" not in row[0]), *DC_INPUTS[model])
    for path, key, convert in table:
        point = points.get(path)
        if point is None or not point.scaled or values.get(key) is not None:
            continue
        values[key] = convert(point)
    vendor = [points.get(name) for name in VENDOR_EVENTS.get(model, ())]
    if any(vendor):
        values["vendor_events"] = fields(vendor)
    return values


def _battery(points: Mapping[str, Point], values: Mapping[str, Value]) -> dict[str, Value]:
    """Current and power with their sign; power is voltage × current where it cannot be read."""
    status = points["ChaSt"].value if "ChaSt" in points else None
    sign = {"CHARGING": -1, "DISCHARGING": 1}.get(str(status))
    found = {key: value for key, value in values.items() if key in _DIRECTED}
    current, voltage = found.get("current"), values.get("voltage")
    if found.get("power") is None and isinstance(current, int | float) and isinstance(voltage, int | float):
        found["power"] = round(current * voltage, 3)
    if sign is None:
        return found
    return {key: sign * abs(value) if isinstance(value, int | float) else value for key, value in found.items()}


def _renamed(values: Mapping[str, Value], names: Mapping[str, str | None]) -> dict[str, Value]:
    """Quantities by the names they have in this place; what is told by its own name wins."""
    found: dict[str, Value] = {}
    for key, value in values.items():
        name = names.get(key, key)
        if name is not None and (name == key or values.get(name) is None):
            found[name] = value
    return found
