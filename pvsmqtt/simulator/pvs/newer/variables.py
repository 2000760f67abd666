"""Every public variable of generation B, rendered from the house.

    /sys/devices/<family>/<index>/<field>     per field: text, numbers with six decimals of a float32
    /sys/devices/<number>/<family>/data       per object: JSON with numbers and validity masks
    /sys/livedata/...                         what the house does now, not at the last full 5 minutes
    /sys/info/... and the rest                the supervisor itself; texts with stray spaces as seen

A value is text, ``None`` (null) or an object. Names and types are those of the public lists of a PVS6 and a
PVS5; per-object ``ess`` and ``transfer_switch`` are made by analogy, no sample is known.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from random import Random

from pvsmqtt.simulator.pvs.firmware import Firmware
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import Supervisor
from pvsmqtt.simulator.pvs.newer.device_fields import MASKS, NOT_IN_OBJECTS, Device, Fields, Value
from pvsmqtt.simulator.pvs.newer.names import (
    FLASHWEAR,
    INFO,
    LIVE,
    LIVE_ORDER,
    NOT_USED_ON_PVS5,
    SSID,
    WPA_KEY,
    Variables,
)
from pvsmqtt.simulator.pvs.newer.numbering import Numbering
from pvsmqtt.simulator.pvs.web.live import live_values

FAMILIES_OF_STORAGE = frozenset({"ess", "transfer_switch"})

MEMORY = 1_000_000
"""KiB of a supervisor, to tell its memory in percent."""

FLASH = 226_000
"""KiB, to tell its flash in percent: 73 % are in use when 61 MB are free."""


def text(value: Value) -> str | None:
    """A value as the varserver writes it: floats as float32 with six decimals, so ``59.970001``."""
    if isinstance(value, float):
        return f"{struct.unpack('f', struct.pack('f', value))[0]:.6f}"
    return None if value is None else str(value)


def of_devices(devices: Iterable[Device], firmware: Firmware, numbering: Numbering) -> Variables:
    """The variables of all devices that the firmware knows."""
    seen: Counter[tuple[str, str]] = Counter()
    variables: Variables = {}
    for device in devices:
        if device.family in FAMILIES_OF_STORAGE and not firmware.has_storage:
            continue
        occurrence = seen[device.family, device.serial]
        seen[device.family, device.serial] += 1
        space = device.family if firmware.shape == "fields" else ""
        index = numbering.index(space, device.family, device.serial, occurrence)
        fields = _of_model(device.fields, firmware)
        if firmware.shape == "fields":
            prefix = f"/sys/devices/{device.family}/{index}/"
            variables |= {prefix + name: text(value) for name, value in fields.items()}
        else:
            variables[f"/sys/devices/{index}/{device.family}/data"] = _object(device, fields)
    return variables


def of_live_data(house: House, now: datetime, offset: timedelta, firmware: Firmware) -> Variables:
    """``/sys/livedata``: the house now, with the time of a clock that is ``offset`` off."""
    values = live_values(house, now)
    values["time"] = int(values["time"] + offset.total_seconds())
    unused = NOT_USED_ON_PVS5 if firmware.model == "PVS5" else frozenset()
    return {LIVE + name: "N/A" if name in unused else text(values[name]) for name in LIVE_ORDER}


def of_supervisor(house: House, supervisor: Supervisor, firmware: Firmware, settings: Mapping[str, str]) -> Variables:
    """Everything else, `OPEN` first and in its order."""
    random = Random(f"network {house.seed}")
    mac, other_mac = (":".join(["02", *(f"{random.randrange(256):02x}" for _ in range(5))]) for _ in range(2))
    pvs6 = firmware.model == "PVS6"
    info: dict[str, str] = {
        "serialnum": supervisor.serial,
        "model": f"{firmware.model} ",
        "hwrev": "6.02 " if pvs6 else "5.00 ",
        "fwrev": f" Major {2 if pvs6 else 0}, Revision 0x0000000{1 if pvs6 else 0}, Build {1188 if pvs6 else 0}",
        "boardtype": firmware.model,
        "sw_rev": firmware.sw_rev,
        "ssid": SSID,
        "wpa_key": WPA_KEY,
        "lmac": mac,
        "active_interface": "sta0",
        "active_interface_mac": other_mac,
        "sys_type": "Storage " if house.ess else "PV-only ",
        "finance_type": "UNKNOWN",
        "uptime": f"{supervisor.uptime:.2f}",
        "cpu_usage": str(min(100, round(supervisor.cpu_load * 25))),
        "ram_usage": str(supervisor.memory_used * 100 // MEMORY),
        "flash_usage": str(100 - supervisor.flash_available * 100 // FLASH),
    }
    variables: Variables = {"/network/report/send": "0"}
    variables |= {INFO + name: value for name, value in info.items()}
    if pvs6:
        variables |= dict(settings) | {FLASHWEAR: "0x05", "/sys/pvs/usb_erase_count": "3"}
    states = ("sta0", "wan0", "wan1", "wwan0") if pvs6 else ("cell", "plc", "sta0", "wan")
    variables |= {f"/net/{name}/state": "online" if name == "sta0" else "offline" for name in states}
    return variables | {
        "/sys/toggle_cell/broadband_connected": "1",
        "/sys/toggle_cell/cell_connected": "0",
        "/sys/toggle_cell/low_data_mode": "0",
        "/metrics/network/interface_report_request": "0",
    }


def _of_model(fields: Fields, firmware: Firmware) -> Fields:
    model = fields.get("prodMdlNm")
    if firmware.model == "PVS5" and isinstance(model, str) and model.startswith("PVS6M"):
        return fields | {"prodMdlNm": model.replace("PVS6M", "PVS5M", 1)}
    return fields


def _object(device: Device, fields: Fields) -> dict[str, Value]:
    """Only fields that mean something, in the order of the alphabet."""
    absent = device.placeholders | NOT_IN_OBJECTS.get(device.family, frozenset())
    told = {name: value for name, value in fields.items() if name not in absent} | MASKS.get(device.family, {})
    return {name: told[name] for name in sorted(told)}
