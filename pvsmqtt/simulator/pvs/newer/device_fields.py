"""What ``/vars`` tells of each kind of device: one table per family, in the order of the public lists.

A row is the name of a field and how it is read from the state of the house; ``None`` is a placeholder: 0.0 in
the per-field shape, absent from the JSON objects. The objects lack more: `NOT_IN_OBJECTS`. Units are kW, kWh,
V, A, Hz, °C, and states of charge 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import (
    Battery,
    ConsumptionMeter,
    HouseState,
    Inverter,
    ProductionMeter,
    Storage,
)

Value = str | float | int | None
Fields = dict[str, Value]

M = TypeVar("M", ProductionMeter, ConsumptionMeter)

PERIOD = timedelta(minutes=5)
"""Devices are told anew at every full 5 minutes."""

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Device:
    """One device as ``/vars`` tells it; ``placeholders`` are the fields that mean nothing."""

    family: str
    serial: str
    fields: Fields
    placeholders: frozenset[str] = frozenset()


def mark(when: datetime) -> datetime:
    """The full 5 minutes before an instant."""
    return when - (when - BEGINNING) % PERIOD


def devices(house: House, state: HouseState) -> Iterator[Device]:
    """Every device of the house, whatever the firmware knows of it."""
    yield _meter(_PRODUCTION, state.production.serial, state.production)
    yield _meter(_CONSUMPTION, state.consumption.serial, state.consumption)
    for inverter in state.inverters:
        yield Device("inverter", inverter.serial, {name: read(inverter) for name, read in _INVERTER.items()})
    if state.battery is not None:
        battery = state.battery
        yield Device("ess", battery.serial, {name: read(battery) for name, read in _ESS.items()})
    if state.storage is not None:
        serial = house.serials.storage.hub_plus
        fields: Fields = {name: read(state.storage) for name, read in _TRANSFER_SWITCH.items()}
        yield Device("transfer_switch", serial, {"msmtEps": fields.pop("msmtEps"), "sn": serial} | fields)


def time_text(measured_at: datetime) -> str:
    """The full 5 minutes at which a measurement is told first: ``2026-04-10T11:30:00Z``."""
    return (mark(measured_at - timedelta(microseconds=1)) + PERIOD).strftime("%Y-%m-%dT%H:%M:%SZ")


_INVERTER: dict[str, Callable[[Inverter], Value]] = {
    "freqHz": lambda panel: panel.frequency,
    "i3phsumA": lambda panel: panel.current,
    "iMppt1A": lambda panel: panel.dc_current,
    "ltea3phsumKwh": lambda panel: panel.energy,
    "msmtEps": lambda panel: time_text(panel.measured_at),
    "p3phsumKw": lambda panel: panel.power,
    "pMppt1Kw": lambda panel: panel.dc_power,
    "prodMdlNm": lambda _: "AC_Module_Type_E",
    "sn": lambda panel: panel.serial,
    "tHtsnkDegc": lambda panel: round(panel.temperature),
    "vMppt1V": lambda panel: panel.dc_voltage,
    "vln3phavgV": lambda panel: panel.voltage,
}

NOT_IN_OBJECTS = {"inverter": frozenset({"p3phsumKw", "i3phsumA"})}

MASKS: dict[str, Fields] = {
    "inverter": {"vldFld2Msk": "1", "vldFldMsk": "8125"},
    "meter": {"vldFldMsk": "70239999"},
}
"""Which fields of an object are valid, by bits of unknown meaning (constants of one sample)."""

_PRODUCTION: dict[str, Callable[[ProductionMeter], Value] | None] = {
    "ctSclFctr": lambda meter: meter.ct_size,
    "freqHz": lambda meter: meter.frequency,
    "i1A": None,
    "i2A": None,
    "msmtEps": lambda meter: time_text(meter.measured_at),
    "negLtea3phsumKwh": None,
    "netLtea3phsumKwh": lambda meter: meter.energy,
    "p1Kw": None,
    "p2Kw": None,
    "p3phsumKw": lambda meter: meter.power,
    "posLtea3phsumKwh": None,
    "prodMdlNm": lambda _: "PVS6M0400p",
    "q3phsumKvar": lambda meter: meter.reactive_power,
    "s3phsumKva": lambda meter: math.hypot(meter.power, meter.reactive_power),
    "sn": lambda meter: meter.serial,
    "totPfRto": lambda meter: _power_factor(meter.power, meter.reactive_power),
    "v12V": lambda meter: meter.voltage,
    "v1nV": None,
    "v2nV": None,
}

_CONSUMPTION: dict[str, Callable[[ConsumptionMeter], Value] | None] = {
    "ctSclFctr": lambda meter: meter.ct_size,
    "freqHz": lambda meter: meter.frequency,
    "i1A": lambda meter: meter.leg_current[0],
    "i2A": lambda meter: meter.leg_current[1],
    "msmtEps": lambda meter: time_text(meter.measured_at),
    "negLtea3phsumKwh": lambda meter: meter.export_energy,
    "netLtea3phsumKwh": lambda meter: meter.net_energy,
    "p1Kw": lambda meter: meter.leg_power[0],
    "p2Kw": lambda meter: meter.leg_power[1],
    "p3phsumKw": lambda meter: meter.power,
    "posLtea3phsumKwh": lambda meter: meter.import_energy,
    "prodMdlNm": lambda _: "PVS6M0400c",
    "q3phsumKvar": lambda meter: meter.reactive_power,
    "s3phsumKva": lambda meter: math.hypot(meter.power, meter.reactive_power),
    "sn": lambda meter: meter.serial,
    "totPfRto": lambda meter: _power_factor(meter.power, meter.reactive_power),
    "v12V": lambda meter: sum(meter.leg_voltage),
    "v1nV": lambda meter: meter.leg_voltage[0],
    "v2nV": lambda meter: meter.leg_voltage[1],
}

_ESS: dict[str, Callable[[Battery], Value]] = {
    "msmtEps": lambda battery: time_text(battery.measured_at),
    "sn": lambda battery: battery.serial,
    "prodMdlNm": lambda _: "SPWR-Equinox-model",
    "chrgLimitPmaxKw": lambda battery: battery.charge_limit,
    "customerSocVal": lambda battery: battery.customer_state_of_charge,
    "dischrgLimPmaxKw": lambda battery: battery.discharge_limit,
    "maxTBattCellDegc": lambda battery: battery.cell_temperature[1],
    "maxVBattCellV": lambda battery: battery.cell_voltage[1],
    "minTBattCellDegc": lambda battery: battery.cell_temperature[0],
    "minVBattCellV": lambda battery: battery.cell_voltage[0],
    "negLtea3phsumKwh": lambda battery: battery.charge_energy,
    "opMode": lambda battery: battery.mode,
    "p3phsumKw": lambda battery: battery.power,
    "posLtea3phsumKwh": lambda battery: battery.discharge_energy,
    "socVal": lambda battery: battery.state_of_charge,
    "sohVal": lambda battery: battery.state_of_health,
    "tInvtrDegc": lambda battery: battery.inverter_temperature,
    "v1nV": lambda battery: battery.leg_voltage[0],
    "v2nV": lambda battery: battery.leg_voltage[1],
    "vBattV": lambda battery: battery.battery_voltage,
}

_TRANSFER_SWITCH: dict[str, Callable[[Storage], Value]] = {
    "msmtEps": lambda switch: time_text(switch.measured_at),
    "prodMdlNm": lambda _: "SunPower MIDC",
    "midStEnum": lambda _: "MID_STATE_CLOSED",
    "pvd1StEnum": lambda _: "PVD_STATE_CLOSED",
    "tDegc": lambda switch: float(round(switch.temperature)),
    "v1nGridV": lambda switch: switch.grid_voltages[0],
    "v1nV": lambda switch: switch.pv_voltages[0],
    "v2nGridV": lambda switch: switch.grid_voltages[1],
    "v2nV": lambda switch: switch.pv_voltages[1],
    "vSpplyV": lambda switch: switch.supply_voltages[1],
}


def _meter(table: dict[str, Callable[[M], Value] | None], serial: str, meter: M) -> Device:
    return Device(
        "meter",
        serial,
        {name: 0.0 if read is None else read(meter) for name, read in table.items()},
        frozenset(name for name, read in table.items() if read is None),
    )


def _power_factor(power: float, reactive_power: float) -> float:
    apparent_power = math.hypot(power, reactive_power)
    return power / apparent_power if apparent_power else 0.0
