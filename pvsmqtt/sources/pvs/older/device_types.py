"""What each device in a DeviceList tells: the tables of the legacy interface.

One row is one payload key, the quantity it gives, and the conversion to its unit; one row in `TYPES` is one kind of
device. Adding a field or a device is adding a row. Sources: the owners' guide to the PVS, recorded replies of
ginoledesma/sunpower-pvs-exporter, cmalek/sungazer and smcneece/ha-esunpower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity import METER_TYPES
from pvsmqtt.sources.pvs.values import Convert, kilo, number, on_off, option, raw_value, whole

Table = Mapping[str, tuple[str, Convert]]
"""Payload key -> quantity key and conversion. Where two keys give one quantity, the first that has a value wins."""

PVS: Table = {
    "dl_uptime": ("uptime", number),
    "dl_cpu_load": ("cpu_load", number),
    "dl_mem_used": ("memory_used", number),
    "dl_flash_avail": ("flash_available", number),
    "dl_err_count": ("error_count", whole),
    "dl_comm_err": ("communication_errors", whole),
    "dl_skipped_scans": ("skipped_scans", whole),
    "dl_scan_time": ("scan_time", number),
    "dl_untransmitted": ("untransmitted_records", whole),
}

_METER: Table = {
    "p_3phsum_kw": ("power", kilo),
    "q_3phsum_kvar": ("reactive_power", kilo),
    "s_3phsum_kva": ("apparent_power", kilo),
    "tot_pf_rto": ("power_factor", number),
    "freq_hz": ("frequency", number),
    "i_a": ("current", number),
    "v12_v": ("voltage", number),
    "v1n_v": ("voltage_l1", number),
    "v2n_v": ("voltage_l2", number),
    "i1_a": ("current_l1", number),
    "i2_a": ("current_l2", number),
    "p1_kw": ("power_l1", kilo),
    "p2_kw": ("power_l2", kilo),
    "ct_scl_fctr": ("ct_rating", whole),
    "CAL0": ("ct_rating", whole),
    "subtype": ("meter_type", option(METER_TYPES)),
    "production_subtype_enum": ("meter_type", option(METER_TYPES)),
    "consumption_subtype_enum": ("meter_type", option(METER_TYPES)),
}

PRODUCTION_METER: Table = {**_METER, "net_ltea_3phsum_kwh": ("energy", number)}

CONSUMPTION_METER: Table = {
    **_METER,
    "net_ltea_3phsum_kwh": ("net_energy", number),
    "pos_ltea_3phsum_kwh": ("import_energy", number),
    "neg_ltea_3phsum_kwh": ("export_energy", number),
}

INVERTER: Table = {
    "ltea_3phsum_kwh": ("energy", number),
    "p_3phsum_kw": ("power", kilo),
    "vln_3phavg_v": ("voltage", number),
    "i_3phsum_a": ("current", number),
    "freq_hz": ("frequency", number),
    "p_mppt1_kw": ("dc_power", kilo),
    "p_mpptsum_kw": ("dc_power", kilo),
    "v_mppt1_v": ("dc_voltage", number),
    "i_mppt1_a": ("dc_current", number),
    "t_htsnk_degc": ("temperature", number),
    "stat_ind": ("status_word", raw_value),
}

MIO: Table = {
    "t_degc": ("temperature", number),
    "humidity": ("humidity", number),
    "v_dcdc_spply_v": ("dcdc_supply_voltage", number),
    "v_dcdc_sply_v": ("dcdc_supply_voltage", number),
    "v_dcdc_spplly_v": ("dcdc_supply_voltage", number),
    "v_spply_v": ("supply_voltage", number),
    "v_sply_v": ("supply_voltage", number),
    "v_spplly_v": ("supply_voltage", number),
    "v_gateway_v": ("gateway_voltage", number),
    "fan_actv_fl": ("fan_active", on_off),
    "fw_error": ("firmware_error", raw_value),
    "event_history": ("event_history", raw_value),
}

PV_DISCONNECT: Table = {
    "event_history": ("event_history", raw_value),
    "fw_error": ("firmware_error", raw_value),
    "relay_mode": ("relay_mode", raw_value),
    "relay1_state": ("relay1_state", raw_value),
    "relay2_state": ("relay2_state", raw_value),
    "relay1_error": ("relay1_error", raw_value),
    "relay2_error": ("relay2_error", raw_value),
    "v1n_grid_v": ("grid_voltage_l1", number),
    "v2n_grid_v": ("grid_voltage_l2", number),
    "v1n_pv_v": ("pv_voltage_l1", number),
    "v2n_pv_v": ("pv_voltage_l2", number),
}

ANY: Table = {**PV_DISCONNECT, **MIO, **INVERTER, **CONSUMPTION_METER}
"""For device types that nobody has described yet: whatever is spelt as on a known device means the same."""


@dataclass(frozen=True, slots=True)
class Type:
    """A device type. ``timed`` says that its readings always bear the time of their measurement (`DATATIME`);
    where the others have none they are as of the reply, and so is the PVS, whose DATATIME lags by half an hour."""

    kind: Kind
    table: Table
    timed: bool = True
    maker: str = "SunPower"


TYPES: dict[str, Type] = {
    "PVS": Type(Kind.SUPERVISOR, PVS, timed=False),
    "Power Meter": Type(Kind.METER, CONSUMPTION_METER),
    "Inverter": Type(Kind.INVERTER, INVERTER),
    "ESS Hub": Type(Kind.MIO, MIO),
    "PV Disconnect": Type(Kind.PV_DISCONNECT, PV_DISCONNECT),
    "HUB+": Type(Kind.HUB_PLUS, ANY, timed=False),
    "Gateway": Type(Kind.GATEWAY, ANY, timed=False, maker="Schneider Electric"),
    "Storage Inverter": Type(Kind.STORAGE_INVERTER, ANY, timed=False, maker="Schneider Electric"),
    "ESS BMS": Type(Kind.BMS, ANY, timed=False, maker="Schneider Electric"),
    "Battery": Type(Kind.BATTERY, ANY, timed=False),
    "Energy Storage System": Type(Kind.ESS, ANY, timed=False),
    "MET Station": Type(Kind.MET_STATION, ANY, timed=False),
    "Ground Current Monitor": Type(Kind.GROUND_CURRENT_MONITOR, ANY, timed=False),
}
UNKNOWN = Type(Kind.OTHER, ANY, timed=False)

METERS: dict[str, Type] = {
    "PVS5-METER-P": Type(Kind.PRODUCTION_METER, PRODUCTION_METER),
    "PVS5-METER-C": Type(Kind.CONSUMPTION_METER, CONSUMPTION_METER),
}
"""Power meters by their TYPE (the names are the same on a PVS6)."""

PROPERTIES = frozenset(
    [
        "ISDETAIL",
        "DETAIL",
        "SERIAL",
        "TYPE",
        "STATE",
        "STATEDESCR",
        "MODEL",
        "DESCR",
        "DEVICE_TYPE",
        "HWVER",
        "SWVER",
        "PORT",
        "PANEL",
        "MOD_SN",
        "NMPLT_SKU",
        "DATATIME",
        "DATETIME",
        "CURTIME",
        "OPERATION",
        "PARENT",
        "CAL0",
        "hw_version",
        "interface",
        "slave",
        "parent",
        "origin",
        "panid",
        "module_serial",
        "moduleCount",
        "mac_address",
    ]
)
"""Keys that describe a device or are private (``panid``, ``mac_address``): not readings."""

NOT_COUNTERS_OF_A_GROSS_METER = ("import_energy", "export_energy")
"""On a meter for the whole consumption ``pos`` repeats the load and ``neg`` stays 0: not import and export."""
