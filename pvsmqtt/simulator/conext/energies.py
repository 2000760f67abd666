"""kWh of the house since the beginning of the hour, the day, the week, the month, the year, and of its life.

An energy is an area of a curve of the house, so every period is exact at any instant: what was at its beginning is
taken off. Days begin at the house's midnight, weeks on Mondays.

"From battery" counts what goes into the battery, "to battery" what is drawn from it: so BerryBMS found it on an XW+.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from pvsmqtt.simulator.pvs.house.house import COMMISSIONED, House

LOCAL = timedelta(hours=6)
"""How far the house is behind UTC."""


def beginnings(when: datetime) -> tuple[datetime, ...]:
    """Of hour, day, week, month, year (UTC), and of everything."""
    local = when - LOCAL
    hour = local.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    week = day - timedelta(days=day.weekday())
    month = day.replace(day=1)
    year = month.replace(month=1)
    return (*(one + LOCAL for one in (hour, day, week, month, year)), COMMISSIONED)


def energies(house: House, when: datetime) -> dict[str, float]:
    """By the names of `xw_map`, such as ``gridInputEnergyDay``; a house without a battery has none of them."""
    from pvsmqtt.simulator.conext.xw_map import PERIODS

    if house.battery is None:
        return {}
    counters: dict[str, Callable[[float], float]] = {
        "energyFromBattery": house.battery.power.below,
        "energyToBattery": house.battery.power.above,
        "gridInputEnergy": house.net.above,
        "gridOutputEnergy": house.net.below,
        "loadOutputEnergy": house.load.above,
    }
    told = {}
    for period, beginning in zip(PERIODS, beginnings(when), strict=True):
        for name, counter in counters.items():
            told[name + period] = counter(_seconds(when)) - counter(_seconds(beginning))
    return told


def _seconds(when: datetime) -> float:
    return (when - COMMISSIONED).total_seconds()
