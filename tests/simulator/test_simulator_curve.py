"""The integral is exact: compared with sums over small steps."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pvsmqtt.simulator.pvs.house.curve import HOUR, MARK, Curve

MARKS = st.lists(st.floats(-5, 5, allow_subnormal=False), min_size=2, max_size=6)


@settings(deadline=None)
@given(MARKS, st.integers(0, 20 * MARK), st.integers(1, 5 * MARK))
def test_areas_are_those_below_the_line(marks: list[float], begin: int, width: int) -> None:
    curve = Curve(marks)
    values = [curve.value(begin + second + 0.5) for second in range(width)]
    above = sum(value for value in values if value > 0) / HOUR
    below = -sum(value for value in values if value < 0) / HOUR
    assert curve.above(begin + width) - curve.above(begin) == pytest.approx(above, abs=0.002)
    assert curve.below(begin + width) - curve.below(begin) == pytest.approx(below, abs=0.002)


@settings(deadline=None)
@given(MARKS, st.lists(st.floats(0, 1e6), min_size=2).map(sorted))
def test_areas_never_fall(marks: list[float], instants: list[float]) -> None:
    curve = Curve(marks)
    for area in (curve.above, curve.below):
        areas = [area(instant) for instant in instants]
        assert all(later >= earlier - 1e-9 for earlier, later in pairwise(areas))


def test_a_curve_repeats_and_was_nothing_before_it_began() -> None:
    curve = Curve([0.0, 1.0, -1.0])
    assert curve.value(30) == curve.value(30 + 3 * MARK * 1000) == 0.5
    assert (curve.value(-1), curve.above(-1), curve.below(-1)) == (0, 0, 0)
    assert curve.above(3 * MARK * 1000) == pytest.approx(1000 * curve.above(3 * MARK))


def test_a_line_through_zero_counts_on_both_sides() -> None:
    curve = Curve([1.0, -1.0])
    assert curve.above(MARK) == curve.below(MARK) == pytest.approx(MARK / 4 / HOUR)


def test_a_curve_knows_what_it_was_made_from() -> None:
    curve = Curve([0.0, 1.0, -1.0])
    assert list(curve.marks) == [0.0, 1.0, -1.0]
    assert curve.period == 3 * MARK
