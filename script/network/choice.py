"""Which port goes to the PVS, and why; or why none is touched. Pure: ports in, a choice out."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from network import Refused
from network.ports import Port

PVS_NETWORK = ipaddress.IPv4Network("172.27.153.0/24")
PVS = PVS_NETWORK[1]
TAKEN = range(50, 100)
"""Where a PVS looks for Modbus equipment, such as the Conext Gateway of a SunVault."""

NEVER = (
    "The installer port (LAN1) of a PVS must never be connected to the home network, neither to its switch nor to "
    "its router: the PVS hands out addresses there, and the network of the house breaks down."
)


@dataclass(frozen=True)
class Choice:
    """The ports that were chosen, and what there is to say about it."""

    wired: str
    wifi: str | None
    why: str
    remarks: tuple[str, ...] = ()
    cuts_ssh: bool = False


def address(text: str) -> str:
    """An address for this machine beside the PVS: ``172.27.153.2/24``."""
    try:
        found = ipaddress.IPv4Address(text.partition("/")[0])
    except ValueError:
        raise Refused(f"{text!r} is no address", "allowed: such as 172.27.153.2") from None
    last = int(found) & 255
    if found not in PVS_NETWORK or last in (0, 1, 255) or text not in (str(found), f"{found}/24"):
        raise Refused(f"{text} is no address for this machine", "allowed: 172.27.153.2 to .49 and .100 to .254")
    if last in TAKEN:
        raise Refused(
            f"{text} is where the PVS looks for batteries (.50 to .99)", "allowed: 172.27.153.2 to .49, .100 to .254"
        )
    return f"{found}/24"


def choose(ports: tuple[Port, ...], wanted: str | None = None, ssh: str | None = None) -> Choice:
    """The port for the PVS: the one that is wanted, else the one that can only be it."""
    wired = [port for port in ports if not port.wireless]
    wifis = sorted((port for port in ports if port.wireless), key=lambda port: (not port.gateways, not port.cable))
    port, why = _wanted(wired, ports, wanted) if wanted else _only(wired)
    _at_home(port)
    for other in ports:
        if other != port and any(PVS_NETWORK.overlaps(a.network) for a in other.addresses if a.version == 4):
            raise Refused(
                f"{other.name} has an address in {PVS_NETWORK} too: this machine could not tell the two apart",
                "if the cable is in the wrong port, name the right one with --interface; else give the home network "
                "other addresses in the router",
            )
    remarks = []
    if str(PVS) in port.gateways:
        remarks.append(
            f"the default route goes through the PVS ({PVS}) now, which leads nowhere; this ends with these files"
        )
    if not port.cable:
        remarks.append(
            f"no cable is plugged into {port.name} now, or the PVS is off: it works as soon as there is one"
        )
    if not wifis:
        remarks.append("there is no Wi-Fi here: nothing is written for it; the way home must be another wired port")
    elif not any(wifi.cable for wifi in wifis):
        remarks.append(f"{wifis[0].name} is not connected now: the way home is missing (sudo nmtui, or raspi-config)")
    cuts = ssh is not None and ssh in {str(a.ip) for a in port.addresses}
    return Choice(port.name, wifis[0].name if wifis else None, why, tuple(remarks), cuts)


def _wanted(wired: list[Port], ports: tuple[Port, ...], name: str) -> tuple[Port, str]:
    for port in wired:
        if port.name == name:
            return port, "you named it"
    known = ", ".join(port.name for port in wired) or "none"
    if any(port.name == name for port in ports):
        raise Refused(f"{name} is Wi-Fi", f"wired ports here: {known}")
    raise Refused(f"there is no port {name}", f"wired ports here: {known}")


def _only(wired: list[Port]) -> tuple[Port, str]:
    if not wired:
        raise Refused(
            "this machine has no wired port",
            "plug in a USB Ethernet adapter, and see with `ip link` that it is there",
        )
    if len(wired) == 1:
        return wired[0], "it is the only wired port"
    beside = [port for port in wired if any(a.ip in PVS_NETWORK for a in port.addresses)]
    if len(beside) == 1:
        return beside[0], f"it has an address of the PVS already ({_written(beside[0])})"
    free = [port for port in wired if not port.gateways and not port.lasting]
    if len(free) == 1:
        return free[0], "the other wired ports are in use for other networks"
    names = ", ".join(f"{port.name}{' (USB)' if port.usb else ''}" for port in wired)
    raise Refused(f"several wired ports could go to the PVS: {names}", "name one: --interface NAME")


def _at_home(port: Port) -> None:
    """Refuse a port that is plugged into the home network."""
    foreign = [gateway for gateway in port.gateways if gateway != str(PVS)]
    strange = [str(a) for a in port.lasting if a.ip not in PVS_NETWORK]
    if not foreign and not strange:
        return
    sign = f"carries the default route (via {foreign[0]})" if foreign else f"has the address {strange[0]}"
    raise Refused(
        f"{port.name} {sign}: it is plugged into the home network, so nothing was changed.\n  {NEVER}",
        "connect the Wi-Fi of this machine to the home network first (sudo nmtui, or raspi-config), log in over it, "
        "pull the cable out of the home network, and run this again; then plug it into LAN1 of the PVS. "
        "Another wired port: --interface NAME",
    )


def _written(port: Port) -> str:
    return ", ".join(str(a.ip) for a in port.addresses if a.ip in PVS_NETWORK)
