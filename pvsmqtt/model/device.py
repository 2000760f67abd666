"""What a device is: its kind, its identity and how it hangs in the tree of the house.

Identity: the id of a device is the slug of its serial number; a logical device (the house, this service, an RS-485
line) has a short fixed id; what is heard on a line and has told no serial number yet is ``<line>_<unit>``. Ids go
into topics and unique ids, so they never change once given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

BRIDGE_ID = "bridge"
SITE_ID = "site"


class Kind(StrEnum):
    """Every kind of device; the value is what the inventory topic says."""

    BRIDGE = "bridge"
    SITE = "site"
    BUS = "bus"
    SUPERVISOR = "supervisor"
    PRODUCTION_METER = "production_meter"
    CONSUMPTION_METER = "consumption_meter"
    METER = "meter"
    INVERTER = "inverter"
    HUB_PLUS = "hub_plus"
    MIO = "mio"
    PV_DISCONNECT = "pv_disconnect"
    GATEWAY = "gateway"
    STORAGE_INVERTER = "storage_inverter"
    BMS = "bms"
    BATTERY = "battery"
    ESS = "ess"
    MET_STATION = "met_station"
    GROUND_CURRENT_MONITOR = "ground_current_monitor"
    OTHER = "other"


LABELS: dict[Kind, str] = {
    Kind.BRIDGE: "pvsmqtt bridge",
    Kind.SITE: "Solar site",
    Kind.BUS: "RS-485 line",
    Kind.SUPERVISOR: "PV supervisor",
    Kind.PRODUCTION_METER: "Production meter",
    Kind.CONSUMPTION_METER: "Consumption meter",
    Kind.METER: "Power meter",
    Kind.INVERTER: "Inverter",
    Kind.HUB_PLUS: "HUB+",
    Kind.MIO: "ESS hub",
    Kind.PV_DISCONNECT: "PV disconnect",
    Kind.GATEWAY: "Gateway",
    Kind.STORAGE_INVERTER: "Storage inverter",
    Kind.BMS: "Battery management",
    Kind.BATTERY: "Battery",
    Kind.ESS: "Energy storage",
    Kind.MET_STATION: "Weather station",
    Kind.GROUND_CURRENT_MONITOR: "Ground current monitor",
    Kind.OTHER: "Device",
}
"""How a device without a name of its own is called, before its serial number."""


Transport = Literal["rtu", "sunspec"]

FIRST_HAND = frozenset({"rtu", "tcp"})
"""Interfaces of devices that a source hears or reads itself; a supervisor names its own: ``ttymxc5``, ``sunspec``."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device. ``via`` is the id of the device it hangs on, ``site`` the id of the house it belongs to.

    ``modbus_unit`` and ``interface`` say which bus a device sits on (unit 230 exists on the RS-485 bus and behind
    the gateway: only both together tell which is meant): what the supervisor says of it, or, where the interface is
    one of `FIRST_HAND`, where a source found it.
    """

    id: str
    kind: Kind
    name: str
    serial: str | None = None
    model: str | None = None
    panel: str | None = None
    manufacturer: str | None = None
    sw_version: str | None = None
    hw_version: str | None = None
    via: str | None = None
    site: str = SITE_ID
    modbus_unit: int | None = None
    interface: str | None = None

    @property
    def logical(self) -> bool:
        """Whether this is not a thing on the wall: the house, this service, or a line that it hears."""
        return self.kind in (Kind.SITE, Kind.BRIDGE, Kind.BUS)

    @property
    def place(self) -> str | None:
        """``<line>_<unit>`` of a device that a source hears itself; ``None`` for one that another device tells of."""
        if self.interface not in FIRST_HAND or self.modbus_unit is None or self.via is None:
            return None
        return f"{self.via}_{self.modbus_unit}"


def slug(text: str) -> str:
    """Lower-case letters, digits and ``_`` only, fit for topics and unique ids; empty when nothing is left."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def transport(interface: str | None) -> Transport | None:
    """What is spoken on an interface, as supervisor or source name it; ``None`` where it is no Modbus.

    A supervisor names its serial port: ``ttymxc5`` on a PVS6.
    """
    name = (interface or "").lower()
    if name == "rtu" or name.startswith("tty"):
        return "rtu"
    return "sunspec" if name in ("sunspec", "tcp") else None


def default_name(kind: Kind, serial: str) -> str:
    """``Inverter E00122125092032``."""
    return f"{LABELS[kind]} {serial}"
