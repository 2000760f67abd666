"""A house with panels, and perhaps a battery: a pure function of time and seed, in numbers and not in words.

    sunlight --> panel: rated power and a few minutes of shift --> inverter
                   sum of panels, less the wiring --> production meter
    load, less production                         --> battery, if there is one
    load, less production, less battery           --> consumption meter (net, load side)

`House.at` tells what a supervisor knows at an instant, and since when: inverters are asked every 5 minutes, a
group at a time, 15 s apart (seen in firmware 2023.3 and 2025.06), and do not answer in the dark; then their
last readings stand, with the time of the last contact (seen in firmware 2024.2). Meters are 1 to 13 s old.

All times are UTC; the house lives at UTC-6 and knows no season. Before `COMMISSIONED` its power and energies
are 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from pvsmqtt.simulator.pvs.house import battery, days
from pvsmqtt.simulator.pvs.house.curve import HOUR, MARK, Curve
from pvsmqtt.simulator.pvs.house.serials import invent
from pvsmqtt.simulator.pvs.house.state import (
    Battery,
    ConsumptionMeter,
    HouseState,
    Inverter,
    ProductionMeter,
    Storage,
    Supervisor,
)

MAX_PANELS = 400
COMMISSIONED = datetime(2018, 4, 2, 6, tzinfo=UTC)
"""Second 0 of every curve: midnight in the house, on a Monday."""

WIRING = 0.99
"""What the production meter sees of the sum of the inverters: the two counters of a house never agree."""

SAMPLING = 300
GROUP_SPACING = 15
GROUP_SIZE = 12
METER_SAMPLING = 13
WAKE, SLEEP = days.SUNRISE + 600, days.SUNSET - 600
"""Local time of day between which an inverter answers."""

NIGHTLY_RESTART = 2 * HOUR + 637
"""Local time of day at which the supervisor boots: it does so about once in 24 hours."""

SELF_TEST = HOUR
"""How often the supervisor looks at itself: its entry is much older than the rest (seen at build 61839)."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel and its inverter: kW in full sun, and how many seconds later than elsewhere the sun comes."""

    serial: str
    rated: float
    shift: int
    dc_voltage: float
    second: int
    """After each 5-minute mark, when its group is asked."""


class House:
    """The model. Asking does not change it, so instants may be asked for in any order."""

    def __init__(self, panels: int = 12, seed: int = 1, ess: bool = False) -> None:
        if not 1 <= panels <= MAX_PANELS:
            raise ValueError(f"{panels} panels are not possible: 1 to {MAX_PANELS} are")
        self.seed = seed
        self.ess = ess
        self.serials = invent(seed, panels)
        self.panels = _roof(seed, self.serials.inverters)
        sunlight = days.sunlight(Random(f"sunlight {seed}"))
        load = days.load(Random(f"load {seed}"))
        production = _sum(self.panels, sunlight)
        self.sunlight = Curve(sunlight)
        self.production = Curve(production)
        self.load = Curve(load)
        self.battery = battery.self_consumption(load, production) if ess else None
        balance = [used - made for used, made in zip(load, production, strict=True)]
        if self.battery is not None:
            balance = [lacking - given for lacking, given in zip(balance, self.battery.power.marks, strict=True)]
        self.net = Curve(balance)

    def at(self, when: datetime) -> HouseState:
        """What the supervisor knows at ``when`` (any time zone)."""
        now = (when - COMMISSIONED).total_seconds()
        metered = _last(now - 1, METER_SAMPLING)
        return HouseState(
            when=when,
            supervisor=self._supervisor(now),
            production=self._production_meter(metered),
            consumption=self._consumption_meter(metered),
            load=self.load.value(metered),
            inverters=tuple(self._inverter(panel, now) for panel in self.panels),
            storage=self._storage(metered) if self.ess else None,
            battery=self._battery(metered),
        )

    def panel_power(self, index: int, when: datetime) -> float:
        """What a panel really gives at an instant, whoever asks it or not, kW."""
        panel = self.panels[index]
        return panel.rated * self.sunlight.value((when - COMMISSIONED).total_seconds() - panel.shift)

    def panel_energy(self, index: int, when: datetime) -> float:
        """The integral of `panel_power` since the house was commissioned, kWh."""
        panel = self.panels[index]
        return panel.rated * self.sunlight.above((when - COMMISSIONED).total_seconds() - panel.shift)

    def backup_time(self, seconds: int) -> int:
        """How long the battery would feed the house as it has been in the last hour, minutes; 0 without one."""
        if self.battery is None:
            return 0
        lately = self.load.above(seconds) - self.load.above(seconds - HOUR)
        return battery.backup_minutes(self.battery.state_of_charge(seconds), lately)

    def _inverter(self, panel: Panel, now: float) -> Inverter:
        contact, working = _last_contact(now, panel.second)
        light = self.sunlight.value(contact - panel.shift)
        power = panel.rated * light
        dc_power = power / 0.965
        dc_voltage = panel.dc_voltage + 1.5 * light
        voltage = _line_voltage(contact) + panel.dc_voltage / 40
        return Inverter(
            serial=panel.serial,
            measured_at=_time(contact),
            working=working,
            energy=panel.rated * self.sunlight.above(contact - panel.shift),
            power=power,
            voltage=voltage,
            current=power / voltage * 1000,
            dc_power=dc_power,
            dc_voltage=dc_voltage,
            dc_current=dc_power / dc_voltage * 1000,
            temperature=_air_temperature(contact) + 38 * light,
            frequency=_frequency(contact),
        )

    def _production_meter(self, now: int) -> ProductionMeter:
        power = self.production.value(now)
        reactive = 0.05 + 0.12 * power
        return ProductionMeter(
            serial=self.serials.production_meter,
            measured_at=_time(now),
            energy=self.production.above(now),
            power=power,
            reactive_power=reactive,
            current=math.hypot(power, reactive) / _line_voltage(now) * 1000,
            voltage=_line_voltage(now),
            frequency=_frequency(now),
            ct_size=50 if len(self.panels) <= 30 else 200,
        )

    def _consumption_meter(self, now: int) -> ConsumptionMeter:
        power = self.net.value(now)
        first = self.load.value(now) * (0.5 + 0.12 * _wave(now, 7000)) - self.production.value(now) / 2
        if self.battery is not None:
            first -= self.battery.power.value(now) / 2
        legs = (first, power - first)
        reactive = 0.35 + 0.1 * abs(power)
        voltage = _line_voltage(now)
        leg_voltage = (voltage / 2 - 0.15, voltage / 2 + 0.15)
        return ConsumptionMeter(
            serial=self.serials.consumption_meter,
            measured_at=_time(now),
            power=power,
            import_energy=self.net.above(now),
            export_energy=self.net.below(now),
            reactive_power=reactive,
            leg_power=legs,
            leg_voltage=leg_voltage,
            leg_current=(
                math.hypot(legs[0], reactive / 2) / leg_voltage[0] * 1000,
                math.hypot(legs[1], reactive / 2) / leg_voltage[1] * 1000,
            ),
            frequency=_frequency(now),
            ct_size=100 if len(self.panels) <= 60 else 200,
        )

    def _supervisor(self, now: float) -> Supervisor:
        uptime = int((now - NIGHTLY_RESTART) % days.DAY)
        return Supervisor(
            serial=self.serials.supervisor,
            panid=self.serials.panid,
            measured_at=_time(math.floor(now) - uptime % SELF_TEST),
            uptime=uptime,
            scan_time=3 + len(self.panels) * 7 // 10,
            communication_errors=uptime * len(self.panels) // 2000,
            cpu_load=0.8 + 0.3 * _wave(now, 900),
            memory_used=58_000 + uptime // 5,
            flash_available=61_000 - uptime // 60,
        )

    def _storage(self, now: int) -> Storage:
        inside = _air_temperature(now) + 8
        half = _line_voltage(now) / 2
        return Storage(
            measured_at=_time(now),
            temperature=inside,
            humidity=30 - 8 * _wave(now, days.DAY),
            supply_voltages=(11.43 + 0.02 * _wave(now, 3100), 11.36, 11.42),
            fan_on=inside > 30,
            events=max(0, now) // days.DAY,
            grid_voltages=(half + 0.3, half - 0.3),
            pv_voltages=(half, half - 0.3),
        )

    def _battery(self, now: int) -> Battery | None:
        if self.battery is None:
            return None
        return self.battery.at(
            now,
            measured_at=_time(now),
            serial=self.serials.storage.ess,
            temperature=_air_temperature(now) + 8,
            line_voltage=_line_voltage(now),
            backup_time=self.backup_time(now),
        )


def _roof(seed: int, serials: tuple[str, ...]) -> tuple[Panel, ...]:
    """Panels that are alike but not the same. Large roofs are asked in larger groups, within 5 minutes."""
    random = Random(f"roof {seed}")
    group_size = max(GROUP_SIZE, math.ceil(len(serials) * GROUP_SPACING / (SAMPLING - GROUP_SPACING)))
    return tuple(
        Panel(
            serial=serial,
            rated=random.uniform(0.288, 0.302),
            shift=MARK * random.randrange(8),
            dc_voltage=random.uniform(52.5, 54.5),
            second=GROUP_SPACING * (index // group_size),
        )
        for index, serial in enumerate(serials)
    )


def _sum(panels: tuple[Panel, ...], sunlight: list[float]) -> list[float]:
    """The marks of the production meter. Shifts are whole marks, so the sum of panels is a curve again."""
    rated: dict[int, float] = {}
    for panel in panels:
        rated[panel.shift // MARK] = rated.get(panel.shift // MARK, 0.0) + panel.rated * WIRING
    total = [0.0] * len(sunlight)
    for shift, power in rated.items():
        shifted = sunlight[-shift:] + sunlight[:-shift] if shift else sunlight
        total = [sum_ + power * light for sum_, light in zip(total, shifted, strict=True)]
    return total


def _last_contact(now: float, second: int) -> tuple[int, bool]:
    """When a group was last asked and answered, and whether that was the last time it was asked."""
    asked = _last(now - second, SAMPLING) + second
    local = asked % days.DAY
    if WAKE <= local <= SLEEP:
        return asked, True
    midnight = asked - local - (days.DAY if local < WAKE else 0)
    return _last(midnight + SLEEP - second, SAMPLING) + second, False


def _last(now: float, step: int) -> int:
    return math.floor(now / step) * step


def _time(seconds: int) -> datetime:
    return COMMISSIONED + timedelta(seconds=seconds)


def _wave(now: float, period: int) -> float:
    return math.sin(2 * math.pi * now / period)


def _line_voltage(now: float) -> float:
    return 241.5 + 1.2 * _wave(now, 5400) + 0.4 * _wave(now, 410)


def _frequency(now: float) -> float:
    return 60 + 0.02 * _wave(now, 190)


def _air_temperature(now: float) -> float:
    return 16 + 9 * _wave(now - 9 * HOUR, days.DAY)
