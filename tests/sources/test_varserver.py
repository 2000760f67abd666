"""Replies of the varserver against what they must give."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers_readings import as_told, load, stem

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.sources.pvs.newer import variables, varserver
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

REPOSITORY = Path(__file__).parents[2]
FIXTURES = REPOSITORY / "tests" / "fixtures" / "vars"
RECORDED = Path(os.environ.get("TEST_PAYLOADS") or REPOSITORY.parent / "shared" / "payloads")

OURS = sorted(path for path in FIXTURES.glob("*.json") if not path.name.endswith(".expected.json"))
DEVICES = [path for path in OURS if path.with_suffix(".expected.json").exists()]
THEIRS = sorted(RECORDED.glob("vars_*.json"))

NOW = datetime(2026, 6, 21, 19, 7, tzinfo=UTC)


@pytest.mark.parametrize("path", DEVICES, ids=stem)
def test_a_fixture_gives_what_stands_beside_it(path: Path) -> None:
    expected = load(path.with_suffix(".expected.json"))
    found = varserver.variables(load(path))
    reply = varserver.decode(found, "test", supervisor="zt", clock=NOW)
    told = [as_told(reading) for reading in reply.readings]
    order = [name for name in variables.ORDER if name.value in {reading["kind"] for reading in told}]
    assert list(dict.fromkeys(reading["kind"] for reading in told)) == [kind.value for kind in order]
    assert told == expected["readings"]
    assert reply.clock == NOW
    assert {reason.value: count for reason, count in reply.refused.items()} == expected["refused"]
    assert sorted(reply.unmapped) == expected["unmapped"]
    assert {reading.source for reading in reply.readings} == {"test"}


def test_every_row_is_a_quantity() -> None:
    tables = [family.table for family in (*variables.FAMILIES.values(), *variables.METERS.values())]
    for table in (*tables, variables.ANY, variables.SUPERVISOR, variables.STORAGE_SETTINGS):
        assert {quantity for _, quantity, _ in table} <= QUANTITIES.keys()
        assert len({(field, quantity) for field, quantity, _ in table}) == len(table)


def test_no_field_of_any_recording_is_lost() -> None:
    for path in THEIRS:
        reply = varserver.decode(varserver.variables(load(path)), "test")
        assert not reply.unmapped, path
        assert not reply.refused, path


@pytest.mark.parametrize("form", ["as it is", "the other form"])
def test_the_supervisor(form: str) -> None:
    payload = load(FIXTURES / "pvs6_system.json")
    if form != "as it is":
        payload = {"values": [{"name": name, "value": value} for name, value in payload.items()], "count": 1}
    reading = varserver.supervisor(varserver.variables(payload), "test", "site_cabin", NOW, valid_for=60)
    assert reading is not None
    device = reading.device
    assert (device.id, device.kind.value, device.serial) == (
        "zt222200000549a1234",
        "supervisor",
        "ZT222200000549A1234",
    )
    assert (device.model, device.sw_version, device.hw_version) == ("PVS6", "2025.10.20.61846", "6.02")
    assert (device.site, device.via, device.manufacturer) == ("site_cabin", None, "SunPower")
    assert (reading.measured_at, reading.age, reading.valid_for, reading.source) == (NOW, 0, 60, "test")
    assert reading.values == {
        "uptime": 106408.2,
        "cpu_usage": 6,
        "memory_usage": 7,
        "flash_usage": 73,
        "flash_wear": 50,
        "usb_erase_count": 12,
        "firmware": "2025.10.20.61846",
        "system_type": "Storage",
        "finance_type": "CASH",
        "network_interface": "sta0",
        "ethernet_state": "down",
        "ethernet2_state": None,
        "wifi_state": "up",
        "cell_state": "down",
        "broadband": "on",
        "cellular": "off",
        "low_data_mode": "off",
    }


def test_the_supervisor_of_a_pvs5() -> None:
    found = varserver.variables(load(FIXTURES / "pvs5_system.json"))
    reading = varserver.supervisor(found, "test")
    assert reading is not None
    assert (reading.device.model, reading.measured_at) == ("PVS5", None)
    assert reading.values == {
        "uptime": None,
        "cpu_usage": 31,
        "firmware": "2025.11.5412",
        "system_type": "PV-only",
        "ethernet_state": "up",
        "wifi_state": "down",
        "cell_state": "down",
        "plc_state": "up",
    }


def test_a_supervisor_without_serial_is_none_unless_it_is_known_from_elsewhere() -> None:
    for serial in ("n/a", "TBD", "", " ", "-", "Z" * 129, None, [], True):
        assert varserver.supervisor({"/sys/info/serialnum": serial}, "test") is None
    assert varserver.supervisor({}, "test", serial="-") is None
    reading = varserver.supervisor({"/sys/info/serialnum": "n/a"}, "test", serial="ZT1", model="PVS6")
    assert reading is not None
    assert (reading.device.id, reading.device.model) == ("zt1", "PVS6")
    reading = varserver.supervisor({"/sys/info/serialnum": "ZT2", "/sys/info/model": "PVS5 "}, "test", serial="ZT1")
    assert reading is not None
    assert (reading.device.id, reading.device.model) == ("zt2", "PVS5")


def test_secrets_are_not_even_named() -> None:
    found = varserver.variables(load(FIXTURES / "pvs6_system.json"))
    told = [varserver.supervisor(found, "test"), varserver.decode(found, "test"), varserver.storage_settings(found)]
    text = repr([*told, varserver.live(found)])
    for private in ("of-a-house", "02:00:00:00:00", "wpa_key", "ssid", "lmac", "interface_mac", "boardtype"):
        assert private not in text


def test_what_the_owner_chose_and_the_live_data() -> None:
    found = varserver.variables(load(FIXTURES / "pvs6_system.json"))
    assert varserver.storage_settings(found) == {"control_mode": "SELF_CONSUMPTION", "reserve": 30}
    assert varserver.live(found) == {"time": "1782068700", "pv_p": "0.939870"}
    assert varserver.storage_settings({}) == {}
    name = "/ess/config/dcm/mode_param/control_mode"
    assert varserver.storage_settings({name: "backup_only"}) == {"control_mode": "BACKUP_ONLY"}
    assert varserver.storage_settings({name: "Surprise"}) == {"control_mode": "OTHER"}


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({"values": [], "count": 0}, {}),
        ({}, {}),
        ({"values": [{"name": "/a", "value": "1"}, {"name": "/a", "value": None}]}, {"/a": None}),
        (
            {"values": [None, 1, [], {}, {"name": "/a"}, {"name": 1, "value": 2}, {"name": "/b", "value": 0}]},
            {"/b": 0},
        ),
        ({"/a": "1", "count": 1}, {"/a": "1"}),
        ({"/a": '{"b": [1, 2]}', "/b": "[1]", "/c": "{1", "/d": "[" * 100_000}, None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_both_forms_of_a_reply(payload: Any, found: Any) -> None:
    if found is None:
        found = {"/a": {"b": [1, 2]}, "/b": [1], "/c": "{1", "/d": "[" * 100_000}
    assert varserver.variables(payload) == found


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        "text",
        1,
        {"values": {}},
        {"status": 400, "description": "Bad request"},
        {"values": None, "count": 0},
    ],
    ids=repr,
)
def test_what_holds_no_variables_is_refused(payload: Any) -> None:
    with pytest.raises(Refused) as refused:
        varserver.variables(payload)
    assert refused.value.reason is Refusal.WRONG_SHAPE


def one(family: str, **fields: object) -> varserver.Devices:
    return varserver.decode({f"/sys/devices/{family}/0/{name}": value for name, value in fields.items()}, "test")


def test_a_serial_has_its_limits() -> None:
    assert len(one("ess", sn="B" * 128).readings) == 1
    assert one("ess", sn="B" * 129).refused == {Refusal.NO_SERIAL: 1}


def test_a_word_that_is_not_listed_is_counted_once() -> None:
    for word, count in (("unknown", 1), ("MID_STATE_HALF", 1), ("MID_STATE_CLOSED", 0), ("n/a", 0)):
        assert one("transfer_switch", sn="M1", midStEnum=word).refused[Refusal.UNLISTED_VALUE] == count
    for word, count in (("PARTY", 1), ("STANDBY", 0), ("UNKNOWN", 0), ("n/a", 0)):
        assert one("ess", sn="B1", opMode=word).refused[Refusal.UNLISTED_VALUE] == count


def test_of_two_names_of_one_quantity_the_first_with_a_value_wins() -> None:
    for wan0, wan, state in (("up", "down", "up"), ("N/A", "down", "down"), ("", "", None)):
        reading = varserver.supervisor({"/net/wan0/state": wan0, "/net/wan/state": wan}, "test", serial="ZT1")
        assert reading is not None
        assert reading.values == {"ethernet_state": state}


def test_a_name_nobody_has_described_is_shown_if_it_can_be() -> None:
    for family, shown in (("novel", {"novel.new"}), ("x" * 59, {"x" * 59 + ".new"}), ("x" * 60, set()), ("é", set())):
        assert one(family, sn="N1", new="1").unmapped == shown


def test_where_one_device_comes_in_both_shapes_the_fields_win() -> None:
    fields = {"/sys/devices/inverter/0/sn": "E1", "/sys/devices/inverter/0/p3phsumKw": "0.1"}
    thing = {"/sys/devices/0/inverter/data": {"sn": "E1", "freqHz": 60}}
    for found in (fields | thing, thing | fields):
        reply = varserver.decode(found, "test")
        assert [reading.values for reading in reply.readings] == [{"power": 100}]
        assert reply.refused == {Refusal.DUPLICATE_SERIAL: 1}


def test_a_reply_with_ten_thousand_devices_takes_no_time_to_speak_of() -> None:
    """A thousand times as many devices as in the fixture, in a thousand times its time, and not its square."""
    fields = {"msmtEps": "2026-06-21T19:05:00Z", "p3phsumKw": "0.1", "ltea3phsumKwh": "5.000000", "new": "1"}
    one_by_one = {
        f"/sys/devices/inverter/{number}/{field}": value
        for number in range(10_000)
        for field, value in (fields | {"sn": f"E{number}"}).items()
    }
    payload = {"values": [{"name": name, "value": value} for name, value in one_by_one.items()]}
    started = time.process_time()
    reply = varserver.decode(varserver.variables(payload), "test")
    assert time.process_time() - started < 10
    assert len(reply.readings) == 10_000
    assert reply.unmapped == {"inverter.new"}
