"""The curves of the last 24 hours."""

import math
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from helpers_mqtt import PANEL, PVS, SITE
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceGone, DeviceState
from pvsmqtt.sinks.web import curves as module
from pvsmqtt.sinks.web.curves import OF_SITE, Curves, midnight
from pvsmqtt.sinks.web.series import BUCKETS, STEP, Series

START = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


class House:
    """Curves with both clocks, which go on by hand."""

    def __init__(self, **options):
        self.curves = Curves(**options)
        self.wall, self.now = START, 1000.0

    def after(self, seconds):
        self.wall += timedelta(seconds=seconds)
        self.now += seconds
        return self

    def set_clock(self, seconds):
        self.wall += timedelta(seconds=seconds)

    def tell(self, device=PANEL, **values):
        self.curves.take(DeviceState(device, True, values), self.wall, self.now)

    def told(self, device=None):
        return self.curves.document(self.wall, self.now, device)

    def power(self, device=PANEL):
        return self.told(device.id)["series"][device.id]["power"]


@pytest.fixture
def house():
    return House()


def test_every_bucket_has_the_mean_of_what_stood_in_it(house):
    house.tell(power=100)
    house.after(60).tell(power=200)
    house.after(180).tell(power=400)
    house.after(60)
    assert house.power()[-2:] == [220.0, None]
    house.after(STEP)
    assert house.power()[-3:] == [220.0, 400.0, None]


def test_what_comes_every_five_minutes_leaves_no_holes(house):
    for number in range(BUCKETS + 3):
        house.tell(power=number)
        house.after(STEP + (7 if number % 2 else -7))
    assert None not in house.power()[:-1]


def test_what_comes_every_five_seconds_is_averaged(house):
    for number in range(STEP // 5):
        house.tell(SITE, grid_power=1000 if number % 2 else -500)
        house.after(5)
    assert house.told()["series"]["site"]["grid_power"][-2] == 250.0


def test_unknown_is_null_and_the_nought_of_a_sleeping_panel_is_one(house):
    house.tell(power=50)
    house.after(STEP).tell(power=0)
    house.after(STEP).tell(power=None)
    house.after(STEP)
    assert house.power()[-5:] == [None, 50.0, 0.0, None, None]


def test_a_bucket_that_is_known_in_part_has_the_mean_of_that_part(house):
    house.tell(power=None)
    house.after(200).tell(power=80)
    house.after(50).tell(power=None)
    house.after(50)
    assert house.power()[-2] == 80.0


def test_the_present_bucket_is_told_as_it_is_so_far(house):
    house.tell(power=90)
    assert house.after(30).power()[-1] == 90.0
    house.tell(power=30)
    assert house.after(30).power()[-1] == 60.0


def test_what_is_older_than_a_day_is_forgotten(house):
    house.tell(power=5)
    house.after(STEP).tell(power=7)
    house.after(STEP * (BUCKETS - 1))
    told = house.power()
    assert len(told) == BUCKETS
    assert told[0] == 7.0
    assert 5.0 not in told


def test_the_document_says_where_it_begins_and_when_the_day_did():
    house = House(zone=ZoneInfo("America/Los_Angeles"))
    house.tell(SITE, pv_power=1)
    told = house.after(100).told()
    assert told["step"] == STEP
    assert told["start"] == "2026-06-20T12:05:00Z"
    assert told["now"] == "2026-06-21T12:01:40Z"
    assert told["midnight"] == "2026-06-21T07:00:00Z"
    assert len(told["series"]["site"]["pv_power"]) == BUCKETS


@pytest.mark.parametrize(
    ("wall", "begin"),
    [
        (datetime(2026, 3, 29, 10, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (datetime(2026, 10, 25, 22, 30, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (datetime(2026, 1, 1, 22, 59, 59, tzinfo=UTC), datetime(2025, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_a_day_begins_by_the_clock_of_the_house_also_when_clocks_change(wall, begin):
    assert midnight(wall, ZoneInfo("Europe/Berlin")) == begin
    assert midnight(wall.astimezone(timezone(timedelta(hours=9))), ZoneInfo("Europe/Berlin")) == begin


def test_a_day_without_a_zone_is_that_of_this_machine():
    assert midnight(START, None) == datetime(2026, 6, 21).astimezone() or midnight(START, None) <= START


def test_only_powers_of_houses_inverters_and_meters_are_kept(house):
    values = dict.fromkeys((*OF_SITE, "pv_energy", "power", "voltage"), 1.0)
    meter = Device("m1", Kind.CONSUMPTION_METER, "Meter")
    for device in (SITE, PANEL, PVS, meter):
        house.tell(device, **values)
    assert set(house.told()["series"]) == {"site"}
    assert set(house.told()["series"]["site"]) == set(OF_SITE)
    assert set(house.told("e1")["series"]["e1"]) == {"power"}
    assert set(house.told("m1")["series"]["m1"]) == {"power"}
    assert house.told("zt1")["series"] == {}
    assert house.told("nobody")["series"] == {}


def test_a_device_that_is_gone_has_no_curve(house):
    house.tell(power=1)
    house.curves.take(DeviceGone(PANEL), house.wall, house.now)
    assert house.told("e1")["series"] == {}


def test_a_quantity_that_was_never_known_takes_no_memory(house):
    house.tell(SITE, pv_power=1, battery_power=None)
    assert set(house.told()["series"]["site"]) == {"pv_power"}


def test_curves_are_bounded(house, monkeypatch):
    monkeypatch.setattr(module, "MOST_SERIES", 2)
    for number in range(4):
        house.tell(Device(f"e{number}", Kind.INVERTER, "x"), power=number)
    assert [bool(house.told(f"e{number}")["series"]) for number in range(4)] == [True, True, False, False]
    assert house.curves.left_out == 2


def test_a_clock_that_is_set_forward_leaves_a_gap_and_what_stands_goes_on(house):
    house.tell(power=100)
    house.after(STEP).set_clock(4 * STEP)
    house.tell(power=100)
    house.after(STEP)
    assert house.power()[-8:] == [None, 100.0, None, None, None, None, 100.0, None]


def test_a_clock_that_is_set_back_forgets_the_future(house):
    for power in (1, 2, 3, 4, 5):
        house.tell(power=power)
        house.after(STEP)
    house.after(100).set_clock(-3 * STEP - 100)
    assert house.power()[-3:] == [1.0, 2.0, None]
    assert [mean for mean in house.power() if mean is not None] == [1.0, 2.0], "nor is it of the day before"
    house.tell(power=9)
    house.after(4 * STEP)
    assert house.power()[-7:] == [1.0, 2.0, 9.0, 9.0, 9.0, 9.0, None]


@pytest.mark.parametrize("days", [-400, -1, 1, 400])
def test_a_clock_that_is_set_by_days_costs_the_curves_and_nothing_else(house, days):
    house.tell(power=1)
    house.after(STEP).set_clock(days * 86400)
    assert [mean for mean in house.power() if mean is not None] == []
    house.after(STEP)
    assert [mean for mean in house.power() if mean is not None] == [1.0]


def test_a_clock_that_is_slewed_makes_no_gap(house):
    house.tell(power=1)
    for _ in range(3 * STEP // 10):
        house.after(10).set_clock(-0.05)
    assert house.power()[-3:-1] == [1.0, 1.0]


def test_a_clock_that_was_never_set_draws_nothing(house):
    house.set_clock(-60 * 365 * 86400)
    house.tell(power=1)
    assert house.told("e1")["series"] == {}
    house.set_clock(60 * 365 * 86400)
    house.tell(power=2)
    assert house.after(STEP).power()[-2:] == [2.0, None]


def test_nobody_asks_for_days(house):
    house.tell(power=3)
    house.after(5 * 86400)
    assert house.power()[:-1] == [3.0] * (BUCKETS - 1)


steps = st.tuples(st.one_of(st.none(), st.integers(0, 400)), st.integers(1, 2 * STEP))


@given(st.lists(steps, min_size=1, max_size=60))
def test_means_are_those_of_every_single_second(told):
    """Against the plainest way to say it: a list of seconds."""
    series, seconds = Series(0.0), []
    for value, lasts in told:
        series.put(math.nan if value is None else value, len(seconds))
        seconds += [value] * lasts
    series.advance(len(seconds))
    bucket = len(seconds) // STEP
    expected = []
    for number in range(bucket + 1):
        known = [one for one in seconds[number * STEP : (number + 1) * STEP] if one is not None]
        expected.append(sum(known) / len(known) if known else None)
    found = series.means()[-len(expected) :]
    assert [None if one is None else pytest.approx(one, rel=1e-5, abs=1e-4) for one in expected] == found


jumps = st.lists(st.tuples(st.floats(-200_000, 200_000), st.floats(0, 100_000)), max_size=20)


@given(jumps)
def test_no_clock_breaks_it(told):
    series = Series(1e9)
    series.put(1.0, 1e9)
    for jump, passes in told:
        series.jump(series.at + jump)
        series.advance(series.at + passes)
        means = series.means()
        assert len(means) == BUCKETS
        assert {mean for mean in means if mean is not None} <= {1.0} or means == pytest.approx([1.0] * BUCKETS)
