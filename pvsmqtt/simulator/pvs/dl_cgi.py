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
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pvsmqtt.simulator.pvs import entries
from pvsmqtt.simulator.pvs.entries import SOFTWARE, Entry
from pvsmqtt.simulator.pvs.house import House
from pvsmqtt.simulator.pvs.storage_entries import PARTS, storage

UNKNOWN_COMMAND = b'{\n\t"result":\t"unknown command"\n}'

ENTRY_TIME = timedelta(seconds=0.2)
"""What one device adds to the time that a real supervisor needs for the list."""

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


def device_list(house: House, when: datetime) -> bytes:
    """The DeviceList reply that is finished at ``when``; its first entry was written that much earlier."""
    count = 3 + len(house.panels) + (len(PARTS) if house.ess else 0)
    begun = when - count * ENTRY_TIME
    written = []
    for index, entry in enumerate(_entries(house, begun), start=1):
        entry["CURTIME"] = entries.time_text(begun + index * ENTRY_TIME)
        body = json.dumps(entry, separators=(",\n\t\t\t", ":\t"))[1:-1]
        written.append(f"{{\n\t\t\t{body}\n\t\t}}")
    return f'{{\n\t"devices":\t[{", ".join(written)}],\n\t"result":\t"succeed"\n}}'.encode()


def supervisor_info(serial: str, model: str = "PVS6", software: str = SOFTWARE) -> bytes:
    """The supervisor/info reply: who this is, without login on every firmware."""
    supervisor: Entry = {"SWVER": software, "SERIAL": serial, "MODEL": model}
    build = re.search(r"Build (\d+)", software)
    if model == "PVS6":
        if build:
            supervisor["BUILD"] = int(build[1])
        supervisor |= SUB_BOARDS
    else:
        supervisor["FWVER"] = "0.0.0"
    return json.dumps({"result": "succeed", "supervisor": supervisor}, indent="\t").encode()


def supervisor_info_of(payload: bytes) -> bytes | None:
    """The supervisor/info that goes with a recorded DeviceList, or None if there is no supervisor in it."""
    try:
        devices: Any = json.loads(payload)["devices"]
        supervisor = next(entry for entry in devices if entry.get("DEVICE_TYPE") == "PVS")
        model = str(supervisor["MODEL"]).split()[-1]
        return supervisor_info(str(supervisor["SERIAL"]), model, str(supervisor["SWVER"]))
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration, RecursionError):
        return None


def _entries(house: House, when: datetime) -> Iterator[Entry]:
    state = house.at(when)
    yield entries.supervisor(state.supervisor)
    yield entries.production_meter(state.production)
    yield entries.consumption_meter(state.consumption)
    yield from map(entries.inverter, state.inverters)
    if state.storage is not None:
        yield from storage(state.storage, house.serials.storage)
