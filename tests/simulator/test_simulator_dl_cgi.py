"""The manner of the firmware: keys, order, spelling."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.older import dl_cgi
from pvsmqtt.simulator.pvs.older.entries import number, time_text

NOON = datetime(2026, 6, 21, 18, 3, 20, tzinfo=UTC)
NIGHT = NOON + timedelta(hours=12)


def keys(text: str) -> list[str]:
    return text.split()


INVERTER_KEYS = keys("""ISDETAIL SERIAL TYPE STATE STATEDESCR MODEL DESCR DEVICE_TYPE hw_version interface
PANEL slave SWVER PORT MOD_SN NMPLT_SKU DATATIME ltea_3phsum_kwh p_3phsum_kw vln_3phavg_v i_3phsum_a
p_mppt1_kw v_mppt1_v i_mppt1_a t_htsnk_degc freq_hz stat_ind origin OPERATION CURTIME""")

CONSUMPTION_KEYS = keys("""ISDETAIL SERIAL TYPE STATE STATEDESCR MODEL DESCR DEVICE_TYPE interface
consumption_subtype_enum subtype SWVER PORT DATATIME ct_scl_fctr net_ltea_3phsum_kwh p_3phsum_kw q_3phsum_kvar
s_3phsum_kva tot_pf_rto freq_hz i1_a i2_a v1n_v v2n_v v12_v p1_kw p2_kw neg_ltea_3phsum_kwh
pos_ltea_3phsum_kwh CAL0 origin OPERATION CURTIME""")

SUPERVISOR_KEYS = keys("""DETAIL STATE STATEDESCR SERIAL MODEL HWVER SWVER DEVICE_TYPE DATATIME dl_err_count
dl_comm_err dl_skipped_scans dl_scan_time dl_untransmitted dl_uptime dl_cpu_load dl_mem_used dl_flash_avail
panid CURTIME""")


def devices(house: House, when: datetime = NOON) -> list[dict[str, Any]]:
    reply = json.loads(dl_cgi.device_list(house, when))
    assert list(reply) == ["devices", "result"]
    assert reply["result"] == "succeed"
    entries: list[dict[str, Any]] = reply["devices"]
    return entries


def test_keys_are_spelt_and_ordered_as_by_the_firmware() -> None:
    supervisor, production, consumption, *inverters = devices(House(12))
    assert list(supervisor) == SUPERVISOR_KEYS
    assert list(consumption) == CONSUMPTION_KEYS
    assert production["production_subtype_enum"] == production["subtype"] == "GROSS_PRODUCTION_SITE"
    assert len(inverters) == 12
    assert all(list(inverter) == INVERTER_KEYS for inverter in inverters)


@pytest.mark.parametrize("ess", [False, True])
def test_readings_are_strings(ess: bool) -> None:
    not_strings = {"ISDETAIL": bool, "panid": int, "slave": int, "parent": int}
    for entry in devices(House(3, ess=ess)):
        for key, value in entry.items():
            assert type(value) is not_strings.get(key, str), key


@pytest.mark.parametrize("when", [NOON, NIGHT])
def test_the_list_is_written_entry_by_entry(when: datetime) -> None:
    entries = devices(House(40, ess=True), when)
    written = [entry["CURTIME"] for entry in entries]
    assert all(later >= earlier for earlier, later in pairwise(written))
    assert written[0] < written[-1] == time_text(when)
    assert all(entry["DATATIME"] <= entry["CURTIME"] for entry in entries if "DATATIME" in entry)


def test_at_night_inverters_are_in_error_with_all_readings() -> None:
    first, second = devices(House(12), NIGHT)[3:], devices(House(12), NIGHT + timedelta(hours=1))[3:]
    for earlier, later in zip(first, second, strict=True):
        assert list(earlier) == INVERTER_KEYS
        assert (earlier["STATE"], earlier["STATEDESCR"]) == ("error", "Error")
        assert earlier | {"CURTIME": ""} == later | {"CURTIME": ""}


def test_the_meter_adds_up() -> None:
    consumption = devices(House(12))[2]
    net, exported, imported, power, *legs = (
        float(consumption[key])
        for key in (
            "net_ltea_3phsum_kwh",
            "neg_ltea_3phsum_kwh",
            "pos_ltea_3phsum_kwh",
            "p_3phsum_kw",
            "p1_kw",
            "p2_kw",
        )
    )
    assert net == pytest.approx(imported - exported, abs=0.01)
    assert power == pytest.approx(sum(legs), abs=0.001)
    assert (power < 0) == (float(consumption["tot_pf_rto"]) < 0)


def test_a_sunvault_adds_its_parts() -> None:
    parts = devices(House(2, ess=True))[5:]
    kinds = [part["DEVICE_TYPE"] for part in parts]
    assert kinds == [
        "HUB+",
        "ESS Hub",
        "PV Disconnect",
        "Gateway",
        "Storage Inverter",
        "ESS BMS",
        "Battery",
        "Battery",
        "Energy Storage System",
    ]
    assert len({part["SERIAL"] for part in parts}) == len(parts)
    assert {part["PARENT"] for part in parts if "PARENT" in part} == {parts[-1]["SERIAL"]}
    assert all(("DATATIME" in part) == (part["STATE"] == "working") for part in parts)
    assert {"t_degc", "humidity", "v_gateway_v", "fan_actv_fl"} <= parts[1].keys()
    assert {"relay1_state", "v1n_grid_v"} <= parts[2].keys()


def test_the_layout_is_made_of_tabs() -> None:
    text = dl_cgi.device_list(House(1), NOON).decode()
    assert text.startswith('{\n\t"devices":\t[{\n\t\t\t"DETAIL":\t"detail",\n')
    assert re.search(r"^ ", text, re.MULTILINE) is None


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.28, 4, "0.28"), (60.0, 4, "60"), (-0.00001, 4, "0"), (-1205.651, 2, "-1205.65"), (100.0, 0, "100")],
)
def test_numbers_have_no_trailing_zeros(value: float, digits: int, text: str) -> None:
    assert number(value, digits) == text


def test_supervisor_info_names_the_build() -> None:
    info = json.loads(dl_cgi.supervisor_info("ZT174885021674C7496"))
    assert info["result"] == "succeed"
    assert info["supervisor"]["BUILD"] == 61839
    assert info["supervisor"]["SERIAL"] == "ZT174885021674C7496"


def test_supervisor_info_of_a_recorded_pvs5_has_no_build() -> None:
    payload = b"""{"devices": [{"DEVICE_TYPE": "Inverter"}, {"DEVICE_TYPE": "PVS", "SERIAL": "ZT1",
        "MODEL": "PV Supervisor PVS5", "SWVER": "2021.9, Build 4990"}]}"""
    recorded = dl_cgi.supervisor_info_of(payload)
    assert recorded is not None
    expected = {"SWVER": "2021.9, Build 4990", "SERIAL": "ZT1", "MODEL": "PVS5", "FWVER": "0.0.0"}
    assert json.loads(recorded)["supervisor"] == expected


@pytest.mark.parametrize(
    "payload",
    [b"", b"no JSON", b"[]", b"{}", b'{"devices": 3}', b'{"devices": [1]}', b"[" * 100_000, b"\xff"],
)
def test_what_has_no_supervisor_gives_no_info(payload: bytes) -> None:
    assert dl_cgi.supervisor_info_of(payload) is None
