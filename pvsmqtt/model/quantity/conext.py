"""What Conext equipment tells on its native port: gateway, XW inverters, Battery Monitor.

Every AC side has a name of its own there (grid, load, generator), and so have its quantities. What only larger
systems have, or what tells the same once more, is off until its owner wants it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pvsmqtt.model.quantity.row import (
    Quantity,
    celsius,
    count,
    current,
    energy,
    enum,
    flag,
    percent,
    power,
    raw,
    voltage,
)
from pvsmqtt.model.quantity.words import CHARGER_STATES, DEVICE_STATES, INVERTER_STATES

BANKS = range(1, 6)
ADVICE = "The inverter says only that there is something: the event list of its gateway says what."


def _off(row: Quantity) -> Quantity:
    """A detail that is there but switched off."""
    return replace(row, diagnostic=True, enabled=False)


def _apparent(key: str, name: str, description: str) -> Quantity:
    return _off(Quantity(key, name, description, "VA", "apparent_power", "measurement", 0))


def _frequency(key: str, name: str, description: str) -> Quantity:
    return Quantity(key, name, description, "Hz", "frequency", "measurement", 2)


def _charge(key: str, name: str, description: str) -> Quantity:
    return Quantity(key, name, description, "Ah", None, "measurement", 0, diagnostic=True, enabled=False)


def _bank(number: int) -> Iterator[Quantity]:
    key, name = f"bank{number}", f"Bank {number}"
    yield voltage(f"{key}_voltage", f"{name} voltage", f"DC voltage of battery bank {number}")
    yield current(f"{key}_current", f"{name} current", f"Current of battery bank {number}, + discharging")
    yield power(f"{key}_power", f"{name} power", f"Power of battery bank {number}, + discharging, − charging")
    yield celsius(f"{key}_temperature", f"{name} temperature", f"Temperature of battery bank {number}")
    if number > 1:  # that of the first is the state of charge of the system
        yield percent(f"{key}_state_of_charge", f"{name} state of charge", f"Of battery bank {number}", "battery")
        yield percent(f"{key}_state_of_health", f"{name} state of health", f"Of battery bank {number}")


def _banks() -> Iterator[Quantity]:
    for number in BANKS:
        yield from _bank(number) if number == 1 else map(_off, _bank(number))


def _lines() -> Iterator[Quantity]:
    """Each line of each AC side; voltages of the grid's first two are rows of the boards."""
    for side in ("grid", "load", "generator"):
        for line in (1, 2, 3):
            if side != "grid" or line == 3:
                yield _off(voltage(f"{side}_voltage_l{line}", f"{side.title()} voltage L{line}", "To neutral"))
            yield _off(current(f"{side}_current_l{line}", f"{side.title()} current L{line}", f"Of line {line}"))


ROWS = (
    # Grid
    voltage("grid_voltage", "Grid voltage", "Grid side, line to line"),
    current("grid_current", "Grid current", "Current of the grid side, with the sign that the equipment gives it"),
    _frequency("grid_frequency", "Grid frequency", "Grid side"),
    power("grid_input_power", "Grid input power", "Power that the grid side takes from the grid"),
    power("grid_output_power", "Grid output power", "Power that the grid side gives to the grid"),
    _off(current("grid_input_current", "Grid input current", "Current that the grid side takes from the grid")),
    _off(current("grid_output_current", "Grid output current", "Current that the grid side gives to the grid")),
    _apparent("grid_input_apparent_power", "Grid input apparent power", "Taken from the grid"),
    _apparent("grid_output_apparent_power", "Grid output apparent power", "Given to the grid"),
    # Load
    voltage("load_voltage", "Load voltage", "Load side, line to line"),
    current("load_current", "Load current", "Current of the load side"),
    _frequency("load_frequency", "Load frequency", "Load side"),
    _off(power("load_output_power", "Load output power", "Power given to the load side")),
    _off(
        power("load_input_power", "Load input power", "Power that comes from the load side (solar inverters there)")
    ),
    _apparent("load_apparent_power", "Load apparent power", "Of the load side"),
    energy("load_output_energy", "Load output energy", "Energy that this inverter gave to its loads"),
    # Generator
    power("generator_power", "Generator power", "Power that the generator gives"),
    voltage("generator_voltage", "Generator voltage", "Generator side, line to line"),
    current("generator_current", "Generator current", "Current of the generator"),
    _frequency("generator_frequency", "Generator frequency", "Generator side"),
    _apparent("generator_apparent_power", "Generator apparent power", "Of the generator"),
    energy("generator_energy", "Generator energy", "Energy that this inverter took from the generator"),
    raw("generator_state", "Generator state", "State of the generator in numbers of the gateway", enabled=False),
    *_lines(),
    # Sun and weather
    _off(power("mppt_power", "MPPT power", "Power of all solar charge controllers")),
    _off(power("grid_tie_power", "Grid-tie power", "Power of the panels on all grid-tie inverters")),
    _off(voltage("pv_voltage", "PV voltage", "DC voltage of the panels")),
    _off(current("pv_current", "PV current", "DC current of all panels")),
    Quantity("irradiance", "Irradiance", "Power of the sun on an area", "W/m²", "irradiance", "measurement", 0),
    celsius("ambient_temperature", "Ambient temperature", "Temperature outside, at the weather station"),
    # Battery
    power("charge_power", "Charge power", "Power that goes into all batteries"),
    power("discharge_power", "Discharge power", "Power that comes out of all batteries"),
    current("storage_current", "Storage current", "DC current of the battery, + discharging, − charging"),
    celsius(
        "storage_temperature", "Storage temperature", "Temperature of the battery, as inverter or gateway know it"
    ),
    _off(power("dc_charge_power", "DC charge power", "DC power that the equipment charges with")),
    _off(current("dc_charge_current", "DC charge current", "DC current that the equipment charges with")),
    _off(power("dc_invert_power", "DC invert power", "DC power that the equipment inverts")),
    _off(current("dc_invert_current", "DC invert current", "DC current that the equipment inverts")),
    _charge("remaining_charge", "Remaining charge", "Charge that is left in the battery"),
    _charge("removed_charge", "Removed charge", "Charge that was taken since the battery was full"),
    *(_off(voltage(f"midpoint{n}_voltage", f"Midpoint {n} voltage", "Within the battery")) for n in (1, 2, 3)),
    *_banks(),
    # The inverters alone, as the gateway adds them up
    _off(power("xw_grid_power", "XW grid power", "Grid side of all XW inverters, + import")),
    _off(voltage("xw_grid_voltage", "XW grid voltage", "Grid side of the XW inverters")),
    _off(_frequency("xw_grid_frequency", "XW grid frequency", "Grid side of the XW inverters")),
    _off(power("xw_load_power", "XW load power", "Load side of all XW inverters")),
    _off(voltage("xw_load_voltage", "XW load voltage", "Load side of the XW inverters")),
    _off(_frequency("xw_load_frequency", "XW load frequency", "Load side of the XW inverters")),
    # How it does
    enum("device_state", "Device state", "What the inverter is set to", DEVICE_STATES),
    enum("inverter_status", "Inverter status", "What the inverter does", INVERTER_STATES, diagnostic=False),
    enum("charger_status", "Charger status", "What the charger does", CHARGER_STATES, diagnostic=False),
    count("active_faults", "Active faults", "Faults of the whole system that are active now", "measurement"),
    count("active_warnings", "Active warnings", "Warnings of the whole system that are active now", "measurement"),
    replace(flag("fault_active", "Fault", "Whether a fault is active", "problem"), advice=ADVICE),
    replace(flag("warning_active", "Warning", "Whether a warning is active", "problem"), advice=ADVICE),
    raw("external_contactor", "External contactor", "Contactor at the gateway, in its numbers", enabled=False),
)
