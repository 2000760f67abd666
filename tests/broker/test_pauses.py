"""When a broker is tried again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.broker import pauses
from pvsmqtt.broker.pauses import CALM, LADDERS, STABLE, Pauses


def test_a_broker_that_is_away_is_tried_less_and_less_often() -> None:
    one = Pauses(1.0, 30.0)
    for ceiling in (1, 2, 4, 8, 16, 30, 30, 30):
        assert ceiling / 2 <= one.after(0.1) <= ceiling


def test_a_connection_that_held_begins_anew() -> None:
    one = Pauses(1.0, 30.0)
    for _ in range(6):
        one.after(0.1)
    assert one.after(STABLE + 1) <= 1.0
    assert one.after(0.1) <= 1.0


@pytest.mark.parametrize("wait", LADDERS)
def test_what_is_waited_for_has_a_ladder_of_its_own(wait: pauses.Wait) -> None:
    one = Pauses(1.0, 30.0)
    for step in (*LADDERS[wait], LADDERS[wait][-1]):
        assert step <= one.after(STABLE + 1, wait) <= 1.3 * step
    one.after(CALM + 1)
    assert one.after(0.1, wait) <= 1.3 * LADDERS[wait][0]


def test_the_pauses_are_not_those_of_others() -> None:
    assert len({Pauses(1.0, 30.0).after(0.0) for _ in range(20)}) > 1
    assert len({Pauses(1.0, 30.0).after(0.0, "login") for _ in range(20)}) > 1


@given(st.lists(st.tuples(st.floats(0, 1e6), st.sampled_from([None, *LADDERS])), max_size=50))
def test_a_pause_is_always_one(ends: list[tuple[float, pauses.Wait | None]]) -> None:
    one = Pauses(1.0, 30.0)
    for lasted, wait in ends:
        assert 0 < one.after(lasted, wait) <= 1.3 * 900
