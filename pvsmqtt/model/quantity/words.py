"""The texts that enum quantities can have."""

from __future__ import annotations

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
CHARGE_STATES = ("off", "empty", "discharging", "charging", "full", "holding", "testing", "other")
"""SunSpec 802 ``ChaSt``, 1 to 7."""

BANK_STATES = (
    "disconnected",
    "initializing",
    "connected",
    "standby",
    "soc_protection",
    "suspending",
    "fault",
    "other",
)
"""SunSpec 802 ``State``, 1 to 6 and 99."""

OPERATING_STATES = (
    "off",
    "sleeping",
    "starting",
    "mppt",
    "throttled",
    "shutting_down",
    "fault",
    "standby",
    "other",
)
"""SunSpec 101 to 103 ``St``, 1 to 8."""

STORAGE_STATES = ("ok", "warning", "error", "other")
"""SunSpec 713 ``Sta``, 0 to 2."""

STORAGE_LIMITS = ("none", "charge", "discharge", "both", "other")
"""SunSpec 124 ``StorCtl_Mod``: bit 0 charge, bit 1 discharge."""

WANTED_STATES = ("none", "start", "stop", "other")
"""SunSpec 802 ``ReqInvState``, 0 to 2."""

CONTROL_PLACES = ("remote", "local", "other")
"""SunSpec 802 ``LocRemCtl``, 0 and 1."""

LINE_STATES = ("searching", "listening", "connected", "silent", "lost")
FRESHNESS = ("live", "stale", "asleep", "lost")

DEVICE_STATES = (
    "hibernate",
    "power_save",
    "safe",
    "operating",
    "diagnostic",
    "remote_off",
)
"""Conext XW 0x0040, 0 to 5."""

INVERTER_STATES = (
    "invert",
    "ac_pass_through",
    "aps_only",
    "load_sense",
    "disabled",
    "load_sense_ready",
    "engaging",
    "fault",
    "standby",
    "grid_tied",
    "grid_support",
    "generator_support",
    "sell",
    "load_shaving",
    "frequency_stabilization",
    "ac_coupling",
    "reverse_battery_current",
)
"""Conext XW 0x007A, 1024 to 1040."""

CHARGER_STATES = (
    "not_charging",
    "bulk",
    "absorption",
    "overcharge",
    "equalize",
    "float",
    "no_float",
    "constant_voltage_current",
    "disabled",
    "qualifying_ac",
    "qualifying_aps",
    "engaging",
    "fault",
    "suspended",
    "ac_good",
    "aps_good",
    "ac_fault",
    "charge",
    "absorption_exit_pending",
    "ground_fault",
    "ac_good_pending",
)
"""Conext XW 0x007B, 768 to 788."""
