"""What inverters, meters and storage have in common."""

from __future__ import annotations

from dataclasses import replace

from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity.row import Quantity, celsius, current, energy, enum, flag, net_energy, power, raw, voltage
from pvsmqtt.model.quantity.words import FRESHNESS, METER_TYPES, OPERATING_STATES, STATES

LOST_ADVICE = (
    "This inverter is silent while others produce. If it stays so for days, look at its plug and breaker, then ask "
    "the installer; if it was taken away, list it under ignore in the configuration."
)

ROWS = (
    power("power", "Power", "AC power; a net meter: + import, − export; storage: + discharging, − charging"),
    energy("energy", "Lifetime energy", "AC energy produced since installation"),
    net_energy("net_energy", "Net energy", "Import minus export since installation (gross meter: load)"),
    energy("import_energy", "Import energy", "Energy taken from the grid since installation"),
    energy("export_energy", "Export energy", "Energy given to the grid since installation"),
    power("power_l1", "Power L1", "Power of leg 1"),
    power("power_l2", "Power L2", "Power of leg 2"),
    power("power_l3", "Power L3", "Power of phase 3"),
    energy("absorbed_energy", "Absorbed energy", "AC energy taken in by the inverter since installation"),
    Quantity("reactive_power", "Reactive power", "Reactive power", "var", "reactive_power", "measurement", 0),
    Quantity("apparent_power", "Apparent power", "Apparent power", "VA", "apparent_power", "measurement", 0),
    Quantity("power_factor", "Power factor", "Power factor, −1…1", None, "power_factor", "measurement", 2),
    voltage("voltage", "Voltage", "AC voltage line to line (battery: DC)"),
    voltage("voltage_l1", "Voltage L1", "Voltage of leg 1 to neutral"),
    voltage("voltage_l2", "Voltage L2", "Voltage of leg 2 to neutral"),
    current("current", "Current", "AC current (battery: DC, + discharging)"),
    current("current_l1", "Current L1", "Current of leg 1"),
    current("current_l2", "Current L2", "Current of leg 2"),
    voltage("voltage_l3", "Voltage L3", "Voltage of phase 3 to neutral"),
    current("current_l3", "Current L3", "Current of phase 3"),
    Quantity(
        "frequency",
        "Frequency",
        "AC frequency",
        "Hz",
        "frequency",
        "measurement",
        2,
        quiet_on=frozenset({Kind.INVERTER}),
    ),
    power("dc_power", "DC power", "Power of the panel (storage inverter: of its DC side)"),
    voltage("dc_voltage", "DC voltage", "Voltage of the panel (storage inverter: of its DC side)"),
    current("dc_current", "DC current", "Current of the panel (storage inverter: of its DC side)"),
    *(
        row(f"dc_{what}_{number}", f"DC {what} {number}", f"DC input {number} of several")
        for number in (1, 2, 3, 4)
        for what, row in (("power", power), ("voltage", voltage), ("current", current))
    ),
    celsius("temperature", "Temperature", "Temperature (inverter: heat sink)"),
    celsius("cabinet_temperature", "Cabinet temperature", "Temperature inside the case"),
    celsius("transformer_temperature", "Transformer temperature", "Temperature of the transformer"),
    celsius("extra_temperature", "Extra temperature", "Temperature that the maker defines"),
    Quantity("humidity", "Humidity", "Relative humidity", "%", "humidity", "measurement", 0),
    enum("state", "State", "What the supervisor says of the device", STATES, holds=True),
    replace(
        enum(
            "availability",
            "Data",
            "Whether its data is live or too old (`stale`), or it is `asleep` in the dark or `lost` by day",
            FRESHNESS,
        ),
        of_service=True,
    ),
    replace(
        flag("problem", "Problem", "Silent by daylight for longer than `lost_after`", "problem"),
        advice=LOST_ADVICE,
        of_service=True,
    ),
    enum("operating_state", "Operating state", "What the inverter says that it does", OPERATING_STATES),
    raw("vendor_state", "Vendor state", "Operating state in numbers of its maker", enabled=False),
    Quantity(
        "commanded_power_limit",
        "Commanded power limit",
        "Power it is allowed, of the most it can; in force only while it is active",
        "%",
        None,
        "measurement",
        0,
        diagnostic=True,
    ),
    flag("power_limit_active", "Power limit active", "Whether the commanded power limit is in force"),
    Quantity(
        "power_rating",
        "Power rating",
        "Nameplate power of the inverter",
        "W",
        "power",
        "measurement",
        0,
        diagnostic=True,
        enabled=False,
    ),
    raw("pv_connection", "PV connection", "How the panels are connected, in words of the inverter", enabled=False),
    raw("storage_connection", "Storage connection", "How the storage is connected, likewise", enabled=False),
    raw("events", "Events", "Events that are active now, as a bit field in hexadecimal digits"),
    raw("vendor_events", "Vendor events", "Events of its maker that are active now, likewise", enabled=False),
    raw("status_word", "Status word", "Status word as the inverter gives it", enabled=False),
    Quantity(
        "ct_rating",
        "CT rating",
        "Size of the current transformers",
        "A",
        "current",
        None,
        0,
        diagnostic=True,
        enabled=False,
        holds=True,
    ),
    enum("meter_type", "Meter type", "What the meter measures, as commissioned", METER_TYPES, holds=True),
)
