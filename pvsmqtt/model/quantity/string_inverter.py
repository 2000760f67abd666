"""What a string inverter tells beyond what the inverter of a panel does."""

from __future__ import annotations

from dataclasses import replace

from pvsmqtt.model.quantity.row import Quantity, count, current, energy, power, raw, voltage


def _of_leg(kind: str, unit: str, number: int) -> Quantity:
    name = f"{kind.capitalize()} power L{number}"
    key = f"{kind}_power"
    return Quantity(f"{key}_l{number}", name, name, unit, key, "measurement", 0, enabled=False)


def _hours(key: str, name: str, description: str) -> Quantity:
    return Quantity(key, name, description, "h", "duration", "total_increasing", 0, diagnostic=True)


ROWS = (
    power("power_l3", "Power L3", "Power of phase 3"),
    *(_of_leg("apparent", "VA", number) for number in (1, 2, 3)),
    *(_of_leg("reactive", "var", number) for number in (1, 2, 3)),
    replace(voltage("voltage_l1_l2", "Voltage L1-L2", "Voltage between phases 1 and 2"), enabled=False),
    replace(voltage("voltage_l2_l3", "Voltage L2-L3", "Voltage between phases 2 and 3"), enabled=False),
    replace(voltage("voltage_l3_l1", "Voltage L3-L1", "Voltage between phases 3 and 1"), enabled=False),
    energy("dc_energy", "DC energy", "Energy that the panels gave since installation"),
    power("dc_power_a", "DC power A", "Power of the panels at input A"),
    voltage("dc_voltage_a", "DC voltage A", "Voltage of the panels at input A"),
    current("dc_current_a", "DC current A", "Current of the panels at input A"),
    power("dc_power_b", "DC power B", "Power of the panels at input B"),
    voltage("dc_voltage_b", "DC voltage B", "Voltage of the panels at input B"),
    current("dc_current_b", "DC current B", "Current of the panels at input B"),
    replace(
        voltage("dc_voltage_target", "DC voltage target", "Voltage that its MPP tracker aims at", diagnostic=True),
        enabled=False,
    ),
    Quantity(
        "residual_current", "Residual current", "Residual current", "A", "current", "measurement", 3, diagnostic=True
    ),
    Quantity(
        "insulation_resistance",
        "Insulation resistance",
        "Resistance between the panels and earth",
        "kΩ",
        None,
        "measurement",
        0,
        diagnostic=True,
    ),
    Quantity(
        "grid_impedance", "Grid impedance", "Impedance of the grid", "Ω", None, "measurement", 3, diagnostic=True
    ),
    _hours("operating_time", "Operating time", "Hours for which it was awake since installation"),
    _hours("feed_in_time", "Feed-in time", "Hours for which it fed in since installation"),
    count("grid_connections", "Grid connections", "How often it joined the grid since installation"),
    count("fault_count", "Faults", "Faults since installation"),
    count("user_events", "User events", "Events meant for its owner"),
    count("installer_events", "Installer events", "Events meant for its installer"),
    raw("event_number", "Event number", "Number of the event that is active now"),
    raw("status_text", "Status", "What it does, in its own words"),
    raw("fault_text", "Fault", "Fault in its own words; none while there is none"),
    raw("health_text", "Health", "How it is, in its own words"),
    raw("derating_text", "Derating", "Whether it limits itself because of heat, in its own words", enabled=False),
    raw("backup_text", "Backup", "Backup operation, in its own words", enabled=False),
    raw("control_text", "Control", "State of its control, in its own words", enabled=False),
    raw("digital_inputs", "Digital inputs", "Digital inputs as it gives them", enabled=False),
)
