"""Counters that rise by more than is possible, the first reading after a restart, and clocks that are wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.site import last_known
from pvsmqtt.site.capability import Capability
from pvsmqtt.site.counters import Counters, Fall, Last, Moment
from pvsmqtt.site.guard import Latest

PANEL = Device("e1", Kind.INVERTER, "Inverter E1", "E1", via="zt1")
METER = Device("m1p", Kind.PRODUCTION_METER, "Production meter M1p", "M1p", via="zt1")
START = datetime(2026, 6, 21, 18, tzinfo=UTC)


def at(number: float) -> datetime:
    return START + timedelta(minutes=5 * number)


def told(latest: Latest, energies: list[float], device: Device = PANEL, first: int = 0) -> list[object]:
    shown = []
    for number, energy in enumerate(energies, first):
        now = 300.0 * number
        latest.accept(Reading(device, {"energy": energy}, "pvs a", at(number), 0.0), now)
        shown.append(latest.values(["energy"], now)["energy"])
    return shown


def test_a_jump_is_held_back_and_gone() -> None:
    assert told(Latest(), [1000.0, 1000.1, 65000.0, 1000.2, 65000.0, 70000.0, 1000.3]) == [
        1000.0, 1000.1, 1000.1, 1000.2, 1000.2, 1000.2, 1000.3,
    ]  # fmt: skip


def test_a_jump_that_stays_is_another_meter_and_said() -> None:
    latest = Latest()
    falls = []
    for number, energy in enumerate([1000.0, 5000.0, 5000.1, 5000.2, 5000.3]):
        falls += latest.accept(Reading(PANEL, {"energy": energy}, "pvs a", at(number), 0.0), 300.0 * number)
    assert latest.values(["energy"], 1201)["energy"] == 5000.3
    assert falls == [Fall("energy", 1000.0, 5000.0, real=False), Fall("energy", 1000.0, 5000.2, real=True)]
    assert all(fall.jump for fall in falls)


def test_numbers_that_leap_about_confirm_nothing() -> None:
    leaps = [1000.0, 50000.0, 9000.0, 77000.0, 3000.0, 99000.0]
    assert told(Latest(), leaps) == [1000.0] * 6


def test_after_a_silence_much_is_possible() -> None:
    """0.5 kW is the most for a panel: 60 kWh in 5 days, and not in an hour."""
    for hours, shown in ((1, 1000.0), (24 * 5, 1050.0)):
        latest = Latest()
        told(latest, [1000.0])
        latest.accept(Reading(PANEL, {"energy": 1050.0}, "pvs a", at(12 * hours), 0.0), 3600.0 * hours)
        assert latest.values(["energy"], 3600.0 * hours)["energy"] == shown


@pytest.mark.parametrize(
    ("device", "values", "most"),
    [
        (PANEL, {}, 0.5),
        (PANEL, {"power": 320.0}, 0.96),
        (METER, {"power": 30_000.0}, 90.0),
        (METER, {}, 60.0),
        (Device("i1", Kind.INVERTER, "x", "1", via="line", modbus_unit=1, interface="tcp"), {}, 30.0),
        (Device("i1", Kind.INVERTER, "x", "1"), {"power_rating": 5000.0, "power": 90_000.0}, 7.5),
        (Device("x", Kind.SITE, "x"), {}, 200.0),
    ],
)
def test_what_a_device_can_do(device: Device, values: dict[str, float], most: float) -> None:
    can = Capability()
    can.note(values)
    assert can.most(device) == pytest.approx(most)


@pytest.mark.parametrize("slip", [0.0, 100.0, 1_000_000.0])
def test_the_first_reading_after_a_restart_is_held_against_the_last_one_before(slip: float) -> None:
    before = Latest()
    told(before, [1000.0, 1000.2])
    after = Latest()
    for source, known in before.counted().items():
        after.recall(source, known)
    assert told(after, [slip, 1000.3], first=6) == [1000.2, 1000.3]


def test_a_count_that_really_began_anew_while_this_service_was_away() -> None:
    latest = Latest()
    latest.recall("pvs a", {"energy": Last(1000.0, at(0))})
    assert told(latest, [0.5, 0.6, 0.7], first=6) == [1000.0, 1000.0, 0.7]


def test_of_a_clock_that_went_back_over_the_restart_nothing_follows() -> None:
    latest = Latest()
    latest.recall("pvs a", {"energy": Last(1000.0, at(100))})
    assert told(latest, [1500.0]) == [1500.0]


def test_what_is_recalled_is_not_shown_before_something_is_told() -> None:
    latest = Latest()
    latest.recall("pvs a", {"energy": Last(1000.0, at(100))})
    assert latest.values(["energy"], 0) == {"energy": None}
    assert not latest.online(0)


CLOCKS = {
    "1970": lambda n: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=5 * n),
    "backward": lambda n: at(-3 * n),
    "future": lambda n: at(1e5 + n),
    "jumping": lambda n: at((-1) ** n * 1e4 + n),
    "still": lambda n: START,
    "none": lambda n: None,
}


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
def test_a_wrong_clock_loses_no_value(clock) -> None:
    latest, shown = Latest(), []
    for number in range(40):
        now = 300.0 * number
        latest.accept(
            Reading(PANEL, {"energy": 100 + number / 100, "power": 120.0}, "pvs a", clock(number), 0.0), now
        )
        shown.append(latest.values(["energy"], now)["energy"])
    assert shown == [100 + number / 100 for number in range(40)]


def test_where_the_clock_stands_still_a_new_count_is_taken_after_an_hour() -> None:
    latest, shown = Latest(), []
    for number in range(16):
        energy = 1000.0 if number == 0 else number / 100
        latest.accept(Reading(PANEL, {"energy": energy}, "pvs a", START, 0.0), 300.0 * number)
        shown.append(latest.values(["energy"], 300.0 * number)["energy"])
    assert shown[:13] == [1000.0] * 13
    assert shown[13:] == [0.13, 0.14, 0.15]


def test_history_that_is_told_all_night_confirms_nothing() -> None:
    latest = Latest()
    told(latest, [1000.0])
    for number in range(1, 200):
        latest.accept(Reading(PANEL, {"energy": 0.0}, "pvs a", at(1), 300.0 * number, 0.0), 300.0 * number)
    assert latest.values(["energy"], 6e4)["energy"] == 1000.0


def test_a_meter_that_counts_backwards_at_night_is_waited_for() -> None:
    """15 W for 10 hours: no new count, and nothing falls."""
    night = [1000.0 - 0.00125 * number for number in range(120)]
    morning = [999.85 + 0.1 * number for number in range(1, 5)]
    assert told(Latest(), [*night, *morning], METER) == pytest.approx([1000.0] * 121 + [1000.05, 1000.15, 1000.25])


def test_the_file(tmp_path: Path) -> None:
    path = tmp_path / last_known.FILE
    assert last_known.load(path) == {}
    known = {"e1": {"pvs a": {"energy": Last(1834.52, START)}, "line b": {"energy": Last(2.0, None)}}}
    path.write_text(json.dumps(last_known.document(known)), "utf-8")
    assert last_known.load(path) == known


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 2}', '{"format": 1, "devices": {"e1": {"a": {"energy": ["x", null]}}}}',
     '{"format": 1, "devices": {"e1": {"a": {"energy": [NaN, null]}}}}', '{"format": 1, "devices": []}',
     '{"format": 1, "devices": {"e1": {"a": {"energy": [1, "2026-01-01"]}}}}', "\\u0000"],
)  # fmt: skip
def test_a_damaged_file_is_no_harm(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / last_known.FILE
    path.write_text(text, "utf-8")
    assert last_known.load(path) == {}
    assert caplog.text.count("cannot be used") == 1


steps = st.lists(
    st.tuples(
        st.floats(0, 7200), st.sampled_from(["true", "true", "true", "zero", "low", "high"]), st.floats(0, 0.4)
    ),
    max_size=60,
)


@given(steps)
def test_between_glitches_and_without_two_in_a_row_the_truth_is_shown_and_never_falls(
    told: list[tuple[float, str, float]],
) -> None:
    """Whatever is slipped in between true readings is not seen."""
    counters, now, true, last = Counters(), 0.0, 500.0, 500.0
    counters.passed({"energy": true}, at(0), Moment(now, 0.5, 1.0))
    for number, (gap, what, power) in enumerate(told, 1):
        now += gap
        true += power * gap / 3600
        glitch = {"zero": 0.0, "low": true / 2, "high": true + 1e6}.get(what)
        if glitch is not None:
            moment = START + timedelta(seconds=now, milliseconds=number)
            shown, _ = counters.passed({"energy": glitch}, moment, Moment(now, 0.5, 1.0))
            assert shown["energy"] == last
        moment = START + timedelta(seconds=now, milliseconds=number, microseconds=1)
        shown, falls = counters.passed({"energy": true}, moment, Moment(now, 0.5, 1.0))
        assert (shown["energy"], falls) == (true, [])
        last = true


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e6), st.integers(0, 9)), max_size=60))
def test_whatever_is_told_it_falls_or_leaps_only_when_that_is_said(told: list[tuple[float, float, int]]) -> None:
    counters, now, last, since = Counters(), 0.0, None, 0.0
    for gap, energy, minute in told:
        now += gap
        values, falls = counters.passed({"energy": energy}, at(minute), Moment(now, 1.0, 10.0))
        shown = values["energy"]
        assert isinstance(shown, float)
        if last is not None and not any(fall.real for fall in falls):
            assert last <= shown <= last + 10.0 + (now - since) / 3600 + 1e-6
        if shown == energy:
            since = now
        last = shown
