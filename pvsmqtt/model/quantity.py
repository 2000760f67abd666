"""The one table of quantities.

Discovery, the topic reference, the inventory topic and the tests all read this table. A key is for ever: Home
Assistant's history hangs on it. The unit is what is published; sources convert to it where they decode.

Signs: grid power + imports, − exports; battery power + discharges, − charges. ``total_increasing`` is a
lifetime counter of the equipment; ``total`` is a net counter, which may fall.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pvsmqtt.model.device import Kind

StateClass = Literal["measurement", "total", "total_increasing"]

STATES = ("working", "error", "unknown", "other")
METER_TYPES = (
    "gross_production",
    "gross_production_site",
    "gross_production_lineside",
    "gross_consumption_lineside",
    "net_consumption_loadside",
    "storage_meter",
    "not_used",
    "unknown_type",
    "other",
)
RELAY = ("closed", "open", "unknown")
OPERATING_MODES = (
    "UNKNOWN",
    "STANDBY",
    "MANUAL_CHARGE",
    "MANUAL_DCM",
    "DCM",
    "TARIFF_OPTIMIZER",
    "ENERGY_ARBITRAGE",
    "SELF_CONSUMPTION",
    "BACKUP_ONLY",
    "HECO_ZERO_EXPORT",
    "OTHER",
)
CONTACTOR_ERRORS = (
    "none",
    "stuck_open",
    "stuck_closed_or_mm_open",
    "mm_closed",
    "mm_stuck_open",
    "mm_stuck_closed",
    "unknown",
    "other",
)
VOLTAGE_STATES = ("in_range", "out_of_range", "phase_loss", "miss_connection", "other")
FREQUENCY_STATES = ("in_range", "out_of_range", "other")
CONTROLLER_STATES = ("unknown", "not_running", "running", "other")
PCS_MODES = ("none", "ess_import_only", "ess_export_only", "ess_no_exchange", "other")
PCS_STATES = ("unknown", "disabled", "enabled", "other")
FRESHNESS = ("live", "stale", "asleep", "lost")
FLASH_ADVICE = (
    "The flash memory of the supervisor is nearly full or worn out, which ends in failure: poll it less often "
    "(interval), and ask the owner's support for an exchange of the supervisor"
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """One row: what is measured, and how Home Assistant is told.

    ``options`` are the texts an enum can have; ``switch`` marks an on/off quantity (texts ``on`` and ``off``).
    ``holds`` says that the last value stays true when the device falls silent: lifetime energies, a nameplate, and
    what the supervisor says of a silent device; every other quantity becomes unknown when its value is too old.
    ``quiet_on`` are the kinds of device on which the entity is there but switched off until its owner wants it;
    ``enabled`` is the same for all kinds. ``advice`` says what to do while a switch of class ``problem`` is on.
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

    def enabled_on(self, kind: Kind) -> bool:
        """Whether the entity is switched on from the start on a device of this kind."""
        return self.enabled and kind not in self.quiet_on


def _power(key: str, name: str, description: str, *, diagnostic: bool = False) -> Quantity:
    return Quantity(key, name, description, "W", "power", "measurement", 0, diagnostic)


def _energy(key: str, name: str, description: str) -> Quantity:
    return Quantity(key, name, description, "kWh", "energy", "total_increasing", 2, holds=True)


def _net_energy(key: str, name: str, description: str) -> Quantity:
    return Quantity(key, name, description, "kWh", "energy", "total", 2, holds=True)


def _voltage(key: str, name: str, description: str, *, diagnostic: bool = False) -> Quantity:
    return Quantity(key, name, description, "V", "voltage", "measurement", 1, diagnostic)


def _current(key: str, name: str, description: str) -> Quantity:
    return Quantity(key, name, description, "A", "current", "measurement", 2)


def _celsius(key: str, name: str, description: str) -> Quantity:
    return Quantity(key, name, description, "°C", "temperature", "measurement", 1)


def _percent(
    key: str, name: str, description: str, device_class: str | None = None, *, diagnostic: bool = False
) -> Quantity:
    return Quantity(key, name, description, "%", device_class, "measurement", 0, diagnostic)


def _count(key: str, name: str, description: str, state_class: StateClass = "total_increasing") -> Quantity:
    return Quantity(key, name, description, state_class=state_class, diagnostic=True)


def _enum(
    key: str,
    name: str,
    description: str,
    options: tuple[str, ...],
    *,
    diagnostic: bool = True,
    holds: bool = False,
) -> Quantity:
    return Quantity(key, name, description, device_class="enum", diagnostic=diagnostic, options=options, holds=holds)


def _raw(key: str, name: str, description: str, *, enabled: bool = True, holds: bool = False) -> Quantity:
    return Quantity(key, name, description, diagnostic=True, enabled=enabled, holds=holds)


def _flag(
    key: str, name: str, description: str, device_class: str | None = None, *, enabled: bool = True
) -> Quantity:
    return Quantity(key, name, description, device_class=device_class, diagnostic=True, enabled=enabled, switch=True)


def _place(key: str, name: str, description: str, unit: str | None = None) -> Quantity:
    precision = 0 if unit else None
    return Quantity(key, name, description, unit, precision=precision, diagnostic=True, enabled=False, holds=True)


_ROWS = (
    # What inverters, meters and storage have in common
    _power("power", "Power", "AC power; a net meter: + import, − export; storage: + discharging, − charging"),
    _energy("energy", "Lifetime energy", "AC energy produced since installation"),
    _net_energy("net_energy", "Net energy", "Import minus export since installation (gross meter: load)"),
    _energy("import_energy", "Import energy", "Energy taken from the grid since installation"),
    _energy("export_energy", "Export energy", "Energy given to the grid since installation"),
    _power("power_l1", "Power L1", "Power of leg 1"),
    _power("power_l2", "Power L2", "Power of leg 2"),
    Quantity("reactive_power", "Reactive power", "Reactive power", "var", "reactive_power", "measurement", 0),
    Quantity("apparent_power", "Apparent power", "Apparent power", "VA", "apparent_power", "measurement", 0),
    Quantity("power_factor", "Power factor", "Power factor, −1…1", None, "power_factor", "measurement", 2),
    _voltage("voltage", "Voltage", "AC voltage line to line (battery: DC)"),
    _voltage("voltage_l1", "Voltage L1", "Voltage of leg 1 to neutral"),
    _voltage("voltage_l2", "Voltage L2", "Voltage of leg 2 to neutral"),
    _current("current", "Current", "AC current (battery: DC, + discharging)"),
    _current("current_l1", "Current L1", "Current of leg 1"),
    _current("current_l2", "Current L2", "Current of leg 2"),
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
    _power("dc_power", "DC power", "Power of the panel"),
    _voltage("dc_voltage", "DC voltage", "Voltage of the panel"),
    _current("dc_current", "DC current", "Current of the panel"),
    _celsius("temperature", "Temperature", "Temperature (inverter: heat sink)"),
    Quantity("humidity", "Humidity", "Relative humidity", "%", "humidity", "measurement", 0),
    _enum("state", "State", "What the supervisor says of the device", STATES, holds=True),
    _enum("availability", "Data", "Whether its data is live", FRESHNESS),
    _raw("status_word", "Status word", "Status word as the inverter gives it", enabled=False),
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
    _enum("meter_type", "Meter type", "What the meter measures, as commissioned", METER_TYPES, holds=True),
    # Supervisor
    Quantity("uptime", "Uptime", "Time since its start", "s", "duration", "measurement", 0, diagnostic=True),
    Quantity("cpu_load", "CPU load", "Load average", None, None, "measurement", 2, diagnostic=True),
    _percent("cpu_usage", "CPU usage", "CPU usage", diagnostic=True),
    Quantity("memory_used", "Memory used", "Memory used", "KiB", "data_size", "measurement", 0, diagnostic=True),
    _percent("memory_usage", "Memory usage", "Memory usage", diagnostic=True),
    Quantity(
        "flash_available",
        "Flash available",
        "Free space of the flash memory; low space ends in failure",
        "KiB",
        "data_size",
        "measurement",
        0,
        diagnostic=True,
    ),
    _percent("flash_usage", "Flash usage", "Flash memory in use", diagnostic=True),
    _percent("flash_wear", "Flash wear", "Wear of the flash memory, in steps of 10 %", diagnostic=True),
    _count("error_count", "Errors", "Data logger errors since its start"),
    _count("communication_errors", "Communication errors", "Errors on the panel network since its start"),
    _count("skipped_scans", "Skipped scans", "Scans of the panels that were dropped"),
    Quantity(
        "scan_time",
        "Scan time",
        "Length of the last scan of the panels",
        "s",
        "duration",
        "measurement",
        0,
        diagnostic=True,
    ),
    _count(
        "untransmitted_records",
        "Untransmitted records",
        "Records waiting for the vendor's cloud",
        "measurement",
    ),
    Quantity(
        "reboots",
        "Reboots",
        "Restarts seen since pvsmqtt first ran",
        state_class="total_increasing",
        diagnostic=True,
        holds=True,
    ),
    _flag("firmware_update", "Firmware update", "Whether newer firmware waits for it", "update"),
    Quantity(
        "flash_problem",
        "Flash memory problem",
        "Whether its flash memory is nearly full, or worn by 80 % or more",
        device_class="problem",
        diagnostic=True,
        switch=True,
        advice=FLASH_ADVICE,
    ),
    _raw("firmware", "Firmware", "Version and build of its firmware", holds=True),
    _raw("system_type", "System type", "With or without storage, as commissioned", enabled=False, holds=True),
    _raw("finance_type", "Finance type", "Cash, lease or loan, as commissioned", enabled=False, holds=True),
    _count("usb_erase_count", "USB erase count", "Erase count of its USB drive"),
    _flag("internet", "Internet", "Whether it reaches the internet", "connectivity"),
    _flag("cloud", "Cloud", "Whether it reaches the vendor's cloud", "connectivity"),
    _raw("network_interface", "Network interface", "Which of its interfaces it uses"),
    Quantity(
        "wifi_signal",
        "Wi-Fi signal",
        "Signal strength of the Wi-Fi that it has joined",
        "dBm",
        "signal_strength",
        "measurement",
        0,
        diagnostic=True,
    ),
    _raw("ethernet_state", "Ethernet", "WAN port, as given"),
    _raw("ethernet2_state", "Ethernet 2", "Ethernet adapter on USB, as given", enabled=False),
    _raw("wifi_state", "Wi-Fi", "Wi-Fi that it has joined, as given"),
    _raw("plc_state", "Power line", "Power line communication, as given", enabled=False),
    _raw("cell_state", "Cellular", "Cellular modem, as given", enabled=False),
    _flag("broadband", "Broadband", "Whether it has a broadband connection", "connectivity", enabled=False),
    _flag("cellular", "Cellular connection", "Whether it has a cellular connection", "connectivity", enabled=False),
    _flag("low_data_mode", "Low data mode", "Whether it saves cellular data", enabled=False),
    _raw("grid_profile", "Grid profile", "Grid profile of the inverters", holds=True),
    _raw("grid_profile_pending", "Pending grid profile", "Grid profile to come", enabled=False, holds=True),
    _raw("grid_profile_status", "Grid profile status", "Outcome of the last change", enabled=False, holds=True),
    Quantity(
        "grid_profile_progress",
        "Grid profile progress",
        "Share of the inverters that have the grid profile",
        "%",
        None,
        "measurement",
        0,
        diagnostic=True,
        enabled=False,
    ),
    _flag("discovery_complete", "Discovery complete", "Whether its search for devices is over", enabled=False),
    Quantity(
        "discovery_progress",
        "Discovery progress",
        "Progress of its search for devices",
        "%",
        None,
        "measurement",
        0,
        diagnostic=True,
        enabled=False,
    ),
    # Where a panel lies
    _place("panel_x", "Position X", "Place in the plan of the array, from left to right"),
    _place("panel_y", "Position Y", "Place in the plan of the array"),
    _place("panel_azimuth", "Azimuth", "Direction the panel faces, 180 = south", "°"),
    _place("panel_slope", "Slope", "Tilt of the panel", "°"),
    _place("panel_rotation", "Rotation", "Rotation in the plane of the roof", "°"),
    # ESS hub (MIO), PV disconnect, HUB+
    _voltage("dcdc_supply_voltage", "DC-DC supply voltage", "Supply after the DC-DC converter", diagnostic=True),
    _voltage("supply_voltage", "Supply voltage", "Supply voltage", diagnostic=True),
    _voltage("gateway_voltage", "Gateway voltage", "Supply of the gateway", diagnostic=True),
    Quantity("fan_active", "Fan", "Whether the fan runs", device_class="running", switch=True),
    _raw("firmware_error", "Firmware error", "Firmware error as the board gives it"),
    _raw("event_history", "Event history", "Event counter of the board"),
    _raw("relay_mode", "Relay mode", "Mode of the relays, as given"),
    _raw("relay1_state", "Relay 1 state", "Relay 1, as given"),
    _raw("relay2_state", "Relay 2 state", "Relay 2, as given"),
    _raw("relay1_error", "Relay 1 error", "Error of relay 1, as given"),
    _raw("relay2_error", "Relay 2 error", "Error of relay 2, as given"),
    _voltage("grid_voltage_l1", "Grid voltage L1", "Grid side, leg 1 to neutral"),
    _voltage("grid_voltage_l2", "Grid voltage L2", "Grid side, leg 2 to neutral"),
    _voltage("pv_voltage_l1", "PV voltage L1", "PV side, leg 1 to neutral"),
    _voltage("pv_voltage_l2", "PV voltage L2", "PV side, leg 2 to neutral"),
    _enum("grid_relay", "Grid relay", "Whether the house is connected to the grid", RELAY, diagnostic=False),
    _enum("pv_relay", "PV relay", "Whether the panels are connected", RELAY, diagnostic=False),
    _raw("grid_relay_raw", "Grid relay, raw", "Grid relay in the words of the equipment", enabled=False),
    _raw("pv_relay_raw", "PV relay, raw", "PV relay in the words of the equipment", enabled=False),
    _voltage("main_voltage", "Main voltage", "Main supply of the HUB+", diagnostic=True),
    _voltage("aux_port_voltage", "Auxiliary port voltage", "Auxiliary port of the HUB+", diagnostic=True),
    _voltage("jump_start_voltage", "Jump start voltage", "Jump start port of the HUB+", diagnostic=True),
    _voltage("inverter_voltage", "Inverter voltage", "Connection of the inverter at the HUB+", diagnostic=True),
    _enum("contactor_error", "Contactor error", "Fault of the grid contactor", CONTACTOR_ERRORS),
    _enum("grid_voltage_state", "Grid voltage state", "Grid voltage within its range", VOLTAGE_STATES),
    _enum("grid_frequency_state", "Grid frequency state", "Grid frequency within its range", FREQUENCY_STATES),
    _enum("load_voltage_state", "Load voltage state", "House voltage within its range", VOLTAGE_STATES),
    _enum("load_frequency_state", "Load frequency state", "House frequency within its range", FREQUENCY_STATES),
    # Energy storage and battery
    _energy("discharge_energy", "Discharge energy", "AC energy taken from storage since installation"),
    _energy("charge_energy", "Charge energy", "AC energy put into storage since installation"),
    _percent("state_of_charge", "State of charge", "State of charge", "battery"),
    _percent(
        "customer_state_of_charge",
        "Usable state of charge",
        "State of charge above the hidden reserve",
        "battery",
    ),
    _percent("state_of_health", "State of health", "State of health"),
    _voltage("battery_voltage", "Battery voltage", "DC voltage of the battery"),
    _power("charge_power_limit", "Charge power limit", "Most it may charge now", diagnostic=True),
    _power("discharge_power_limit", "Discharge power limit", "Most it may discharge now", diagnostic=True),
    Quantity(
        "cell_voltage_min",
        "Lowest cell voltage",
        "Lowest cell voltage",
        "V",
        "voltage",
        "measurement",
        3,
        diagnostic=True,
    ),
    Quantity(
        "cell_voltage_max",
        "Highest cell voltage",
        "Highest cell voltage",
        "V",
        "voltage",
        "measurement",
        3,
        diagnostic=True,
    ),
    _celsius("cell_temperature_min", "Lowest cell temperature", "Lowest cell temperature"),
    _celsius("cell_temperature_max", "Highest cell temperature", "Highest cell temperature"),
    _celsius("inverter_temperature", "Inverter temperature", "Temperature of the storage inverter"),
    _enum("operating_mode", "Operating mode", "What the storage does now", OPERATING_MODES, diagnostic=False),
    _enum("control_mode", "Wanted mode", "The mode that its owner chose", OPERATING_MODES, diagnostic=False),
    _percent("reserve", "Backup reserve", "State of charge kept for outages, as its owner chose"),
    Quantity(
        "storage_errors",
        "Storage errors",
        "Errors that the storage reports",
        state_class="measurement",
        diagnostic=True,
    ),
    _raw("storage_last_error", "Last storage error", "Name of the latest error that the storage reports"),
    _enum("controller_status", "Controller status", "Storage controller", CONTROLLER_STATES),
    Quantity(
        "permission_to_operate",
        "Permission to operate",
        "Whether the utility's permission is set",
        diagnostic=True,
        switch=True,
    ),
    _enum("pcs_mode", "PCS mode", "Power control mode", PCS_MODES),
    _enum("pcs_status", "PCS status", "Power control", PCS_STATES),
    # Site: the house as a whole
    _power("pv_power", "PV power", "Production of all panels"),
    _energy("pv_energy", "PV energy", "Production since installation"),
    _power("grid_power", "Grid power", "+ import from the grid, − export to the grid"),
    _net_energy("grid_net_energy", "Grid net energy", "Import minus export since installation"),
    _energy("grid_import_energy", "Grid import energy", "Energy taken from the grid since installation"),
    _energy("grid_export_energy", "Grid export energy", "Energy given to the grid since installation"),
    _power("load_power", "Load power", "What the house uses"),
    _energy("load_energy", "Load energy", "What the house used since installation"),
    _power("battery_power", "Battery power", "+ discharging, − charging"),
    _net_energy("battery_net_energy", "Battery net energy", "Discharge minus charge since installation"),
    _energy("battery_charge_energy", "Battery charge energy", "Energy put into the battery since installation"),
    _energy(
        "battery_discharge_energy",
        "Battery discharge energy",
        "Energy taken from the battery since installation",
    ),
    Quantity("backup_time", "Backup time", "How long the battery would last", "min", "duration", "measurement", 0),
    # Site and bridge: how well it is known
    Quantity(
        "devices_online",
        "Devices online",
        "Devices with live data",
        None,
        None,
        "measurement",
        0,
        diagnostic=True,
    ),
    Quantity("devices_known", "Devices known", "Devices ever seen", None, None, "measurement", 0, diagnostic=True),
    Quantity("started_at", "Started", "Start of the service", device_class="timestamp", diagnostic=True, holds=True),
)

QUANTITIES: dict[str, Quantity] = {row.key: row for row in _ROWS}
"""Every quantity by its key, in the order in which a device lists its entities."""
