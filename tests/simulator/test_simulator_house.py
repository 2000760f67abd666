"""What must be true of the house at any instant."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pvsmqtt.simulator.pvs.house.house import (
    COMMISSIONED,
    GROUP_SPACING,
    MAX_PANELS,
    SAMPLING,
    WIRING,
    House,
)
from pvsmqtt.simulator.pvs.house.state import HouseState

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 21, 6, tzinfo=UTC)


@cache
def house(panels: int = 12, seed: int = 1, ess: bool = False) -> House:
    return House(panels, seed, ess)


INSTANTS = st.datetimes(datetime(2018, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
HOUSES = st.builds(house, st.sampled_from([1, 12, 400]), st.integers(1, 3))


def counters(state: HouseState) -> list[float]:
    meters = [state.production.energy, state.consumption.import_energy, state.consumption.export_energy]
    return meters + [inverter.energy for inverter in state.inverters]


def times(state: HouseState) -> list[datetime]:
    meters = [state.supervisor.measured_at, state.production.measured_at, state.consumption.measured_at]
    return meters + [inverter.measured_at for inverter in state.inverters]


@settings(deadline=None)
@given(HOUSES, st.lists(INSTANTS, min_size=2, max_size=5).map(sorted))
def test_energy_and_time_never_go_back(any_house: House, instants: list[datetime]) -> None:
    for earlier, later in pairwise(map(any_house.at, instants)):
        assert all(b >= a - 1e-9 for a, b in zip(counters(earlier), counters(later), strict=True))
        assert all(b >= a for a, b in zip(times(earlier), times(later), strict=True))


@settings(deadline=None)
@given(INSTANTS, st.lists(st.integers(1, 900), min_size=2, max_size=30))
def test_energy_never_falls_from_one_second_to_another(begin: datetime, steps: list[int]) -> None:
    states = [house().at(begin + timedelta(seconds=sum(steps[:count]))) for count in range(len(steps))]
    for earlier, later in pairwise(states):
        assert all(b >= a - 1e-9 for a, b in zip(counters(earlier), counters(later), strict=True))


@settings(deadline=None)
@given(HOUSES, INSTANTS, st.integers(1, 300))
def test_energy_is_the_integral_of_power(any_house: House, begin: datetime, minutes: int) -> None:
    step = timedelta(seconds=10)
    powers = [any_house.panel_power(0, begin + step * (i + 0.5)) for i in range(6 * minutes)]
    energy = any_house.panel_energy(0, begin + timedelta(minutes=minutes)) - any_house.panel_energy(0, begin)
    assert energy == pytest.approx(sum(powers) / 360, abs=1e-4)


@settings(deadline=None)
@given(HOUSES, INSTANTS)
def test_meters_agree_with_load_and_panels(any_house: House, when: datetime) -> None:
    state = any_house.at(when)
    production, consumption = state.production, state.consumption
    panels = sum(any_house.panel_power(i, production.measured_at) for i in range(len(state.inverters)))
    assert production.power == pytest.approx(WIRING * panels, abs=1e-9)
    assert consumption.power == pytest.approx(state.load - production.power, abs=1e-9)
    assert sum(consumption.leg_power) == pytest.approx(consumption.power, abs=1e-9)
    assert state.load >= 0
    assert production.power >= 0


@settings(deadline=None)
@given(HOUSES, INSTANTS)
def test_import_less_export_is_load_less_production(any_house: House, when: datetime) -> None:
    meter = any_house.at(when).consumption
    seconds = (meter.measured_at - COMMISSIONED).total_seconds()
    assert meter.net_energy == meter.import_energy - meter.export_energy
    used, made = any_house.load.above(seconds), any_house.production.above(seconds)
    assert meter.net_energy == pytest.approx(used - made, rel=1e-9, abs=1e-6)


@settings(deadline=None)
@given(HOUSES, INSTANTS)
def test_nothing_is_measured_in_the_future(any_house: House, when: datetime) -> None:
    state = any_house.at(when)
    assert all(measured <= when for measured in times(state))
    assert timedelta(seconds=1) <= when - state.production.measured_at < timedelta(seconds=15)
    for inverter in state.inverters:
        assert inverter.working == (when - inverter.measured_at < timedelta(seconds=SAMPLING))


@pytest.mark.parametrize("panels", [1, 12, 400])
def test_panels_are_asked_every_five_minutes_group_by_group(panels: int) -> None:
    state = house(panels).at(NOON + timedelta(seconds=299))
    seconds = [(inverter.measured_at - NOON).total_seconds() for inverter in state.inverters]
    assert len(seconds) == panels
    assert seconds[0] == 0
    assert all(later - earlier in (0, GROUP_SPACING) for earlier, later in pairwise(seconds))
    assert max(seconds) < SAMPLING
    assert all(inverter.working and inverter.power > 0 for inverter in state.inverters)


def test_readings_are_those_of_the_last_contact() -> None:
    for index, inverter in enumerate(house(30).at(NOON + timedelta(seconds=77)).inverters):
        assert inverter.power == pytest.approx(house(30).panel_power(index, inverter.measured_at))
        assert inverter.energy == pytest.approx(house(30).panel_energy(index, inverter.measured_at))


def test_at_night_the_last_readings_stand() -> None:
    late, later = (house().at(MIDNIGHT + timedelta(hours=hours)) for hours in (0, 5))
    assert late.inverters == later.inverters
    dusk = MIDNIGHT - timedelta(hours=4, minutes=10)
    for inverter in late.inverters:
        assert not inverter.working
        assert dusk - timedelta(seconds=SAMPLING) < inverter.measured_at <= dusk
        assert 0 < inverter.power < 0.01
        assert inverter.voltage > 230
    assert late.production.power == 0
    assert late.production.energy == later.production.energy
    assert late.consumption.power == late.load


def test_days_have_a_morning_and_an_evening() -> None:
    midday = [house().at(NOON + timedelta(days=day)).production.power for day in range(14)]
    assert max(midday) > 3.2
    assert min(midday) < max(midday) * 0.9
    assert house().at(NOON - timedelta(hours=6, minutes=1)).production.power == 0
    assert house().at(NOON + timedelta(hours=8, minutes=10)).production.power == 0


def test_the_supervisor_restarts_every_night() -> None:
    uptimes = [house().at(MIDNIGHT + timedelta(hours=hour)).supervisor.uptime for hour in range(24)]
    assert sum(later < earlier for earlier, later in pairwise(uptimes)) == 1
    assert max(uptimes) < 24 * 3600


def test_asking_changes_nothing() -> None:
    before = house(ess=True).at(NOON)
    house(ess=True).at(MIDNIGHT)
    assert house(ess=True).at(NOON) == before == House(12, 1, True).at(NOON)
    assert before.storage is not None


def test_another_seed_is_another_house() -> None:
    assert not set(house(seed=1).serials.inverters) & set(house(seed=2).serials.inverters)
    assert house(seed=1).at(NOON).load != house(seed=2).at(NOON).load


def test_serials_have_the_form_of_real_ones_and_are_distinct() -> None:
    serials = house(400).serials
    assert serials.inverters[:12] == house(12).serials.inverters
    assert len(set(serials.inverters)) == 400
    assert all(len(serial) == 15 and serial.startswith("E0012") for serial in serials.inverters)
    assert len(serials.supervisor) == 19
    assert serials.supervisor.startswith("ZT")
    assert (serials.production_meter[-1], serials.consumption_meter[-1]) == ("p", "c")


def test_before_it_was_commissioned_the_house_counts_nothing() -> None:
    state = house().at(COMMISSIONED - timedelta(days=400))
    assert counters(state) == [0] * 15
    assert state.load == state.production.power == state.consumption.power == 0


@pytest.mark.parametrize("panels", [-1, 0, MAX_PANELS + 1])
def test_impossible_numbers_of_panels_are_refused(panels: int) -> None:
    with pytest.raises(ValueError, match="1 to 400"):
        House(panels)
