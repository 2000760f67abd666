"""What a supervisor knows of its house at an instant, in numbers: every firmware has its own words for it.

Units: kW, kWh, V, A, Hz, °C, kvar; times are UTC. ``measured_at`` says since when a device is known to be so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The PVS about itself."""

    serial: str
    panid: int
    measured_at: datetime
    uptime: int
    scan_time: int
    communication_errors: int
    cpu_load: float
    memory_used: int
    flash_available: int


@dataclass(frozen=True, slots=True)
class ProductionMeter:
    """All panels together, line to line; ``ct_size`` in A."""

    serial: str
    measured_at: datetime
    energy: float
    power: float
    reactive_power: float
    current: float
    voltage: float
    frequency: float
    ct_size: int


@dataclass(frozen=True, slots=True)
class ConsumptionMeter:
    """What crosses the border to the grid: + is import. Legs are (l1, l2); energies never fall, net may."""

    serial: str
    measured_at: datetime
    power: float
    import_energy: float
    export_energy: float
    reactive_power: float
    leg_power: tuple[float, float]
    leg_voltage: tuple[float, float]
    leg_current: tuple[float, float]
    frequency: float
    ct_size: int

    @property
    def net_energy(self) -> float:
        """Import less export, kWh."""
        return self.import_energy - self.export_energy


@dataclass(frozen=True, slots=True)
class Inverter:
    """One panel's inverter as last heard of; ``working`` is false while it is dark."""

    serial: str
    measured_at: datetime
    working: bool
    energy: float
    power: float
    voltage: float
    current: float
    dc_power: float
    dc_voltage: float
    dc_current: float
    temperature: float
    frequency: float


@dataclass(frozen=True, slots=True)
class Storage:
    """What the hub and the relays of a SunVault tell beside its batteries."""

    measured_at: datetime
    temperature: float
    humidity: float
    supply_voltages: tuple[float, float, float]
    """Behind the converter, before it, at the gateway."""
    fan_on: bool
    events: int
    grid_voltages: tuple[float, float]
    pv_voltages: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Battery:
    """What a SunVault does: kW, + discharging; energies never fall. State of charge and health are 0 to 1."""

    serial: str
    measured_at: datetime
    power: float
    charge_energy: float
    discharge_energy: float
    state_of_charge: float
    customer_state_of_charge: float
    state_of_health: int
    battery_voltage: float
    leg_voltage: tuple[float, float]
    cell_voltage: tuple[float, float]
    """Lowest, highest."""
    cell_temperature: tuple[float, float]
    inverter_temperature: float
    charge_limit: float
    discharge_limit: float
    mode: str
    """``SELF_CONSUMPTION`` and the like."""
    backup_time: int
    """Minutes."""


@dataclass(frozen=True, slots=True)
class HouseState:
    """Everything at one instant. ``load`` (kW) belongs to the instant of the meters."""

    when: datetime
    supervisor: Supervisor
    production: ProductionMeter
    consumption: ConsumptionMeter
    load: float
    inverters: tuple[Inverter, ...]
    storage: Storage | None
    battery: Battery | None = None
