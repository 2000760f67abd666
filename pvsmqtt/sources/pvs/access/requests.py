"""Every request that may be sent to a PVS: one table. Anything else cannot be built.

All of them are GET. Nothing here changes an installation: no discovery, no network or grid setting, no battery
mode, no firmware. Two rows leave a trace in the memory of the PVS until its next restart: ``cache=`` lets it remember
which variables we ask for, under a name of our own, and `LIVE_DATA_ON` sets the one variable that switches its live
data on. Names that hold secrets (``wpa_key``, ``ssid``, MAC addresses) are not in the table.

Sources: the vendor's LocalAPI.md, the on-device interface description (swagger 2.3.1), tjmonk/fcgi_vars.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

OPEN, LOGIN = False, True

QUICK = 15.0
"""Seconds that a small request may take. Some variables never answer (flash wear on certain builds)."""

MODEST = 30.0
SLOW = 120.0
"""A DeviceList takes 6 to 60 s."""

DL_CGI = "/cgi-bin/dl_cgi"

FIXED: dict[str, tuple[str, float, bool]] = {
    "device_list": (f"{DL_CGI}?Command=DeviceList", SLOW, OPEN),
    "devices": (f"{DL_CGI}/devices/list", SLOW, OPEN),
    "supervisor_info": (f"{DL_CGI}/supervisor/info", MODEST, OPEN),
    "interfaces": (f"{DL_CGI}/communication/interfaces", MODEST, OPEN),
    "interfaces_old": (f"{DL_CGI}?Command=Get_Comm", MODEST, OPEN),
    "grid_profile": (f"{DL_CGI}?Command=GridProfileGet", MODEST, OPEN),
    "layout": (f"{DL_CGI}/panels/layout", MODEST, OPEN),
    "firmware_check": (f"{DL_CGI}?Command=CheckFW", MODEST, OPEN),
    "discovery": (f"{DL_CGI}?Command=GetDiscoveryProgress", MODEST, OPEN),
    "storage": (f"{DL_CGI}/energy-storage-system/status", SLOW, OPEN),
    "login": ("/auth?login", QUICK, OPEN),
    "logout": ("/auth?logout", QUICK, LOGIN),
    "live_data_on": ("/vars?set=/sys/telemetryws/enable=1", QUICK, LOGIN),
}
"""Name -> path, seconds it may take, and whether it needs a login."""

MATCHES = frozenset({"/sys/devices/", "/sys/livedata/"})
"""Substrings of names that may be searched for."""

OPEN_NAMES = ("/sys/info/sw_rev", "/sys/info/serialnum", "/sys/info/model")
"""Variables that tell, without a login, what a PVS is."""

NAMES = frozenset(
    {
        *OPEN_NAMES,
        "/sys/info/hwrev",
        "/sys/info/fwrev",
        "/sys/info/sys_type",
        "/sys/info/finance_type",
        "/sys/info/active_interface",
        "/sys/info/uptime",
        "/sys/info/cpu_usage",
        "/sys/info/ram_usage",
        "/sys/info/flash_usage",
        "/sys/pvs/flashwear_type_b",
        "/sys/pvs/usb_erase_count",
        "/sys/telemetryws/enable",
        "/sys/toggle_cell/broadband_connected",
        "/sys/toggle_cell/cell_connected",
        "/sys/toggle_cell/low_data_mode",
        "/net/sta0/state",
        "/net/wan/state",
        "/net/wan0/state",
        "/net/wan1/state",
        "/net/wwan0/state",
        "/net/cell/state",
        "/net/plc/state",
        "/ess/config/dcm/mode_param/control_mode",
        "/ess/config/dcm/control_param/min_customer_soc",
    }
)
"""Variables that may be asked for by name."""

_CACHE = re.compile(r"pvsmqtt-[a-z0-9-]{1,40}")
_QUERY = re.compile(r"/vars\?(?:(name|match)=([A-Za-z0-9_/,]+)&)?(?:cache=([^&]+)&)?fmt=obj")
_PATHS = frozenset(path for path, _, _ in FIXED.values())


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the table: its path, the seconds it may take, and whether it needs a login.

    Raises:
        ValueError: when it is not in the table.
    """

    path: str
    timeout: float
    login: bool

    def __post_init__(self) -> None:
        if self.path not in _PATHS and not _allowed_query(self.path):
            raise ValueError(f"{self.path!r} is not among the requests that may be sent to a PVS")


def _allowed_query(path: str) -> bool:
    found = _QUERY.fullmatch(path)
    if found is None:
        return False
    form, text, cache = found.groups()
    if cache is not None and not _CACHE.fullmatch(cache):
        return False
    if form == "name":
        return NAMES.issuperset(text.split(","))
    return text in MATCHES if form == "match" else cache is not None


def _fixed(name: str) -> Request:
    return Request(*FIXED[name])


DEVICE_LIST = _fixed("device_list")
DEVICES = _fixed("devices")
SUPERVISOR_INFO = _fixed("supervisor_info")
INTERFACES = _fixed("interfaces")
INTERFACES_OLD = _fixed("interfaces_old")
GRID_PROFILE = _fixed("grid_profile")
LAYOUT = _fixed("layout")
FIRMWARE_CHECK = _fixed("firmware_check")
DISCOVERY = _fixed("discovery")
STORAGE = _fixed("storage")
LOG_IN = _fixed("login")
LOG_OUT = _fixed("logout")
LIVE_DATA_ON = _fixed("live_data_on")


def by_name(names: Sequence[str], cache: str | None = None) -> Request:
    """Variables by their exact names. All or nothing: one unknown name, and the PVS refuses the whole request."""
    login = not set(OPEN_NAMES).issuperset(names)
    return Request(f"/vars?name={','.join(names)}{_named(cache)}&fmt=obj", QUICK, login)


def search(text: str, cache: str | None = None) -> Request:
    """Every variable whose name contains ``text``; with ``cache`` the PVS remembers which they are."""
    return Request(f"/vars?match={text}{_named(cache)}&fmt=obj", QUICK, LOGIN)


def cached(cache: str) -> Request:
    """The variables remembered under this name."""
    return Request(f"/vars?cache={cache}&fmt=obj", QUICK, LOGIN)


def _named(cache: str | None) -> str:
    return "" if cache is None else f"&cache={cache}"
