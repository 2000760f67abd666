"""A second reader of DeviceList replies, for comparison: shares neither tables nor conversions with the package.

It knows only what well-formed recordings hold: one table from device type to `key -> (quantity, treatment)`, written
from the list of quantities, and numbers as `Decimal`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

KILO, PLAIN, WORD, FLAG, RAW = "kilo", "plain", "word", "flag", "raw"

AC_METER = {
    "p_3phsum_kw": ("power", KILO),
    "q_3phsum_kvar": ("reactive_power", KILO),
    "s_3phsum_kva": ("apparent_power", KILO),
    "tot_pf_rto": ("power_factor", PLAIN),
    "freq_hz": ("frequency", PLAIN),
    "v12_v": ("voltage", PLAIN),
    "ct_scl_fctr": ("ct_rating", PLAIN),
    "subtype": ("meter_type", WORD),
    "production_subtype_enum": ("meter_type", WORD),
    "consumption_subtype_enum": ("meter_type", WORD),
    "i_a": ("current", PLAIN),
    "i1_a": ("current_l1", PLAIN),
    "i2_a": ("current_l2", PLAIN),
    "v1n_v": ("voltage_l1", PLAIN),
    "v2n_v": ("voltage_l2", PLAIN),
    "p1_kw": ("power_l1", KILO),
    "p2_kw": ("power_l2", KILO),
}
PRODUCTION = {**AC_METER, "net_ltea_3phsum_kwh": ("energy", PLAIN)}
CONSUMPTION = {
    **AC_METER,
    "net_ltea_3phsum_kwh": ("net_energy", PLAIN),
    "pos_ltea_3phsum_kwh": ("import_energy", PLAIN),
    "neg_ltea_3phsum_kwh": ("export_energy", PLAIN),
}
INVERTER = {
    "p_3phsum_kw": ("power", KILO),
    "ltea_3phsum_kwh": ("energy", PLAIN),
    "vln_3phavg_v": ("voltage", PLAIN),
    "i_3phsum_a": ("current", PLAIN),
    "freq_hz": ("frequency", PLAIN),
    "p_mppt1_kw": ("dc_power", KILO),
    "p_mpptsum_kw": ("dc_power", KILO),
    "v_mppt1_v": ("dc_voltage", PLAIN),
    "i_mppt1_a": ("dc_current", PLAIN),
    "t_htsnk_degc": ("temperature", PLAIN),
    "stat_ind": ("status_word", RAW),
}
SUPERVISOR = {
    "dl_uptime": ("uptime", PLAIN),
    "dl_cpu_load": ("cpu_load", PLAIN),
    "dl_mem_used": ("memory_used", PLAIN),
    "dl_flash_avail": ("flash_available", PLAIN),
    "dl_err_count": ("error_count", PLAIN),
    "dl_comm_err": ("communication_errors", PLAIN),
    "dl_skipped_scans": ("skipped_scans", PLAIN),
    "dl_scan_time": ("scan_time", PLAIN),
    "dl_untransmitted": ("untransmitted_records", PLAIN),
}
MIO = {
    "t_degc": ("temperature", PLAIN),
    "humidity": ("humidity", PLAIN),
    **{f"v_dcdc_{spelling}_v": ("dcdc_supply_voltage", PLAIN) for spelling in ("sply", "spply", "spplly")},
    **{f"v_{spelling}_v": ("supply_voltage", PLAIN) for spelling in ("sply", "spply", "spplly")},
    "v_gateway_v": ("gateway_voltage", PLAIN),
    "fan_actv_fl": ("fan_active", FLAG),
    "fw_error": ("firmware_error", RAW),
    "event_history": ("event_history", RAW),
}
DISCONNECT = {
    **{key: (key, RAW) for key in ("event_history", "relay_mode", "relay1_state", "relay2_state")},
    **{key: (key, RAW) for key in ("relay1_error", "relay2_error")},
    "fw_error": ("firmware_error", RAW),
    "v1n_grid_v": ("grid_voltage_l1", PLAIN),
    "v2n_grid_v": ("grid_voltage_l2", PLAIN),
    "v1n_pv_v": ("pv_voltage_l1", PLAIN),
    "v2n_pv_v": ("pv_voltage_l2", PLAIN),
}
EVERYTHING = {**DISCONNECT, **MIO, **INVERTER, **CONSUMPTION}

TYPES: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "PVS": ("supervisor", SUPERVISOR),
    "PVS5-METER-P": ("production_meter", PRODUCTION),
    "PVS5-METER-C": ("consumption_meter", CONSUMPTION),
    "Inverter": ("inverter", INVERTER),
    "ESS Hub": ("mio", MIO),
    "PV Disconnect": ("pv_disconnect", DISCONNECT),
    "HUB+": ("hub_plus", EVERYTHING),
    "Gateway": ("gateway", EVERYTHING),
    "Storage Inverter": ("storage_inverter", EVERYTHING),
    "ESS BMS": ("bms", EVERYTHING),
    "Battery": ("battery", EVERYTHING),
    "Energy Storage System": ("ess", EVERYTHING),
    "MET Station": ("met_station", EVERYTHING),
    "Ground Current Monitor": ("ground_current_monitor", EVERYTHING),
}

NOT_READINGS = {"hw_version", "interface", "slave", "parent", "origin", "panid", "module_serial", "moduleCount"}
NOT_READINGS |= {"mac_address"}
NOTHING = {"", "nan", "-nan", "n/a", "null", "tbd"}


@dataclass
class Second:
    """What this reader makes of one entry."""

    kind: str
    via: str | None
    values: dict[str, Any]
    measured_at: datetime | None
    live: bool


@dataclass
class Reply:
    """What it makes of a reply: entries by id, and keys that it has no row for."""

    devices: dict[str, Second] = field(default_factory=dict)
    unknown_keys: set[str] = field(default_factory=set)


def same(actual: object, expected: object) -> bool:
    """Whether a published value is the expected one, to a thousandth of a watt."""
    if isinstance(expected, Decimal):
        return isinstance(actual, int | float) and abs(Decimal(str(actual)) - expected) < Decimal("0.0005")
    return type(actual) is type(expected) and actual == expected


def read(payload: Any) -> Reply:
    """Read a reply whose serials differ, or are shared by different kinds of device only."""
    entries = payload["devices"]
    supervisor = next((_id(e["SERIAL"]) for e in entries if e.get("DEVICE_TYPE") == "PVS"), None)
    storage = {_id(e["SERIAL"]) for e in entries if e.get("DEVICE_TYPE") == "Energy Storage System"}
    reply = Reply()
    for entry in entries:
        type_ = entry.get("DEVICE_TYPE")
        kind, table = TYPES.get(entry.get("TYPE") if type_ == "Power Meter" else type_, ("other", EVERYTHING))
        name = _id(entry["SERIAL"])
        if name in reply.devices:
            name = f"{name}_{kind}"
        parent = _id(entry.get("PARENT", ""))
        via = None if kind == "supervisor" else parent if parent in storage else supervisor
        measured_at, live = _time(entry, kind)
        reply.devices[name] = Second(kind, via, _values(entry, table), measured_at, live)
        for key in entry:
            if key != key.upper() and key not in NOT_READINGS and key not in table:
                reply.unknown_keys.add(f"{type_ or '?'}.{key}")
    return reply


def _id(serial: str) -> str:
    return re.sub("[^0-9a-z]+", "_", serial.lower()).strip("_")


def _values(entry: dict[str, Any], table: dict[str, tuple[str, str]]) -> dict[str, Any]:
    values = {quantity: _value(entry[key], how) for key, (quantity, how) in table.items() if key in entry}
    if entry.get("STATE"):
        values["state"] = entry["STATE"].lower()
    if values.get("meter_type") == "gross_consumption_lineside":
        values = {key: value for key, value in values.items() if key not in ("import_energy", "export_energy")}
    return values


def _value(raw: Any, how: str) -> Any:
    if str(raw).strip().lower() in NOTHING:
        return None
    if how == WORD:
        return raw.lower()
    try:
        number = Decimal(str(raw).strip())
    except InvalidOperation:
        return raw if how == RAW else None
    if how == FLAG:
        return "off" if number == 0 else "on"
    return number * 1000 if how == KILO else number


def _time(entry: dict[str, Any], kind: str) -> tuple[datetime | None, bool]:
    """DATATIME tells live from dead; the PVS itself, and what never has a time, are as of the reply."""
    sent, measured = (_moment(entry[key]) if key in entry else None for key in ("CURTIME", "DATATIME"))
    if measured is None:
        alive = kind not in ("inverter", "meter", "mio", "pv_disconnect") or entry.get("STATE") == "working"
        return (sent, True) if alive else (None, False)
    assert sent is not None
    return measured, kind == "supervisor" or sent - measured < timedelta(minutes=15)


def _moment(raw: str) -> datetime:
    return datetime.strptime(raw, "%Y,%m,%d,%H,%M,%S").replace(tzinfo=UTC)
