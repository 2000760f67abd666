"""What network ports this machine has, as the kernel tells it. Nothing is changed, nothing is sent."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Union

Address = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]
Tool = Callable[..., str]
"""A program with its arguments, to what it prints."""

ETHERNET = "1"  # ARPHRD_ETHER; Wi-Fi has it too


@dataclass(frozen=True)
class Port:
    """A network port of the machine's own: no bridge, tunnel or container."""

    name: str
    wireless: bool = False
    usb: bool = False
    cable: bool = False
    """Something answers at the other end: a cable that is plugged in, a Wi-Fi that is joined."""
    addresses: tuple[Address, ...] = ()
    gateways: tuple[str, ...] = ()
    """Where default routes through it lead: ``192.168.1.1``; ``on the link`` where no gateway is named."""

    @property
    def lasting(self) -> tuple[Address, ...]:
        """Its addresses but for those that a port gives itself."""
        return tuple(address for address in self.addresses if not address.ip.is_link_local)


def look(sys: Path = Path("/sys"), tool: Tool | None = None) -> tuple[Port, ...]:
    """All ports, by name."""
    tool = tool or output
    addresses: dict[str, list[Address]] = {}
    for link in _json(tool("ip", "-json", "address", "show")):
        for info in link.get("addr_info", []):
            if "local" in info:
                address = ipaddress.ip_interface(f"{info['local']}/{info['prefixlen']}")
                addresses.setdefault(link["ifname"], []).append(address)
    gateways: dict[str, list[str]] = {}
    for family in ("-4", "-6"):
        for route in _json(tool("ip", "-json", family, "route", "show", "default")):
            for hop in route.get("nexthops") or [route]:
                gateways.setdefault(hop.get("dev", ""), []).append(hop.get("gateway", "on the link"))
    found = []
    for folder in sorted((sys / "class/net").iterdir()):
        if not (folder / "device").exists() or _read(folder / "type") != ETHERNET:
            continue
        found.append(
            Port(
                folder.name,
                wireless=(folder / "phy80211").exists() or (folder / "wireless").exists(),
                usb="/usb" in os.path.realpath(folder / "device"),
                cable=_read(folder / "carrier") == "1",
                addresses=tuple(addresses.get(folder.name, ())),
                gateways=tuple(gateways.get(folder.name, ())),
            )
        )
    return tuple(found)


def output(*command: str) -> str:
    """What a program prints; nothing where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""


def ssh_address(pid: int, proc: Path = Path("/proc")) -> str | None:
    """The address of this machine that the person at the keyboard came in by, or ``None``: nobody came by SSH.

    ``sudo`` drops SSH_CONNECTION, so the processes above it are asked.
    """
    while pid > 1:
        try:
            environment = (proc / str(pid) / "environ").read_bytes().split(b"\0")
            status = (proc / str(pid) / "status").read_text()
        except OSError:
            return None
        for variable in environment:
            name, _, value = variable.partition(b"=")
            parts = value.decode(errors="replace").split()
            if name == b"SSH_CONNECTION" and len(parts) == 4:
                return parts[2].partition("%")[0]
        pid = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:")), 0)
    return None


def _json(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return [one for one in found if one] if isinstance(found, list) else []


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # the carrier of a port that is down
        return ""
