"""What sky and people do in a fortnight: the marks of the two curves that move the house.

Both repeat every 14 days, so that the days differ, weekends stay weekends, and years need no time to compute.
Times of day are local.
"""

from __future__ import annotations

import math
from random import Random

from pvsmqtt.simulator.pvs.house.curve import HOUR, MARK

DAY = 24 * HOUR
DAYS = 14
SUNRISE = 6 * HOUR
SUNSET = 20 * HOUR

CLOUD_COVERS = (0.0, 0.0, 0.15, 0.35, 0.6, 0.9)
"""The share of a day's sky that clouds may take: clear days are as likely as all kinds of half-clear ones."""

CLOUD_MINUTES = 7
"""How long a cloud needs to come or go."""

HABITS = ((7.2, 0.7, 0.9), (12.6, 0.8, 0.5), (19.1, 1.5, 2.1))
"""What people use every day: hour of the peak, its width in hours, its height in kW."""

APPLIANCES = ((2.4, 45), (1.8, 70), (3.3, 120), (1.1, 25))
"""What runs once in a while: kW, minutes."""


def sunlight(random: Random) -> list[float]:
    """Sunlight on the roof for every minute of the fortnight, 0 to 1."""
    marks: list[float] = []
    for _ in range(DAYS):
        sky = _sky(random, random.choice(CLOUD_COVERS))
        marks.extend(_height(minute * MARK) * sky[minute] for minute in range(DAY // MARK))
    return marks


def load(random: Random) -> list[float]:
    """What the house uses for every minute of the fortnight, kW: always above 0."""
    marks: list[float] = []
    for day in range(DAYS):
        weekend = day % 7 >= 5
        peaks = [
            (hour + random.gauss(0.8 if weekend else 0.0, 0.3), width, height * random.uniform(0.7, 1.2))
            for hour, width, height in HABITS
        ]
        running = [0.0] * (DAY // MARK)
        for power, minutes in APPLIANCES:
            if random.random() < (0.6 if weekend else 0.3):
                begin = random.randrange(9 * 60, 22 * 60 - minutes)
                running[begin : begin + minutes] = [kw + power for kw in running[begin : begin + minutes]]
        for minute in range(DAY // MARK):
            hour = minute / 60
            habit = sum(height * math.exp(-(((hour - peak) / width) ** 2)) for peak, width, height in peaks)
            fridge = 0.12 if (minute + 11 * day) % 48 < 17 else 0.0
            marks.append(0.28 + fridge + habit + running[minute])
    return marks


def _height(second: int) -> float:
    """What a clear sky gives at a time of day."""
    if not SUNRISE < second < SUNSET:
        return 0.0
    return math.pow(math.sin(math.pi * (second - SUNRISE) / (SUNSET - SUNRISE)), 1.3)


def _sky(random: Random, cover: float) -> list[float]:
    """What the clouds of one day let through at every minute, 0.25 to 1."""
    minutes = DAY // MARK
    lattice = [random.random() for _ in range(minutes // CLOUD_MINUTES + 2)]
    through: list[float] = []
    for minute in range(minutes):
        place, step = divmod(minute, CLOUD_MINUTES)
        share = step / CLOUD_MINUTES
        ease = share * share * (3 - 2 * share)
        height = lattice[place] + (lattice[place + 1] - lattice[place]) * ease
        through.append(1 - 0.75 * min(1.0, max(0.0, (height - 1 + cover) / 0.3)))
    return through
