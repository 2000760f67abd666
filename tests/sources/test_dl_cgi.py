"""DeviceList replies against what they must give, and against a second reader."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from helpers_readings import as_told, load, stem
from sources.second_reader import read, same

from pvsmqtt.sources.pvs.older import dl_cgi
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

REPOSITORY = Path(__file__).parents[2]
FIXTURES = REPOSITORY / "tests" / "fixtures" / "devicelist"
RECORDED = Path(os.environ.get("TEST_PAYLOADS") or REPOSITORY.parent / "shared" / "payloads")

OURS = sorted(path for path in FIXTURES.glob("*.json") if not path.name.endswith(".expected.json"))
THEIRS = sorted(RECORDED.glob("devicelist*.json"))
WELL_FORMED = [path for path in OURS if path.stem not in ("ghost_serials", "odd_values")] + THEIRS

DELIBERATELY_UNKNOWN = {
    # the fixture about device types and keys that nobody has described
    "Irradiance Mast.g_poa_w_m2",
    "Inverter.phase_of_moon",
    "PVS.dl_colour",
    "MET Station.wind_mps",
    "?.lonely",
}


@pytest.mark.parametrize("path", OURS, ids=stem)
def test_a_fixture_gives_what_stands_beside_it(path: Path) -> None:
    expected = load(path.with_suffix(".expected.json"))
    reply = dl_cgi.decode(load(path), "test", stale_after=900)
    assert [as_told(reading) for reading in reply.readings] == expected["readings"]
    assert reply.clock == datetime.fromisoformat(expected["clock"])
    assert {reason.value: count for reason, count in reply.refused.items()} == expected["refused"]
    assert sorted(reply.unmapped) == expected["unmapped"]
    assert {reading.source for reading in reply.readings} == {"test"}


@pytest.mark.parametrize("path", WELL_FORMED, ids=stem)
def test_a_second_reader_finds_the_same(path: Path) -> None:
    second = read(load(path))
    reply = dl_cgi.decode(load(path), "test", stale_after=900)
    assert [reading.device.id for reading in reply.readings] == list(second.devices)
    for reading in reply.readings:
        name, other = reading.device.id, second.devices[reading.device.id]
        assert (name, reading.device.kind, reading.device.via) == (name, other.kind, other.via)
        assert (name, reading.measured_at, reading.valid_for > 0) == (name, other.measured_at, other.live)
        assert (name, reading.values.keys()) == (name, other.values.keys())
        wrong = {key: (value, other.values[key]) for key, value in reading.values.items()}
        assert {key: pair for key, pair in wrong.items() if not same(*pair)} == {}, name
    assert reply.unmapped == second.unknown_keys
    assert not reply.refused


def test_no_reading_of_any_payload_is_lost() -> None:
    unmapped = set().union(*(dl_cgi.decode(load(path), "test").unmapped for path in OURS + THEIRS))
    assert unmapped == DELIBERATELY_UNKNOWN


def test_private_keys_are_not_even_named() -> None:
    text = repr([dl_cgi.decode(load(path), "test") for path in OURS])
    for private in ("panid", "mac_address", "555000111", "02:00:00:00:00:01"):
        assert private not in text


def test_a_device_is_described() -> None:
    reply = dl_cgi.decode(load(FIXTURES / "sunvault.json"), "test", site="site_cabin")
    devices = {reading.device.kind.value: reading.device for reading in reply.readings}
    mio, bms, supervisor = devices["mio"], devices["bms"], devices["supervisor"]
    assert (mio.name, mio.model, mio.sw_version, mio.hw_version) == (
        "ESS hub SY21500001002AB0002",
        "SunPower MIO",
        "0.7.12",
        "0.4.1",
    )
    assert (mio.interface, mio.modbus_unit) == ("ttymxc5", 221)
    assert (bms.interface, bms.modbus_unit, bms.manufacturer) == ("sunspec", 230, "Schneider Electric")
    assert (supervisor.sw_version, supervisor.hw_version) == ("2022.9, Build 60940", "6.03")
    assert {reading.device.site for reading in reply.readings} == {"site_cabin"}
    panel = dl_cgi.decode(load(FIXTURES / "pvs6_2024_dusk.json"), "test").readings[1].device
    assert (panel.panel, panel.model, panel.manufacturer) == ("SPR-A400-G-AC", "AC_Module_Type_G", "SunPower")


def test_a_meter_for_the_whole_consumption_has_no_import_and_export() -> None:
    for name in ("GROSS_CONSUMPTION_LINESIDE", "gross_consumption_lineside"):
        entry = {"SERIAL": "c", "DEVICE_TYPE": "Power Meter", "TYPE": "PVS5-METER-C", "subtype": name}
        entry |= {"pos_ltea_3phsum_kwh": "5", "neg_ltea_3phsum_kwh": "0", "net_ltea_3phsum_kwh": "5"}
        (reading,) = dl_cgi.decode({"devices": [entry]}, "test").readings
        assert reading.values == {"meter_type": "gross_consumption_lineside", "net_energy": 5}


@pytest.mark.parametrize(
    ("payload", "reason", "said"),
    [
        ([], Refusal.WRONG_SHAPE, "list"),
        (None, Refusal.WRONG_SHAPE, "NoneType"),
        ({}, Refusal.NOT_SUCCEED, "result None"),
        ({"result": "succeed"}, Refusal.WRONG_SHAPE, "no list of devices"),
        ({"result": "succeed", "devices": {"count": 3}}, Refusal.WRONG_SHAPE, "no list of devices"),
        ({"result": "error", "msg": "Could not connect to mime."}, Refusal.NOT_SUCCEED, "Could not connect to mime."),
        ({"result": "error", "devices": []}, Refusal.NOT_SUCCEED, "'error'"),
        ({"status": 403, "error": "Unauthorized", "path": ""}, Refusal.NOT_SUCCEED, "Unauthorized"),
        ({"status": 400, "description": "Bad request"}, Refusal.NOT_SUCCEED, "Bad request"),
        ({"result": "unknown command"}, Refusal.NOT_SUCCEED, "unknown command"),
    ],
    ids=repr,
)
def test_what_is_no_device_list_is_refused_for_a_reason(payload: Any, reason: Refusal, said: str) -> None:
    with pytest.raises(Refused) as refused:
        dl_cgi.decode(payload, "test")
    assert refused.value.reason is reason
    assert said in refused.value.detail
    assert refused.value.advice in str(refused.value)


def test_a_list_without_a_result_is_taken() -> None:
    assert dl_cgi.decode({"devices": []}, "test").readings == ()
