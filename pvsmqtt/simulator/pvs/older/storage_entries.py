"""The DeviceList entries of a SunVault, in the order and with the keys of a DeviceList of 2022.

Most parts of a working SunVault say ``error`` for ever and have no readings and no ``DATATIME``
(krbaker/hass-sunpower#37); power and state of charge are told elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pvsmqtt.simulator.pvs.house.serials import StorageSerials
from pvsmqtt.simulator.pvs.house.state import Storage
from pvsmqtt.simulator.pvs.older.entries import ERROR, TAIL, WORKING, Entry, number, time_text

MAC_ADDRESS = "mac_address"


@dataclass(frozen=True)
class Part:
    """One entry: what never changes about it, who it is, and what it measures."""

    type: str
    device_type: str
    model: str
    serial: Callable[[StorageSerials], str]
    properties: Entry
    """From ``hw_version`` to ``PORT``, in order; the value of ``mac_address`` is filled in."""
    readings: Callable[[Storage], Entry] | None = None
    of_ess: bool = False
    """Whether the entry names the storage system as its ``PARENT``."""


def storage(state: Storage, serials: StorageSerials) -> Iterator[Entry]:
    """One entry for each of `PARTS`."""
    for part in PARTS:
        serial = part.serial(serials)
        entry: Entry = {
            "ISDETAIL": True,
            "SERIAL": serial,
            "TYPE": part.type,
            **(WORKING if part.readings else ERROR),
            "MODEL": part.model,
            "DESCR": f"{part.device_type} {serial}",
            "DEVICE_TYPE": part.device_type,
            **part.properties,
        }
        if MAC_ADDRESS in entry:
            entry[MAC_ADDRESS] = serials.mac_address
        if part.readings:
            entry |= {"DATATIME": time_text(state.measured_at), **part.readings(state)}
        entry |= TAIL
        if part.of_ess:
            entry["PARENT"] = serials.ess
        yield entry


def _hub(state: Storage) -> Entry:
    converter, supply, gateway = state.supply_voltages
    return {
        "t_degc": number(state.temperature, 0),
        "humidity": number(state.humidity, 0),
        "v_dcdc_spply_v": number(converter, 3),
        "v_spply_v": number(supply, 3),
        "v_gateway_v": number(gateway, 3),
        "fan_actv_fl": str(int(state.fan_on)),
        "fw_error": "0",
        "event_history": str(state.events),
    }


def _pv_disconnect(state: Storage) -> Entry:
    return {
        "event_history": str(state.events // 60),
        "fw_error": "0",
        "relay_mode": "0",
        "relay1_state": "1",
        "relay2_state": "1",
        "relay1_error": "0",
        "relay2_error": "0",
        "v1n_grid_v": number(state.grid_voltages[0], 1),
        "v2n_grid_v": number(state.grid_voltages[1], 1),
        "v1n_pv_v": number(state.pv_voltages[0], 1),
        "v2n_pv_v": number(state.pv_voltages[1], 1),
    }


def _battery(index: int) -> Part:
    return Part(
        "BATTERY",
        "Battery",
        "POWERAMP-Komodo 1.2",
        lambda serials: serials.batteries[index],
        {
            "hw_version": "4.34",
            "interface": "none",
            "parent": 11,
            "SWVER": "2.8",
            "PORT": "P0, None, Slave -1",
        },
        of_ess=True,
    )


PARTS: tuple[Part, ...] = (
    Part(
        "HUB+",
        "HUB+",
        "SunPower MIDC",
        lambda serials: serials.hub_plus,
        {
            "hw_version": "1.5.0",
            "interface": "ttymxc5",
            "slave": 220,
            "SWVER": "0.7.22",
            "PORT": "P0, Modbus, Slave 220",
        },
    ),
    Part(
        "EQUINOX-MIO",
        "ESS Hub",
        "SunPower MIO",
        lambda serials: serials.ess_hub,
        {
            "hw_version": "0.4.0",
            "interface": "ttymxc5",
            "parent": 11,
            "slave": 221,
            "SWVER": "0.7.10",
            "PORT": "P0, Modbus, Slave 221",
        },
        _hub,
        of_ess=True,
    ),
    Part(
        "PV-DISCONNECT",
        "PV Disconnect",
        "SunPower PV Disconnect Relay",
        lambda serials: serials.pv_disconnect,
        {
            "hw_version": "0.2.0",
            "interface": "ttymxc5",
            "slave": 230,
            "SWVER": "0.2.13",
            "PORT": "P0, Modbus, Slave 230",
        },
        _pv_disconnect,
    ),
    Part(
        "GATEWAY",
        "Gateway",
        "SchneiderElectric-ConextGateway",
        lambda serials: serials.gateway,
        {"interface": "sunspec", MAC_ADDRESS: "", "slave": 1, "SWVER": "V1", "PORT": "P0, SunSpec, Slave 1"},
    ),
    Part(
        "SCHNEIDER-XWPRO",
        "Storage Inverter",
        "SchneiderElectric-XW6848-21",
        lambda serials: serials.storage_inverter,
        {
            "interface": "sunspec",
            MAC_ADDRESS: "",
            "parent": 11,
            "slave": 10,
            "SWVER": "V1",
            "PORT": "P0, SunSpec, Slave 10",
        },
        of_ess=True,
    ),
    Part(
        "EQUINOX-BMS",
        "ESS BMS",
        "SchneiderElectric-SP1",
        lambda serials: serials.bms,
        {
            "interface": "sunspec",
            MAC_ADDRESS: "",
            "parent": 11,
            "slave": 230,
            "PORT": "P0, SunSpec, Slave 230",
        },
        of_ess=True,
    ),
    _battery(0),
    _battery(1),
    Part(
        "EQUINOX-ESS",
        "Energy Storage System",
        "SPWR-Equinox-model",
        lambda serials: serials.ess,
        {
            "hw_version": "0",
            "interface": "none",
            "SWVER": "0",
            "PORT": "P0, Parent, Slave -1",
        },
    ),
)
