"""When live data is published: rarely, unless something happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.reading import Value
from pvsmqtt.sources.pvs.live.livedata import ALIVE, Throttle

FIRST: dict[str, Value] = {"pv_power": 1000.0, "grid_power": 2000.0, "pv_energy": 10.0, "grid_relay": "closed"}
KEYS = ("pv_power", "grid_power", "pv_energy", "grid_relay")


def test_small_changes_wait_for_their_turn() -> None:
    throttle = Throttle(5.0)
    assert throttle.due(FIRST, 0.0)
    small = {**FIRST, "pv_power": 1100.0}
    assert not throttle.due(small, 4.9)
    assert throttle.due(small, 5.0)
    assert not throttle.due(small, 11.0)
    assert throttle.due({**small, "pv_energy": 10.01}, 11.0)


@pytest.mark.parametrize(
    ("key", "value", "at_once"),
    [
        ("pv_power", 1333.0, False),
        ("pv_power", 1333.4, True),
        ("pv_power", 700.0, True),
        ("pv_power", 701.0, False),
        ("grid_power", 2600.0, False),
        ("grid_power", 2667.0, True),
        ("grid_power", 1500.0, True),
        ("grid_power", 1501.0, False),
        ("grid_power", -2000.0, True),
        ("grid_power", None, True),
        ("pv_energy", 9999.0, False),
        ("grid_relay", "unknown", True),
        ("load_power", 1.0, True),
        ("load_power", None, False),
    ],
)
def test_a_big_change_goes_out_at_once(key: str, value: Value, at_once: bool) -> None:
    throttle = Throttle(5.0)
    throttle.due(FIRST, 0.0)
    assert throttle.due({**FIRST, key: value}, 1.0) is at_once


def test_big_changes_do_not_go_out_faster_than_the_pvs_tells_them() -> None:
    throttle = Throttle(5.0)
    throttle.due(FIRST, 0.0)
    assert not throttle.due({**FIRST, "grid_power": 9000.0}, 0.9)
    assert throttle.due({**FIRST, "grid_power": 9000.0}, 1.0)


def test_a_value_that_disappears_goes_out_at_once() -> None:
    throttle = Throttle(5.0)
    throttle.due(FIRST, 0.0)
    assert throttle.due({key: FIRST[key] for key in FIRST if key != "pv_energy"}, 1.0)


def test_a_slow_drift_counts_from_what_was_published() -> None:
    throttle = Throttle(60.0)
    throttle.due(FIRST, 0.0)
    due = [step for step in range(1, 8) if throttle.due({**FIRST, "pv_power": 1000.0 + 100 * step}, float(step))]
    assert due == [4]


def test_without_change_once_a_minute() -> None:
    throttle = Throttle(5.0)
    due = [now for now in range(200) if throttle.due(FIRST, float(now))]
    assert due == [0, ALIVE, 2 * ALIVE, 3 * ALIVE]


def test_what_is_unknown_is_said_once() -> None:
    throttle = Throttle(5.0)
    throttle.due(FIRST, 0.0)
    nothing: dict[str, Value] = dict.fromkeys(FIRST)
    assert [now for now in range(1, 500) if throttle.due(nothing, float(now))] == [1]


def test_nothing_is_never_published() -> None:
    throttle = Throttle(5.0)
    assert not throttle.due({}, 0.0)
    assert not throttle.due({}, 1000.0)


def test_what_was_published_is_remembered_as_it_was() -> None:
    throttle = Throttle(5.0)
    values = dict(FIRST)
    throttle.due(values, 0.0)
    values["grid_relay"] = "open"
    assert throttle.due(values, 1.0)


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), st.none() | st.floats(-1e5, 1e5)), min_size=1, max_size=30))
def test_nothing_waits_longer_than_its_turn(states: list[dict[str, Value]]) -> None:
    throttle, said, said_at = Throttle(5.0), dict[str, Value](), -5.0
    for now, values in enumerate(states):
        if throttle.due(values, float(now)):
            said, said_at = values, float(now)
        elif values and now - said_at >= 5.0:
            assert all(said.get(key) == values.get(key) for key in KEYS)
