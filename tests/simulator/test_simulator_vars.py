"""``/vars``: the query language, and every variable of both shapes against the house."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.simulator.pvs.house.house import NIGHTLY_RESTART, House
from pvsmqtt.simulator.pvs.machine import Machine
from pvsmqtt.simulator.pvs.newer.names import OPEN, SSID, WPA_KEY
from pvsmqtt.simulator.pvs.newer.variables import text
from pvsmqtt.simulator.pvs.newer.vars_api import VarsApi

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 21, 6, tzinfo=UTC)
HOUSE = House(3, ess=True)
FAMILIES = {"inverter": 12, "meter": 19, "ess": 20, "transfer_switch": 11}
A_FEW = {"/sys/info/sw_rev": "1", "/sys/info/uptime": "2", "/sys/info/cpu_usage": "3", "/x": None}


class Time:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def machine(firmware: str = "61846", now: datetime = NOON, **more: Any) -> Machine:
    how: dict[str, Any] = {"house": HOUSE, "clock": Time(now), **more}
    return Machine(firmware=firmware, **how)


def ask(supervisor: Machine, query: str, owner: bool = True) -> dict[str, Any]:
    answer = supervisor.answer_vars(query + "&fmt=obj", owner)
    assert answer.status == 200, query
    told: dict[str, Any] = json.loads(answer.body)
    return told


def status(supervisor: Machine, query: str, owner: bool = True) -> int:
    return supervisor.answer_vars(query, owner).status


def by_device(told: dict[str, Any], family: str) -> dict[str, dict[str, str]]:
    """Serial number to fields, per-field shape."""
    indices: dict[str, dict[str, str]] = {}
    for name, value in told.items():
        if found := re.fullmatch(rf"/sys/devices/{family}/(\d+)/(\w+)", name):
            indices.setdefault(found[1], {})[found[2]] = value
    return {fields["sn"]: fields for fields in indices.values()}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name=/sys/info/sw_rev", ["/sys/info/sw_rev"]),
        ("name=/x,/sys/info/uptime", ["/x", "/sys/info/uptime"]),
        ("match=usage", ["/sys/info/cpu_usage"]),
        ("match=info&name=/x", ["/x", "/sys/info/sw_rev", "/sys/info/uptime", "/sys/info/cpu_usage"]),
        ("name=%2Fx", ["/x"]),
    ],
)
def test_what_is_asked_is_answered(query: str, names: list[str]) -> None:
    reply = json.loads(VarsApi().answer(query, A_FEW, owner=True).body)
    assert [value["name"] for value in reply["values"]] == names
    assert reply["count"] == len(names)
    assert json.loads(VarsApi().answer(query + "&fmt=obj", A_FEW, owner=True).body) == {n: A_FEW[n] for n in names}


@pytest.mark.parametrize(
    "query",
    [
        "name=/x&name=/x",
        "set=/x",
        "nonsense=1&name=/x",
        "",
        "name=",
        "name=/y",
        "name=/x,/y",
        "match=/y",
        "cache=a",
        "fmt=obj",
        "fmt=xml&name=/x",
        "name",
        "tags=a",
    ],
)
def test_what_cannot_be_answered_is_400(query: str) -> None:
    answer = VarsApi().answer(query, A_FEW, owner=True)
    assert (answer.status, json.loads(answer.body)) == (400, {"status": 400, "description": "Bad request"})


@given(st.text())
def test_no_query_is_a_crash(query: str) -> None:
    assert VarsApi().answer(query, A_FEW, owner=True).status in (200, 400, 401)


def test_a_set_grows_and_is_answered_whole() -> None:
    api = VarsApi()

    def names(query: str) -> list[str]:
        return list(json.loads(api.answer(query + "&fmt=obj", A_FEW, owner=True).body))

    assert names("name=/x&cache=a") == ["/x"]
    assert names("match=usage&cache=a") == ["/x", "/sys/info/cpu_usage"]
    assert names("name=/x&cache=a") == names("cache=a") == ["/x", "/sys/info/cpu_usage"]
    assert names("name=/x&cache=b") == names("cache=b") == ["/x"]
    assert names("clearcache=a") == []
    assert api.answer("cache=a", A_FEW, owner=True).status == 400
    assert names("cache=b&clearcache=a") == ["/x"]
    assert names("name=/sys/info/uptime&cache=b&clearcache=b") == ["/sys/info/uptime"]
    api.clear()
    assert api.answer("cache=b", A_FEW, owner=True).status == 400


def test_without_a_session_only_the_open_variables_are_there() -> None:
    supervisor = machine()
    assert list(ask(supervisor, "match=/", owner=False)) == list(OPEN)
    assert status(supervisor, "name=/sys/info/sw_rev,/sys/info/uptime", owner=False) == 400
    assert status(supervisor, "match=/sys/devices/", owner=False) == 400
    ask(supervisor, "match=/sys/devices/&cache=mine")
    assert status(supervisor, "cache=mine", owner=False) == 400


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("set=/sys/telemetryws/enable=0", 200),
        ("set=/ess/config/dcm/mode_param/control_mode=BACKUP_ONLY", 200),
        ("set=/ess/config/dcm/control_param/min_customer_soc=0.25,/sys/telemetryws/enable=1", 200),
        ("set=/ess/config/dcm/control_param/min_customer_soc=20", 400),
        ("set=/sys/telemetryws/enable=yes", 400),
        ("set=/network/report/send=1", 401),
        ("set=/sys/info/model=PVS7", 401),
        ("set=/sys/nothing=1", 400),
    ],
)
def test_writes(query: str, code: int) -> None:
    supervisor = machine()
    before = dict(supervisor.settings)
    answer = supervisor.answer_vars(query, owner=True)
    assert answer.status == code
    assert all(write.accepted == (code == 200) for write in supervisor.stats.writes)
    changed = {write.name: write.value for write in supervisor.stats.writes if write.accepted}
    assert supervisor.settings == before | changed
    if code == 200:
        told = {value["name"]: value["value"] for value in json.loads(answer.body)["values"]}
        assert told == changed
        assert ask(supervisor, "name=" + ",".join(changed)) == changed


def test_nobody_writes_without_a_session() -> None:
    supervisor = machine()
    assert status(supervisor, "set=/sys/telemetryws/enable=0", owner=False) == 400
    assert status(supervisor, "set=/network/report/send=1", owner=False) == 401
    assert not [write for write in supervisor.stats.writes if write.accepted]
    assert supervisor.live_enabled


@pytest.mark.parametrize(("firmware", "count"), [("61846", 105), ("pvs5-5412", 69)])
def test_the_public_lists_are_complete(firmware: str, count: int) -> None:
    """Of each family one device: 105 names on a PVS6, 69 on a PVS5."""
    told = ask(machine(firmware), "match=/")
    names = {re.sub(r"/\d+/", "/{index}/", name) for name in told}
    assert len(names) == count
    for family, fields in FAMILIES.items():
        expected = 0 if family in ("ess", "transfer_switch") and count == 69 else fields
        assert sum(name.startswith(f"/sys/devices/{family}/") for name in names) == expected
    assert ("/sys/telemetryws/enable" in names) == ("/sys/pvs/flashwear_type_b" in names) == (count == 105)


def test_fields_are_those_of_the_house() -> None:
    told, state = ask(machine(), "match=/sys/devices/"), HOUSE.at(NOON)
    for inverter in state.inverters:
        fields = by_device(told, "inverter")[inverter.serial]
        assert fields["p3phsumKw"] == text(inverter.power)
        assert fields["tHtsnkDegc"] == str(round(inverter.temperature))
        assert fields["msmtEps"] == "2026-06-21T18:00:00Z"
    meters = by_device(told, "meter")
    assert meters[state.production.serial]["posLtea3phsumKwh"] == "0.000000"
    assert meters[state.consumption.serial]["posLtea3phsumKwh"] == text(state.consumption.import_energy)
    assert by_device(told, "transfer_switch").keys() == {HOUSE.serials.storage.hub_plus}


def test_numbers_have_the_noise_of_a_float32() -> None:
    assert (text(59.97), text(0.3), text(7)) == ("59.970001", "0.300000", "7")
    assert (text(float("nan")), text(None), text(-0.7112919)) == ("nan", None, "-0.711292")


def test_objects_have_numbers_and_no_placeholders() -> None:
    told, state = ask(machine("61840"), "match=/sys/devices/"), HOUSE.at(NOON)
    assert all(re.fullmatch(r"/sys/devices/\d+/\w+/data", name) for name in told)
    by_serial = {fields["sn"]: fields for fields in told.values()}
    inverter = state.inverters[0]
    assert by_serial[inverter.serial]["pMppt1Kw"] == inverter.dc_power
    assert not by_serial[inverter.serial].keys() & {"p3phsumKw", "i3phsumA"}
    assert by_serial[inverter.serial]["vldFldMsk"].isdigit()
    assert "i1A" not in by_serial[state.production.serial]
    assert by_serial[state.consumption.serial]["negLtea3phsumKwh"] == state.consumption.export_energy
    quoted = ask(machine("61840", quoted_objects=True), "match=/sys/devices/")
    assert {name: json.loads(value) for name, value in quoted.items()} == told


def test_devices_change_every_five_minutes_and_live_data_at_once() -> None:
    supervisor = machine()
    clock = supervisor.clock = Time(NOON)
    devices, live = ask(supervisor, "match=/sys/devices/"), ask(supervisor, "match=livedata")
    assert live["/sys/livedata/time"] == str(int(NOON.timestamp()))
    clock.now = NOON + timedelta(seconds=299)
    assert ask(supervisor, "match=/sys/devices/") == devices
    assert ask(supervisor, "match=livedata") != live
    clock.now = NOON + timedelta(seconds=300)
    later = ask(supervisor, "match=/sys/devices/")
    assert later.keys() == devices.keys()
    assert {later[name] for name in later if name.endswith("msmtEps")} == {"2026-06-21T18:05:00Z"}


def test_live_data_add_up() -> None:
    live = {name.rsplit("/", 1)[1]: float(value) for name, value in ask(machine(), "match=livedata").items()}
    for kind in ("p", "en"):
        made = live[f"pv_{kind}"] + live[f"net_{kind}"] + live[f"ess_{kind}"]
        assert live[f"site_load_{kind}"] == pytest.approx(made, abs=0.01)
    without = ask(machine(house=House(2)), "match=livedata")
    assert without["/sys/livedata/soc"] == without["/sys/livedata/ess_p"] == "nan"
    assert ask(machine("pvs5-5412"), "match=livedata")["/sys/livedata/soc"] == "N/A"


def test_at_night_the_last_readings_stand() -> None:
    told = ask(machine(now=MIDNIGHT), "match=/sys/devices/")
    assert {fields["msmtEps"][:13] for fields in by_device(told, "inverter").values()} == {"2026-06-21T01"}
    assert by_device(told, "meter")[HOUSE.serials.consumption_meter]["msmtEps"] == "2026-06-21T06:00:00Z"


def test_texts_have_the_spaces_and_secrets_of_the_field() -> None:
    info = ask(machine(), "match=/sys/info/")
    assert (info["/sys/info/model"], info["/sys/info/sys_type"]) == ("PVS6 ", "Storage ")
    assert info["/sys/info/fwrev"].startswith(" Major")
    assert (info["/sys/info/ssid"], info["/sys/info/wpa_key"]) == (SSID, WPA_KEY)
    assert info["/sys/info/uptime"] == f"{HOUSE.at(NOON).supervisor.uptime:.2f}"
    assert ask(machine("pvs5-5412"), "match=meter")
    models = {name: value for name, value in ask(machine("pvs5-5412"), "match=prodMdlNm").items() if "meter" in name}
    assert sorted(models.values()) == ["PVS5M0400c", "PVS5M0400p"]


def indices(supervisor: Machine, family: str) -> list[int]:
    found = {int(name.split("/")[4]) for name in ask(supervisor, f"match=/sys/devices/{family}/")}
    return sorted(found)


def test_indices_have_gaps_and_are_others_after_a_boot() -> None:
    supervisor = machine(house=House(30))
    first = indices(supervisor, "inverter")
    assert len(first) == 30
    assert first[0] > 0
    assert first[-1] - first[0] > 29
    ask(supervisor, "name=/sys/info/uptime&cache=mine")
    supervisor.boot()
    assert indices(supervisor, "inverter")[0] != first[0]
    assert status(supervisor, "cache=mine") == 400
    assert ask(supervisor, "name=/sys/info/uptime") == {"/sys/info/uptime": "0.00"}


def test_the_nightly_restart_is_a_boot() -> None:
    clock = Time(MIDNIGHT + timedelta(seconds=NIGHTLY_RESTART - 1))
    supervisor = machine(clock=clock)
    supervisor.settle()
    before = indices(supervisor, "inverter")
    clock.now += timedelta(seconds=2)
    supervisor.settle()
    assert supervisor.stats.boots == 1
    assert indices(supervisor, "inverter") != before
    assert ask(supervisor, "name=/sys/info/uptime") == {"/sys/info/uptime": "1.00"}
