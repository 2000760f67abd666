"""Which word counts, and when it was measured: heard from the device itself, or told by its supervisor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.site.counting import LATE
from pvsmqtt.site.guard import Latest
from pvsmqtt.site.precedence import Held, Precedence, chosen

MIO = Device("sy1", Kind.MIO, "ESS hub SY1", "SY1")
AT = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def told(measured: float | None = None, age: float | None = 0.0, valid_for: float = 900.0, **values: Any) -> Reading:
    return Reading(MIO, values, "pvs a", None if measured is None else at(measured), age, valid_for)


def heard(measured: float | None = None, valid_for: float = 60.0, **values: Any) -> Reading:
    return Reading(MIO, values, "rs485 b", None if measured is None else at(measured), 0.0, valid_for)


def test_a_poll_does_not_replace_what_was_heard_a_moment_ago() -> None:
    latest = Latest()
    latest.accept(told(temperature=30.0), 0)
    latest.accept(heard(temperature=31.0), 10, heard=True)
    assert latest.values(["temperature"], 10) == {"temperature": 31.0}
    latest.accept(told(temperature=30.5), 20)
    assert latest.values(["temperature"], 69) == {"temperature": 31.0}
    assert latest.values(["temperature"], 70) == {"temperature": 30.5}
    latest.accept(heard(temperature=32.0), 500, heard=True)
    assert latest.values(["temperature"], 501) == {"temperature": 32.0}
    assert latest.values(["temperature"], 5000) == {"temperature": None}


def test_what_the_line_does_not_know_is_told() -> None:
    latest = Latest()
    latest.accept(told(temperature=30.0, humidity=20.0), 0)
    latest.accept(heard(temperature=None), 1, heard=True)
    assert latest.values(["temperature", "humidity"], 2) == {"temperature": 30.0, "humidity": 20.0}


def test_a_value_that_stays_true_is_the_last_word() -> None:
    latest = Latest()
    latest.accept(told(firmware="1"), 0)
    latest.accept(heard(firmware="2"), 10, heard=True)
    assert latest.values(["firmware"], 11) == {"firmware": "2"}
    assert latest.values(["firmware"], 5000) == {"firmware": "1"}
    latest.accept(heard(firmware="3"), 5000, heard=True)
    assert latest.values(["firmware"], 9000) == {"firmware": "3"}


def test_a_counter_that_is_told_late_does_not_fall() -> None:
    latest, now, shown = Latest(), 0.0, []
    for step in range(80):
        now += 15.0
        energy = 1000.0 + 0.01 * step
        if step < 20 or step > 60:
            assert latest.accept(heard(now, energy=energy), now, heard=True) == []
        if step % 4 == 0:
            assert latest.accept(told(now - 200, age=200.0, energy=energy - 0.14), now) == []
        shown.append(latest.values(["energy"], now)["energy"])
    assert shown == sorted(shown)
    assert shown[19:21] == [1000.19, 1000.19]
    assert shown[60] == pytest.approx(1000.46)
    assert shown[-1] == 1000.79


def test_two_counters_of_different_things_do_not_alternate() -> None:
    latest = Latest()
    latest.accept(told(energy=1000.0), 0)
    latest.accept(heard(energy=1100.0), 1, heard=True)
    assert latest.values(["energy"], 2) == {"energy": 1000.0}
    assert latest.values(["energy"], 100) == {"energy": 1000.0}


def test_a_counter_goes_on_when_the_supervisor_is_gone() -> None:
    latest = Latest()
    latest.accept(told(energy=1000.0), 0)
    latest.accept(heard(energy=1000.1), 1, heard=True)
    latest.accept(heard(energy=1050.0), 5000, heard=True)
    assert latest.values(["energy"], 5001) == {"energy": 1050.0}


def test_a_measurement_that_arrives_late_does_not_turn_back_time() -> None:
    latest = Latest()
    latest.accept(told(0, temperature=1.0), 0)
    latest.accept(heard(300, temperature=2.0), 300, heard=True)
    latest.accept(told(100, age=205.0, temperature=1.5), 305)
    assert latest.measured_at == at(300)
    latest.accept(told(200, age=200.0, temperature=1.5), 400)
    assert latest.measured_at == at(300), "the line is silent by now, but this was measured before it fell silent"
    latest.accept(told(500, age=10.0, temperature=1.5), 510)
    assert latest.measured_at == at(500)


def test_a_source_corrects_its_own_clock() -> None:
    latest = Latest()
    latest.accept(told(86400, temperature=1.0), 0)
    latest.accept(told(300, temperature=1.0), 300)
    assert latest.measured_at == at(300)


def test_a_clock_that_was_ahead_does_not_rule_when_it_is_gone() -> None:
    latest = Latest()
    latest.accept(told(86400, temperature=1.0), 0)
    latest.accept(heard(300, temperature=2.0), 300, heard=True)
    assert latest.measured_at == at(86400)
    latest.accept(heard(900, temperature=2.0), 900, heard=True)
    assert latest.measured_at == at(900)


_sources = st.tuples(st.booleans(), st.floats(0, 400), st.floats(0, 600))


@given(st.lists(_sources, max_size=30))
def test_time_never_goes_back_while_clocks_agree(events: list[tuple[bool, float, float]]) -> None:
    latest, now, before = Latest(), 1000.0, at(0)
    newest = {"pvs a": 0.0, "rs485 b": 0.0}
    for by_line, gap, age in events:
        now += gap
        source = "rs485 b" if by_line else "pvs a"
        measured = max(newest[source], now - (0.0 if by_line else age))
        newest[source] = measured
        values = {"temperature": 1.0}
        reading = Reading(MIO, values, source, at(measured), now - measured, 60.0 if by_line else 900.0)
        latest.accept(reading, now, by_line)
        assert latest.measured_at is not None
        assert latest.measured_at >= before
        before = latest.measured_at
        if by_line:
            assert latest.measured_at == at(measured)


def test_one_word_is_the_word() -> None:
    one = Held(1.0, 10.0, "a")
    rank = Precedence().rank("a", False, 10.0)
    assert chosen([(rank, one)], 0) is one
    assert chosen([], 0) is None


def test_a_net_counter_may_fall() -> None:
    latest = Latest()
    latest.accept(told(net_energy=5.0 + LATE / 2), 0)
    latest.accept(heard(net_energy=5.0), 1, heard=True)
    assert latest.values(["net_energy"], 2) == {"net_energy": 5.0}


def test_another_id_goes_on_with_what_was_known() -> None:
    old, new = Latest(), Latest()
    old.accept(heard(10, temperature=1.0, energy=5.0), 10, heard=True)
    new.accept(told(5, humidity=2.0, temperature=9.0), 5)
    new.take_over(old)
    assert new.values(["temperature", "humidity", "energy"], 11) == {
        "temperature": 1.0,
        "humidity": 2.0,
        "energy": 5.0,
    }
    assert new.measured_at == at(10)
    assert new.sources == ("pvs a", "rs485 b")
    fallen = new.accept(heard(20, energy=1.0), 20, heard=True)
    assert [fall.key for fall in fallen] == ["energy"]
