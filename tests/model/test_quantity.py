"""The table of quantities against Home Assistant's rules and against the list of keys that are fixed for ever."""

from __future__ import annotations

import re

import pytest

from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity import QUANTITIES, Quantity

MEASUREMENT = frozenset({"measurement"})
TOTALS = frozenset({"total", "total_increasing"})
ANY = MEASUREMENT | TOTALS

CLASSES: dict[str, tuple[frozenset[str | None], frozenset[str]]] = {
    "power": (frozenset({"mW", "W", "kW", "MW", "GW", "TW"}), MEASUREMENT),
    "apparent_power": (frozenset({"mVA", "VA", "kVA"}), MEASUREMENT),
    "reactive_power": (frozenset({"mvar", "var", "kvar"}), MEASUREMENT),
    "energy": (frozenset({"J", "kJ", "MJ", "GJ", "mWh", "Wh", "kWh", "MWh", "GWh", "TWh"}), TOTALS),
    "voltage": (frozenset({"μV", "mV", "V", "kV", "MV"}), MEASUREMENT),
    "current": (frozenset({"μA", "mA", "A"}), MEASUREMENT),
    "frequency": (frozenset({"mHz", "Hz", "kHz", "MHz", "GHz"}), MEASUREMENT),
    "power_factor": (frozenset({"%", None}), MEASUREMENT),
    "temperature": (frozenset({"°C", "°F", "K"}), MEASUREMENT),
    "humidity": (frozenset({"%"}), MEASUREMENT),
    "battery": (frozenset({"%"}), MEASUREMENT),
    "duration": (frozenset({"μs", "ms", "s", "min", "h", "d"}), ANY),
    "data_rate": (frozenset({"bit/s", "kbit/s", "Mbit/s", "B/s", "kB/s", "KiB/s"}), MEASUREMENT),
    "energy_storage": (frozenset({"J", "kJ", "MJ", "GJ", "Wh", "kWh", "MWh"}), MEASUREMENT),
    "data_size": (frozenset({"bit", "B", "kB", "MB", "GB", "KiB", "MiB", "GiB"}), ANY),
    "signal_strength": (frozenset({"dB", "dBm"}), MEASUREMENT),
    "irradiance": (frozenset({"W/m²"}), MEASUREMENT),
    "timestamp": (frozenset({None}), frozenset()),
    "enum": (frozenset({None}), frozenset()),
}
"""Sensor device class -> units and state classes that Home Assistant accepts (sensor/const.py, 2026.11)."""

SWITCH_CLASSES = {None, "running", "problem", "connectivity", "power", "plug", "battery_charging", "update"}
"""Device classes of a binary sensor."""

CANONICAL = {"W", "VA", "var", "kWh", "V", "A", "Hz", "°C", "%", "s", "min", "KiB", "dBm", "°", None}
CANONICAL |= {"B", "bit/s", "frames/s", "Ah", "W/m²", "h", "Ω", "kΩ"}

W, KWH, V, A, C, P = "W", "kWh", "V", "A", "°C", "%"
DIAG, OFF, ENUM, SWITCH, NET, UP = "diag", "off", "enum", "switch", "total", "total_increasing"

METER = {
    "power": (W,),
    "reactive_power": ("var",),
    "apparent_power": ("VA",),
    "power_factor": (None,),
    "frequency": ("Hz",),
    "ct_rating": (A, DIAG, OFF),
    "meter_type": (None, ENUM, DIAG),
}
LINE = {"voltage": V, "current": A}
BANK = {"voltage": V, "current": A, "power": W, "temperature": C, "state_of_charge": P, "state_of_health": P}
DC_INPUTS = {
    f"dc_{what}_{number}": (unit,)
    for what, unit in (("power", W), ("voltage", V), ("current", A))
    for number in (1, 2, 3, 4)
}
LIMITS = {
    "commanded_power_limit": (P, DIAG),
    "power_limit_active": (None, SWITCH, DIAG),
    "power_rating": (W, DIAG, OFF),
    "pv_connection": (None, DIAG, OFF),
    "storage_connection": (None, DIAG, OFF),
    "absorbed_energy": (KWH, UP),
    "power_l3": (W,),
}
GRID_SIDE = {
    "grid_power": (W,),
    "grid_voltage": (V,),
    "grid_frequency": ("Hz",),
    "grid_input_power": (W,),
    "grid_output_power": (W,),
    "grid_input_current": (A, DIAG, OFF),
    "grid_output_current": (A, DIAG, OFF),
    "grid_input_apparent_power": ("VA", DIAG, OFF),
    "grid_output_apparent_power": ("VA", DIAG, OFF),
    "grid_voltage_l1": (V,),
    "grid_voltage_l2": (V,),
    "grid_current_l1": (A, DIAG, OFF),
    "grid_current_l2": (A, DIAG, OFF),
}
LOAD_SIDE = {
    "load_power": (W,),
    "load_voltage": (V,),
    "load_current": (A,),
    "load_frequency": ("Hz",),
    "load_apparent_power": ("VA", DIAG, OFF),
    "load_voltage_l1": (V, DIAG, OFF),
    "load_voltage_l2": (V, DIAG, OFF),
    "load_current_l1": (A, DIAG, OFF),
    "load_current_l2": (A, DIAG, OFF),
}
BATTERY_SIDE = {
    "battery_power": (W,),
    "battery_voltage": (V,),
    "storage_current": (A,),
    "storage_temperature": (C,),
    "dc_charge_power": (W, DIAG, OFF),
    "dc_charge_current": (A, DIAG, OFF),
    "dc_invert_power": (W, DIAG, OFF),
}
KEYS: dict[Kind, dict[str, tuple[str | None, ...]]] = {
    Kind.INVERTER: {
        "power": (W,),
        "energy": (KWH, UP),
        "voltage": (V,),
        "current": (A,),
        "frequency": ("Hz", OFF),
        "dc_power": (W,),
        "dc_voltage": (V,),
        "dc_current": (A,),
        "temperature": (C,),
        "state": (None, ENUM, DIAG),
        "availability": (None, ENUM),
        "problem": (None, SWITCH, DIAG),
        "status_word": (None, DIAG, OFF),
        **DC_INPUTS,
        **LIMITS,
        "panel_x": (None, DIAG, OFF),
        "panel_y": (None, DIAG, OFF),
        "panel_azimuth": ("°", DIAG, OFF),
        "panel_slope": ("°", DIAG, OFF),
        "panel_rotation": ("°", DIAG, OFF),
        "power_l3": (W,),
        "apparent_power_l1": ("VA", OFF),
        "apparent_power_l2": ("VA", OFF),
        "apparent_power_l3": ("VA", OFF),
        "reactive_power_l1": ("var", OFF),
        "reactive_power_l2": ("var", OFF),
        "reactive_power_l3": ("var", OFF),
        "voltage_l1_l2": (V, OFF),
        "voltage_l2_l3": (V, OFF),
        "voltage_l3_l1": (V, OFF),
        "dc_energy": (KWH, UP),
        "dc_power_a": (W,),
        "dc_voltage_a": (V,),
        "dc_current_a": (A,),
        "dc_power_b": (W,),
        "dc_voltage_b": (V,),
        "dc_current_b": (A,),
        "dc_voltage_target": (V, DIAG, OFF),
        "residual_current": (A, DIAG),
        "insulation_resistance": ("kΩ", DIAG),
        "grid_impedance": ("Ω", DIAG),
        "operating_time": ("h", DIAG, UP),
        "feed_in_time": ("h", DIAG, UP),
        "grid_connections": (None, DIAG, UP),
        "fault_count": (None, DIAG, UP),
        "user_events": (None, DIAG, UP),
        "installer_events": (None, DIAG, UP),
        "event_number": (None, DIAG),
        "status_text": (None, DIAG),
        "fault_text": (None, DIAG),
        "health_text": (None, DIAG),
        "derating_text": (None, DIAG, OFF),
        "backup_text": (None, DIAG, OFF),
        "control_text": (None, DIAG, OFF),
        "digital_inputs": (None, DIAG, OFF),
    },
    Kind.PRODUCTION_METER: {**METER, "energy": (KWH, UP), "current": (A,), "voltage": (V,)},
    Kind.CONSUMPTION_METER: {
        **METER,
        "net_energy": (KWH, NET),
        "import_energy": (KWH, UP),
        "export_energy": (KWH, UP),
        "power_l1": (W,),
        "power_l2": (W,),
        "current_l1": (A,),
        "current_l2": (A,),
        "voltage_l1": (V,),
        "voltage_l2": (V,),
        "voltage": (V,),
    },
    Kind.SUPERVISOR: {
        "uptime": ("s", DIAG),
        "cpu_load": (None, DIAG),
        "cpu_usage": (P, DIAG),
        "memory_used": ("KiB", DIAG),
        "memory_usage": (P, DIAG),
        "flash_available": ("KiB", DIAG),
        "flash_usage": (P, DIAG),
        "flash_wear": (P, DIAG),
        "error_count": (None, DIAG),
        "communication_errors": (None, DIAG),
        "skipped_scans": (None, DIAG),
        "scan_time": ("s", DIAG),
        "untransmitted_records": (None, DIAG),
        "reboots": (None, DIAG, UP),
        "firmware_update": (None, SWITCH, DIAG),
        "flash_problem": (None, SWITCH, DIAG),
        "firmware": (None, DIAG),
        "system_type": (None, DIAG, OFF),
        "finance_type": (None, DIAG, OFF),
        "usb_erase_count": (None, DIAG, UP),
        "internet": (None, SWITCH, DIAG),
        "cloud": (None, SWITCH, DIAG),
        "network_interface": (None, DIAG),
        "wifi_signal": ("dBm", DIAG),
        "ethernet_state": (None, DIAG),
        "ethernet2_state": (None, DIAG, OFF),
        "wifi_state": (None, DIAG),
        "plc_state": (None, DIAG, OFF),
        "cell_state": (None, DIAG, OFF),
        "broadband": (None, SWITCH, DIAG, OFF),
        "cellular": (None, SWITCH, DIAG, OFF),
        "low_data_mode": (None, SWITCH, DIAG, OFF),
        "grid_profile": (None, DIAG),
        "grid_profile_pending": (None, DIAG, OFF),
        "grid_profile_status": (None, DIAG, OFF),
        "grid_profile_progress": (P, DIAG, OFF),
        "discovery_complete": (None, SWITCH, DIAG, OFF),
        "discovery_progress": (P, DIAG, OFF),
    },
    Kind.MIO: {
        "temperature": (C,),
        "humidity": (P,),
        "dcdc_supply_voltage": (V, DIAG),
        "supply_voltage": (V, DIAG),
        "gateway_voltage": (V, DIAG),
        "fan_active": (None, SWITCH),
        "firmware_error": (None, DIAG),
        "event_history": (None, DIAG),
    },
    Kind.PV_DISCONNECT: {
        "relay_mode": (None, DIAG),
        "relay1_state": (None, DIAG),
        "relay2_state": (None, DIAG),
        "relay1_error": (None, DIAG),
        "relay2_error": (None, DIAG),
        "firmware_error": (None, DIAG),
        "event_history": (None, DIAG),
        "grid_voltage_l1": (V,),
        "grid_voltage_l2": (V,),
        "pv_voltage_l1": (V,),
        "pv_voltage_l2": (V,),
    },
    Kind.HUB_PLUS: {
        "grid_relay": (None, ENUM),
        "pv_relay": (None, ENUM),
        "grid_relay_raw": (None, DIAG, OFF),
        "pv_relay_raw": (None, DIAG, OFF),
        "temperature": (C,),
        "humidity": (P,),
        "grid_voltage_l1": (V,),
        "grid_voltage_l2": (V,),
        "voltage_l1": (V,),
        "voltage_l2": (V,),
        "supply_voltage": (V, DIAG),
        "main_voltage": (V, DIAG),
        "aux_port_voltage": (V, DIAG),
        "jump_start_voltage": (V, DIAG),
        "inverter_voltage": (V, DIAG),
        "contactor_error": (None, ENUM, DIAG),
        "grid_voltage_state": (None, ENUM, DIAG),
        "grid_frequency_state": (None, ENUM, DIAG),
        "load_voltage_state": (None, ENUM, DIAG),
        "load_frequency_state": (None, ENUM, DIAG),
    },
    Kind.ESS: {
        "power": (W,),
        "discharge_energy": (KWH, UP),
        "charge_energy": (KWH, UP),
        "state_of_charge": (P,),
        "customer_state_of_charge": (P,),
        "state_of_health": (P,),
        "battery_voltage": (V,),
        "voltage_l1": (V,),
        "voltage_l2": (V,),
        "power_l1": (W,),
        "power_l2": (W,),
        "current_l1": (A,),
        "current_l2": (A,),
        "charge_power_limit": (W, DIAG),
        "discharge_power_limit": (W, DIAG),
        "cell_voltage_min": (V,),
        "cell_voltage_max": (V,),
        "cell_temperature_min": (C,),
        "cell_temperature_max": (C,),
        "inverter_temperature": (C,),
        "temperature": (C,),
        "humidity": (P,),
        "operating_mode": (None, ENUM),
        "control_mode": (None, ENUM),
        "reserve": (P,),
        "storage_errors": (None, DIAG),
        "storage_last_error": (None, DIAG),
        "controller_status": (None, ENUM, DIAG),
        "permission_to_operate": (None, SWITCH, DIAG),
        "pcs_mode": (None, ENUM, DIAG),
        "pcs_status": (None, ENUM, DIAG),
    },
    Kind.BATTERY: {
        "voltage": (V,),
        "current": (A,),
        "temperature": (C,),
        "state_of_charge": (P,),
        "customer_state_of_charge": (P,),
        "state_of_health": (P,),
        "charge_capacity": ("Ah", DIAG, OFF),
        "remaining_charge": ("Ah", DIAG, OFF),
        "removed_charge": ("Ah", DIAG, OFF),
        "midpoint1_voltage": (V, DIAG, OFF),
        "midpoint2_voltage": (V, DIAG, OFF),
        "midpoint3_voltage": (V, DIAG, OFF),
    },
    Kind.STORAGE_INVERTER: {
        "power": (W,),
        "current": (A,),
        "current_l1": (A,),
        "current_l2": (A,),
        "voltage_l1": (V,),
        "voltage_l2": (V,),
        "temperature": (C,),
        "voltage_l3": (V,),
        "current_l3": (A,),
        "cabinet_temperature": (C,),
        "transformer_temperature": (C,),
        "extra_temperature": (C,),
        "operating_state": (None, ENUM, DIAG),
        "vendor_state": (None, DIAG, OFF),
        "events": (None, DIAG),
        "vendor_events": (None, DIAG, OFF),
        "storage_limits": (None, ENUM, DIAG),
        "commanded_charge_limit": (P, DIAG),
        "commanded_discharge_limit": (P, DIAG),
        "commanded_reserve": (P, DIAG),
        "charge_power_rating": (W, DIAG),
        **GRID_SIDE,
        **LOAD_SIDE,
        **BATTERY_SIDE,
        "grid_current": (A,),
        "dc_invert_current": (A, DIAG, OFF),
        "generator_power": (W,),
        "generator_voltage": (V,),
        "generator_apparent_power": ("VA", DIAG, OFF),
        "charge_energy": (KWH, UP),
        "discharge_energy": (KWH, UP),
        "import_energy": (KWH, UP),
        "export_energy": (KWH, UP),
        "load_output_energy": (KWH, UP),
        "generator_energy": (KWH, UP),
        "device_state": (None, ENUM, DIAG),
        "inverter_status": (None, ENUM),
        "charger_status": (None, ENUM),
        "fault_active": (None, SWITCH, DIAG),
        "warning_active": (None, SWITCH, DIAG),
    },
    Kind.GATEWAY: {
        "power": (W,),
        "energy": (KWH, UP),
        "voltage": (V,),
        "voltage_l1": (V,),
        "voltage_l2": (V,),
        "current": (A,),
        "frequency": ("Hz",),
        **GRID_SIDE,
        **LOAD_SIDE,
        **BATTERY_SIDE,
        **{f"{side}_{what}_l3": (unit, DIAG, OFF) for side in ("grid", "load") for what, unit in LINE.items()},
        "load_output_power": (W, DIAG, OFF),
        "load_input_power": (W, DIAG, OFF),
        "generator_power": (W,),
        "generator_voltage": (V,),
        "generator_current": (A,),
        "generator_frequency": ("Hz",),
        "generator_state": (None, DIAG, OFF),
        **{f"generator_{what}_l{line}": (unit, DIAG, OFF) for line in (1, 2, 3) for what, unit in LINE.items()},
        "pv_power": (W,),
        "pv_voltage": (V, DIAG, OFF),
        "pv_current": (A, DIAG, OFF),
        "mppt_power": (W, DIAG, OFF),
        "grid_tie_power": (W, DIAG, OFF),
        "irradiance": ("W/m²",),
        "ambient_temperature": (C,),
        "charge_power": (W,),
        "discharge_power": (W,),
        "state_of_charge": (P,),
        "state_of_health": (P,),
        "remaining_charge": ("Ah", DIAG, OFF),
        **{f"bank1_{what}": (unit,) for what, unit in BANK.items() if unit != P},
        **{f"bank{n}_{what}": (unit, DIAG, OFF) for n in (2, 3, 4, 5) for what, unit in BANK.items()},
        "xw_grid_power": (W, DIAG, OFF),
        "xw_grid_voltage": (V, DIAG, OFF),
        "xw_grid_frequency": ("Hz", DIAG, OFF),
        "xw_load_power": (W, DIAG, OFF),
        "xw_load_voltage": (V, DIAG, OFF),
        "xw_load_frequency": ("Hz", DIAG, OFF),
        "active_faults": (None, DIAG),
        "active_warnings": (None, DIAG),
        "external_contactor": (None, DIAG, OFF),
    },
    Kind.BMS: {
        "state_of_charge": (P,),
        "depth_of_discharge": (P, DIAG),
        "state_of_health": (P,),
        "cycle_count": (None, DIAG, UP),
        "charge_state": (None, ENUM),
        "bank_state": (None, ENUM, DIAG),
        "control_place": (None, ENUM, DIAG),
        "voltage": (V,),
        "current": (A,),
        "power": (W,),
        "cell_voltage_min": (V,),
        "cell_voltage_max": (V,),
        "cell_voltage_average": (V, DIAG),
        "charge_current_limit": (A, DIAG),
        "discharge_current_limit": (A, DIAG),
        "requested_power": (W, DIAG),
        "requested_state": (None, ENUM, DIAG),
        "battery_strings": (None, DIAG),
        "connected_strings": (None, DIAG),
        "module_temperature_min": (C,),
        "module_temperature_max": (C,),
        "energy_available": (KWH,),
        "storage_state": (None, ENUM, DIAG),
        "energy_capacity": (KWH, DIAG, OFF),
        "charge_capacity": ("Ah", DIAG, OFF),
        "events": (None, DIAG),
        "vendor_events": (None, DIAG, OFF),
    },
    Kind.BUS: {
        "line_state": (None, ENUM, DIAG),
        "frame_rate": ("frames/s", DIAG),
        "bus_load": (P, DIAG),
        "baud_rate": ("bit/s", DIAG),
        "units_heard": (None, DIAG),
        "known_registers": (None, DIAG),
        "unknown_registers": (None, DIAG),
        "frames": (None, DIAG, UP),
        "crc_failures": (None, DIAG, UP),
        "junk_bytes": ("B", DIAG, UP),
        "requests": (None, DIAG, UP),
        "timeouts": (None, DIAG, UP),
        "exceptions": (None, DIAG, UP),
    },
    Kind.SITE: {
        "pv_power": (W,),
        "pv_energy": (KWH, UP),
        "grid_power": (W,),
        "grid_net_energy": (KWH, NET),
        "grid_import_energy": (KWH, UP),
        "grid_export_energy": (KWH, UP),
        "load_power": (W,),
        "load_energy": (KWH, UP),
        "battery_power": (W,),
        "battery_net_energy": (KWH, NET),
        "battery_charge_energy": (KWH, UP),
        "battery_discharge_energy": (KWH, UP),
        "state_of_charge": (P,),
        "backup_time": ("min",),
        "grid_relay": (None, ENUM),
        "grid_relay_raw": (None, DIAG, OFF),
    },
}
"""The keys that are fixed, per device: unit first, then what is promised of it."""

DIAGNOSTIC_BY_CHOICE = {"availability", "cell_voltage_min", "cell_voltage_max"}
"""Diagnostic in the table although the list of keys does not say so: details of a device, not of the house."""

FIXED = [(kind, key, promised) for kind, rows in KEYS.items() for key, promised in rows.items()]
ROWS = pytest.mark.parametrize("row", QUANTITIES.values(), ids=QUANTITIES)


@pytest.mark.parametrize(("kind", "key", "promised"), FIXED, ids=lambda value: str(value)[:30])
def test_a_fixed_key_is_as_promised(kind: Kind, key: str, promised: tuple[str | None, ...]) -> None:
    row, flags = QUANTITIES[key], promised[1:]
    assert row.unit == promised[0]
    assert row.enabled_on(kind) == (OFF not in flags)
    assert row.switch == (SWITCH in flags)
    assert bool(row.options) == (ENUM in flags)
    assert row.diagnostic == (DIAG in flags or key in DIAGNOSTIC_BY_CHOICE)
    if row.device_class == "energy":
        assert row.state_class in flags
    for state_class in (NET, UP):
        if state_class in flags:
            assert row.state_class == state_class


@ROWS
def test_home_assistant_accepts_the_row(row: Quantity) -> None:
    if row.switch:
        assert row.device_class in SWITCH_CLASSES
        assert (row.unit, row.state_class, row.precision) == (None, None, None)
    elif row.device_class is not None:
        units, state_classes = CLASSES[row.device_class]
        assert row.unit in units
        assert row.state_class is None or row.state_class in state_classes
    else:
        assert row.unit in (None, "%", "°", "frames/s", "Ah", "Ω", "kΩ")
        assert row.state_class in (None, *ANY)


@ROWS
def test_the_row_is_sound(row: Quantity) -> None:
    assert re.fullmatch(r"[a-z]+[0-9]?(_[a-z0-9]+)*", row.key)
    assert QUANTITIES[row.key] is row
    assert row.unit in CANONICAL
    assert row.name == row.name.strip() != ""
    assert row.name[0].isupper()
    assert row.description
    assert not row.description.endswith(".")
    assert row.precision is None or 0 <= row.precision <= 3
    if row.unit is not None:
        assert row.precision is not None
        assert row.state_class is not None or row.key == "ct_rating" or row.unit == "°"


@ROWS
def test_an_enum_has_texts_and_nothing_else_has(row: Quantity) -> None:
    assert bool(row.options) == (row.device_class == "enum")
    if row.options:
        assert (row.unit, row.state_class, row.precision) == (None, None, None)
        assert len(set(row.options)) == len(row.options)
        assert all(re.fullmatch(r"[A-Za-z0-9_]+", option) for option in row.options)
        assert not row.switch


@ROWS
def test_lifetime_energies_hold_and_measurements_expire(row: Quantity) -> None:
    if row.device_class == "energy":
        assert row.holds
    elif row.state_class is not None and row.key != "reboots":
        assert not row.holds
    if row.device_class in ("power", "voltage", "frequency", "temperature", "humidity", "battery"):
        assert not row.holds
    if row.device_class == "current" and row.state_class:
        assert not row.holds


def test_only_what_the_equipment_or_the_house_has_is_in_the_table() -> None:
    beside = {"devices_online", "devices_known", "started_at", "panels_live", "panels_asleep", "panels_lost"}
    assert QUANTITIES.keys() - beside == {key for _, key, _ in FIXED}


def test_names_tell_the_rows_of_a_device_apart() -> None:
    for rows in KEYS.values():
        names = [QUANTITIES[key].name for key in rows]
        assert len(set(names)) == len(names)


OVERLAPS = {
    ("battery_voltage", Kind.BATTERY),
    ("gateway_voltage", Kind.GATEWAY),
    ("inverter_temperature", Kind.INVERTER),
    ("inverter_voltage", Kind.INVERTER),
}
"""Keys that would make the unique id of another device if it shared the serial number and so had its kind appended
(`x` + `battery_voltage` = `x_battery` + `voltage`). No equipment is known that does: these kinds have serial numbers
of their own. A new key must not join them."""


def test_no_other_key_can_be_taken_for_the_key_of_another_device() -> None:
    found = {
        (key, kind)
        for key in QUANTITIES
        for kind in Kind
        if key.startswith(f"{kind.value}_") and key.removeprefix(f"{kind.value}_") in KEYS.get(kind, QUANTITIES)
    }
    assert found == OVERLAPS
