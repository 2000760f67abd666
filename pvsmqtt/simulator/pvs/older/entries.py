"""The DeviceList entries that every house has, and how firmware writes numbers and times.

Keys, their order and their spelling (``DATATIME``) are those seen in firmware 2025.06 build 61839. Upper-case
keys are properties, lower-case keys readings. Readings are strings without trailing zeros; only ``ISDETAIL``,
``panid``, ``slave`` and ``parent`` are not. ``CURTIME``, the last key of an entry, is added by `dl_cgi`.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

from pvsmqtt.simulator.pvs.house.state import ConsumptionMeter, Inverter, ProductionMeter, Supervisor

Entry = dict[str, str | int | bool]

SOFTWARE = "2025.06, Build 61839"

WORKING: Entry = {"STATE": "working", "STATEDESCR": "Working"}
ERROR: Entry = {"STATE": "error", "STATEDESCR": "Error"}
TAIL: Entry = {"origin": "data_logger", "OPERATION": "noop"}


def number(value: float, digits: int = 4) -> str:
    """A reading: ``0.28``, ``60``, ``-1205.65``."""
    text = f"{value:.{digits}f}"
    if digits:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def time_text(when: datetime) -> str:
    """A time in UTC: ``2025,07,20,18,03,33``."""
    utc = when.astimezone(UTC)
    return f"{utc.year:04},{utc.month:02},{utc.day:02},{utc.hour:02},{utc.minute:02},{utc.second:02}"


def supervisor(pvs: Supervisor) -> Entry:
    """The PVS itself."""
    return {
        "DETAIL": "detail",
        **WORKING,
        "SERIAL": pvs.serial,
        "MODEL": "PV Supervisor PVS6",
        "HWVER": "6.02",
        "SWVER": SOFTWARE,
        "DEVICE_TYPE": "PVS",
        "DATATIME": time_text(pvs.measured_at),
        "dl_err_count": "0",
        "dl_comm_err": str(pvs.communication_errors),
        "dl_skipped_scans": "0",
        "dl_scan_time": str(pvs.scan_time),
        "dl_untransmitted": "0",
        "dl_uptime": str(pvs.uptime),
        "dl_cpu_load": number(pvs.cpu_load, 2),
        "dl_mem_used": str(pvs.memory_used),
        "dl_flash_avail": str(pvs.flash_available),
        "panid": pvs.panid,
    }


def production_meter(meter: ProductionMeter) -> Entry:
    """The meter of all panels: gross production of the site."""
    return {
        **_meter_head(meter.serial, "P", "production_subtype_enum", "GROSS_PRODUCTION_SITE"),
        "DATATIME": time_text(meter.measured_at),
        "ct_scl_fctr": str(meter.ct_size),
        "net_ltea_3phsum_kwh": number(meter.energy, 2),
        **_powers(meter.power, meter.reactive_power),
        "freq_hz": number(meter.frequency),
        "i_a": number(meter.current),
        "v12_v": number(meter.voltage),
        "CAL0": str(meter.ct_size),
        **TAIL,
    }


def consumption_meter(meter: ConsumptionMeter) -> Entry:
    """The meter at the border to the grid: ``p`` < 0 and a negative power factor while exporting."""
    return {
        **_meter_head(meter.serial, "C", "consumption_subtype_enum", "NET_CONSUMPTION_LOADSIDE"),
        "DATATIME": time_text(meter.measured_at),
        "ct_scl_fctr": str(meter.ct_size),
        "net_ltea_3phsum_kwh": number(meter.net_energy, 2),
        **_powers(meter.power, meter.reactive_power),
        "freq_hz": number(meter.frequency),
        "i1_a": number(meter.leg_current[0]),
        "i2_a": number(meter.leg_current[1]),
        "v1n_v": number(meter.leg_voltage[0]),
        "v2n_v": number(meter.leg_voltage[1]),
        "v12_v": number(sum(meter.leg_voltage)),
        "p1_kw": number(meter.leg_power[0]),
        "p2_kw": number(meter.leg_power[1]),
        "neg_ltea_3phsum_kwh": number(meter.export_energy),
        "pos_ltea_3phsum_kwh": number(meter.import_energy),
        "CAL0": str(meter.ct_size),
        **TAIL,
    }


def _meter_head(serial: str, letter: str, subtype_key: str, subtype: str) -> Entry:
    return {
        "ISDETAIL": True,
        "SERIAL": serial,
        "TYPE": f"PVS5-METER-{letter}",
        **WORKING,
        "MODEL": f"PVS6M0400{letter.lower()}",
        "DESCR": f"Power Meter {serial}",
        "DEVICE_TYPE": "Power Meter",
        "interface": "mime",
        subtype_key: subtype,
        "subtype": subtype,
        "SWVER": "3000",
        "PORT": "",
    }


def _powers(power: float, reactive_power: float) -> Entry:
    apparent_power = math.hypot(power, reactive_power)
    return {
        "p_3phsum_kw": number(power),
        "q_3phsum_kvar": number(reactive_power),
        "s_3phsum_kva": number(apparent_power),
        "tot_pf_rto": number(power / apparent_power if apparent_power else 0.0),
    }


def inverter(panel: Inverter) -> Entry:
    """One panel. In the dark ``error``, with the readings and the time of the last contact."""
    return {
        "ISDETAIL": True,
        "SERIAL": panel.serial,
        "TYPE": "SOLARBRIDGE",
        **(WORKING if panel.working else ERROR),
        "MODEL": "AC_Module_Type_E",
        "DESCR": f"Inverter {panel.serial}",
        "DEVICE_TYPE": "Inverter",
        "hw_version": "4405",
        "interface": "mime",
        "PANEL": "SPR-X22-360-E-AC",
        "slave": 0,
        "SWVER": "4.21.3",
        "PORT": "",
        "MOD_SN": "",
        "NMPLT_SKU": "",
        "DATATIME": time_text(panel.measured_at),
        "ltea_3phsum_kwh": number(panel.energy),
        "p_3phsum_kw": number(panel.power),
        "vln_3phavg_v": number(panel.voltage, 2),
        "i_3phsum_a": number(panel.current, 2),
        "p_mppt1_kw": number(panel.dc_power),
        "v_mppt1_v": number(panel.dc_voltage, 2),
        "i_mppt1_a": number(panel.dc_current, 2),
        "t_htsnk_degc": number(panel.temperature, 0),
        "freq_hz": number(panel.frequency, 2),
        "stat_ind": "0",
        **TAIL,
    }
