"""How firmware before the local API speaks of the house: DeviceList and supervisor/info of ``dl_cgi``.

    {"devices": [supervisor, production meter, consumption meter, inverter ..., storage ...],
     "result": "succeed"}

``DATATIME`` is when a device was measured, ``CURTIME`` when its entry was written, both in UTC: the list
takes its time, so ``CURTIME`` rises from entry to entry (seen in firmware 2025.06 build 61839). The text is
laid out with tabs, also after the colon.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pvsmqtt.simulator.pvs.firmware import DEFAULT, FIRMWARES, Firmware
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import HouseState
from pvsmqtt.simulator.pvs.older import entries
from pvsmqtt.simulator.pvs.older.entries import Entry
from pvsmqtt.simulator.pvs.older.storage_entries import storage

UNKNOWN_COMMAND = b'{\n\t"result":\t"unknown command"\n}'

ENTRY_TIME = timedelta(seconds=0.2)
"""What one device adds to the time that a real supervisor needs for the list."""

LIST_TIME = timedelta(seconds=120)
"""What the list takes at most."""

AlterEntry = Callable[[Entry], Entry | None]


@dataclass(frozen=True, slots=True)
class Manner:
    """Which keys a firmware does not have, which it calls otherwise, and whether it forgets times in the dark."""

    without: frozenset[str] = frozenset()
    renamed: dict[str, str] = field(default_factory=dict)
    error_has_time: bool = True


LEGS = frozenset(
    (
        *("i_a", "i1_a", "i2_a", "v1n_v", "v2n_v", "v12_v", "p1_kw", "p2_kw"),
        *("neg_ltea_3phsum_kwh", "pos_ltea_3phsum_kwh"),
    )
)
OF_2019 = frozenset(
    (
        *("interface", "hw_version", "PANEL", "slave"),
        *("production_subtype_enum", "consumption_subtype_enum", "subtype"),
    )
)

MANNERS: dict[str, Manner] = {
    "2025": Manner(),
    "pvs5": Manner(LEGS),
    "2019": Manner(LEGS | OF_2019, {"p_mppt1_kw": "p_mpptsum_kw"}, error_has_time=False),
}
"""An old PVS5 tells no legs and no import or export (krbaker#13, #54), nor does a PVS6 of 2019."""

SUB_BOARDS: Entry = {
    "FWVER": "1.0.0",
    "SCVER": 1630652920,
    "EASICVER": 131329,
    "SCBUILD": 1188,
    "WNSERIAL": 16,
    "WNMODEL": 400,
    "WNVER": 3000,
}
"""What a PVS6 tells beside its name; a PVS5 has neither these nor a BUILD."""


def device_list(
    house: House,
    when: datetime,
    firmware: Firmware = FIRMWARES[DEFAULT],
    alterations: Iterable[AlterEntry] = (),
) -> bytes:
    """The DeviceList reply that is finished at ``when``; its first entry was written that much earlier.

    ``alterations`` are made to every entry before ``CURTIME`` is added; None leaves the entry out.
    """
    state = house.at(when)
    length = min(LIST_TIME, sum(1 for _ in _entries(state, house)) * ENTRY_TIME)
    state = house.at(when - length)
    told = [entry for entry in (_alter(entry, firmware, alterations) for entry in _entries(state, house)) if entry]
    step = length / max(1, len(told))
    written = []
    for index, entry in enumerate(told, start=1):
        entry["CURTIME"] = entries.time_text(when - length + index * step)
        body = json.dumps(entry, separators=(",\n\t\t\t", ":\t"))[1:-1]
        written.append(f"{{\n\t\t\t{body}\n\t\t}}")
    return f'{{\n\t"devices":\t[{", ".join(written)}],\n\t"result":\t"succeed"\n}}'.encode()


def supervisor_info(serial: str, firmware: Firmware = FIRMWARES[DEFAULT]) -> bytes:
    """The supervisor/info reply: who this is, without login on every firmware."""
    build = firmware.build if firmware.tells_build else None
    return _supervisor_info(serial, firmware.model, firmware.software, build)


def supervisor_info_of(payload: bytes) -> bytes | None:
    """The supervisor/info that goes with a recorded DeviceList, or None if there is no supervisor in it."""
    try:
        devices: Any = json.loads(payload)["devices"]
        supervisor = next(entry for entry in devices if entry.get("DEVICE_TYPE") == "PVS")
        model = str(supervisor["MODEL"]).split()[-1]
        software = str(supervisor["SWVER"])
        build = re.search(r"Build (\d+)", software)
        return _supervisor_info(str(supervisor["SERIAL"]), model, software, int(build[1]) if build else None)
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration, RecursionError):
        return None


def _supervisor_info(serial: str, model: str, software: str, build: int | None) -> bytes:
    supervisor: Entry = {"SWVER": software, "SERIAL": serial, "MODEL": model}
    if model == "PVS6":
        if build is not None:
            supervisor["BUILD"] = build
        supervisor |= SUB_BOARDS
    else:
        supervisor["FWVER"] = "0.0.0"
    return json.dumps({"result": "succeed", "supervisor": supervisor}, indent="\t").encode()


def _entries(state: HouseState, house: House) -> Iterator[Entry]:
    yield entries.supervisor(state.supervisor)
    yield entries.production_meter(state.production)
    yield entries.consumption_meter(state.consumption)
    yield from map(entries.inverter, state.inverters)
    if state.storage is not None:
        yield from storage(state.storage, house.serials.storage)


def _alter(entry: Entry, firmware: Firmware, alterations: Iterable[AlterEntry]) -> Entry | None:
    """An entry in the manner of the firmware, then altered."""
    manner = MANNERS[firmware.manner]
    told: Entry | None = {
        manner.renamed.get(key, key): value
        for key, value in entry.items()
        if key not in manner.without and (manner.error_has_time or key != "DATATIME" or entry["STATE"] != "error")
    }
    if told and told["DEVICE_TYPE"] == "PVS":
        told |= {"SWVER": firmware.software, "MODEL": f"PV Supervisor {firmware.model}"}
    if told and firmware.model == "PVS5" and told["DEVICE_TYPE"] == "Power Meter":
        told["MODEL"] = str(told["MODEL"]).replace("PVS6M", "PVS5M")
    for alter in alterations:
        told = told and alter(told)
    return told
