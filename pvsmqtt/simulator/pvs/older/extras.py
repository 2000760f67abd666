"""What ``dl_cgi`` says beside the list of devices: two tables of replies, by command and by path.

    /cgi-bin/dl_cgi?Command=NAME          `COMMANDS`
    /cgi-bin/dl_cgi/PATH                  `PATHS`

Nothing here changes an installation, and what would is not offered: it would be an unknown command. Names and
addresses of the network are from ranges that exist for examples, so that they are found wherever they leak to.
Shapes are those of firmware 2025.06 build 61839 and of the on-device interface description 2.3.1.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.older import dl_cgi
from pvsmqtt.simulator.pvs.older.storage_status import storage_status

Reply = Callable[[House, datetime], bytes]
Body = dict[str, Any]

SSID = "NOT-A-REAL-NETWORK"
IP_ADDRESS = "192.0.2.77"
"""Of a network that exists for documentation only (RFC 5737)."""

GRID_PROFILE = "IEEE-1547a-2014 + 2020 CA Rule21"
GRID_PROFILE_ID = "816bf3302d337a42680b996227ddbc46abf9cd05"

COLUMNS, ROWS = 6, 4
"""Panels on one face of the roof."""

SPACING = (110, 180)
"""From one panel to the next, across and down, in units of the plan."""

FACES = ((180, 22), (270, 22), (90, 22), (180, 5))
"""Azimuth and slope of one face after another, degrees."""


def communication(_house: House, when: datetime) -> bytes:
    """The interfaces: Wi-Fi is up, the rest is not. Wi-Fi has its signal as text, the modem as a number."""
    off = {"internet": "down", "ipaddr": "", "sms": "unreachable"}
    interfaces: list[Body] = [
        {"interface": "wan", **off, "link": "disconnected", "mode": "wan", "state": "down"},
        {"interface": "plc", **off, "link": "disconnected", "pairing": "unpaired", "speed": 0, "state": "down"},
        {
            "interface": "sta0",
            "internet": "up",
            "ipaddr": IP_ADDRESS,
            "signal": "-48",
            "sms": "reachable",
            "ssid": SSID,
            "status": "connected",
        },
        {
            "interface": "cell",
            **off,
            "is_alwayson": False,
            "is_primary": False,
            "link": "connected",
            "modem": "MODEM_OK",
            "provider": "UNKNOWN",
            "signal": 0,
            "sim": "SIM_READY",
            "state": "DOWN",
            "status": "NOT_REGISTERED",
        },
    ]
    return _text(
        {
            "result": "succeed",
            "networkstatus": {
                "interfaces": interfaces,
                "system": {"interface": "sta0", "internet": "up", "sms": "reachable"},
                "ts": str(int(when.timestamp())),
            },
        }
    )


def layout(house: House, _when: datetime) -> bytes:
    """Where the panels are: one face of the roof after another, row by row, from left to right."""
    panels = [_place(index, panel.serial) for index, panel in enumerate(house.panels)]
    return _text({"result": {"panels": panels}, "success": True})


def _place(index: int, serial: str) -> Body:
    face, on_face = divmod(index, COLUMNS * ROWS)
    row, column = divmod(on_face, COLUMNS)
    azimuth, slope = FACES[face % len(FACES)]
    return {
        "inverterSerialNumber": serial,
        "xCoordinate": SPACING[0] * (column + face * (COLUMNS + 1)),
        "yCoordinate": -SPACING[1] * row,
        "azimuth": azimuth,
        "planeRotation": 0,
        "slope": slope,
        "metadata": None,
    }


def start(house: House, _when: datetime) -> bytes:
    """The beginning of an installer's session: who this is."""
    return dl_cgi.supervisor_info(house.serials.supervisor)


def _text(body: Body) -> bytes:
    return json.dumps(body, indent="\t", separators=(",", ":\t")).encode()


def _always(body: Body) -> Reply:
    written = _text(body)
    return lambda _house, _when: written


def _discovery(done: str | int, found: str | int) -> Reply:
    """Panels were last looked for long ago, and there were no new ones."""
    return _always(
        {
            "progress": [{"TYPE": "MicroInverters", "PROGR": done, "NFOUND": found}],
            "complete": True,
            "result": "succeed",
        }
    )


_grid_profile = _always(
    {
        "result": "succeed",
        "active_name": GRID_PROFILE,
        "active_id": GRID_PROFILE_ID,
        "pending_name": GRID_PROFILE,
        "pending_id": GRID_PROFILE_ID,
        "percent": 100,
        "supported_by": "ALL",
        "status": "success",
    }
)
_no_firmware = _always({"url": "none"})

COMMANDS: dict[str, Reply] = {
    "Start": start,
    "Stop": _always({"result": "success"}),
    "Get_Comm": communication,
    "CheckFW": _no_firmware,
    "GridProfileGet": _grid_profile,
    "GetDiscoveryProgress": _discovery("100", "0"),
    "GetCellPurchased": _always({"cell_purchased": "null"}),
    "DeviceDetails": lambda _house, _when: dl_cgi.UNKNOWN_COMMAND,
}
"""Replies to ``?Command=NAME``; firmware knows DeviceDetails by name only."""

PATHS: dict[str, Reply] = {
    "communication/interfaces": communication,
    "panels/layout": layout,
    "energy-storage-system/status": storage_status,
    "grid/profile": _grid_profile,
    "discovery": _discovery(100, 0),
    "firmware/new_version": _no_firmware,
}
"""Replies below ``/cgi-bin/dl_cgi/``. Here the numbers of ``discovery`` are numbers, in the command they are text."""
