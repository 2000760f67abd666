"""What live data means: merged, converted, believed, forgotten."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.sources.pvs.live.livedata import CONFIRM_WITHIN, STALE, LiveData, epoch, frame

TIME = 1753730397
BATTERY = {
    "time": TIME,
    "soc": 0.86,
    "ess_p": 1.186,
    "ess_en": -490.46,
    "site_load_p": 2.539,
    "net_p": 0.653,
    "pv_p": 0.7,
    "site_load_en": 46378.73,
    "net_en": 6121.33,
    "pv_en": 40747.87,
    "backupTimeRemaining": 555,
    "midstate": 2,
}
SOLAR = {key: BATTERY[key] for key in ("time", "pv_p", "pv_en", "net_p", "net_en", "site_load_p", "site_load_en")}
POLL_WITHOUT_BATTERY = {
    "/sys/livedata/time": "1775820600",
    "/sys/livedata/pv_p": "2.971486",
    "/sys/livedata/pv_en": "11992.030273",
    "/sys/livedata/net_p": "-1.447360",
    "/sys/livedata/net_en": "-5843.060059",
    "/sys/livedata/site_load_p": "1.524126",
    "/sys/livedata/site_load_en": "6148.970215",
    "/sys/livedata/ess_en": "nan",
    "/sys/livedata/ess_p": "nan",
    "/sys/livedata/soc": "nan",
    "/sys/livedata/backupTimeRemaining": "0",
    "/sys/livedata/midstate": "2",
}
COUNTERS = {"pv_energy", "grid_net_energy", "load_energy", "battery_net_energy"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
ODD = JSON | st.sampled_from(["", "nan", "N/A", "1e400", "-0", "9" * 100, 10**400, 1e308, -1e308, "\ud800", "0x10"])
PARAMS = st.dictionaries(st.sampled_from(sorted(BATTERY)), ODD)


def after(*messages: dict[str, Any], now: float = 0.0) -> dict[str, Any]:
    live = LiveData()
    for message in messages:
        live.take(message, now)
    return live.values(now)


# Messages


def test_the_parameters_of_a_message() -> None:
    assert frame(json.dumps({"notification": "power", "params": BATTERY})) == BATTERY


@pytest.mark.parametrize(
    "message",
    [
        "",
        "power",
        "null",
        "[]",
        "{}",
        '{"notification":"power"}',
        '{"notification":"power","params":null}',
        '{"notification":"power","params":[]}',
        '{"notification":"energy","params":{}}',
        '{"notification":["power"],"params":{}}',
        '{"params":{}}',
        '{"notification":"power","params":{"pv_p":1',
        '{"notification":"power","params":{"pv_p":' + "9" * 5000 + "}}",
        '{"notification":"power","params":' + '{"a":' * 100_000,
        "[" * 100_000,
    ],
    ids=lambda message: message[:50],
)
def test_anything_else_is_nothing(message: str) -> None:
    assert frame(message) is None


@given(st.text() | JSON.map(json.dumps) | PARAMS.map(lambda p: json.dumps({"notification": "power", "params": p})))
def test_no_message_raises(message: str) -> None:
    params = frame(message)
    if params is not None:
        after(dict(params))


# Values


def test_units() -> None:
    assert after(BATTERY) == {
        "pv_power": 700.0,
        "pv_energy": 40747.87,
        "grid_power": 653.0,
        "grid_net_energy": 6121.33,
        "load_power": 2539.0,
        "load_energy": 46378.73,
        "battery_power": 1186.0,
        "battery_net_energy": -490.46,
        "state_of_charge": 86.0,
        "backup_time": 555,
        "grid_relay": "closed",
        "grid_relay_raw": "2",
    }


def test_a_poll_of_a_house_without_battery() -> None:
    live = LiveData()
    live.confirm(POLL_WITHOUT_BATTERY, 0.0, alive_for=60.0)
    assert live.values(0.0) == {
        "pv_power": 2971.486,
        "pv_energy": 11992.03,
        "grid_power": -1447.36,
        "grid_net_energy": -5843.06,
        "load_power": 1524.126,
        "load_energy": 6148.97,
    }
    assert live.measured_at == datetime(2026, 4, 10, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("params", "key", "value"),
    [
        ({"pv_p": -0.05}, "pv_power", 0.0),
        ({"pv_p": -0.0001}, "pv_power", 0.0),
        ({"pv_p": -0.051}, "pv_power", -51.0),
        ({"pv_p": "N/A"}, "pv_power", None),
        ({"pv_p": None}, "pv_power", None),
        ({"net_p": -0.02}, "grid_power", -20.0),
        ({"site_load_p": -0.02}, "load_power", 0.0),
        ({"ess_p": -0.02}, "battery_power", -20.0),
        ({"ess_en": -2596.0199999999986}, "battery_net_energy", -2596.02),
        ({"pv_en": "40747.871094"}, "pv_energy", 40747.87),
        ({"pv_en": 9999.030273}, "pv_energy", 9999.03),
        ({"pv_en": float("nan")}, "pv_energy", None),
        ({"soc": "0.860000"}, "state_of_charge", 86.0),
        ({"soc": 0}, "state_of_charge", 0.0),
        ({"soc": 1}, "state_of_charge", 100.0),
        ({"soc": 1.0000001}, "state_of_charge", 100.0),
        ({"soc": 1.5}, "state_of_charge", None),
        ({"soc": 1.6}, "state_of_charge", 1.6),
        ({"soc": 86}, "state_of_charge", 86.0),
        ({"soc": 101}, "state_of_charge", None),
        ({"soc": -0.5}, "state_of_charge", None),
        ({"soc": "nan"}, "state_of_charge", None),
        ({"backupTimeRemaining": 0}, "backup_time", 0),
        ({"backupTimeRemaining": -1}, "backup_time", None),
        ({"backupTimeRemaining": "570"}, "backup_time", 570),
        ({"midstate": 2.0}, "grid_relay_raw", "2"),
        ({"midstate": "2"}, "grid_relay", "closed"),
        ({"midstate": 1}, "grid_relay", "unknown"),
        ({"midstate": 1}, "grid_relay_raw", "1"),
        ({"midstate": "MID_STATE_OPEN"}, "grid_relay", "unknown"),
        ({"midstate": None}, "grid_relay", None),
        ({"midstate": True}, "grid_relay_raw", None),
    ],
    ids=str,
)
def test_a_value(params: dict[str, Any], key: str, value: object) -> None:
    assert after(BATTERY, params)[key] == value


@given(st.lists(PARAMS, max_size=5), st.lists(PARAMS, max_size=3))
def test_whatever_comes_every_value_fits_its_quantity(
    messages: list[dict[str, Any]], polls: list[dict[str, Any]]
) -> None:
    live = LiveData()
    live.take(BATTERY, 0.0)
    for params in messages:
        live.take(params, 1.0)
    for params in polls:
        live.confirm(params, 2.0)
    values = live.values(2.0)
    for key, value in values.items():
        quantity = QUANTITIES[key]
        if value is not None:
            assert isinstance(value, str if quantity.device_class == "enum" or quantity.unit is None else int | float)
            assert not quantity.options or value in quantity.options
    json.dumps(values, allow_nan=False)
    assert live.measured_at is None or live.measured_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        (TIME, datetime(2025, 7, 28, 19, 19, 57, tzinfo=UTC)),
        (str(TIME), datetime(2025, 7, 28, 19, 19, 57, tzinfo=UTC)),
        (TIME * 1000, datetime(2025, 7, 28, 19, 19, 57, tzinfo=UTC)),
        (0, None),
        (-5, None),
        (1e30, None),
        (True, None),
        ("N/A", None),
        (None, None),
    ],
    ids=str,
)
def test_the_time(raw: object, moment: datetime | None) -> None:
    assert epoch(raw) == moment


def test_a_message_without_its_time_keeps_the_last() -> None:
    live = LiveData()
    live.take(BATTERY, 0.0)
    live.take({"time": None, "pv_p": 2}, 1.0)
    assert live.measured_at == epoch(TIME)


# Merging


@given(st.lists(st.dictionaries(st.sampled_from(sorted(BATTERY)), st.floats(0.01, 1.0)), max_size=6))
def test_the_last_word_on_each_parameter_counts(messages: list[dict[str, float]]) -> None:
    merged: dict[str, Any] = {**BATTERY}
    for message in messages:
        merged |= message
    assert after(BATTERY, *messages) == after(merged)


@given(st.permutations(sorted(BATTERY)))
def test_one_parameter_at_a_time_in_any_order(order: list[str]) -> None:
    assert after(*({name: BATTERY[name]} for name in order)) == after(BATTERY)


def test_what_is_known_is_told() -> None:
    live = LiveData()
    assert not live.take({}, 0.0)
    assert not live.take({"firmware": 1, "time": "never"}, 0.0)
    assert live.take({"time": TIME}, 0.0)
    assert live.take({"midstate": None}, 0.0)


# What is measured


@pytest.mark.parametrize("nothing", [None, "nan", "N/A"])
def test_nothing_of_a_battery_without_one(nothing: object) -> None:
    values = after({**BATTERY, "soc": nothing, "ess_p": nothing, "ess_en": nothing, "backupTimeRemaining": 0})
    assert values.keys() == after(SOLAR).keys()


def test_nothing_of_a_battery_that_tells_zeros_for_ever() -> None:
    assert after({**BATTERY, "soc": 0, "ess_p": 0, "ess_en": 0}).keys() == after(SOLAR).keys()


def test_a_battery_once_seen_is_there() -> None:
    gone = {"soc": None, "ess_p": None, "ess_en": None}
    values = after(BATTERY, gone)
    assert [values[key] for key in ("state_of_charge", "battery_power", "battery_net_energy")] == [None] * 3
    assert after({"soc": 0.5, "midstate": 2})["grid_relay"] == "closed"
    assert after({"ess_p": -0.007, "midstate": 2})["grid_relay"] == "closed"


def test_a_battery_whose_meter_tells_nothing() -> None:
    values = after({"soc": 0.5, "ess_p": 0.0, "ess_en": 0.0, "backupTimeRemaining": 60})
    assert values == {"state_of_charge": 50.0, "backup_time": 60}


@pytest.mark.parametrize(
    ("dead", "gone"),
    [
        ("pv", {"pv_power", "pv_energy", "load_power", "load_energy"}),
        ("net", {"grid_power", "grid_net_energy", "load_power", "load_energy"}),
        ("site_load", {"load_power", "load_energy"}),
    ],
)
@pytest.mark.parametrize("zero", [0, 0.0, -0.0, "0.000000"])
def test_a_meter_without_transformers(dead: str, gone: set[str], zero: object) -> None:
    values = after({**SOLAR, f"{dead}_p": zero, f"{dead}_en": zero})
    assert values.keys() == after(SOLAR).keys() - gone


def test_night_and_a_new_house_are_no_missing_meter() -> None:
    assert after({**SOLAR, "pv_p": 0})["pv_power"] == 0.0
    assert after({**SOLAR, "pv_en": 0})["pv_energy"] == 0.0
    assert after({"pv_p": 0.0}, {"pv_en": 4.5}) == {"pv_power": 0.0, "pv_energy": 4.5}


def test_a_meter_that_falls_back_to_zeros_is_unknown() -> None:
    values = after(SOLAR, {"pv_p": 0, "pv_en": 0})
    assert values == {"pv_power": None, "grid_power": 653.0, "grid_net_energy": 6121.33, "load_power": None}
    assert after(SOLAR, {"pv_p": 0, "pv_en": 0}, SOLAR) == after(SOLAR)


def test_a_battery_site_with_dead_transformers() -> None:
    values = after({"time": TIME, "soc": 0.6, "ess_p": -0.007, "ess_en": -2596.02})
    assert values == {"battery_power": -7.0, "battery_net_energy": -2596.02, "state_of_charge": 60.0}


# Staleness


def test_nothing_is_known_at_first() -> None:
    assert LiveData().values(0.0) == {}


def test_values_stand_while_the_stream_lives() -> None:
    live = LiveData()
    live.take(BATTERY, 1000.0)
    assert live.values(1000.0 + STALE - 0.1) == after(BATTERY)
    live.take({"time": TIME + 80}, 1080.0)
    assert live.values(1080.0 + STALE - 0.1) == after(BATTERY)
    old = live.values(1080.0 + STALE)
    assert old == {key: None for key in after(BATTERY) if key not in COUNTERS}


def test_a_parameter_that_nobody_confirms_is_forgotten() -> None:
    live = LiveData()
    live.take(BATTERY, 0.0)
    now = 0.0
    while now < CONFIRM_WITHIN:
        now += 60.0
        live.take({"net_p": 1.0}, now)
    values = live.values(CONFIRM_WITHIN)
    assert values == {**after(BATTERY), "grid_power": 1000.0}
    values = live.values(CONFIRM_WITHIN + 0.1)
    assert values["grid_power"] == 1000.0
    assert (values["pv_power"], values["state_of_charge"], values["grid_relay"]) == (None, None, None)
    assert not COUNTERS & values.keys()


def test_polls_confirm() -> None:
    live = LiveData(confirm_within=100.0)
    live.take(BATTERY, 0.0)
    for now in range(10, 500, 10):
        live.take({"net_p": 1.0}, now)
        if now % 90 == 0:
            live.confirm({**BATTERY, "time": TIME + now}, now)
    assert live.values(490.0) == {**after(BATTERY), "grid_power": 1000.0}


def test_a_poll_alone_is_no_sign_of_life() -> None:
    live = LiveData()
    live.confirm(SOLAR, 0.0)
    assert live.values(0.0) == {}
    live.take({"time": TIME}, 1.0)
    assert live.values(1.0) == after(SOLAR)


def test_a_poll_stands_in_for_the_stream() -> None:
    live = LiveData()
    live.confirm(SOLAR, 0.0, alive_for=300.0)
    assert live.values(299.0) == after(SOLAR)
    assert live.values(300.0)["pv_power"] is None
    assert live.measured_at == epoch(TIME)


def test_a_poll_does_not_overwrite_what_the_stream_told_since() -> None:
    live = LiveData()
    live.take({**SOLAR, "time": TIME}, 0.0)
    live.take({"time": TIME + 5, "pv_p": 3.0}, 5.0)
    live.confirm({**SOLAR, "time": TIME + 4, "pv_p": 1.0, "net_p": 2.0}, 6.0)
    values = live.values(6.0)
    assert (values["pv_power"], values["grid_power"]) == (3000.0, 2000.0)
    assert live.measured_at == epoch(TIME + 5)
    live.confirm({**SOLAR, "time": TIME + 7, "pv_p": 1.0}, 8.0)
    assert live.values(8.0)["pv_power"] == 1000.0


def test_a_poll_overwrites_what_nobody_confirmed_any_more_also_when_the_clock_was_set_back() -> None:
    live = LiveData(confirm_within=100.0)
    live.take(SOLAR, 0.0)
    live.confirm({**SOLAR, "time": TIME - 3600, "pv_p": 1.0}, 101.0, alive_for=60.0)
    assert live.values(101.0)["pv_power"] == 1000.0


def test_polls_that_repeat_the_same_measurement_confirm_nothing() -> None:
    live = LiveData()
    for now in range(0, 700, 20):
        live.confirm(SOLAR, now, alive_for=60.0)
    assert live.values(CONFIRM_WITHIN)["pv_power"] == 700.0
    assert live.values(CONFIRM_WITHIN + 1)["pv_power"] is None
    live.confirm({**SOLAR, "time": TIME + 680}, 700.0, alive_for=60.0)
    assert live.values(700.0) == after(SOLAR)


def test_polls_without_a_time_are_believed() -> None:
    live = LiveData()
    timeless = {key: value for key, value in SOLAR.items() if key != "time"}
    for now in range(0, 2000, 50):
        live.confirm(timeless, now, alive_for=60.0)
    assert live.values(1950.0) == after(SOLAR)
    assert live.measured_at is None


def test_values_from_before_a_silence_do_not_come_back() -> None:
    live = LiveData()
    live.take(BATTERY, 0.0)
    live.confirm({"time": TIME + 500, "pv_p": 0.9}, 500.0)
    live.take({"time": TIME + 510, "net_p": 1.0}, 510.0)
    values = live.values(510.0)
    assert (values["grid_power"], values["pv_power"], values["state_of_charge"]) == (1000.0, 900.0, None)


def test_a_short_gap_keeps_them() -> None:
    live = LiveData()
    live.take(BATTERY, 0.0)
    live.take({"net_p": 1.0}, STALE - 1)
    assert live.values(STALE)["pv_power"] == 700.0
