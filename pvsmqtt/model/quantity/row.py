"""What a row of the table is, and the short forms in which rows are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pvsmqtt.model.device import Kind

StateClass = Literal["measurement", "total", "total_increasing"]

Limits = tuple[float, float]

PLAUSIBLE: dict[str, Limits] = {
    "power": (-500_000, 500_000),
    "apparent_power": (-500_000, 500_000),
    "reactive_power": (-500_000, 500_000),
    "power_factor": (-1.1, 1.1),
    "energy": (-100_000_000, 100_000_000),
    "voltage": (-2_000, 2_000),
    "current": (-5_000, 5_000),
    "frequency": (-1, 100),
    "temperature": (-60, 200),
    "humidity": (-1, 110),
    "battery": (-1, 101),
}
"""By device class, in the unit of the row. They are wide: they stop what becomes of "not implemented" in registers
(0x7FFF, 0x8000, 0xFFFF and their tenths and hundredths), kW taken for W, -273 °C. They are guesses of ours, no facts
of equipment; the largest PVS has some hundred inverters, and 400 of 0.4 kW are 160 kW."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One row: what is measured, and how Home Assistant is told.

    ``options`` are the texts an enum can have; ``switch`` marks an on/off quantity (texts ``on`` and ``off``).
    ``holds`` says that the last value stays true when the device falls silent: lifetime energies, a nameplate, and
    what the supervisor says of a silent device; every other quantity becomes unknown when its value is too old.
    ``quiet_on`` are the kinds of device on which the entity is there but switched off until its owner wants it;
    ``enabled`` is the same for all kinds. ``advice`` says what to do while a switch of class ``problem`` is on.
    ``limits`` are the lowest and highest value that can be true of any house, where those of its class
    (`PLAUSIBLE`) do not fit. ``of_service`` marks what this service says of a device, which is to be seen while that
    is offline.
    """

    key: str
    name: str
    description: str
    unit: str | None = None
    device_class: str | None = None
    state_class: StateClass | None = None
    precision: int | None = None
    diagnostic: bool = False
    enabled: bool = True
    quiet_on: frozenset[Kind] = frozenset()
    options: tuple[str, ...] = ()
    switch: bool = False
    holds: bool = False
    advice: str | None = None
    limits: Limits | None = None
    of_service: bool = False

    @property
    def plausible(self) -> Limits | None:
        """What lies outside is no measurement; ``None``: anything may be true."""
        return self.limits or PLAUSIBLE.get(self.device_class or "")

    def enabled_on(self, kind: Kind) -> bool:
        """Whether the entity is switched on from the start on a device of this kind."""
        return self.enabled and kind not in self.quiet_on


def power(key: str, name: str, description: str, *, diagnostic: bool = False) -> Quantity:
    """In W."""
    return Quantity(key, name, description, "W", "power", "measurement", 0, diagnostic)


def energy(key: str, name: str, description: str) -> Quantity:
    """A lifetime counter in kWh."""
    return Quantity(
        key, name, description, "kWh", "energy", "total_increasing", 2, holds=True, limits=(-1, 100_000_000)
    )


def net_energy(key: str, name: str, description: str) -> Quantity:
    """A counter in kWh that may fall."""
    return Quantity(key, name, description, "kWh", "energy", "total", 2, holds=True)


def voltage(key: str, name: str, description: str, *, diagnostic: bool = False) -> Quantity:
    """In V."""
    return Quantity(key, name, description, "V", "voltage", "measurement", 1, diagnostic)


def current(key: str, name: str, description: str, *, diagnostic: bool = False) -> Quantity:
    """In A."""
    return Quantity(key, name, description, "A", "current", "measurement", 2, diagnostic)


def celsius(key: str, name: str, description: str) -> Quantity:
    """In °C."""
    return Quantity(key, name, description, "°C", "temperature", "measurement", 1)


def percent(
    key: str,
    name: str,
    description: str,
    device_class: str | None = None,
    *,
    diagnostic: bool = False,
    limits: Limits | None = None,
) -> Quantity:
    """In %."""
    return Quantity(key, name, description, "%", device_class, "measurement", 0, diagnostic, limits=limits)


def count(key: str, name: str, description: str, state_class: StateClass = "total_increasing") -> Quantity:
    """A number of things, for those who look closer."""
    return Quantity(key, name, description, state_class=state_class, diagnostic=True)


def enum(
    key: str,
    name: str,
    description: str,
    options: tuple[str, ...],
    *,
    diagnostic: bool = True,
    holds: bool = False,
) -> Quantity:
    """One of some texts."""
    return Quantity(key, name, description, device_class="enum", diagnostic=diagnostic, options=options, holds=holds)


def raw(key: str, name: str, description: str, *, enabled: bool = True, holds: bool = False) -> Quantity:
    """What the equipment says, as it says it."""
    return Quantity(key, name, description, diagnostic=True, enabled=enabled, holds=holds)


def flag(key: str, name: str, description: str, device_class: str | None = None, *, enabled: bool = True) -> Quantity:
    """On or off."""
    return Quantity(key, name, description, device_class=device_class, diagnostic=True, enabled=enabled, switch=True)


def place(key: str, name: str, description: str, unit: str | None = None) -> Quantity:
    """Where something is, once and for all."""
    precision = 0 if unit else None
    return Quantity(key, name, description, unit, precision=precision, diagnostic=True, enabled=False, holds=True)
