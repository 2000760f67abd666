"""When the storage report was measured, and for how long it stands for the present."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sources.test_ess_status import removed, replaced, report, values

from pvsmqtt.sources.pvs.older import ess_status
from pvsmqtt.sources.pvs.older.ess_types import moment

AT = datetime(2023, 6, 21, 19, 4, 9, tzinfo=UTC)


def test_without_a_clock_the_report_is_now() -> None:
    ages = [reading.age for reading in ess_status.decode(report(), "test").readings]
    assert ages == [6, 5, 4, 8, 7]
    newest = ess_status.decode(removed(report(), ("ess_report", "last_updated")), "test").readings
    assert [reading.age for reading in newest] == [2, 1, 0, 4, 3]


def test_the_clock_decides_what_is_history() -> None:
    found = ess_status.decode(report(), "test", clock=AT + timedelta(seconds=600), stale_after=605, keep=50).readings
    assert [(reading.age, reading.valid_for) for reading in found] == [
        (606, 0),
        (605, 0),
        (604, 50),
        (608, 0),
        (607, 0),
    ]
    found = ess_status.decode(report(), "test", clock=AT, stale_after=900, keep=60).readings
    assert [reading.valid_for for reading in found] == [894, 895, 896, 892, 893]


def test_a_future_time_is_not_believed() -> None:
    first, *_ = ess_status.decode(report(), "test", clock=AT - timedelta(seconds=306)).readings
    assert (first.measured_at, first.age, first.valid_for) == (AT - timedelta(seconds=6), 0, 900)
    first, *_ = ess_status.decode(report(), "test", clock=AT - timedelta(seconds=307)).readings
    assert (first.measured_at, first.age, first.valid_for) == (None, None, 0)


@pytest.mark.parametrize(
    ("told", "measured_at"),
    [(None, AT), ("", AT), ("n/a", AT), ("yesterday", None), ("2023-02-30 00:00:00", None), (1687374249, None)],
)
def test_a_missing_time_is_that_of_the_report_and_a_bad_one_unknown(
    told: object, measured_at: datetime | None
) -> None:
    payload = replaced(report(), ("ess_report", "battery_status", 0, "last_updated"), told)
    battery = ess_status.decode(payload, "test").readings[3]
    assert battery.measured_at == measured_at
    assert (battery.age, battery.valid_for) == ((0, 900) if measured_at else (None, 0))


def test_without_any_time_nothing_is_the_present() -> None:
    payload = json.loads(json.dumps(report()).replace('"last_updated"', '"when"'))
    found = ess_status.decode(payload, "test", clock=AT).readings
    assert {(reading.measured_at, reading.age, reading.valid_for) for reading in found} == {(None, None, 0)}


def test_a_part_that_fell_silent_is_unknown_beside_live_ones() -> None:
    base = ("ess_report", "ess_status", 0, "ess_meter_reading", "meter_b", "reading", "last_updated")
    ess = values(replaced(report(), base, "2023-06-21 18:00:00"))["ess"]
    assert (ess["power_l2"], ess["current_l2"], ess["voltage_l2"]) == (None, None, None)
    assert (ess["power_l1"], ess["power"], ess["temperature"]) == (-1130.5, -2287.1, 31.5)
    ess = values(replaced(report(), (*base[:4], "last_updated"), "2023-06-21 18:00:00"))["ess"]
    assert (ess["power"], ess["power_l1"]) == (None, -1130.5)
    dead = values(report(), clock=AT + timedelta(days=1))["ess"]
    assert dead == values(report())["ess"]


@pytest.mark.parametrize("bad", ["2023-06-21", "2023-06-21T19:04:09Z", "0000-00-00 00:00:00", "", 5, None, "\ud800"])
def test_what_is_no_time(bad: object) -> None:
    assert moment(bad) is None


def test_a_time() -> None:
    assert moment(" 2023-06-21 19:04:09 ") == AT
