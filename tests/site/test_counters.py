"""Lifetime energies never fall for nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.site.counters import CONFIRMATIONS, LIFETIME, SPELLING, Counters, Fall

START = datetime(2026, 6, 21, 18, tzinfo=UTC)


def at(number: int) -> datetime:
    return START + timedelta(minutes=5 * number)


def passed(counters: Counters, energies: list[float], key: str = "energy") -> list[object]:
    return [counters.passed({key: energy}, at(number))[0][key] for number, energy in enumerate(energies)]


def test_the_counters_that_only_rise_are_guarded_and_no_others() -> None:
    assert {"energy", "import_energy", "export_energy", "pv_energy"} <= LIFETIME
    assert {"net_energy", "grid_net_energy", "battery_net_energy"} & LIFETIME == set()
    assert QUANTITIES.keys() >= LIFETIME


def test_a_counter_that_rises_is_left_alone() -> None:
    assert passed(Counters(), [1.0, 1.0, 1.5, 100.0, 1e6]) == [1.0, 1.0, 1.5, 100.0, 1e6]


def test_the_first_value_counts_whatever_it_is() -> None:
    assert passed(Counters(), [0.0, 5.0]) == [0.0, 5.0]
    assert passed(Counters(), [-3.0]) == [-3.0]


@pytest.mark.parametrize("slip", [0.0, 10.0, 999.0])
def test_a_slip_is_put_right_and_gone(slip: float) -> None:
    assert passed(Counters(), [1000.0, slip, 1000.2, slip, slip, 1000.3]) == [
        1000.0,
        1000.0,
        1000.2,
        1000.2,
        1000.2,
        1000.3,
    ]


def test_a_counter_that_stays_low_has_started_anew() -> None:
    assert CONFIRMATIONS == 3
    counters = Counters()
    assert passed(counters, [1000.0, 0.0, 0.1, 0.2, 0.3, 0.2]) == [1000.0, 1000.0, 1000.0, 0.2, 0.3, 0.3]


def test_the_same_measurement_told_again_confirms_nothing() -> None:
    counters = Counters()
    counters.passed({"energy": 1000.0}, at(0))
    for _ in range(10):
        assert counters.passed({"energy": 0.0}, at(1))[0] == {"energy": 1000.0}
    assert counters.passed({"energy": 0.0}, at(2))[0] == {"energy": 1000.0}
    assert counters.passed({"energy": 0.0}, at(3))[0] == {"energy": 0.0}


def test_where_no_time_is_told_every_reading_confirms() -> None:
    counters = Counters()
    counters.passed({"energy": 1000.0}, None)
    told = [counters.passed({"energy": 0.0}, None)[0]["energy"] for _ in range(3)]
    assert told == [1000.0, 1000.0, 0.0]


def test_another_spelling_of_the_same_count_is_no_fall() -> None:
    for before, after in ((1834.52, 1834.5), (100.0, 100.0 - SPELLING), (43417.8, 43417.75), (500_000.0, 499_999.1)):
        counters = Counters()
        counters.passed({"energy": before}, at(0))
        for number in range(1, 6):
            values, falls = counters.passed({"energy": after}, at(number))
            assert (values, falls) == ({"energy": before}, [])


def test_a_fall_beyond_another_spelling_is_one() -> None:
    counters = Counters()
    counters.passed({"energy": 100.0}, at(0))
    assert counters.passed({"energy": 99.9}, at(1))[1] == [Fall("energy", 100.0, 99.9, real=False)]


def test_a_fall_is_told_when_it_begins_and_when_it_is_real() -> None:
    counters = Counters()
    counters.passed({"energy": 1000.0}, at(0))
    told = [counters.passed({"energy": float(number)}, at(number))[1] for number in range(1, 5)]
    assert told == [
        [Fall("energy", 1000.0, 1.0, real=False)],
        [],
        [Fall("energy", 1000.0, 3.0, real=True)],
        [],
    ]


def test_each_counter_is_on_its_own() -> None:
    counters = Counters()
    counters.passed({"energy": 1000.0, "import_energy": 50.0}, at(0))
    values, _ = counters.passed({"energy": 0.0, "import_energy": 51.0}, at(1))
    assert values == {"energy": 1000.0, "import_energy": 51.0}


def test_other_values_are_not_touched() -> None:
    counters = Counters()
    first = {"energy": 10.0, "net_energy": 5.0, "power": 100.0, "uptime": 50.0, "state": "working"}
    second = {"energy": 11.0, "net_energy": -5.0, "power": -1.0, "uptime": 0.0, "state": None}
    assert counters.passed(first, at(0)) == (first, [])
    assert counters.passed(second, at(1)) == (second, [])


def test_a_counter_that_is_unknown_stays_unknown_and_confirms_nothing() -> None:
    counters = Counters()
    counters.passed({"energy": 1000.0}, at(0))
    assert counters.passed({"energy": None}, at(1)) == ({"energy": None}, [])
    assert counters.passed({}, at(2)) == ({}, [])
    assert counters.passed({"energy": 0.0}, at(3))[0] == {"energy": 1000.0}


def test_what_is_handed_in_is_not_changed() -> None:
    counters = Counters()
    counters.passed({"energy": 1000.0}, at(0))
    given_values = {"energy": 0.0}
    counters.passed(given_values, at(1))
    assert given_values == {"energy": 0.0}


energies = st.one_of(
    st.floats(0, 1e6), st.sampled_from([0.0, 1.0, 1000.0, 1000.02, 999.98]), st.none(), st.sampled_from(["n/a"])
)
readings = st.lists(st.tuples(energies, st.integers(0, 8), st.floats(-1e4, 1e4)), max_size=40)


@given(readings)
def test_a_lifetime_energy_falls_only_after_three_different_measurements_said_so(
    told: list[tuple[float | str | None, int, float]],
) -> None:
    counters, last = Counters(), None
    below: set[int] = set()
    for energy, moment, other in told:
        values, falls = counters.passed({"energy": energy, "net_energy": other}, at(moment))
        net = values["net_energy"]
        assert net == other or (isinstance(net, float) and abs(net) - abs(other) > 5.0), (
            "only a net that nearly vanishes"
        )
        assert values.keys() == {"energy", "net_energy"}
        if not isinstance(energy, float):
            assert values["energy"] == energy
            continue
        now = values["energy"]
        assert isinstance(now, float)
        if last is not None and energy < last - max(SPELLING, 2e-6 * last):
            below.add(moment)
        else:
            below.clear()
        if last is not None and now < last:
            assert len(below) >= CONFIRMATIONS
            assert now == energy
            assert [fall.real for fall in falls if fall.key == "energy"] == [True]
            below.clear()
        else:
            assert not any(fall.real for fall in falls if fall.key == "energy")
            assert now == (energy if last is None else max(last, energy))
        last = now
