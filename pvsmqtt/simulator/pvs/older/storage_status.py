"""``energy-storage-system/status``: where firmware before the local API tells power and charge of a SunVault.

    {"ess_report": {"last_updated": "2022-12-10 22:00:01",
                    "battery_status": [one per pack], "ess_status": [one], "hub_plus_status": {},
                    "inverter_status": [one], "ess_state": [one]},
     "errors": []}

Measurements are ``{"value": number, "unit": text}``, times are UTC. Signs are those of the samples: amperes of a
battery + while it charges, every power − while it charges. Without a battery there is no ``ess_report`` at all
(krbaker/hass-sunpower#74). Schema: ``EssStatusReport`` in the on-device interface description 2.3.1.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pvsmqtt.simulator.pvs.house.battery import EFFICIENCY, PACKS
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.serials import StorageSerials
from pvsmqtt.simulator.pvs.house.state import Battery, HouseState, Storage

Part = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """How firmware words the report; the default is what was seen in 2023."""

    customer: bool = True
    """Two states of charge, the owner's and the system's; else one (2020)."""
    state_as_list: bool = True
    """``ess_state`` as replies have it; else as the interface description has it, an object."""
    null_entries: bool = False
    """``[null]`` in place of batteries and inverters (seen)."""
    meter_reading: bool = True
    """Else ``ess_meter_reading`` is null (seen)."""
    serials: Literal["own", "foreign", "empty"] = "own"
    """Whether serials are those of the DeviceList, match nothing in it, or are empty (all seen)."""
    errors: bool = False
    """Whether an alarm is listed."""


FORMS = {
    "2023": Form(),
    "2020": Form(customer=False),
    "described": Form(customer=False, state_as_list=False),
    "nulls": Form(null_entries=True, meter_reading=False),
    "foreign": Form(serials="foreign"),
    "unnamed": Form(serials="empty"),
    "alarm": Form(errors=True),
}
"""Forms by name."""


def storage_status(house: House, when: datetime, form: Form = FORMS["2023"]) -> bytes:
    """The reply at an instant."""
    return json.dumps(report(house.at(when), house.serials.storage, form), indent="\t").encode()


def report(state: HouseState, serials: StorageSerials, form: Form = FORMS["2023"]) -> Part:
    """The reply as a JSON document."""
    if state.battery is None or state.storage is None:
        return {"errors": []}
    battery, storage = state.battery, state.storage
    updated = time_text(battery.measured_at)
    system = _state(battery)
    body: Part = {
        "last_updated": updated,
        "battery_status": [None] if form.null_entries else _packs(battery, serials, form, updated),
        "ess_status": [_ess(battery, storage, serials, form, updated)],
        "hub_plus_status": _hub(battery, storage, serials, form, updated),
        "inverter_status": [None] if form.null_entries else [_inverter(battery, serials, form, updated)],
        "ess_state": [system] if form.state_as_list else system,
    }
    return {"ess_report": body, "errors": [_error(battery, serials, form, updated)] if form.errors else []}


def time_text(when: datetime) -> str:
    """A time in UTC: ``2022-12-10 22:00:01``."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _of(value: float, unit: str, digits: int = 1) -> Part:
    return {"value": round(value, digits) + 0.0 if digits else round(value), "unit": unit}


def _head(serial: str, form: Form, updated: str) -> Part:
    names = {"own": serial, "foreign": f"X{serial[::-1]}", "empty": ""}
    return {"serial_number": names[form.serials], "last_updated": updated}


def _packs(battery: Battery, serials: StorageSerials, form: Form, updated: str) -> list[Part]:
    """Packs share voltage and current; the second one is a little cooler."""
    behind = battery.power / EFFICIENCY if battery.power > 0 else battery.power * EFFICIENCY
    amperes = -behind * 1000 / battery.battery_voltage / PACKS
    charge = {"state_of_charge": _of(battery.state_of_charge * 100, "%", 0)}
    if form.customer:
        charge = {
            "customer_state_of_charge": _of(battery.customer_state_of_charge * 100, "%", 0),
            "system_state_of_charge": _of(battery.state_of_charge * 100, "%", 0),
        }
    return [
        {
            **_head(serial, form, updated),
            "battery_amperage": _of(amperes, "A"),
            "battery_voltage": _of(battery.battery_voltage, "V"),
            "temperature": _of(temperature, "C"),
            **charge,
        }
        for serial, temperature in zip(serials.batteries, reversed(battery.cell_temperature), strict=True)
    ]


def _ess(battery: Battery, storage: Storage, serials: StorageSerials, form: Form, updated: str) -> Part:
    meters = {
        "last_updated": updated,
        "agg_power": _of(battery.power, "kW", 3),
        "meter_a": _meter(battery.power / 2, battery.leg_voltage[0], updated),
        "meter_b": _meter(battery.power / 2, battery.leg_voltage[1], updated),
    }
    return {
        **_head(serials.ess, form, updated),
        "enclosure_humidity": _of(storage.humidity, "%", 0),
        "enclosure_temperature": _of(storage.temperature, "C", 0),
        "ess_meter_reading": meters if form.meter_reading else None,
    }


def _meter(power: float, voltage: float, updated: str) -> Part:
    """One leg of the meter; its current has no sign."""
    return {
        "reading": {
            "last_updated": updated,
            "current": _of(abs(power) * 1000 / voltage, "A"),
            "power": _of(power * 1000, "W"),
            "voltage": _of(voltage, "V"),
        }
    }


def _hub(battery: Battery, storage: Storage, serials: StorageSerials, form: Form, updated: str) -> Part:
    _, supply, gateway = storage.supply_voltages
    return {
        **_head(serials.hub_plus, form, updated),
        "contactor_error": "NONE",
        "contactor_position": "CLOSED",
        "grid_voltage_state": "METER_VOLTAGE_IN_RANGE",
        "grid_frequency_state": "METER_FREQ_IN_RANGE",
        "load_voltage_state": "METER_VOLTAGE_IN_RANGE",
        "load_frequency_state": "METER_FREQ_IN_RANGE",
        "hub_temperature": _of(storage.temperature + 1, "C", 0),
        "hub_humidity": _of(storage.humidity + 11, "%", 0),
        "jump_start_voltage": _of(0, "V"),
        "aux_port_voltage": _of(0, "V"),
        "main_voltage": _of(supply, "V"),
        "inverter_connection_voltage": _of(gateway, "V"),
        "grid_phase1_voltage": _of(storage.grid_voltages[0], "V"),
        "grid_phase2_voltage": _of(storage.grid_voltages[1], "V"),
        "load_phase1_voltage": _of(battery.leg_voltage[0], "V"),
        "load_phase2_voltage": _of(battery.leg_voltage[1], "V"),
    }


def _inverter(battery: Battery, serials: StorageSerials, form: Form, updated: str) -> Part:
    legs = [abs(battery.power) * 500 / voltage for voltage in battery.leg_voltage]
    return {
        **_head(serials.storage_inverter, form, updated),
        "ac_current": _of(sum(legs), "A"),
        "phase_a_current": _of(legs[0], "A"),
        "phase_b_current": _of(legs[1], "A"),
        "a_n_voltage": _of(battery.leg_voltage[0], "V"),
        "b_n_voltage": _of(battery.leg_voltage[1], "V"),
        "ac_power": _of(battery.power, "kW", 3),
        "temperature": _of(battery.inverter_temperature, "C"),
    }


def _state(battery: Battery) -> Part:
    return {
        "storage_controller_status": "RUNNING",
        "operational_mode": battery.mode,
        "permission_to_operate": True,
        "pcs_mode": "NONE",
        "pcs_status": "DISABLED",
    }


def _error(battery: Battery, serials: StorageSerials, form: Form, updated: str) -> Part:
    """The alarm that the interface description has as its example."""
    return {
        "error_name": "UNDER_VOLT_ALARM",
        "last_occurrence": updated,
        "error_code": "4.5.1",
        "device_sn": _head(serials.batteries[0], form, updated)["serial_number"],
        "error_message": "Critical: low battery SOH.",
        "value": _of(battery.battery_voltage, "V"),
    }
