"""Values as the varserver writes them."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pvsmqtt.sources.pvs.values import (
    capitals,
    fraction,
    health,
    instant,
    number,
    relay,
    single,
    single_kilo,
    wear,
)

MISSING = ["", "  ", "nan", "NaN", "-nan", "inf", "-inf", "n/a", "N/A", "null", "TBD", None, True, [], {}]
MISSING += [math.nan, math.inf, -math.inf, 10**400]

NUMBERS = (single, single_kilo, fraction, health, wear)
CONVERSIONS = (*NUMBERS, relay, capitals(("ON", "OTHER")))


@pytest.mark.parametrize("raw", MISSING, ids=lambda raw: repr(raw)[:20])
def test_every_spelling_of_missing_is_none(raw: object) -> None:
    assert [convert(raw) for convert in CONVERSIONS] == [None] * len(CONVERSIONS)
    assert instant(raw) is None


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("59.970001", 59.97),
        ("2843.847168", 2843.847),
        ("244.070007", 244.07),
        ("40747.871094", 40747.87),
        ("99999.992188", 99999.99),
        ("120042.859375", 120042.86),
        ("1751083263", 1751083263),
        (686.5164000000001, 686.5164),
        ("0.010000", 0.01),
        ("-0.0", 0),
        ("100", 100),
        (60, 60),
    ],
)
def test_the_noise_of_a_short_float_goes(raw: object, value: float) -> None:
    assert single(raw) == value
    assert repr(single(raw)) == repr(float(value))


def test_kilo() -> None:
    assert [single_kilo(raw) for raw in ("0.296590", "-1.449301", 0.0158712063, "1e308")] == [
        296.59,
        -1449.301,
        15.871,
        None,
    ]


def test_kilo_keeps_seven_digits_too() -> None:
    assert [single_kilo(raw) for raw in ("12.345679", "150.123459")] == [12345.68, 150123.5]


def as_printed(value: float) -> str:
    """What the PVS prints for a number that it keeps in 32 bits."""
    return f"{struct.unpack('f', struct.pack('f', value))[0]:f}"


floats = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(floats | st.floats(0, 200_000), floats | st.floats(0, 200_000))
@example(99999.99, 100000)
@example(9999.9999, 10000)
@example(0.0, -1e-9)
def test_rounding_keeps_the_order(one: float, other: float) -> None:
    low, high = (single(raw) for raw in sorted((one, other)))
    assert low is not None
    assert high is not None
    assert low <= high


@given(st.decimals(0, 999_999, places=2))
def test_a_counter_with_two_decimals_comes_back_as_it_was(kilowatt_hours: Any) -> None:
    printed = as_printed(float(kilowatt_hours))
    told = single(printed)
    assert told is not None
    if kilowatt_hours < 32_768:  # a float of 32 bits has a step of 0.002 there
        assert told == float(kilowatt_hours)
    assert abs(told - float(printed)) <= 0.00501


@given(floats)
def test_rounding_is_half_a_step_at_most_and_done_once(value: float) -> None:
    told = single(value)
    assert told is not None
    assert abs(told - value) <= max(abs(value) * 5.001e-7, 5e-324)
    assert single(told) == told


def test_fractions_of_one_become_per_cent() -> None:
    assert [fraction(raw) for raw in ("0.590000", "1", "0", "0.070000", "1.000001", "-0.030000")] == [
        59,
        100,
        0,
        7,
        100.0001,
        -3,
    ]
    assert [fraction(raw) for raw in ("59", "1.6", "-2", "100")] == [None] * 4


def test_health_is_a_ratio_up_to_one_and_per_cent_above() -> None:
    assert [health(raw) for raw in ("1", "0.97", "97", "100", "1.5")] == [100, 97, 97, 100, 1.5]
    assert [health(raw) for raw in ("0", "-1", "101", "65535")] == [None] * 4


def test_wear_is_in_steps_of_ten_per_cent() -> None:
    told = [wear(raw) for raw in ("0x01", "0x05", "0x9", "0x0A", "0x0B", "0xFF", "5", 5, " 0X05 ", "5.0", "65535")]
    assert told == [10, 50, 90, 100, 100, 100, 50, 50, 50, 50, 100]
    assert [wear(raw) for raw in ("0x00", "0", "0x", "0xZZ", "-1", "0x-5", "05h", "five")] == [None] * 8


def test_relays() -> None:
    words = ("MID_STATE_CLOSED", "PVD_STATE_CLOSED", "PVD1_STATE_OPEN", "mid_state_open", " OPEN ", "Closed")
    assert [relay(raw) for raw in words] == ["closed", "closed", "open", "open", "open", "closed"]
    others = ("MID_STATE_UNKNOWN", "MID_STATE_NOT_CLOSED", "MID_STATE_STUCK_OPEN", "OPENING", "2", 2)
    assert [relay(raw) for raw in others] == ["unknown"] * 6


def test_enums_in_capitals() -> None:
    convert = capitals(("SELF_CONSUMPTION", "OTHER"))
    assert [convert(raw) for raw in ("SELF_CONSUMPTION", "self consumption", "Novel", "")] == [
        "SELF_CONSUMPTION",
        "SELF_CONSUMPTION",
        "OTHER",
        None,
    ]


NOON = datetime(2026, 4, 10, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw",
    [
        "2026-04-10T11:30:00Z",
        "2026-04-10t11:30:00z",
        " 2026-04-10T11:30:00Z ",
        "2026-04-10T11:30:00",
        "2026-04-10 11:30:00",
        "2026-04-10T11:30:00+00:00",
        "2026-04-10T13:30:00+02:00",
        "2026-04-10T04:30:00-0700",
        "2026-04-10T11:30:00.000Z",
        "2026-04-10T11:30Z",
        "20260410T113000Z",
        "1775820600",
        "1775820600.000000",
        1775820600,
        "1775820600000",
        1775820600000.0,
    ],
    ids=repr,
)
def test_moments_in_many_spellings(raw: object) -> None:
    told = instant(raw)
    assert told == NOON
    assert told.tzinfo is UTC


def test_fractions_of_a_second() -> None:
    half = NOON + timedelta(seconds=0.5)
    assert [instant(raw) for raw in ("2026-04-10T11:30:00.5Z", "1775820600.5", 1775820600500)] == [half] * 3


@pytest.mark.parametrize(
    "raw",
    [
        "2026-04-10",
        "20260410",
        "2026",
        "0",
        0,
        -1,
        "11:30:00",
        "2026-13-10T11:30:00Z",
        "yesterday at noon",
        "2026-04-10T11:30:00ZZ",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "1e300",
        "9" * 5000,
        "\ud800" * 20,
        b"2026-04-10T11:30:00Z",
    ],
    ids=lambda raw: repr(raw)[:30],
)
def test_what_is_no_moment(raw: object) -> None:
    assert instant(raw) is None


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.text()))
def test_nothing_raises_and_numbers_are_finite(raw: Any) -> None:
    instant(raw)
    for convert in CONVERSIONS:
        value = convert(raw)
        assert not isinstance(value, float) or math.isfinite(value)
        if isinstance(value, str):
            value.encode()
    assert (single(raw) is None) is (number(raw) is None)
