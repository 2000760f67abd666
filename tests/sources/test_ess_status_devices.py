"""Which device an entry of the storage report is."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from pvsmqtt.model.device import Device, Kind, default_name, slug
from pvsmqtt.sources.pvs.older import ess_status
from pvsmqtt.sources.pvs.refusal import Refusal

FIXTURE = Path(__file__).parents[1] / "fixtures" / "ess" / "later_form_charging.json"
REPORT = json.loads(FIXTURE.read_text(encoding="utf-8"))
PVS = Device("zt1", Kind.SUPERVISOR, "PVS", "ZT1")
ESS_SERIAL = "00002XYZ0001_SY21500001002AB0002"


def known(kind: Kind, serial: str | None, device_id: str | None = None, via: str | None = "zt1") -> Device:
    """A device as the DeviceList names it."""
    name = default_name(kind, serial or "?")
    return Device(device_id or slug(serial or "?"), kind, name, serial, model="from the list", via=via)


def report(section: str, *serials: str | None) -> dict[str, Any]:
    """A report of one section, with entries of these serial numbers."""
    sample = copy.deepcopy(REPORT["ess_report"][section])
    entry = sample[0] if isinstance(sample, list) else sample
    entries = [{**entry, "serial_number": serial} for serial in serials]
    return {"ess_report": {"last_updated": REPORT["ess_report"]["last_updated"], section: entries}}


def devices(payload: Any, *listed: Device) -> list[Device]:
    return [reading.device for reading in ess_status.decode(payload, "test", known=listed).readings]


def ids(payload: Any, *listed: Device) -> list[str]:
    return [device.id for device in devices(payload, *listed)]


def test_the_same_serial_is_the_very_device() -> None:
    listed = [
        PVS,
        known(Kind.MIO, "SY21500001002AB0002"),
        known(Kind.HUB_PLUS, "SY21500001002AB0002", "sy21500001002ab0002_hub_plus"),
        known(Kind.STORAGE_INVERTER, "00002xyz-0001", "old_id"),
        known(Kind.ESS, ESS_SERIAL),
        known(Kind.BATTERY, "M00221301A0102", via=slug(ESS_SERIAL)),
        known(Kind.BATTERY, "M00221301A0101", via=slug(ESS_SERIAL)),
    ]
    listed[3] = known(Kind.STORAGE_INVERTER, "00002xyz0001", "old_id")
    found = devices(REPORT, *listed)
    assert found == [listed[4], listed[2], listed[3], listed[6], listed[5]]


@pytest.mark.parametrize(
    ("told", "listed"),
    [
        (ESS_SERIAL, "00002XYZ0001_SY2150"),
        ("00002XYZ0001_SY2150", ESS_SERIAL),
        ("00002XYZ0001", ESS_SERIAL),
    ],
)
def test_a_cut_serial_of_an_ess_is_found_by_its_beginning(told: str, listed: str) -> None:
    others = [known(Kind.ESS, "99999ABC0001_SY1")]
    assert ids(report("ess_status", told), known(Kind.ESS, listed), *others) == [slug(listed)]


def test_a_beginning_that_fits_two_proves_nothing() -> None:
    listed = [known(Kind.ESS, "00002XYZ0001_SY1"), known(Kind.ESS, "00002XYZ0001_SY2")]
    assert ids(report("ess_status", "00002XYZ0001"), *listed) == ["00002xyz0001"]
    both = report("ess_status", "00002XYZ0001_SY1", "00002XYZ0001_SY2")
    assert ids(both, known(Kind.ESS, "00002XYZ0001"), known(Kind.ESS, "7")) == [
        "00002xyz0001_sy1",
        "00002xyz0001_sy2",
    ]


def test_an_exact_serial_goes_before_a_beginning() -> None:
    listed = [known(Kind.ESS, "00002XYZ0001"), known(Kind.ESS, "00002XYZ0001_SY2")]
    both = report("ess_status", "00002XYZ0001_SY2_MORE", "00002XYZ0001")
    assert ids(both, *listed) == ["00002xyz0001_sy2", "00002xyz0001"]


def test_a_short_beginning_proves_nothing() -> None:
    assert ids(report("ess_status", "0"), known(Kind.ESS, "00002XYZ"), known(Kind.ESS, "1")) == ["0"]


def test_only_an_ess_is_found_by_its_beginning() -> None:
    listed = [known(Kind.BATTERY, "M00221301A0101"), known(Kind.BATTERY, "M0")]
    assert ids(report("battery_status", "M00221301A01"), *listed) == ["m00221301a01"]


@pytest.mark.parametrize("section", ["ess_status", "hub_plus_status", "inverter_status", "battery_status"])
@pytest.mark.parametrize("serial", ["SOMETHING-ELSE", "", None, "n/a", "x" * 200])
def test_the_only_one_is_the_only_one(section: str, serial: str | None) -> None:
    kind = {
        "ess_status": Kind.ESS,
        "hub_plus_status": Kind.HUB_PLUS,
        "inverter_status": Kind.STORAGE_INVERTER,
        "battery_status": Kind.BATTERY,
    }[section]
    device = known(kind, "LISTED-1")
    assert devices(report(section, serial), PVS, known(Kind.BMS, "B1"), device) == [device]


def test_two_are_not_the_only_one() -> None:
    device = known(Kind.BATTERY, "LISTED-1")
    assert ids(report("battery_status", "A", "B"), device) == ["a", "b"]
    assert ids(report("battery_status", "A"), device, known(Kind.BATTERY, "LISTED-2")) == ["a"]


def test_batteries_without_serials_go_by_their_place() -> None:
    listed = [known(Kind.BATTERY, name) for name in ("B1", "B2", "B3")]
    assert ids(report("battery_status", "", None, "n/a"), *listed) == ["b1", "b2", "b3"]
    assert ids(report("battery_status", "", "B1", ""), *listed) == ["b2", "b1", "b3"]
    found = ess_status.decode(report("battery_status", "", ""), "test", known=listed)
    assert (found.readings, found.refused) == ((), {Refusal.NO_SERIAL: 2})
    found = ess_status.decode(report("battery_status", "", "", "NEW"), "test", known=listed)
    assert [reading.device.id for reading in found.readings] == ["new"]
    assert found.refused == {Refusal.NO_SERIAL: 2}


def test_nothing_but_batteries_goes_by_its_place() -> None:
    listed = [known(Kind.STORAGE_INVERTER, name) for name in ("I1", "I2")]
    assert ids(report("inverter_status", "", ""), *listed) == []


def test_what_has_no_serial_and_no_match_is_left_out() -> None:
    found = ess_status.decode(report("battery_status", "", "M1", "n/a", "//", "y" * 129), "test")
    assert [reading.device.id for reading in found.readings] == ["m1"]
    assert found.refused == {Refusal.NO_SERIAL: 4}


def test_of_two_with_one_serial_the_last_counts() -> None:
    payload = report("battery_status", "M1", "m-1", "M1")
    payload["ess_report"]["battery_status"][2]["battery_voltage"] = 48
    found = ess_status.decode(payload, "test")
    assert [(reading.device.id, reading.values["voltage"]) for reading in found.readings] == [
        ("m1", 48),
        ("m_1", 53.1),
    ]
    assert found.refused == {Refusal.DUPLICATE_SERIAL: 1}


def test_a_serial_that_is_an_id_already_gets_its_kind() -> None:
    payload = report("battery_status", "SY1", "Bridge")
    assert ids(payload, known(Kind.MIO, "SY1")) == ["sy1_battery", "bridge_battery"]


def test_a_new_device_hangs_on_the_ess() -> None:
    assert [device.via for device in devices(REPORT)] == [None, *[slug(ESS_SERIAL)] * 4]
    assert [device.via for device in devices(REPORT, PVS)] == ["zt1", *[slug(ESS_SERIAL)] * 4]
    assert [device.via for device in devices(report("battery_status", "M1"), PVS)] == ["zt1"]
    ess = known(Kind.ESS, "E1")
    assert [device.via for device in devices(report("battery_status", "M1"), PVS, ess)] == ["e1"]
    two = [PVS, ess, known(Kind.ESS, "E2")]
    assert [device.via for device in devices(report("battery_status", "M1"), *two)] == ["zt1"]


def test_what_is_told_of_the_system_goes_to_the_only_ess_that_is_known() -> None:
    payload: Any = {"ess_report": {**REPORT["ess_report"], "ess_status": [None]}, "errors": [{"error_name": "E"}]}
    first, *_ = ess_status.decode(payload, "test", known=[known(Kind.ESS, "E1")]).readings
    assert first.device.id == "e1"
    assert first.values == {
        "operating_mode": "SELF_CONSUMPTION",
        "controller_status": "running",
        "permission_to_operate": "on",
        "pcs_mode": "ess_no_exchange",
        "pcs_status": "enabled",
        "storage_errors": 1,
        "storage_last_error": "E",
    }
    assert ids(payload) == ["sy21500001002ab0002", "00002xyz0001", "m00221301a0101", "m00221301a0102"]
    two = [known(Kind.ESS, "E1"), known(Kind.ESS, "E2")]
    assert "ess" not in {device.kind for device in devices(payload, *two)}
    assert not ess_status.decode(payload, "test", known=two).refused
    nothing = {"ess_report": {"ess_status": None}, "errors": []}
    assert ids(nothing, known(Kind.ESS, "E1")) == []


def test_of_two_ess_the_first_bears_the_errors_and_each_its_state() -> None:
    payload = report("ess_status", "E1", "E2")
    payload["ess_report"]["ess_state"] = [{"operational_mode": "STANDBY"}, {"operational_mode": "DCM"}]
    payload["errors"] = [{}]
    first, second = (dict(reading.values) for reading in ess_status.decode(payload, "test").readings)
    assert (first["operating_mode"], first["storage_errors"]) == ("STANDBY", 1)
    assert second["operating_mode"] == "DCM"
    assert "storage_errors" not in second
