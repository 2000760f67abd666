"""What each variable of the newer firmware tells: the tables of the varserver.

One row is one variable or field, the quantity it gives, and the conversion to its unit; one row in `FAMILIES` is one
kind of device. Adding a field or a device is adding a row. Where two rows give one quantity, the first that has a
value wins. Sources: the vendor's lists of public variables for PVS5 and PVS6 and LocalAPI.md
(SunStrong-Management/pypvs), recorded replies in krbaker/hass-sunpower#125.
"""

from __future__ import annotations

from dataclasses import dataclass

from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity import OPERATING_MODES
from pvsmqtt.sources.pvs.values import (
    Convert,
    capitals,
    fraction,
    health,
    number,
    on_off,
    relay,
    single,
    single_kilo,
    text,
    wear,
    whole,
)

Table = tuple[tuple[str, str, Convert], ...]
"""Field (or full name) of a variable, quantity key, conversion."""

INVERTER: Table = (
    ("ltea3phsumKwh", "energy", single),
    ("p3phsumKw", "power", single_kilo),  # absent in the object shape; pMppt1Kw is DC and no stand-in
    ("vln3phavgV", "voltage", single),
    ("i3phsumA", "current", single),
    ("freqHz", "frequency", single),
    ("pMppt1Kw", "dc_power", single_kilo),
    ("vMppt1V", "dc_voltage", single),
    ("iMppt1A", "dc_current", single),
    ("tHtsnkDegc", "temperature", single),
)

_METER: Table = (
    ("p3phsumKw", "power", single_kilo),
    ("q3phsumKvar", "reactive_power", single_kilo),
    ("s3phsumKva", "apparent_power", single_kilo),
    ("totPfRto", "power_factor", single),
    ("freqHz", "frequency", single),
    ("v12V", "voltage", single),
    ("ctSclFctr", "ct_rating", whole),
)

PRODUCTION_METER: Table = (*_METER, ("netLtea3phsumKwh", "energy", single))

CONSUMPTION_METER: Table = (
    *_METER,
    ("netLtea3phsumKwh", "net_energy", single),
    ("posLtea3phsumKwh", "import_energy", single),
    ("negLtea3phsumKwh", "export_energy", single),
    ("v1nV", "voltage_l1", single),
    ("v2nV", "voltage_l2", single),
    ("i1A", "current_l1", single),
    ("i2A", "current_l2", single),
    ("p1Kw", "power_l1", single_kilo),
    ("p2Kw", "power_l2", single_kilo),
)

PLACEHOLDERS = frozenset({"i1A", "i2A", "p1Kw", "p2Kw", "v1nV", "v2nV", "posLtea3phsumKwh", "negLtea3phsumKwh"})
"""What a production meter does not measure: always 0 in the field shape, absent in the object shape."""

ESS: Table = (
    ("p3phsumKw", "power", single_kilo),
    ("posLtea3phsumKwh", "discharge_energy", single),
    ("negLtea3phsumKwh", "charge_energy", single),
    ("socVal", "state_of_charge", fraction),
    ("customerSocVal", "customer_state_of_charge", fraction),
    ("sohVal", "state_of_health", health),
    ("vBattV", "battery_voltage", single),
    ("v1nV", "voltage_l1", single),
    ("v2nV", "voltage_l2", single),
    ("chrgLimitPmaxKw", "charge_power_limit", single_kilo),
    ("dischrgLimPmaxKw", "discharge_power_limit", single_kilo),
    ("minVBattCellV", "cell_voltage_min", single),
    ("maxVBattCellV", "cell_voltage_max", single),
    ("minTBattCellDegc", "cell_temperature_min", single),
    ("maxTBattCellDegc", "cell_temperature_max", single),
    ("tInvtrDegc", "inverter_temperature", single),
    ("opMode", "operating_mode", capitals(OPERATING_MODES)),
)

TRANSFER_SWITCH: Table = (
    ("midStEnum", "grid_relay", relay),
    ("midStEnum", "grid_relay_raw", text),
    ("pvd1StEnum", "pv_relay", relay),
    ("pvd1StEnum", "pv_relay_raw", text),
    ("tDegc", "temperature", single),
    ("v1nGridV", "grid_voltage_l1", single),
    ("v2nGridV", "grid_voltage_l2", single),
    ("v1nV", "voltage_l1", single),
    ("v2nV", "voltage_l2", single),
    ("vSpplyV", "supply_voltage", single),
)

_FIELDS_OF_A_METER = {field for field, _, _ in CONSUMPTION_METER}

ANY: Table = (
    *CONSUMPTION_METER,
    *(row for row in (*INVERTER, *ESS, *TRANSFER_SWITCH) if row[0] not in _FIELDS_OF_A_METER),
)
"""For families that nobody has described yet: whatever is spelt as on a known device means the same; what is spelt
as on a meter means what it means there."""

PROPERTIES = frozenset({"sn", "prodMdlNm", "msmtEps", "vldFldMsk", "vldFld2Msk"})
"""Fields that describe a device or its data. The meaning of the two masks is not published."""


@dataclass(frozen=True, slots=True)
class Family:
    """A family of devices; ``silent`` are fields that are known to say nothing."""

    kind: Kind
    table: Table
    silent: frozenset[str] = frozenset()


METERS: dict[str, Family] = {
    "p": Family(Kind.PRODUCTION_METER, PRODUCTION_METER, PLACEHOLDERS),
    "c": Family(Kind.CONSUMPTION_METER, CONSUMPTION_METER),
}
"""Meters by the last letter of their serial number or model."""

FAMILIES: dict[str, Family] = {
    "meter": Family(Kind.METER, CONSUMPTION_METER),
    "inverter": Family(Kind.INVERTER, INVERTER),
    "transfer_switch": Family(Kind.HUB_PLUS, TRANSFER_SWITCH),
    "ess": Family(Kind.ESS, ESS),
}
UNKNOWN = Family(Kind.OTHER, ANY)

ORDER = (
    Kind.PRODUCTION_METER,
    Kind.CONSUMPTION_METER,
    Kind.METER,
    Kind.INVERTER,
    Kind.HUB_PLUS,
    Kind.ESS,
    Kind.OTHER,
)
"""As in a DeviceList of the older firmware: of two devices with one serial number, the first has the plain id."""

SERIAL = "/sys/info/serialnum"
MODEL = "/sys/info/model"
SOFTWARE = "/sys/info/sw_rev"
HARDWARE = "/sys/info/hwrev"

SUPERVISOR: Table = (
    ("/sys/info/uptime", "uptime", number),
    ("/sys/info/cpu_usage", "cpu_usage", number),
    ("/sys/info/ram_usage", "memory_usage", number),
    ("/sys/info/flash_usage", "flash_usage", number),
    ("/sys/pvs/flashwear_type_b", "flash_wear", wear),
    ("/sys/pvs/usb_erase_count", "usb_erase_count", whole),
    (SOFTWARE, "firmware", text),
    ("/sys/info/sys_type", "system_type", text),
    ("/sys/info/finance_type", "finance_type", text),
    ("/sys/info/active_interface", "network_interface", text),
    ("/net/wan0/state", "ethernet_state", text),
    ("/net/wan/state", "ethernet_state", text),  # PVS5
    ("/net/wan1/state", "ethernet2_state", text),
    ("/net/sta0/state", "wifi_state", text),
    ("/net/wwan0/state", "cell_state", text),
    ("/net/cell/state", "cell_state", text),  # PVS5
    ("/net/plc/state", "plc_state", text),  # PVS5
    ("/sys/toggle_cell/broadband_connected", "broadband", on_off),
    ("/sys/toggle_cell/cell_connected", "cellular", on_off),
    ("/sys/toggle_cell/low_data_mode", "low_data_mode", on_off),
)

STORAGE_SETTINGS: Table = (
    ("/ess/config/dcm/mode_param/control_mode", "control_mode", capitals(OPERATING_MODES)),
    ("/ess/config/dcm/control_param/min_customer_soc", "reserve", fraction),
)

LIVE_DATA = "/sys/livedata/"
"""Where the live data stands; what it means is known elsewhere."""

NOT_READ = frozenset(
    {
        # secrets, and what identifies a household's network
        "/sys/info/wpa_key",
        "/sys/info/ssid",
        "/sys/info/lmac",
        "/sys/info/active_interface_mac",
        # writing to them starts something; what they hold says nothing
        "/network/report/send",
        "/metrics/network/interface_report_request",
        # switches live data on: part of how it is fetched, and no reading
        "/sys/telemetryws/enable",
        # the board and the loader below the firmware: the version that counts is sw_rev
        "/sys/info/boardtype",
        "/sys/info/fwrev",
    }
)
"""Public variables that no table takes, on purpose."""
