"""When the PVS is asked: never too often, with fresh values, and soon again after a failure."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pvsmqtt.sources.pvs.schedule import FIRST_RETRY, LAG, until_next, until_retry

TICK = 0.001
"""Seconds that a float of today's epoch cannot tell apart, generously."""

TODAY = st.floats(1_700_000_000, 2_000_000_000)
ALIGNED = st.sampled_from([60.0, 75.0, 100.0, 150.0, 300.0, 600.0, 900.0, 3600.0, 86400.0])
ANY_INTERVAL = ALIGNED | st.floats(60, 86400)
TOOK = st.floats(0, 120)
AHEAD = st.floats(-1e8, 1e8) | st.floats(-400, 400)
"""By how much the clock of the PVS is ahead: also one that has never been set."""


@given(ANY_INTERVAL, TODAY, TOOK, AHEAD)
def test_a_poll_comes_never_too_soon_and_never_too_late(
    interval: float, started: float, took: float, ahead: float
) -> None:
    now = started + took
    pause = until_next(interval, started, now, ahead)
    assert pause >= 0
    assert now + pause - started >= 59 - TICK
    assert now + pause - started <= max(2 * interval, took + interval) + TICK


@given(ALIGNED, TODAY, TOOK, AHEAD)
@example(300.0, 1_750_000_008.0, 0.5, 0.0)
@example(300.0, 1_750_000_008.0, 7.0, -3600.5)
@example(60.0, 1_750_000_010.0, 60.0, 299.0)
def test_it_comes_just_after_a_mark_of_the_clock_of_the_pvs(
    interval: float, started: float, took: float, ahead: float
) -> None:
    now = started + took
    there = now + until_next(interval, started, now, ahead) + ahead
    after_mark = (there - LAG + TICK) % interval
    assert after_mark <= 2 * TICK
    assert LAG == 8


@given(ALIGNED, TODAY, AHEAD)
def test_polls_follow_each_other_at_the_interval(interval: float, first: float, ahead: float) -> None:
    second = first + until_next(interval, first, first, ahead)
    third = second + until_next(interval, second, second + 6, ahead) + 6
    assert third - second == pytest.approx(interval, abs=TICK)


@given(st.floats(60.5, 86400).filter(lambda seconds: 300 % seconds and seconds % 300), TODAY, TOOK, AHEAD)
def test_an_interval_without_marks_is_kept(interval: float, started: float, took: float, ahead: float) -> None:
    now = started + took
    assert now + until_next(interval, started, now, ahead) == pytest.approx(max(started + interval, now), abs=TICK)


@given(st.floats(0.01, 59.9), TODAY, st.floats(0, 100), AHEAD)
def test_a_fast_interval_of_a_test_is_kept(interval: float, started: float, took: float, ahead: float) -> None:
    pause = until_next(interval, started, started + took, ahead)
    assert pause == pytest.approx(max(0.0, interval - took), abs=TICK)


@given(st.integers(1, 10_000), st.floats(0, 130), ANY_INTERVAL, st.floats(0, 1))
def test_a_try_is_made_within_two_minutes_whatever_the_failures(
    failures: int, elapsed: float, interval: float, jitter: float
) -> None:
    pause = until_retry(failures, elapsed, interval, jitter)
    assert 1 <= pause <= 120
    assert pause + elapsed <= max(120, elapsed + 1)
    assert pause <= interval


@given(st.integers(1, 10_000), st.floats(0.01, 59), st.floats(0, 1))
def test_no_retry_waits_longer_than_a_fast_interval(failures: int, interval: float, jitter: float) -> None:
    assert 0 < until_retry(failures, 0.0, interval, jitter) <= max(interval, min(1.0, interval))


def test_the_first_retry_is_soon_and_the_next_are_rarer() -> None:
    pauses = [until_retry(failures, 0.0, 300.0, 1.0) for failures in range(1, 8)]
    assert pauses == [10, 20, 40, 80, 100, 100, 100]
    assert until_retry(1, 0.0, 300.0, 0.0) == pytest.approx(0.6 * FIRST_RETRY)
    assert until_retry(5, 30.0, 300.0, 1.0) == 70
