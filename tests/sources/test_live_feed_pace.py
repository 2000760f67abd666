"""When the WebSocket is tried again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.sources.pvs.live.connection import End
from pvsmqtt.sources.pvs.live.pace import Pace, Retries


def pauses(retries: Retries, *ends: End) -> list[float]:
    return [retries.pause(end, spoke=False, steady=end is End.SILENT) for end in ends]


def test_a_connection_that_the_pvs_closes_is_made_again_soon() -> None:
    retries = Retries(Pace(), costly=True)
    assert [retries.pause(End.CLOSED, spoke=True, steady=True) for _ in range(100)] == [2.0] * 100
    assert not retries.given_up


def test_a_connection_that_never_lasts_is_made_ever_more_rarely() -> None:
    retries = Retries(Pace(), costly=True)
    found = [retries.pause(End.CLOSED, spoke=True, steady=False) for _ in range(8)]
    assert found == [2, 4, 8, 16, 32, 60, 60, 60]
    assert not retries.given_up
    assert retries.pause(End.CLOSED, spoke=True, steady=True) == 2


@pytest.mark.parametrize("end", [End.SILENT, End.UNREACHABLE, End.NO_WEBSOCKET, End.NOT_ENABLED, End.TOO_LARGE])
def test_a_websocket_that_does_not_speak_is_given_up_and_tried_ever_more_rarely(end: End) -> None:
    retries = Retries(Pace(), costly=True)
    assert pauses(retries, *[end] * 2) == [2, 4]
    assert not retries.given_up
    assert pauses(retries, *[end] * 7) == [300, 600, 1200, 2400, 3600, 3600, 3600]
    assert retries.given_up


def test_when_it_speaks_all_is_forgotten() -> None:
    retries = Retries(Pace(), costly=True)
    pauses(retries, *[End.SILENT] * 8)
    assert retries.pause(End.STALE, spoke=True, steady=True) == 2
    assert not retries.given_up
    assert pauses(retries, *[End.SILENT] * 3) == [4, 8, 300]


@pytest.mark.parametrize(("end", "costly"), [(End.AWAY, True), (End.UNREACHABLE, False), (End.NO_ANSWER, False)])
def test_a_restart_of_the_pvs_is_waited_for(end: End, costly: bool) -> None:
    retries = Retries(Pace(), costly=costly)
    waited = 0.0
    while not retries.given_up:
        waited += retries.pause(end, spoke=False, steady=False)
    assert waited > 600
    assert pauses(retries, *[end] * 20) == [300] * 20


def test_a_restart_does_not_add_to_other_failures() -> None:
    retries = Retries(Pace(), costly=True)
    pauses(retries, *[End.AWAY] * 10, *[End.UNREACHABLE] * 2)
    assert not retries.given_up


def test_silence_without_a_login_is_given_up_but_costs_nothing() -> None:
    retries = Retries(Pace(), costly=False)
    assert pauses(retries, *[End.SILENT] * 5) == [2, 4, 300, 300, 300]


def test_a_connection_that_we_replaced_is_no_failure() -> None:
    retries = Retries(Pace(), costly=True)
    assert [retries.pause(End.RENEWED, spoke=True, steady=True) for _ in range(9)] == [2] * 9
    assert retries.pause(End.RENEWED, spoke=False, steady=False) == 4
    assert not retries.given_up


@given(st.lists(st.tuples(st.sampled_from(End), st.booleans(), st.booleans()), max_size=60), st.booleans())
def test_no_pause_is_too_short_or_too_long(ends: list[tuple[End, bool, bool]], costly: bool) -> None:
    retries = Retries(Pace(), costly=costly)
    for end, spoke, steady in ends:
        pause = retries.pause(end, spoke=spoke, steady=steady)
        assert 2 <= pause <= 3600
        assert pause <= 60 or retries.given_up
        assert not (spoke and retries.given_up)


def test_silent_for_a_day_costs_few_logins() -> None:
    retries, pace, now, logins = Retries(Pace(), costly=True), Pace(), 0.0, 0
    while now < 86400:
        logins += 1
        now += pace.stale + retries.pause(End.SILENT, spoke=False, steady=False)
    assert logins < 40
