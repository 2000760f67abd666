"""Values as the PVS writes them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.sources.pvs.values import kilo, moment, number, on_off, option, raw_value, text, whole

MISSING = ["", "  ", "nan", "NaN", "-nan", "inf", "-inf", "Infinity", "n/a", "N/A", "null", "TBD", None, True, [], {}]
MISSING += [math.nan, math.inf, -math.inf]

CONVERSIONS = (text, number, kilo, whole, on_off, raw_value, option(("closed", "open")))


@pytest.mark.parametrize("raw", MISSING, ids=repr)
def test_every_spelling_of_missing_is_none(raw: object) -> None:
    assert [convert(raw) for convert in CONVERSIONS] == [None] * len(CONVERSIONS)


@pytest.mark.parametrize(
    ("raw", "value"),
    [("0.6579", 0.6579), ("60", 60), (" 60 ", 60), ("-0.0046", -0.0046), (60, 60), (0.5, 0.5), ("2.6e-1", 0.26)],
)
def test_numbers(raw: object, value: float) -> None:
    assert number(raw) == value


@pytest.mark.parametrize("raw", ["1_000", "0x1F", "55,3", "1e400", "9" * 41, 10**400, "12 V", "--1", b"1"], ids=repr)
def test_what_is_no_number(raw: object) -> None:
    assert number(raw) is None
    assert kilo(raw) is None


def test_kilo_leaves_no_dust_and_no_infinity() -> None:
    assert [kilo("0.2887"), kilo("8.0855"), kilo("-3.0282"), kilo("0.0001"), kilo("0")] == [
        288.7,
        8085.5,
        -3028.2,
        0.1,
        0,
    ]
    assert kilo("1e308") is None


def test_whole_numbers_become_integers() -> None:
    assert [repr(whole(raw)) for raw in ("60", "60.0", 60.0, "60.5", "1e20")] == ["60", "60", "60", "60.5", "1e+20"]


def test_flags() -> None:
    assert [on_off(raw) for raw in ("0", "1", 0, 1, "2", "0.0", "yes")] == [
        "off",
        "on",
        "off",
        "on",
        "on",
        "off",
        None,
    ]


def test_status_words() -> None:
    assert [raw_value(raw) for raw in ("0", "0x1F", " ok ", 3, "2.5")] == [0, "0x1F", "ok", 3, 2.5]


def test_enums() -> None:
    convert = option(("net_consumption", "other"))
    assert [convert(raw) for raw in ("NET_CONSUMPTION", "net consumption", "Novel", "")] == [
        "net_consumption",
        "net_consumption",
        "other",
        None,
    ]


def test_text_can_always_be_written() -> None:
    assert text(" SPR-X22 ") == "SPR-X22"
    assert text(42) == "42"
    assert text("ab\ud800cd") == "ab?cd"


def test_moments_are_utc() -> None:
    assert moment("2023,08,23,11,35,00") == datetime(2023, 8, 23, 11, 35, tzinfo=UTC)
    assert moment("2023, 8, 3, 1, 5, 0") == datetime(2023, 8, 3, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "2023,08,23",
        "2023,13,23,11,35,00",
        "0,0,0,0,0,0",
        "2023,08,23,11,35,00,1",
        "now",
        None,
        0,
        "9" * 5000 + ",1",
    ],
    ids=lambda raw: repr(raw)[:30],
)
def test_what_is_no_moment(raw: object) -> None:
    assert moment(raw) is None


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.text()))
def test_nothing_raises_and_numbers_are_finite(raw: Any) -> None:
    moment(raw)
    for convert in CONVERSIONS:
        value = convert(raw)
        if isinstance(value, float):
            assert math.isfinite(value)
        if isinstance(value, str):
            value.encode()


@given(st.decimals(-1_000_000, 1_000_000, places=4))
def test_any_decimal_text_is_its_number(decimal: Any) -> None:
    assert number(str(decimal)) == float(decimal)
    assert kilo(f"{decimal:f}") == float(decimal * 1000)
