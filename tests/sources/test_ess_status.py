"""Storage reports against what they must give."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers_readings import as_told, load, stem

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.sources.pvs.older import ess_status
from pvsmqtt.sources.pvs.older.ess_types import SECTIONS
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

REPOSITORY = Path(__file__).parents[2]
FIXTURES = REPOSITORY / "tests" / "fixtures" / "ess"
RECORDED = Path(os.environ.get("TEST_PAYLOADS") or REPOSITORY.parent / "shared" / "payloads")

OURS = sorted(path for path in FIXTURES.glob("*.json") if not path.name.endswith(".expected.json"))
THEIRS = sorted(RECORDED.glob("ess_status*.json"))

DELIBERATELY_NOT_READ = {
    # ratings of breakers and bus bars, as wired
    "ess_report.pcs_settings.msp_breaker",
    "ess_report.pcs_settings.msp_busbar",
    "ess_report.pcs_settings.hubplus_breaker",
    "ess_report.pcs_settings.hubplus_busbar",
    # of an error its name and time are enough
    "errors.error_code",
    "errors.device_sn",
    "errors.error_message",
    "errors.value",
    # in the fixture about parts nobody has described
    "ess_report.new_section.a",
    "ess_report.ess_status.door_open",
}

Node = tuple[str | int, ...]


def report(name: str = "later_form_charging") -> Any:
    return load(FIXTURES / f"{name}.json")


def values(payload: Any, **options: Any) -> dict[str, dict[str, Any]]:
    """Values by kind of device; batteries by their id."""
    found = ess_status.decode(payload, "test", **options).readings
    return {r.device.id if r.device.kind == "battery" else r.device.kind.value: dict(r.values) for r in found}


def nodes(node: Any, path: Node = ()) -> Iterator[Node]:
    """Every place below a document."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from nodes(child, (*path, key))


def parent(payload: Any, path: Node) -> Any:
    for key in path[:-1]:
        payload = payload[key]
    return payload


def replaced(payload: Any, path: Node, value: object) -> Any:
    payload = copy.deepcopy(payload)
    parent(payload, path)[path[-1]] = value
    return payload


def removed(payload: Any, path: Node) -> Any:
    payload = copy.deepcopy(payload)
    del parent(payload, path)[path[-1]]
    return payload


def leaves(payload: Any) -> Iterator[Node]:
    """Places of readings: ``{value, unit}`` is one."""
    for path in nodes(payload):
        holder, node = parent(payload, path), parent(payload, (*path, ""))
        if (isinstance(holder, dict) and "unit" in holder) or (isinstance(node, dict | list) and "unit" not in node):
            continue
        yield path


@pytest.mark.parametrize("path", OURS, ids=stem)
def test_a_fixture_gives_what_stands_beside_it(path: Path) -> None:
    expected = load(path.with_suffix(".expected.json"))
    found = ess_status.decode(load(path), "test", stale_after=900)
    assert [as_told(reading) for reading in found.readings] == expected["readings"]
    assert {reason.value: count for reason, count in found.refused.items()} == expected["refused"]
    assert sorted(found.unmapped) == expected["unmapped"]
    assert {reading.source for reading in found.readings} <= {"test"}


def test_a_new_device_is_described() -> None:
    devices = {r.device.kind.value: r.device for r in ess_status.decode(report(), "t", site="site_cabin").readings}
    assert devices["storage_inverter"].manufacturer == "Schneider Electric"
    assert devices["hub_plus"].name == "HUB+ SY21500001002AB0002"
    assert {device.site for device in devices.values()} == {"site_cabin"}


@pytest.mark.skipif(not THEIRS, reason="the recorded payloads are not here")
def test_the_recorded_reports() -> None:
    later = values(load(RECORDED / "ess_status_2023_charging.json"))
    assert later["battery" if "battery" in later else "m00100000a0001"] == {
        "voltage": 53.7,
        "current": -9,
        "temperature": 24.1,
        "state_of_charge": 67,
        "customer_state_of_charge": 62,
    }
    assert (later["ess"]["power"], later["ess"]["power_l1"], later["ess"]["power_l2"]) == (-555, -277, -278)
    assert later["ess"]["operating_mode"] == "SELF_CONSUMPTION"
    assert later["storage_inverter"]["power"] == -555
    assert later["hub_plus"]["grid_relay"] == "closed"
    old = values(load(RECORDED / "ess_status_2020_form.json"))
    assert old["m00100000a0002"] == {"voltage": 53.7, "current": -9, "temperature": 24.1, "state_of_charge": 62}
    assert {key: told for key, told in old.items() if not key.startswith("m0")} == {
        key: told for key, told in later.items() if not key.startswith("m0")
    }
    assert values(load(RECORDED / "ess_status_no_battery.json")) == {}


def test_every_leaf_is_read_or_known_not_to_be() -> None:
    assert set().union(*map(unread_leaves, THEIRS + OURS)) == DELIBERATELY_NOT_READ
    assert not set().union(*map(unread_leaves, THEIRS))


def unread_leaves(path: Path) -> set[str]:
    """Places of which no reading changes when they are emptied."""
    payload = load(path)
    before = ess_status.decode(payload, "test").readings
    unread = set()
    for leaf in leaves(payload):
        name = ".".join(key for key in leaf if isinstance(key, str))
        if name.rsplit(".", 1)[-1] in ("last_updated", "serial_number", "last_occurrence"):
            continue
        told = parent(payload, (*leaf, ""))
        if told in (None, {"value": None, "unit": None}, {"value": None, "unit": "V"}):
            continue
        if ess_status.decode(replaced(payload, leaf, None), "test").readings == before:
            unread.add(name)
    if path.stem == "old_form_islanded":  # of several errors only the latest has its name told
        unread.discard("errors.error_name")
    if path.stem == "nulls":  # what belongs to a HUB+ that cannot be told
        unread.discard("ess_report.hub_plus_status.contactor_position")
        unread.discard("ess_report.inverter_status")
    return unread


def test_every_row_gives_a_quantity_that_there_is() -> None:
    for _, table in SECTIONS.values():
        for _, quantity, _ in table:
            assert quantity in QUANTITIES
            assert not QUANTITIES[quantity].holds


@pytest.mark.parametrize("payload", [{"errors": []}, {"ess_report": None}, {"result": "succeed"}, {}], ids=repr)
def test_no_storage_is_no_error(payload: Any) -> None:
    assert ess_status.decode(payload, "test") == ess_status.Storage((), ess_status.Counter(), frozenset())


@pytest.mark.parametrize(
    ("payload", "reason", "said"),
    [
        ([], Refusal.WRONG_SHAPE, "list"),
        (None, Refusal.WRONG_SHAPE, "NoneType"),
        ("ess_report", Refusal.WRONG_SHAPE, "str"),
        ({"ess_report": []}, Refusal.WRONG_SHAPE, "report"),
        ({"ess_report": "none"}, Refusal.WRONG_SHAPE, "report"),
        ({"result": "error", "msg": "Could not connect to mime."}, Refusal.NOT_SUCCEED, "Could not connect to mime."),
        ({"result": "error", "ess_report": {}}, Refusal.NOT_SUCCEED, "error"),
        ({"status": 403, "error": "Unauthorized", "path": ""}, Refusal.NOT_SUCCEED, "Unauthorized"),
        ({"status": 400, "description": "Bad request"}, Refusal.NOT_SUCCEED, "Bad request"),
        ({"result": "unknown command"}, Refusal.NOT_SUCCEED, "unknown command"),
        ({"success": False}, Refusal.NOT_SUCCEED, "failed"),
    ],
    ids=repr,
)
def test_what_is_no_report_is_refused_for_a_reason(payload: Any, reason: Refusal, said: str) -> None:
    with pytest.raises(Refused) as refused:
        ess_status.decode(payload, "test")
    assert refused.value.reason is reason
    assert said in refused.value.detail


@pytest.mark.parametrize("name", [path.stem for path in OURS])
@pytest.mark.parametrize(
    "wrong", [None, [], {}, [None], "", "nan", "n/a", True, {"value": None}, {"unit": "A"}], ids=repr
)
def test_whatever_is_missing_never_becomes_a_number(name: str, wrong: object) -> None:
    payload = report(name)
    before = {key: set(told.items()) for key, told in values(payload).items()}
    for path in nodes(payload):
        if path == ("ess_report",):
            continue
        after = values(replaced(payload, path, wrong))
        for key, told in after.items():
            changed = {pair for pair in told.items() if pair not in before.get(key, set())}
            if path[-1] == "serial_number" or path[:1] == ("errors",):
                continue
            allowed = {None} | ({"on"} if path[-1] == "permission_to_operate" else set())
            assert {value for _, value in changed} <= allowed, (path, changed)


@pytest.mark.parametrize("name", [path.stem for path in OURS])
def test_what_is_removed_is_not_told(name: str) -> None:
    payload = report(name)
    before = {key: set(told.items()) for key, told in values(payload).items()}
    for path in nodes(payload):
        after = values(removed(payload, path))
        if path[-1] != "serial_number" and path[0] != "errors":
            for key, told in after.items():
                assert {v for k, v in told.items() if (k, v) not in before.get(key, set())} <= {None}, path


@pytest.mark.parametrize("wrong", [0, 1, -1.5, "x", "12", 10**400, False, [[]], [1], [{}], {"a": {}}, "2023-06-21"])
def test_a_wrong_type_in_any_place_is_survived(wrong: object) -> None:
    for payload in map(load, OURS):
        for path in nodes(payload):
            try:
                found = ess_status.decode(replaced(payload, path, wrong), "test")
            except Refused:
                assert path == ("ess_report",)
                continue
            assert all(reading.device.id for reading in found.readings)


@pytest.mark.parametrize(
    ("errors", "count", "name"),
    [
        ([], 0, None),
        (None, None, None),
        ([None], None, None),
        ("none", None, None),
        (["broken"], 1, None),
        ([None, {"error_name": "A"}], 1, "A"),
        ([{"error_name": "A", "last_occurrence": "bad"}, {"error_name": "B"}], 2, "B"),
        (
            [
                {"error_name": "A", "last_occurrence": "2023-06-21 19:00:00"},
                {"error_name": "B", "last_occurrence": "2023-06-21 18:00:00"},
                {"error_name": "C"},
            ],
            3,
            "A",
        ),
        ([{"error_name": "", "error_code": "4.5.1"}], 1, "4.5.1"),
    ],
    ids=repr,
)
def test_errors(errors: object, count: int | None, name: str | None) -> None:
    told = values({**report(), "errors": errors})["ess"]
    assert (told["storage_errors"], told["storage_last_error"]) == (count, name)


@pytest.mark.parametrize(
    ("word", "relay", "raw", "counted"),
    [
        ("CLOSED", "closed", "CLOSED", 0),
        ("open", "open", "open", 0),
        ("UNKNOWN", "unknown", "UNKNOWN", 0),
        ("HALF_OPEN", "unknown", "HALF_OPEN", 1),
        ("", None, None, 0),
        (None, None, None, 0),
        (2, "unknown", "2", 1),
    ],
)
def test_the_grid_relay(word: object, relay: str | None, raw: str | None, counted: int) -> None:
    found = ess_status.decode(
        replaced(report(), ("ess_report", "hub_plus_status", "contactor_position"), word), "test"
    )
    hub = next(reading.values for reading in found.readings if reading.device.kind == "hub_plus")
    assert (hub["grid_relay"], hub["grid_relay_raw"]) == (relay, raw)
    assert found.refused[Refusal.UNLISTED_VALUE] == counted


def test_an_unlisted_mode_is_counted() -> None:
    path = ("ess_report", "ess_state", 0, "operational_mode")
    found = ess_status.decode(replaced(report(), path, "STORM_WATCH"), "test")
    assert found.readings[0].values["operating_mode"] == "OTHER"
    assert found.refused == {Refusal.UNLISTED_VALUE: 1}


def test_every_listed_word_has_its_option() -> None:
    words = {
        ("hub_plus_status", "contactor_error"): "NONE STUCK_OPEN STUCK_CLOSED_OR_MM_OPEN MM_CLOSED MM_STUCK_OPEN "
        "MM_STUCK_CLOSED UNKNOWN",
        ("hub_plus_status", "grid_voltage_state"): "METER_VOLTAGE_IN_RANGE METER_VOLTAGE_OUT_RANGE METER_PHASE_LOSS "
        "METER_MISS_CONNECTION",
        ("hub_plus_status", "load_frequency_state"): "METER_FREQ_IN_RANGE METER_FREQ_OUT_RANGE",
        ("ess_state", 0, "storage_controller_status"): "UNKNOWN NOT_RUNNING RUNNING",
        ("ess_state", 0, "operational_mode"): "UNKNOWN STANDBY MANUAL_CHARGE MANUAL_DCM DCM TARIFF_OPTIMIZER "
        "ENERGY_ARBITRAGE SELF_CONSUMPTION BACKUP_ONLY HECO_ZERO_EXPORT",
        ("ess_state", 0, "pcs_mode"): "NONE ESS_IMPORT_ONLY ESS_EXPORT_ONLY ESS_NO_EXCHANGE",
        ("ess_state", 0, "pcs_status"): "UNKNOWN DISABLED ENABLED",
    }
    for path, listed in words.items():
        told = set()
        for word in listed.split():
            found = ess_status.decode(replaced(report(), ("ess_report", *path), word), "test")
            assert not found.refused, word
            told |= {
                (r.device.kind, key, value)
                for r in found.readings
                for key, value in r.values.items()
                if QUANTITIES[key].options and value not in QUANTITIES[key].options
            }
        assert told == set()
