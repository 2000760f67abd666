"""Which quantity each point of a SunSpec model gives: one table for each model, one row for each value.

A row is the name of a point, the quantity and the conversion to its unit or words. Where two points give one
quantity, the first that has a value wins; models are asked in the order of `TABLES`. Source: the model files of the
SunSpec Alliance. A point without a place here is not published.

Not here: ``state``. It is what the supervisor says of a device; what a device says of itself is ``operating_state``,
so that the two never speak against each other under one name. Likewise what storage is told to do (124: limits,
reserve, the power of which they are shares) is ``commanded_…``, and not what its owner chose or what it can.
"""

from __future__ import annotations

from pvsmqtt.model.device import Kind
from pvsmqtt.sources.sunspec_readings.conversions import (
    Convert,
    bank_state,
    bits,
    charge_state,
    control_place,
    kilo,
    listed,
    operating_state,
    percent,
    same,
    share,
    storage_limits,
    storage_state,
    switch,
    wanted_state,
)

Table = tuple[tuple[str, str, Convert], ...]
"""Point, quantity key, conversion."""

_TEMPERATURES: Table = (
    ("TmpSnk", "temperature", same),
    ("TmpCab", "cabinet_temperature", same),
    ("TmpTrns", "transformer_temperature", same),
    ("TmpOt", "extra_temperature", same),
)

_INVERTER: Table = (
    ("W", "power", same),
    ("WH", "energy", kilo),
    ("VA", "apparent_power", same),
    ("VAr", "reactive_power", same),
    ("PF", "power_factor", percent),
    ("Hz", "frequency", same),
    ("A", "current", same),
    *_TEMPERATURES,
    ("St", "operating_state", operating_state),
    ("StVnd", "vendor_state", same),
    ("Evt1", "events", bits),
    ("DCW", "dc_power", same),
    ("DCV", "dc_voltage", same),
    ("DCA", "dc_current", same),
)
"""``Evt2`` is reserved by the standard."""

_SINGLE: Table = (("PhVphA", "voltage", same), ("PPVphAB", "voltage", same))

_LEGS: Table = (
    ("PhVphA", "voltage_l1", same),
    ("PhVphB", "voltage_l2", same),
    ("PhVphC", "voltage_l3", same),
    ("AphA", "current_l1", same),
    ("AphB", "current_l2", same),
    ("AphC", "current_l3", same),
)

_PHASES: Table = (("PPVphAB", "voltage", same), *_LEGS)

_METER: Table = (
    ("W", "power", same),
    ("WphA", "power_l1", same),
    ("WphB", "power_l2", same),
    ("WphC", "power_l3", same),
    ("VA", "apparent_power", same),
    ("VAR", "reactive_power", same),
    ("Hz", "frequency", same),
    ("A", "current", same),
    ("PPV", "voltage", same),
    *_LEGS,
    ("TotWhImp", "import_energy", kilo),
    ("TotWhExp", "export_energy", kilo),
)

_DER: Table = (
    ("W", "power", same),
    ("TotWhInj", "energy", kilo),
    ("VA", "apparent_power", same),
    ("Var", "reactive_power", same),
    ("PF", "power_factor", share),
    ("Hz", "frequency", same),
    ("A", "current", same),
    ("LLV", "voltage", same),
    ("LNV", "voltage", same),
    ("VL1", "voltage_l1", same),
    ("VL2", "voltage_l2", same),
    ("VL3", "voltage_l3", same),
    ("AL1", "current_l1", same),
    ("AL2", "current_l2", same),
    ("AL3", "current_l3", same),
    ("WL1", "power_l1", same),
    ("WL2", "power_l2", same),
    ("WL3", "power_l3", same),
    ("TotWhAbs", "absorbed_energy", kilo),
    *_TEMPERATURES,
    ("InvSt", "operating_state", operating_state),
    ("Alrm", "events", bits),
)

_BATTERY: Table = (
    ("SoC", "state_of_charge", same),
    ("SoH", "state_of_health", same),
    ("DoD", "depth_of_discharge", same),
    ("NCyc", "cycle_count", same),
    ("ChaSt", "charge_state", charge_state),
    ("State", "bank_state", bank_state),
    ("StateVnd", "vendor_state", same),
    ("LocRemCtl", "control_place", control_place),
    ("Evt1", "events", bits),
    ("V", "voltage", same),
    ("A", "current", same),
    ("W", "power", same),
    ("AChaMax", "charge_current_limit", same),
    ("ADisChaMax", "discharge_current_limit", same),
    ("ReqInvState", "requested_state", wanted_state),
    ("ReqW", "requested_power", same),
    ("CellVMin", "cell_voltage_min", same),
    ("CellVAvg", "cell_voltage_average", same),
    ("CellVMax", "cell_voltage_max", same),
    ("AHRtg", "charge_capacity", same),
    ("WHRtg", "energy_capacity", kilo),
)

_STRING: Table = (
    ("SoC", "state_of_charge", same),
    ("SoH", "state_of_health", same),
    ("DoD", "depth_of_discharge", same),
    ("NCyc", "cycle_count", same),
    ("V", "voltage", same),
    ("CellVMin", "cell_voltage_min", same),
    ("CellVAvg", "cell_voltage_average", same),
    ("CellVMax", "cell_voltage_max", same),
    ("ModTmpAvg", "temperature", same),
    ("ModTmpMin", "module_temperature_min", same),
    ("ModTmpMax", "module_temperature_max", same),
)
"""The only string of a bank, where the bank as a whole does not tell it."""

_STORAGE: Table = (
    ("InBatV", "battery_voltage", same),
    ("ChaState", "state_of_charge", same),
    ("ChaSt", "charge_state", charge_state),
    ("StorCtl_Mod", "storage_limits", storage_limits),
    ("InWRte", "commanded_charge_limit", same),
    ("OutWRte", "commanded_discharge_limit", same),
    ("MinRsvPct", "commanded_reserve", same),
    ("WChaMax", "charge_power_rating", same),
)

TABLES: dict[int, Table] = {
    **dict.fromkeys((101, 111), (*_INVERTER, *_SINGLE)),
    **dict.fromkeys((102, 103, 112, 113), (*_INVERTER, *_PHASES)),
    701: _DER,
    201: (*_METER, ("PhV", "voltage", same), ("PF", "power_factor", percent)),
    **dict.fromkeys((202, 203, 204), (*_METER, ("PF", "power_factor", percent))),
    211: (*_METER, ("PhV", "voltage", same), ("PF", "power_factor", share)),
    **dict.fromkeys((212, 213, 214), (*_METER, ("PF", "power_factor", share))),
    802: _BATTERY,
    803: (
        ("NStr", "battery_strings", same),
        ("NStrCon", "connected_strings", same),
        ("ModTmpAvg", "temperature", same),
        ("ModTmpMin", "module_temperature_min", same),
        ("ModTmpMax", "module_temperature_max", same),
    ),
    804: _STRING,
    713: (
        ("SoC", "state_of_charge", same),
        ("SoH", "state_of_health", same),
        ("WHRtg", "energy_capacity", kilo),
        ("WHAvail", "energy_available", kilo),
        ("Sta", "storage_state", storage_state),
    ),
    714: (("DCW", "dc_power", same), ("DCA", "dc_current", same), ("Prt[1].DCV", "dc_voltage", same)),
    160: (
        ("module[1].DCW", "dc_power", same),
        ("module[1].DCV", "dc_voltage", same),
        ("module[1].DCA", "dc_current", same),
        ("module[1].Tmp", "temperature", same),
    ),
    20001: (
        ("WhCha", "charge_energy", kilo),
        ("WChaMax", "charge_power_limit", same),
        ("WDisChaMax", "discharge_power_limit", same),
    ),
    124: _STORAGE,
    122: (
        ("ActWh", "energy", kilo),
        ("PVConn", "pv_connection", listed),
        ("StorConn", "storage_connection", listed),
    ),
    123: (("WMaxLimPct", "commanded_power_limit", same), ("WMaxLim_Ena", "power_limit_active", switch)),
    704: (("WMaxLimPct", "commanded_power_limit", same), ("WMaxLimPctEna", "power_limit_active", switch)),
    120: (("WRtg", "power_rating", same),),
    702: (("WMaxRtg", "power_rating", same),),
}

VENDOR_EVENTS = {
    **dict.fromkeys((101, 102, 103, 111, 112, 113), ("EvtVnd1", "EvtVnd2", "EvtVnd3", "EvtVnd4")),
    802: ("EvtVnd1", "EvtVnd2"),
}
"""Points that together are ``vendor_events``."""

SEVERAL = {160: "module[2]", 714: "Prt[2]"}
"""A group that is there only when there are several: then the first is not the whole, but one of `DC_INPUTS`."""

DC_INPUTS: dict[int, Table] = {
    model: tuple(
        (f"{group}[{number}].{point}", f"{key}_{number}", same)
        for number in range(1, 5)
        for point, key in (("DCW", "dc_power"), ("DCV", "dc_voltage"), ("DCA", "dc_current"))
    )
    for model, group in ((160, "module"), (714, "Prt"))
}
"""The first four of several DC inputs. An inverter with a battery (Fronius) may have that among them."""

ONCE = frozenset({804})
"""Models that tell of the whole only when they are there once."""

INVERTERS = frozenset({101, 102, 103, 111, 112, 113, 701})
METERS = frozenset({201, 202, 203, 204, 211, 212, 213, 214})
BATTERIES = frozenset({802, 803, 804, 805})
STORAGE = frozenset({124, 713, 802, 20001})


def kind_of(models: frozenset[int]) -> Kind:
    """What a device is, by the models it has."""
    if models & INVERTERS:
        return Kind.STORAGE_INVERTER if models & STORAGE else Kind.INVERTER
    if models & METERS:
        return Kind.METER
    return Kind.BMS if models & BATTERIES or 713 in models else Kind.OTHER
