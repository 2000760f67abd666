"""Amperes or milliamperes, and what is news."""

from __future__ import annotations

import pytest

from pvsmqtt.sources.yasdi.currents import amperes
from pvsmqtt.sources.yasdi.newest import Newest


@pytest.mark.parametrize(
    ("number", "volts", "watts", "current"),
    [
        (12580, 239, 3006, 12.58),
        (2.346, 234, 549, 2.346),
        (13, 230, 2990, 13),
        (44, 230, 9800, 44),
        (44, 230, 10, 0.044),
        (140, 231, 0, 0.14),
        (0.6, 230, 0, 0.6),
        (0, 230, 500, 0),
        (0, None, None, 0),
        (12580, None, None, 12.58),
        (12580, 0, 3006, 12.58),
        (12580, 239, None, 12.58),
        (50, None, 1000, None),
        (50, 230, None, None),
        (50, 0, 1000, None),
        (-2346, 234, -549, -2.346),
    ],
)
def test_the_unit_is_told_by_the_power(
    number: float, volts: float | None, watts: float | None, current: float | None
) -> None:
    assert amperes(number, volts, watts) == current


def test_a_newer_message_is_news_and_the_same_again_is_none() -> None:
    newest = Newest()
    assert newest.is_news(1000, 0)
    assert not newest.is_news(1000, 5)
    assert newest.is_news(1030, 30)
    assert not newest.is_news(1000, 31)
    assert newest.is_news(1060, 60)


def test_a_clock_that_was_set_back_costs_one_message() -> None:
    newest = Newest()
    assert newest.is_news(10_000, 0)
    assert not newest.is_news(2_830, 30)
    assert newest.is_news(2_861, 60)
    assert newest.is_news(2_890, 90)


def test_old_messages_in_a_burst_are_no_clock_that_was_set_back() -> None:
    newest = Newest()
    assert newest.is_news(10_000, 0)
    assert [newest.is_news(stamp, 500.0) for stamp in (9_000, 9_030, 9_060)] == [False] * 3


def test_the_same_old_message_again_and_again_is_none() -> None:
    newest = Newest()
    assert newest.is_news(10_000, 0)
    assert not any(newest.is_news(9_000, 30.0 * turn) for turn in range(1, 10))
