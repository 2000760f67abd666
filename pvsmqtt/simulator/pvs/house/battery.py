"""What the battery of a house does: a fortnight of self-consumption, computed minute by minute.

    load less production > 0 --> discharge, until the reserve is left
    load less production < 0 --> charge, until it is full

The fortnight is repeated until it ends as it began, so that it may repeat for ever. Power is a curve, + while
discharging, so the energies are its areas and exact; what is stored follows from them and from the losses of
the inverter. A charge counter therefore runs ahead of the discharge counter, as on a real SunVault (7493 kWh in,
5672 kWh out in one sample).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pvsmqtt.simulator.pvs.house.curve import HOUR, MARK, Curve, area_above
from pvsmqtt.simulator.pvs.house.state import Battery

PACKS = 2
CAPACITY = 13.0
"""Of all packs, kWh."""

CHARGE_LIMIT = 5.381
DISCHARGE_LIMIT = 5.002
"""What one storage inverter takes and gives at most, kW."""

SHARE = 0.97
"""Of what the house lacks or has to spare: no control is perfect, so the grid meter never stands still."""

EFFICIENCY = 0.92
"""Of one way through the inverter; a way in and out leaves 85 %."""

HIDDEN = 0.14
"""The share of the capacity that the owner never sees: 0.65 is shown as 0.59 (seen in one sample)."""

RESERVE = 0.3
"""What stays in the battery for an outage, as the owner sees it (``min_customer_soc``)."""

FLOOR = CAPACITY * (HIDDEN + (1 - HIDDEN) * RESERVE)
"""The same in kWh, the hidden share included."""

CELLS = 16
"""In series: cells of 3.2 to 3.4 V make a battery of about 52 V."""

MODE = "SELF_CONSUMPTION"

BACKUP_STEP = 15
"""Minutes: a time of backup is told in round numbers (555 and 570 were seen)."""

ROUNDS = 60
"""Enough for a fortnight to end as it began: it settles as soon as the battery is once full or at its reserve."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """A fortnight that repeats: kW at any second, and the kWh stored at its beginning."""

    power: Curve
    start: float

    def stored(self, seconds: float) -> float:
        """What the cells hold, kWh: the areas since the last beginning, less the losses."""
        within = seconds % self.power.period if seconds > 0 else 0.0
        held = self.start + self.power.below(within) * EFFICIENCY - self.power.above(within) / EFFICIENCY
        return min(CAPACITY, max(0.0, held))

    def state_of_charge(self, seconds: float) -> float:
        """The same as a share of the capacity, 0 to 1."""
        return self.stored(seconds) / CAPACITY

    def at(
        self, now: int, measured_at: datetime, serial: str, temperature: float, line_voltage: float, backup_time: int
    ) -> Battery:
        """Everything about the battery at an instant; ``temperature`` is that inside its cabinet."""
        power, charge = self.power.value(now), self.state_of_charge(now)
        cell = 3.22 + 0.1 * charge - 0.006 * power
        cells = temperature + 3 + 0.2 * abs(power)
        return Battery(
            serial=serial,
            measured_at=measured_at,
            power=power,
            charge_energy=self.power.below(now),
            discharge_energy=self.power.above(now),
            state_of_charge=charge,
            customer_state_of_charge=customer(charge),
            state_of_health=1,
            battery_voltage=CELLS * cell,
            leg_voltage=(line_voltage / 2 + 0.1, line_voltage / 2 - 0.1),
            cell_voltage=(cell - 0.0016, cell + 0.0015),
            cell_temperature=(cells - 1.7, cells + 2.1),
            inverter_temperature=temperature + 6 + 3 * abs(power),
            charge_limit=CHARGE_LIMIT,
            discharge_limit=DISCHARGE_LIMIT,
            mode=MODE,
            backup_time=backup_time,
        )


def customer(state_of_charge: float) -> float:
    """The state of charge that the owner sees: 0 when only the hidden share is left."""
    return max(0.0, (state_of_charge - HIDDEN) / (1 - HIDDEN))


def backup_minutes(state_of_charge: float, load: float) -> int:
    """How long the house would last without grid and sun at this load (kW), in steps of 15 minutes."""
    energy = customer(state_of_charge) * (1 - HIDDEN) * CAPACITY * EFFICIENCY
    return int(energy / max(load, 0.1) * 60) // BACKUP_STEP * BACKUP_STEP


def self_consumption(load: Sequence[float], production: Sequence[float]) -> Cycle:
    """The cycle of a battery in a house with these marks (kW, one a minute)."""
    wanted = [
        max(-CHARGE_LIMIT, min(DISCHARGE_LIMIT, SHARE * (used - made)))
        for used, made in zip(load, production, strict=True)
    ]
    stored, power = FLOOR, 0.0
    for _ in range(ROUNDS):
        marks, end = _fortnight(wanted, stored, power)
        settled = abs(end - stored) < 1e-9 and abs(marks[-1] - power) < 1e-9
        stored, power = end, marks[-1]
        if settled:
            break
    return Cycle(Curve([power, *marks[:-1]]), stored)


def _fortnight(wanted: Sequence[float], stored: float, power: float) -> tuple[list[float], float]:
    """The power at every mark after the first and at the first one again; what is stored at the end, kWh."""
    marks = []
    for wish in (*wanted[1:], wanted[0]):
        following = _within_bounds(wish, stored, power)
        stored += area_above(-power, -following, MARK) / HOUR * EFFICIENCY
        stored -= area_above(power, following, MARK) / HOUR / EFFICIENCY
        power = following
        marks.append(power)
    return marks, stored


def _within_bounds(wish: float, stored: float, power: float) -> float:
    """The power at the next mark, so that there is room to ramp up to it and down to 0 within a minute each."""
    hours = MARK / HOUR
    room = (CAPACITY - stored) / EFFICIENCY / hours - max(0.0, -power) / 2
    supply = (stored - FLOOR) * EFFICIENCY / hours - max(0.0, power) / 2
    return max(-max(0.0, room), min(max(0.0, supply), wish))
