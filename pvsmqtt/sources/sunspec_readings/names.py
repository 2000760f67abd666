"""What quantities are called where one unit is several things: a battery or a meter beside an inverter.

A table: name of the quantity, name that it has in this place; None: nothing fits.
"""

from __future__ import annotations

from pvsmqtt.sources.sunspec_readings.tables import BATTERIES, METERS

_BATTERY: dict[str, str | None] = {
    "voltage": "battery_voltage",
    **dict.fromkeys(("current", "power", "temperature", "events", "vendor_events", "vendor_state")),
}
"""What a battery (802, 803) tells whose inverter is the same unit: these names are the inverter's there."""

_METER: dict[str, str | None] = {
    "power": "grid_power",
    **{key: f"grid_{key}" for key in ("voltage", "current", "frequency")},
    **{f"{key}_l{line}": f"grid_{key}_l{line}" for key in ("voltage", "current") for line in (1, 2, 3)},
    **dict.fromkeys(("power_l1", "power_l2", "power_l3", "apparent_power", "reactive_power", "power_factor")),
}
"""What a meter (201 to 214) tells in the unit of an inverter (SolarEdge has it there): it is taken to stand at the
grid. Several of them: the first. Import and export energy keep their names, which an inverter has not."""

BESIDE_INVERTER: dict[int, dict[str, str | None]] = {
    **dict.fromkeys(BATTERIES, _BATTERY),
    **dict.fromkeys(METERS, _METER),
}
"""By model, in a unit that is an inverter."""

BEHIND: dict[str, str | None] = {"dc_power": None, "dc_current": None, "dc_voltage": "battery_voltage"}
"""Where no panel but a battery is on the DC side (model 20001): what its quantities are called there."""
