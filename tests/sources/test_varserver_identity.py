"""A device is the same device before and after the firmware update that brings the varserver."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pvsmqtt.model.device import Device
from pvsmqtt.sources.pvs.newer import varserver
from pvsmqtt.sources.pvs.older import dl_cgi

REPOSITORY = Path(__file__).parents[2]
RECORDED = Path(os.environ.get("TEST_PAYLOADS") or REPOSITORY.parent / "shared" / "payloads")
FIXTURES = REPOSITORY / "tests" / "fixtures" / "devicelist"
ODD = ("ghost_serials", "odd_values")
LISTS = sorted(path for path in FIXTURES.glob("*.json") if path.name.count(".") == 1 and path.stem not in ODD)
LISTS += sorted(RECORDED.glob("devicelist*.json"))

FAMILIES = {"Inverter": "inverter", "Power Meter": "meter", "HUB+": "transfer_switch", "Energy Storage System": "ess"}


def identity(device: Device) -> tuple[object, ...]:
    return device.id, device.kind, device.name, device.serial, device.manufacturer, device.via, device.site


def as_variables(entries: list[Any]) -> dict[str, object]:
    """The devices of a DeviceList that newer firmware still tells, last one first."""
    found: dict[str, object] = {}
    for index, entry in reversed(list(enumerate(entries))):
        family = FAMILIES.get(entry.get("DEVICE_TYPE")) if isinstance(entry, dict) else None
        if family and entry.get("SERIAL") is not None:
            place = f"/sys/devices/{family}/{index}"
            found |= {f"{place}/sn": entry["SERIAL"], f"{place}/prodMdlNm": entry.get("MODEL", "n/a")}
    return found


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_the_same_device_has_the_same_id(path: Path) -> None:
    entries = json.loads(path.read_text(encoding="utf-8"))["devices"]
    before = dl_cgi.decode({"devices": entries}, "test", "site_a").readings
    pvs = next((reading.device for reading in before if reading.device.kind == "supervisor"), None)
    after = varserver.decode(as_variables(entries), "test", "site_a", pvs and pvs.id).readings
    known = {identity(reading.device): reading.device for reading in before}
    kinds = {"inverter", "production_meter", "consumption_meter", "meter", "hub_plus", "ess"}
    assert {identity(reading.device) for reading in after} == {
        told for told, device in known.items() if device.kind in kinds
    }
    for reading in after:
        assert reading.device.model == known[identity(reading.device)].model
    if pvs is not None:
        told = {"/sys/info/serialnum": f" {pvs.serial}"}
        itself = varserver.supervisor(told, "test", "site_a")
        assert itself is not None
        assert identity(itself.device) == identity(pvs)


@pytest.mark.parametrize("serial", ["X1", "site", "bridge", "ZT 1", "é1"])
def test_one_serial_on_many_devices(serial: str) -> None:
    types = [{"DEVICE_TYPE": "PVS", "SERIAL": "ZT-1"}]
    types += [
        {"DEVICE_TYPE": "Power Meter", "TYPE": f"PVS5-METER-{letter.upper()}", "MODEL": letter} for letter in "pc"
    ]
    types += [{"DEVICE_TYPE": name, "MODEL": "x"} for name in ("Inverter", "HUB+", "Energy Storage System", "New")]
    entries = [{"SERIAL": serial} | entry for entry in types]
    before = dl_cgi.decode({"devices": entries}, "test").readings
    found = as_variables(entries) | {"/sys/devices/new/1/sn": serial}
    after = varserver.decode(found, "test", supervisor=before[0].device.id).readings
    assert [identity(reading.device) for reading in after] == [identity(reading.device) for reading in before[1:]]


@pytest.mark.parametrize("serial", ["site", "bridge", "ZT 1"])
def test_a_supervisor_with_an_odd_serial(serial: str) -> None:
    (before,) = dl_cgi.decode({"devices": [{"SERIAL": serial, "DEVICE_TYPE": "PVS"}]}, "test").readings
    after = varserver.supervisor({"/sys/info/serialnum": serial}, "test")
    assert after is not None
    assert identity(after.device) == identity(before.device)
