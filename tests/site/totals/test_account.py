"""One flow: what makes it rise, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pvsmqtt.site.totals.account import LAG, Account
from pvsmqtt.site.totals.basis import EXPORT, IMPORT, LOAD, PV, Basis, Part
from pvsmqtt.site.totals.days import Days
from pvsmqtt.site.totals.ledger import Ledger
from pvsmqtt.site.totals.suspect import positive_area

AT = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)


def wall(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def meter(value: float | None, minutes: float, name: str = "meter", part: str = "m1") -> Basis:
    return Basis(name, f"the {name}", "counter", {part: Part(value, minutes)})


def panels(minutes: float, **values: float | None) -> Basis:
    return Basis("panels", "panels", "counter", {key: Part(value, minutes) for key, value in values.items()})


def net(value: float, minutes: float, sign: int = 1) -> Basis:
    return Basis("register", "register", "net", {"m": Part(value, minutes)}, False, sign)


def power(watts: float, seconds: float, sign: int = 1) -> Basis:
    return Basis("power", "power", "power", {"p": Part(watts)}, False, sign, seconds, 900.0)


def test_a_measured_total_begins_with_what_the_equipment_counted() -> None:
    account = Account()
    account.look([meter(1000.0, 0)], wall(0))
    assert account.published(bounded=True) == 1000.0
    account.look([meter(1000.5, 5)], wall(5))
    assert account.published(bounded=False) == 1000.5


def test_panels_that_come_one_by_one_are_no_partial_sum() -> None:
    account = Account()
    account.look([panels(0, a=10.0, b=None)], wall(0))
    assert account.published(bounded=False) is None
    account.look([panels(5, a=10.1, b=20.0)], wall(5))
    assert account.published(bounded=False) == pytest.approx(30.1)
    account.look([panels(10, a=10.2, b=None)], wall(10))
    assert account.published(bounded=False) == pytest.approx(30.2), "what is not told stands"
    account.look([panels(900, a=10.2, b=20.5)], wall(900))
    assert account.published(bounded=False) == pytest.approx(30.7), "and is caught up with"


def test_a_panel_that_tells_nothing_for_a_day_does_not_hold_up_the_total_for_ever() -> None:
    account = Account()
    account.look([panels(0, a=10.0, b=None)], wall(0))
    account.look([panels(1441, a=11.0, b=None)], wall(1441))
    assert account.published(bounded=False) == 11.0
    assert account.counts["incomplete"] == 1
    account.look([panels(1500, a=11.0, b=900.0)], wall(1500))
    assert account.published(bounded=False) == 11.0, "its 900 kWh were not made now"
    account.look([panels(1505, a=11.0, b=900.2)], wall(1505))
    assert account.published(bounded=False) == pytest.approx(11.2)


def test_a_new_panel_counts_from_its_first_kilowatt_hour() -> None:
    account = Account()
    account.look([panels(0, a=10.0)], wall(0))
    account.look([panels(5, a=10.0, new=0.3)], wall(5))
    assert account.published(bounded=False) == pytest.approx(10.3)


def test_a_slip_to_0_and_back_changes_nothing() -> None:
    account = Account()
    account.look([meter(1000.0, 0)], wall(0))
    account.look([meter(0.0, 5)], wall(5))
    account.look([meter(0.0, 10)], wall(10))
    account.look([meter(1000.4, 15)], wall(15))
    assert account.published(bounded=False) == pytest.approx(1000.4)
    assert not account.events


def test_a_counter_that_starts_anew_is_noted_and_the_total_goes_on() -> None:
    account = Account()
    account.look([meter(1000.0, 0)], wall(0))
    for minutes in (5, 10, 15):
        account.look([meter(minutes / 100, minutes)], wall(minutes))
    account.look([meter(0.25, 20)], wall(20))
    assert account.published(bounded=False) == pytest.approx(1000.25)
    assert account.counts["resets"] == 1


def test_looking_again_confirms_nothing() -> None:
    account = Account()
    account.look([meter(1000.0, 0)], wall(0))
    for _ in range(9):
        account.look([meter(3.0, 5)], wall(5))
    assert not account.counts["resets"]


def test_an_impossible_jump_is_not_counted() -> None:
    account = Account()
    account.look([meter(1000.0, 0)], wall(0))
    for minutes in (5, 10, 15, 20):
        account.look([meter(60000.0 + minutes, minutes)], wall(minutes))
    assert account.published(bounded=False) == pytest.approx(1015.0), "what it counted from there on"
    assert account.counts["jumps"] == 1


def test_what_was_counted_while_nobody_looked_is_caught_up_with() -> None:
    account = Account()
    account.look([meter(1000.0, 0)], wall(0))
    account.look([meter(1900.0, 1)], wall(60 * 24 * 14))
    assert account.published(bounded=False) == 1900.0


def test_a_meter_that_dies_gives_way_to_the_panels_without_a_jump_and_comes_back() -> None:
    account = Account()
    minutes = 0
    for minutes in range(0, 60, 5):
        account.look([meter(1000.0 + minutes / 10, minutes), panels(minutes, a=500.0 + minutes / 10)], wall(minutes))
    before = account.published(bounded=False)
    assert before == pytest.approx(1005.5)
    for minutes in range(60, 300, 5):
        dead = Basis("meter", "the meter", "counter", {"m1": Part(1005.5, 55, alive=False)})
        account.look([dead, panels(minutes, a=500.0 + minutes / 10)], wall(minutes))
    assert account.basis == "panels"
    assert account.published(bounded=False) == pytest.approx(1000 + 29.5), "the hours before the switch are in it"
    for minutes in range(300, 400, 5):
        account.look([meter(2000.0 + minutes / 10, minutes), panels(minutes, a=500.0 + minutes / 10)], wall(minutes))
    assert account.basis == "meter"
    assert account.published(bounded=False) == pytest.approx(1000 + 39.5)
    assert account.counts["switches"] == 2


def test_a_short_outage_of_the_meter_changes_nothing() -> None:
    account = Account()
    account.look([meter(1000.0, 0), panels(0, a=500.0)], wall(0))
    silent = Basis("meter", "the meter", "counter", {"m1": Part(None)})
    account.look([silent, panels(100, a=500.0 + LAG + 1)], wall(100))
    assert account.basis == "meter"
    account.look([meter(1007.0, 110), panels(110, a=507.0)], wall(110))
    assert account.published(bounded=False) == 1007.0


def test_a_measured_total_never_becomes_an_estimated_one_because_it_is_silent() -> None:
    account = Account()
    register = net(50.0, 0)
    account.look([meter(1000.0, 0, "counters"), register], wall(0))
    silent = Basis("counters", "counters", "counter", {"m1": Part(1000.0, 0, alive=False)})
    for minutes in range(5, 3000, 60):
        account.look([silent, net(50.0 + minutes / 10, minutes)], wall(minutes))
    assert (account.basis, account.published(bounded=False)) == ("counters", 1000.0)


def test_a_meter_that_was_exchanged_goes_on_where_the_old_one_was() -> None:
    account = Account()
    account.look([meter(1000.0, 0)], wall(0))
    account.look([meter(3.0, 5, part="m2")], wall(5))
    assert account.published(bounded=False) == 1003.0
    account.look([meter(3.5, 10, part="m2")], wall(10))
    assert account.published(bounded=False) == 1003.5


def test_a_net_register_counts_both_ways() -> None:
    taken, given = Account(), Account()
    for minutes, value in ((0, 5.0), (5, 5.5), (10, 5.2), (15, 4.9), (20, 5.0)):
        taken.look([net(value, minutes, 1)], wall(minutes))
        given.look([net(value, minutes, -1)], wall(minutes))
    assert taken.published(bounded=False) == pytest.approx(0.6)
    assert given.published(bounded=False) == pytest.approx(0.6)
    assert not taken.measured


def test_an_estimated_total_is_told_when_two_samples_agree() -> None:
    account = Account()
    account.look([net(5.0, 0)], wall(0))
    account.look([net(5.0, 0)], wall(1))
    assert account.published(bounded=False) is None
    account.look([net(5.1, 5)], wall(5))
    assert account.published(bounded=False) == pytest.approx(0.1)


def test_the_gap_of_a_net_register_is_counted_by_its_sign_and_noted() -> None:
    account = Account()
    account.look([net(5.0, 0)], wall(0))
    account.look([net(15.0, 1)], wall(24 * 60))
    assert account.published(bounded=False) == pytest.approx(10.0)
    assert account.counts["gaps"] == 1


def test_power_is_integrated_as_time_really_passed_and_never_across_a_gap() -> None:
    account = Account()
    for seconds, watts in ((0.0, 1000.0), (300.0, 1000.0), (900.0, 2000.0)):
        account.look([power(watts, seconds)], wall(seconds / 60))
    assert account.published(bounded=False) == pytest.approx(1.0 * 300 / 3600 + 1.5 * 600 / 3600)
    account.look([power(2000.0, 2000.0)], wall(34))
    assert account.published(bounded=False) == pytest.approx(1 / 12 + 0.25)
    assert account.counts["gaps"] == 1


def test_counters_that_appear_take_over_from_a_power_that_nobody_measures_any_more() -> None:
    """After an update of a firmware that told the power alone."""
    account = Account()
    account.look([power(-600.0, 0.0, -1)], wall(0))
    stale = power(-600.0, 600.0, -1)
    account.look([stale], wall(10))
    assert account.published(bounded=False) == pytest.approx(0.1)
    for minutes, counted in ((15, 9000.0), (20, 9000.1), (25, 9000.2), (30, 9000.3)):
        account.look([meter(counted, minutes), stale], wall(minutes))
    assert account.basis == "meter"
    assert account.published(bounded=False) == pytest.approx(0.4), "with all that moved since it was seen first"
    account.look([meter(9000.4, 35), stale], wall(35))
    assert account.published(bounded=False) == pytest.approx(0.5)


def test_a_power_by_which_nothing_was_told_yet_gives_way_to_counters_at_once() -> None:
    clock = [0.0]
    ledger = Ledger(lambda _: wall(clock[0]), days=Days(UTC))
    stale = power(-600.0, 0.0, -1)
    for minutes in (0.0, 5.0):
        clock[0] = minutes
        ledger.look("site", {IMPORT: [stale]}, minutes, whole=True)
        assert ledger.published("site") == {IMPORT: None}
    for minutes, counted in ((10.0, 9000.0), (15.0, 9000.5)):
        clock[0] = minutes
        ledger.look("site", {IMPORT: [meter(counted, minutes), stale]}, minutes, whole=True)
        assert ledger.published("site") == {IMPORT: counted}
    rows = ledger.days.rows["site"].values()
    assert [row[IMPORT][0] for row in rows if IMPORT in row] == [9000.0], "it was no day of 9000 kWh"


def test_a_power_by_which_0_was_told_before_a_restart_goes_on() -> None:
    account = Account.of(Account(0.0, "power", measured=False).document(0.05))
    account.look([meter(9000.0, 20), power(-600.0, 0.0, -1)], wall(20))
    assert account.total == 0.0, "it must not rise by all that was ever counted"


def flows(minutes: float, *load: Basis) -> dict[str, list[Basis]]:
    kwh = 1000.0 + minutes / 100
    found = {key: [meter(kwh, minutes)] for key in (PV, IMPORT, EXPORT)}
    return {**found, LOAD: [*load]}


def test_the_load_waits_for_who_counts_it_before_it_is_estimated() -> None:
    """Live data come later than the first poll."""
    clock = [0.0]
    ledger = Ledger(lambda _: wall(clock[0]), days=Days(UTC))
    for minutes in (0.0, 0.1, 5.0):
        clock[0] = minutes
        ledger.look("site", flows(minutes), minutes, whole=True)
        assert ledger.published("site").get(LOAD) is None
    clock[0] = 6.0
    ledger.look("site", flows(6.0, meter(53857.0, 6.0)), 6.0, whole=True)
    assert ledger.published("site")[LOAD] == 53857.0


def test_the_load_that_nobody_counts_is_estimated_after_a_while() -> None:
    clock = [0.0]
    ledger = Ledger(lambda _: wall(clock[0]), days=Days(UTC))
    told = []
    for minutes in range(0, 40, 5):
        clock[0] = float(minutes)
        ledger.look("site", flows(minutes), minutes, whole=True)
        told.append(ledger.published("site").get(LOAD))
    assert told == [None, None, None, *map(pytest.approx, (0.0, 0.05, 0.1, 0.15, 0.2))]


def test_that_something_better_counts_from_now_on_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    clock = [0.0]
    ledger = Ledger(lambda _: wall(clock[0]), days=Days(UTC))
    for minutes in range(0, 60, 5):
        clock[0] = float(minutes)
        late = [meter(9000.0 + minutes / 10, minutes)] if minutes >= 30 else []
        ledger.look("site", flows(minutes, *late), minutes, whole=True)
    assert ledger.basis("site", LOAD) == "meter"
    (record,) = caplog.records
    assert "from now on" in record.getMessage()
    assert record.levelname == "INFO"


@pytest.mark.parametrize(
    ("first", "second", "area"),
    [(2, 4, 30), (-2, -4, 0), (2, -2, 5), (-2, 2, 5), (3, -1, 11.25), (0, 0, 0), (0, -5, 0), (0, 2, 10)],
)
def test_a_line_that_changes_sign_is_split_there(first: float, second: float, area: float) -> None:
    assert positive_area(first, second, 10) == pytest.approx(area)


def test_a_document_goes_round() -> None:
    account = Account()
    account.look([meter(1000.0, 0), panels(0, a=1.0)], wall(0))
    account.look([meter(1001.0, 5), panels(5, a=2.0)], wall(5))
    again = Account.of(account.document(1001.2))
    assert again.document(1001.2) == account.document(1001.2)
    again.look([meter(1001.5, 10), panels(10, a=2.5)], wall(10))
    assert again.published(bounded=True) == 1001.2, "no further than was saved"
    assert again.published(bounded=False) == 1001.5


def test_what_is_integrated_goes_on_after_a_kill_from_where_it_can_have_been_told() -> None:
    account = Account()
    for seconds in (0.0, 300.0, 600.0):
        account.look([power(1200.0, seconds)], wall(seconds / 60))
    saved = account.document(0.5)
    again = Account.of(saved)
    again.look([power(1200.0, 10.0)], wall(20))
    assert again.published(bounded=True) is None, "one sample tells nothing yet"
    again.look([power(1200.0, 310.0)], wall(25))
    assert (again.published(bounded=True), again.total) == (0.5, pytest.approx(0.3))
    for seconds in (900.0, 1500.0, 2100.0):
        again.look([power(1200.0, seconds)], wall(30 + seconds / 60))
    again.ceiling = None
    assert again.published(bounded=True) == again.total == pytest.approx(0.2 + 1.2 * 2090 / 3600)


def test_days_of_a_count_that_is_lost_do_not_hide_what_flows_now() -> None:
    clock = [0.0]
    rows = {AT.date(): {IMPORT: (800.0, AT), EXPORT: (3.0, AT)}}
    ledger = Ledger(lambda _: wall(clock[0]), days=Days(UTC, rows={"site": rows}))
    for minutes in (0.0, 5.0, 10.0):
        clock[0] = minutes
        ledger.look("site", {IMPORT: [power(1200.0, 60 * minutes)]}, 60 * minutes, whole=True)
    assert rows[AT.date()] == {IMPORT: (0.0, wall(0)), EXPORT: (3.0, AT)}
    assert ledger.published("site")[IMPORT] == pytest.approx(0.2)
