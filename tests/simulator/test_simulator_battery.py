"""What must be true of the battery at any instant, and of the house around it."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pvsmqtt.simulator.pvs.house import days
from pvsmqtt.simulator.pvs.house.battery import (
    CAPACITY,
    CHARGE_LIMIT,
    DISCHARGE_LIMIT,
    EFFICIENCY,
    FLOOR,
    HIDDEN,
    MODE,
    RESERVE,
    Cycle,
    backup_minutes,
    customer,
    self_consumption,
)
from pvsmqtt.simulator.pvs.house.curve import HOUR, MARK
from pvsmqtt.simulator.pvs.house.house import COMMISSIONED, House
from pvsmqtt.simulator.pvs.house.state import Battery, HouseState

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
FORTNIGHT = days.DAYS * days.DAY
NOON_SECONDS = int((NOON - COMMISSIONED).total_seconds()) // 13 * 13
"""When the meters were last asked before that."""

PRODUCED, IMPORTED, EXPORTED = 72066.10463699768, 31723.34506634691, 49940.58473644378


@cache
def house(panels: int = 12, seed: int = 1, ess: bool = True) -> House:
    return House(panels, seed, ess)


def cycle(a_house: House) -> Cycle:
    assert a_house.battery is not None
    return a_house.battery


def battery(state: HouseState) -> Battery:
    assert state.battery is not None
    return state.battery


INSTANTS = st.datetimes(datetime(2018, 4, 3), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SECONDS = st.integers(0, 60 * FORTNIGHT)
HOUSES = st.builds(house, st.sampled_from([1, 5, 12, 30, 400]), st.integers(1, 3))


@settings(deadline=None)
@given(HOUSES, INSTANTS)
def test_power_balances(any_house: House, when: datetime) -> None:
    state = any_house.at(when)
    given = state.production.power + state.consumption.power + battery(state).power
    assert given == pytest.approx(state.load, abs=1e-9)
    assert sum(state.consumption.leg_power) == pytest.approx(state.consumption.power, abs=1e-9)


@settings(deadline=None)
@given(HOUSES, INSTANTS)
def test_panels_and_battery_are_on_both_legs(any_house: House, when: datetime) -> None:
    state = any_house.at(when)
    given = state.production.power + battery(state).power
    for leg in state.consumption.leg_power:
        assert 0.37 * state.load - 1e-9 <= leg + given / 2 <= 0.63 * state.load + 1e-9


@settings(deadline=None)
@given(HOUSES, INSTANTS)
def test_energy_balances(any_house: House, when: datetime) -> None:
    state = any_house.at(when)
    seconds = (battery(state).measured_at - COMMISSIONED).total_seconds()
    given = battery(state).discharge_energy - battery(state).charge_energy
    total = state.production.energy + state.consumption.net_energy + given
    assert total == pytest.approx(any_house.load.above(seconds), rel=1e-9, abs=1e-6)


@settings(deadline=None)
@given(HOUSES, st.lists(INSTANTS, min_size=2, max_size=5).map(sorted))
def test_energies_never_fall(any_house: House, instants: list[datetime]) -> None:
    for earlier, later in pairwise(any_house.at(instant) for instant in instants):
        assert battery(later).charge_energy >= battery(earlier).charge_energy - 1e-9
        assert battery(later).discharge_energy >= battery(earlier).discharge_energy - 1e-9
        assert later.consumption.import_energy >= earlier.consumption.import_energy - 1e-9
        assert later.consumption.export_energy >= earlier.consumption.export_energy - 1e-9


@settings(deadline=None)
@given(HOUSES, INSTANTS)
def test_values_are_those_of_a_real_battery(any_house: House, when: datetime) -> None:
    now = battery(any_house.at(when))
    assert -CHARGE_LIMIT <= now.power <= DISCHARGE_LIMIT
    assert RESERVE - 1e-6 <= now.customer_state_of_charge <= now.state_of_charge <= 1
    assert 3.2 < now.cell_voltage[0] < now.cell_voltage[1] < 3.4
    assert 51 < now.battery_voltage < 54
    assert all(115 < voltage < 126 for voltage in now.leg_voltage)
    assert 10 < now.cell_temperature[0] < now.cell_temperature[1] < 45
    assert 10 < now.inverter_temperature < 60
    assert (now.charge_limit, now.discharge_limit) == (CHARGE_LIMIT, DISCHARGE_LIMIT)
    assert (now.mode, now.state_of_health) == (MODE, 1)
    assert now.backup_time >= 0
    assert now.serial == any_house.serials.storage.ess
    assert timedelta(seconds=1) <= when - now.measured_at < timedelta(seconds=15)


@settings(deadline=None)
@given(HOUSES, SECONDS, st.integers(1, 6 * HOUR))
def test_what_is_stored_follows_from_power_and_losses(any_house: House, begin: int, width: int) -> None:
    power, end = cycle(any_house).power, begin + width
    charged, given = power.below(end) - power.below(begin), power.above(end) - power.above(begin)
    change = cycle(any_house).stored(end) - cycle(any_house).stored(begin)
    assert change == pytest.approx(charged * EFFICIENCY - given / EFFICIENCY, abs=1e-6)
    assert FLOOR - 1e-6 <= cycle(any_house).stored(end) <= CAPACITY


@settings(deadline=None)
@given(HOUSES, st.integers(0, FORTNIGHT - 1))
def test_a_fortnight_ends_as_it_began(any_house: House, second: int) -> None:
    assert cycle(any_house).stored(FORTNIGHT * 40 - 0.001) == pytest.approx(cycle(any_house).stored(0), abs=1e-5)
    assert cycle(any_house).stored(second) == cycle(any_house).stored(second + 40 * FORTNIGHT)


@pytest.mark.parametrize("panels", [5, 12, 30, 400])
@pytest.mark.parametrize("seed", [1, 2])
def test_more_goes_in_than_comes_out(panels: int, seed: int) -> None:
    power = cycle(house(panels, seed)).power
    charged, given = power.below(FORTNIGHT), power.above(FORTNIGHT)
    assert charged > given > 0
    assert given / charged == pytest.approx(EFFICIENCY**2, abs=1e-6)


@pytest.mark.parametrize("panels", [1, 5, 12, 400])
def test_it_charges_from_surplus_and_feeds_the_load_only(panels: int) -> None:
    any_house = house(panels)
    lacking = [used - made for used, made in zip(any_house.load.marks, any_house.production.marks, strict=True)]
    for lack, power in zip(lacking, cycle(any_house).power.marks, strict=True):
        assert min(0.0, lack) <= power <= max(0.0, lack)


def test_a_day_of_the_battery() -> None:
    hours = [house().at(NOON + timedelta(hours=hour)) for hour in range(-12, 12)]
    assert min(battery(state).power for state in hours) < -2
    assert max(battery(state).power for state in hours) > 2
    charges = [battery(state).state_of_charge for state in hours]
    assert max(charges) == pytest.approx(1)
    assert min(charges) == pytest.approx(FLOOR / CAPACITY)
    with_battery = house().at(NOON).consumption
    without = house(ess=False).at(NOON).consumption
    assert with_battery.import_energy < without.import_energy
    assert with_battery.export_energy < without.export_energy


def test_a_full_battery_leaves_the_surplus_to_the_grid() -> None:
    state = next(
        state
        for minute in range(14 * 24 * 60)
        if (state := house(30).at(NOON + timedelta(minutes=minute))).battery is not None
        and state.battery.state_of_charge > 1 - 1e-9
        and state.production.power > state.load + 1
    )
    assert battery(state).power == pytest.approx(0, abs=1e-6)
    assert state.consumption.power < -1


def test_voltage_rises_with_charge_and_under_charging() -> None:
    def at(second: int) -> Battery:
        return cycle(house()).at(second, NOON, "A", temperature=25, line_voltage=240, backup_time=0)

    states = [at(second) for second in range(0, FORTNIGHT, 600)]
    charging = min(states, key=lambda state: state.power)
    discharging = max(states, key=lambda state: state.power)
    assert charging.battery_voltage > discharging.battery_voltage
    assert charging.inverter_temperature > 25 + 10 < discharging.inverter_temperature
    resting = [state for state in states if state.power == 0]
    full, empty = (choose(resting, key=lambda state: state.state_of_charge) for choose in (max, min))
    assert full.battery_voltage > empty.battery_voltage


def test_backup_time_follows_charge_and_load() -> None:
    assert backup_minutes(1.0, 1.0) == 615
    assert backup_minutes(1.0, 2.0) == 300
    assert backup_minutes(HIDDEN, 1.0) == 0
    assert backup_minutes(1.0, 0.0) % 15 == 0
    assert house().backup_time(NOON_SECONDS) == battery(house().at(NOON + timedelta(seconds=2))).backup_time > 0
    assert house(ess=False).backup_time(NOON_SECONDS) == 0


def test_the_owner_sees_less_than_there_is() -> None:
    assert customer(0.65) == pytest.approx(0.59, abs=0.01)
    assert customer(1.0) == 1
    assert customer(HIDDEN) == customer(0.0) == 0


def test_without_a_battery_nothing_is_different() -> None:
    """The numbers are those that houses have had before there were batteries."""
    plain, stored = house(ess=False).at(NOON), house().at(NOON)
    assert plain.battery is None
    assert plain.storage is None
    assert plain.production.energy == pytest.approx(PRODUCED, rel=1e-12)
    assert plain.consumption.import_energy == pytest.approx(IMPORTED, rel=1e-12)
    assert plain.consumption.export_energy == pytest.approx(EXPORTED, rel=1e-12)
    assert (plain.production, plain.inverters, plain.load) == (stored.production, stored.inverters, stored.load)


def test_before_it_was_commissioned_it_does_nothing() -> None:
    now = battery(house().at(COMMISSIONED - timedelta(days=3)))
    assert (now.power, now.charge_energy, now.discharge_energy) == (0, 0, 0)
    assert 0 <= now.state_of_charge <= 1


def within(cycle: Cycle, second: int) -> float:
    """What has gone into the cells until then, whether they can hold it or not."""
    return cycle.power.below(second) * EFFICIENCY - cycle.power.above(second) / EFFICIENCY


@pytest.mark.parametrize("seed", range(5))
def test_any_fortnight_closes(seed: int) -> None:
    """Also one that is nothing but noise."""
    random = Random(seed)
    marks = 2 * 24 * HOUR // MARK
    load = [random.expovariate(0.5) for _ in range(marks)]
    sun = [random.expovariate(0.4) for _ in range(marks)]
    noise = self_consumption(load, sun)
    period = noise.power.period
    assert period == marks * MARK
    held = [noise.start + within(noise, second) for second in range(0, period, 20)]
    assert min(held) >= FLOOR - 1e-6
    assert max(held) <= CAPACITY + 1e-6
    assert noise.stored(period - 1e-6) == pytest.approx(noise.stored(0), abs=1e-5)
    charged = noise.power.below(period) * EFFICIENCY
    assert charged == pytest.approx(noise.power.above(period) / EFFICIENCY, abs=1e-6)


@pytest.mark.parametrize(("load", "sun"), [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
def test_monotonous_houses_leave_the_battery_alone(load: float, sun: float) -> None:
    still = self_consumption([load] * 60, [sun] * 60)
    assert set(still.power.marks) == {0.0}
    assert still.stored(0) == pytest.approx(CAPACITY if sun else FLOOR, abs=1e-6)
