"""A second reader of varserver replies, for comparison: shares neither tables nor conversions with the package.

It knows only what well-formed recordings hold: numbers as `Decimal`, never rounded; one table per family, from
the list of quantities.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pvsmqtt.sources.pvs.newer import varserver

REPOSITORY = Path(__file__).parents[2]
FIXTURES = REPOSITORY / "tests" / "fixtures" / "vars"
RECORDED = Path(os.environ.get("TEST_PAYLOADS") or REPOSITORY.parent / "shared" / "payloads")
WELL_FORMED = [FIXTURES / name for name in ("pvs6_fields_noon.json", "sunvault_fields.json")]
WELL_FORMED += sorted(RECORDED.glob("vars_*_fields_array.json")) + sorted(RECORDED.glob("vars_*_json_object.json"))

AC = "power=p3phsumKw*1000 frequency=freqHz"
METER = AC + " reactive_power=q3phsumKvar*1000 apparent_power=s3phsumKva*1000 power_factor=totPfRto voltage=v12V"
METER += " ct_rating=ctSclFctr"
TABLES = {
    "inverter": AC + " energy=ltea3phsumKwh voltage=vln3phavgV current=i3phsumA dc_power=pMppt1Kw*1000"
    " dc_voltage=vMppt1V dc_current=iMppt1A temperature=tHtsnkDegc",
    "production_meter": METER + " energy=netLtea3phsumKwh",
    "consumption_meter": METER + " net_energy=netLtea3phsumKwh import_energy=posLtea3phsumKwh"
    " export_energy=negLtea3phsumKwh power_l1=p1Kw*1000 power_l2=p2Kw*1000 current_l1=i1A current_l2=i2A"
    " voltage_l1=v1nV voltage_l2=v2nV",
    "ess": "power=p3phsumKw*1000 discharge_energy=posLtea3phsumKwh charge_energy=negLtea3phsumKwh"
    " state_of_charge=socVal*100 customer_state_of_charge=customerSocVal*100 state_of_health=sohVal*100"
    " battery_voltage=vBattV voltage_l1=v1nV voltage_l2=v2nV charge_power_limit=chrgLimitPmaxKw*1000"
    " discharge_power_limit=dischrgLimPmaxKw*1000 cell_voltage_min=minVBattCellV cell_voltage_max=maxVBattCellV"
    " cell_temperature_min=minTBattCellDegc cell_temperature_max=maxTBattCellDegc inverter_temperature=tInvtrDegc"
    " operating_mode=opMode!",
    "hub_plus": "grid_relay=midStEnum? pv_relay=pvd1StEnum? grid_relay_raw=midStEnum! pv_relay_raw=pvd1StEnum!"
    " temperature=tDegc grid_voltage_l1=v1nGridV grid_voltage_l2=v2nGridV voltage_l1=v1nV voltage_l2=v2nV"
    " supply_voltage=vSpplyV",
    "other": "power=p3phsumKw*1000 temperature=tDegc",
}
"""``quantity=field``, with its factor; ``!`` a text as it is, ``?`` a relay."""

KINDS = {"inverter": "inverter", "ess": "ess", "transfer_switch": "hub_plus", "thermostat": "other"}
KINDS |= {"meterp": "production_meter", "meterc": "consumption_meter"}


@dataclass
class Second:
    """What this reader makes of one device."""

    kind: str
    values: dict[str, Any]
    measured_at: datetime | None


def read(payload: Any) -> dict[str, Second]:
    """Devices by serial."""
    pairs = [(e["name"], e["value"]) for e in payload["values"]] if "values" in payload else payload.items()
    raw: dict[str, dict[str, Any]] = {}
    families: dict[str, str] = {}
    for name, value in pairs:
        if found := re.fullmatch("(/sys/devices/[0-9]+/([a-z_]+))/data", name):
            raw[found[1]] = value
            families[found[1]] = found[2]
        elif found := re.fullmatch("(/sys/devices/([a-z_]+)/[0-9]+)/([A-Za-z0-9]+)", name):
            raw.setdefault(found[1], {})[found[3]] = value
            families[found[1]] = found[2]
    devices = {}
    for place, fields in raw.items():
        if fields["sn"] == "n/a":
            continue
        family = families[place]
        kind = KINDS[family + fields["sn"][-1] if family == "meter" else family]
        told = fields["msmtEps"] != "n/a"
        measured_at = datetime.strptime(fields["msmtEps"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) if told else None
        values = dict(filter(None, (_value(rule, fields) for rule in TABLES[kind].split())))
        values = values if told else {key: value for key, value in values.items() if value}
        devices[f"{kind} {fields['sn']}"] = Second(kind, values, measured_at)
    return devices


def _value(rule: str, fields: dict[str, Any]) -> tuple[str, Any] | None:
    found = re.fullmatch(r"(\w+)=(\w+?)(?:\*(1000?)|([!?]))?", rule)
    assert found is not None
    quantity, field, factor, how = found.groups()
    if field not in fields:
        return None
    if how == "!":
        return quantity, fields[field]
    if how == "?":
        return quantity, "closed" if fields[field].endswith("_CLOSED") else "unknown"
    return quantity, Decimal(str(fields[field])) * Decimal(factor or 1)


def same(actual: object, expected: object) -> bool:
    """Whether a published value is the expected one within half of its seventh digit, or of a hundredth of a kWh."""
    if not isinstance(expected, Decimal):
        return actual == expected
    room = max(abs(expected) * Decimal("5.01e-7"), Decimal("0.000501"))
    if abs(expected) >= 100_000:
        room = Decimal("0.00501")
    return isinstance(actual, int | float) and abs(Decimal(repr(actual)) - expected) <= room


@pytest.mark.parametrize("path", WELL_FORMED, ids=lambda path: path.stem)
def test_a_second_reader_finds_the_same(path: Path) -> None:
    payload = json.loads(path.read_text(encoding="utf-8"))
    second = read(payload)
    reply = varserver.decode(varserver.variables(payload), "test", supervisor="zt")
    assert {f"{reading.device.kind.value} {reading.device.serial}" for reading in reply.readings} == second.keys()
    newest = max(device.measured_at for device in second.values() if device.measured_at is not None)
    for reading in reply.readings:
        name = f"{reading.device.kind.value} {reading.device.serial}"
        other = second[name]
        assert (name, reading.measured_at) == (name, other.measured_at)
        live = other.measured_at is not None and (newest - other.measured_at).total_seconds() < 900
        assert (name, reading.valid_for > 0) == (name, live)
        assert (name, reading.values.keys()) == (name, other.values.keys())
        wrong = {key: (value, other.values[key]) for key, value in reading.values.items()}
        assert {key: pair for key, pair in wrong.items() if not same(*pair)} == {}, name
