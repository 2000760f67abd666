"""How much a device can deliver, so that a counter that rises by more is known to be wrong. Pure.

By its nameplate where it tells one; else by the largest power that it has shown, generously, and never less than what
one of its kind may have. The floors are guesses of ours: a panel's inverter gives 0.3 to 0.45 kW, a house has 200 A
at 240 V, a PVS up to some hundred panels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import Value

PANEL = 0.5
"""kW: the inverter of one panel, as a supervisor tells of it."""

INVERTER = 30.0
"""kW: an inverter that is read by itself."""

FLOORS: Mapping[Kind, float] = {
    Kind.PRODUCTION_METER: 60.0,
    Kind.CONSUMPTION_METER: 60.0,
    Kind.METER: 60.0,
    Kind.ESS: 30.0,
    Kind.STORAGE_INVERTER: 30.0,
    Kind.BMS: 30.0,
    Kind.BATTERY: 30.0,
}
"""kW."""

LEAST, LEAST_OF_PANEL = 10.0, 1.0
"""kWh by which a counter may rise in no time: some tell whole ones, and minutes late."""

OTHER = 200.0
GENEROUS = 3.0
OF_NAMEPLATE = 1.5
_POWERS = ("power", "dc_power", "pv_power", "grid_power", "load_power", "battery_power")


@dataclass(slots=True)
class Capability:
    """Of one device: the largest power it has shown, and its nameplate (kW)."""

    shown: float = 0.0
    rating: float | None = None

    def note(self, values: Mapping[str, Value]) -> None:
        """What it tells now."""
        for key in _POWERS:
            value = values.get(key)
            if isinstance(value, int | float):
                self.shown = max(self.shown, abs(value) / 1000)
        rating = values.get("power_rating")
        if isinstance(rating, int | float) and rating > 0:
            self.rating = rating / 1000

    def most(self, device: Device) -> float:
        """The power that it cannot exceed for long, kW."""
        if device.kind is Kind.INVERTER and self.rating is not None:
            return OF_NAMEPLATE * self.rating
        floor = FLOORS.get(device.kind, OTHER)
        if device.kind is Kind.INVERTER:
            floor = PANEL if _of_a_panel(device) else INVERTER
        return max(floor, GENEROUS * self.shown)

    @staticmethod
    def least(device: Device) -> float:
        """What its counters may rise by in no time, kWh."""
        return LEAST_OF_PANEL if _of_a_panel(device) else LEAST


def _of_a_panel(device: Device) -> bool:
    """Whether it is the inverter of one panel, of which a supervisor tells."""
    return device.kind is Kind.INVERTER and device.place is None and device.via is not None
