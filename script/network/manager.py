"""Who looks after the network of this machine. The one that runs decides; others are refused, with advice."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from network import Refused

NETWORK_MANAGER = "networkmanager"
NETWORKD = "networkd"
NAMES = {NETWORK_MANAGER: "NetworkManager", NETWORKD: "systemd-networkd"}

PROGRAMS = {NETWORK_MANAGER: "usr/sbin/NetworkManager", NETWORKD: "usr/lib/systemd/systemd-networkd"}
"""Where they are, to tell what a folder (an image) will run."""

DHCPCD = (
    "dhcpcd looks after the network here, as on Raspberry Pi OS bullseye and older, which is too old for pvsmqtt",
    "write a card with a current Raspberry Pi OS (bookworm or later); where this is one already: sudo raspi-config, "
    "Advanced Options, Network Config, NetworkManager",
)
IFUPDOWN = (
    "{port} is in /etc/network/interfaces ({file}), so neither NetworkManager nor systemd-networkd looks after it",
    "take the lines of {port} out of that file, apt install network-manager if nothing else runs, restart, and run "
    "this again",
)
NOBODY = (
    "neither NetworkManager nor systemd-networkd runs here",
    "sudo apt install network-manager (as Raspberry Pi OS has it), restart, and run this again",
)


def running(port: str, active: Callable[[str], bool], root: Path = Path("/")) -> str:
    """The one that looks after a port of this machine; ``active`` tells whether a unit runs."""
    if active("dhcpcd.service"):
        raise Refused(*DHCPCD)
    if (file := _in_interfaces(port, root)) is not None:
        raise Refused(*(text.format(port=port, file=file) for text in IFUPDOWN))
    manager, networkd = active("NetworkManager.service"), active("systemd-networkd.service")
    if manager and networkd:
        return NETWORKD if _networkd_has(port, root) else NETWORK_MANAGER
    if manager or networkd:
        return NETWORK_MANAGER if manager else NETWORKD
    raise Refused(*NOBODY)


def installed(root: Path) -> str:
    """The one that a folder with a system in it has; NetworkManager when it has both, as Raspberry Pi OS."""
    for name, program in PROGRAMS.items():
        if (root / program).exists():
            return name
    raise Refused(f"neither NetworkManager nor systemd-networkd is in {root}", "name one: --manager networkmanager")


def _in_interfaces(port: str, root: Path) -> str | None:
    etc = root / "etc/network"
    for file in (etc / "interfaces", *sorted((etc / "interfaces.d").glob("*"))):
        try:
            text = file.read_text(errors="replace")
        except OSError:
            continue
        if re.search(rf"^\s*iface\s+{re.escape(port)}\s", text, flags=re.M):
            return file.name
    return None


def _networkd_has(port: str, root: Path) -> bool:
    try:
        index = (root / "sys/class/net" / port / "ifindex").read_text().strip()
        state = (root / "run/systemd/netif/links" / index).read_text()
    except OSError:
        return False
    return re.search(r"^ADMIN_STATE=(configured|configuring|failed)$", state, flags=re.M) is not None
