"""Takes the snapshot: the kernel's links and addresses, ``/proc/net/route``, ``/sys/class/net``, and ``iw``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from pvsmqtt.commands.network import netlink
from pvsmqtt.commands.network.snapshot import Interface, Route, Snapshot

ROUTES = Path("/proc/net/route")
CLASS = Path("/sys/class/net")
PATIENCE = 2.0
"""Seconds for ``iw``."""

_SOCKET = re.compile(r"(eth|end?|lan|usb|enx?)[0-9a-z]*")
"""Names of ports for cables, where the system does not tell by which hardware they are made."""

_ROUTE_UP, _GATEWAY, _REJECT = 0x1, 0x2, 0x200


def take() -> Snapshot | None:
    """The network of this machine; None where the system does not tell (it is no Linux, or a sandbox forbids it)."""
    try:
        links = netlink.links(netlink.dump_links())
        addresses = netlink.addresses(netlink.dump_addresses())
        table = ROUTES.read_text("ascii", errors="replace")
    except (OSError, AttributeError):
        return None
    interfaces = []
    for link in links:
        wireless = _is_wireless(link.name)
        saves = power_save(link.name) if wireless and link.up else None
        wired = link.ethernet and not wireless and not link.carries and _is_socket(link.name)
        own = tuple(addresses.get(link.index, ()))
        interfaces.append(Interface(link.name, link.up, link.carrier, wired, wireless, own, saves))
    return Snapshot(tuple(interfaces), tuple(routes(table)))


def routes(table: str) -> list[Route]:
    """What ``/proc/net/route`` says: numbers are hexadecimal, addresses as the machine keeps them in memory."""
    found = []
    for line in table.splitlines()[1:]:
        try:
            name, to, gateway, flags, _, _, metric, mask, *_ = line.split()
            if not int(flags, 16) & _ROUTE_UP or int(flags, 16) & _REJECT:
                continue
            by = _address(gateway) if int(flags, 16) & _GATEWAY else None
            found.append(Route(name, IPv4Network((_address(to), str(_address(mask)))), by, int(metric)))
        except ValueError:
            continue
    return found


def _address(text: str) -> IPv4Address:
    """``0119A8C0`` -> 192.168.25.1 where the lowest byte comes first in memory."""
    return IPv4Address(int(text, 16).to_bytes(4, sys.byteorder))


def _is_wireless(name: str) -> bool:
    return (CLASS / name / "wireless").exists() or (CLASS / name / "phy80211").exists()


def _is_socket(name: str) -> bool:
    return (CLASS / name / "device").exists() or _SOCKET.fullmatch(name) is not None


def power_save(name: str) -> bool | None:
    """Whether a Wi-Fi interface saves power, as ``iw`` tells it: ``Power save: on``."""
    program = shutil.which("iw") or shutil.which("iw", path="/usr/sbin:/sbin")
    if program is None:
        return None
    try:
        told = subprocess.run(  # noqa: S603 - it only asks
            [program, "dev", name, "get", "power_save"], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    said = re.search(r"power save:\s*(on|off)", told.stdout, re.IGNORECASE)
    return None if said is None else said[1].lower() == "on"
