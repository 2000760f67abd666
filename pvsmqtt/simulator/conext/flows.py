"""The powers, currents and energies of the house at one instant, as the native map names them.

    panels (AC) + grid (import +) + storage inverter (inverting +) = load          W, at the instant of the meters

The grid is that of the house: import and export never flow at once. Energies (kWh) are the areas of the curves of
the house, so those of an hour, a day, a week, a month and a year are differences of them; periods begin at full hours
and local midnights, weeks on Mondays.
"""

from __future__ import annotations

from dataclasses import dataclass

from pvsmqtt.simulator.pvs.house.battery import CAPACITY
from pvsmqtt.simulator.pvs.house.state import Battery, HouseState
from pvsmqtt.simulator.sunspec.storage import dc_power


@dataclass(frozen=True, slots=True)
class Flows:
    """W, A, V, Hz, °C, %."""

    solar: float
    load: float
    grid: float
    """+ import."""
    inverter: float
    """AC side of the storage inverter, + inverting."""
    battery: float
    """DC side, + charging."""
    line_voltage: float
    legs: tuple[float, float]
    frequency: float
    battery_voltage: float
    battery_temperature: float
    state_of_charge: float
    state_of_health: float
    remaining: float
    """Ah."""

    @property
    def imported(self) -> float:
        """From the grid, never below 0."""
        return max(0.0, self.grid)

    @property
    def exported(self) -> float:
        """To the grid, never below 0."""
        return max(0.0, -self.grid)

    @property
    def charging(self) -> float:
        """DC, never below 0."""
        return max(0.0, self.battery)

    @property
    def inverting(self) -> float:
        """DC, never below 0."""
        return max(0.0, -self.battery)

    def amperes(self, watts: float) -> float:
        """On the AC side, line to line."""
        return watts / self.line_voltage

    def dc_amperes(self, watts: float) -> float:
        """On the DC side."""
        return watts / self.battery_voltage


def flows(state: HouseState, battery: Battery) -> Flows:
    """Those of this state."""
    voltage = battery.battery_voltage
    return Flows(
        solar=state.production.power * 1000,
        load=state.load * 1000,
        grid=state.consumption.power * 1000,
        inverter=battery.power * 1000,
        battery=-dc_power(battery) * 1000,
        line_voltage=sum(battery.leg_voltage),
        legs=battery.leg_voltage,
        frequency=state.consumption.frequency,
        battery_voltage=voltage,
        battery_temperature=sum(battery.cell_temperature) / 2,
        state_of_charge=battery.state_of_charge * 100,
        state_of_health=battery.state_of_health * 100.0,
        remaining=battery.state_of_charge * CAPACITY * 1000 / voltage,
    )
