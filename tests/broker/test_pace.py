"""How fast may be published."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.broker.pace import Pace


def sent(pace: Pace, number: int, now: float = 1000.0) -> float:
    """Seconds that it takes one who waits as told."""
    began = now
    for _ in range(number):
        now += pace.delay(now)
    return now - began


def test_a_house_of_40_panels_appears_at_once() -> None:
    assert sent(Pace(100.0), 45 * 3 + 5) == 0


@pytest.mark.parametrize(("rate", "seconds"), [(100.0, 10.2), (50.0, 20.4), (0.0, 0.0)])
def test_a_house_of_400_panels_takes_its_time(rate: float, seconds: float) -> None:
    assert sent(Pace(rate), 1220) == pytest.approx(seconds, abs=0.1)


def test_time_fills_the_bucket_and_never_more_than_a_burst() -> None:
    pace = Pace(100.0)
    sent(pace, 200)
    assert pace.delay(1000.5) == 0
    assert sent(pace, 200, now=5000.0) == 0
    assert sent(pace, 10, now=5000.0) > 0


@given(st.lists(st.floats(0, 0.1), min_size=1, max_size=400), st.floats(1, 1000))
def test_no_second_has_more_than_it_may(gaps: list[float], rate: float) -> None:
    pace, now, times = Pace(rate, burst=10), 0.0, []
    for gap in gaps:
        now += gap
        times.append(now + pace.delay(now))
    assert times == sorted(times)
    for first, start in enumerate(times):
        inside = sum(start <= time < start + 1 for time in times[first:])
        assert inside <= rate + 10 + 1
