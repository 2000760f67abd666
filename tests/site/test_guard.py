"""Freshness: what may still stand for the present."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.site.guard import Latest

PANEL = Device("e1", Kind.INVERTER, "Inverter E1", "E1")


def reading(values, valid_for=900.0, source="a", measured_at=None):
    return Reading(PANEL, values, source, measured_at, 0.0, valid_for)


def test_values_stand_until_their_time_is_over():
    latest = Latest()
    latest.accept(reading({"power": 231.0, "energy": 1834.5}), now=100)
    assert latest.values(["power", "energy"], 999) == {"power": 231.0, "energy": 1834.5}
    assert latest.online(999)


def test_afterwards_power_is_unknown_and_energy_is_held():
    latest = Latest()
    latest.accept(reading({"power": 231.0, "energy": 1834.5, "state": "working"}), now=100)
    assert latest.values(["power", "energy", "state"], 1000) == {"power": None, "energy": 1834.5, "state": "working"}
    assert not latest.online(1000)


def test_history_is_not_the_present():
    latest = Latest()
    latest.accept(reading({"power": 231.0, "energy": 1834.5}, valid_for=0), now=100)
    assert latest.values(["power", "energy"], 100) == {"power": None, "energy": 1834.5}
    assert not latest.online(100)


def test_a_device_that_falls_silent_comes_back_by_itself():
    latest = Latest()
    latest.accept(reading({"power": 1.0}), now=0)
    assert not latest.online(5000)
    latest.accept(reading({"power": 2.0}), now=5001)
    assert latest.online(5002)
    assert latest.values(["power"], 5002) == {"power": 2.0}


def test_no_news_keeps_a_value_and_unknown_removes_it():
    latest = Latest()
    latest.accept(reading({"power": 1.0, "temperature": 40.0}), now=0)
    latest.accept(reading({"temperature": None}), now=10)
    assert latest.values(["power", "temperature"], 11) == {"power": 1.0, "temperature": None}


def test_each_value_has_its_own_age():
    latest = Latest()
    latest.accept(reading({"power": 1.0, "temperature": 40.0}), now=0)
    latest.accept(reading({"power": 2.0}), now=800)
    assert latest.values(["power", "temperature"], 1000) == {"power": 2.0, "temperature": None}


def test_a_stale_source_does_not_undo_a_fresh_one():
    latest = Latest()
    latest.accept(reading({"power": 5.0}, source="live"), now=0)
    latest.accept(reading({"power": 1.0}, source="slow", valid_for=0), now=1)
    assert latest.values(["power"], 2) == {"power": 5.0}
    assert latest.online(2)


def test_the_time_of_measurement_stays_when_a_reading_has_none():
    at = datetime(2026, 6, 21, 18, 5, tzinfo=UTC)
    latest = Latest()
    latest.accept(reading({"power": 5.0}, measured_at=at), now=0)
    latest.accept(reading({"energy": 5.0}, valid_for=0), now=1)
    assert latest.measured_at == at


_times = st.floats(min_value=0, max_value=1e6)


@given(st.lists(st.tuples(_times, st.floats(min_value=0, max_value=5000), st.floats(0, 1e4))), _times)
def test_energy_is_the_last_one_told_and_never_nothing(events, later):
    latest, now, last = Latest(), 0.0, None
    energies = sorted(energy for _, _, energy in events)
    for (gap, valid_for, _), energy in zip(events, energies, strict=True):
        now += gap + 3600e4  # long enough to have delivered it
        latest.accept(reading({"energy": energy, "power": energy}, valid_for), now)
        last = (energy, now + valid_for)
    values = latest.values(["energy", "power"], now + later)
    assert values["energy"] == (last[0] if last else None)
    assert values["power"] == (last[0] if last and last[1] > now + later else None)
