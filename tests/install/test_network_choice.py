"""Which port goes to the PVS, who looks after the network, and when nothing is touched."""

from __future__ import annotations

import json
from ipaddress import ip_interface
from pathlib import Path

import pytest
from network import Refused, choice, manager, ports
from network.ports import Port


def port(name: str, *addresses: str, gateway: str | None = None, cable: bool = True) -> Port:
    return Port(
        name,
        wireless=name.startswith("wl"),
        usb=name.startswith("enx"),
        cable=cable,
        addresses=tuple(ip_interface(address) for address in addresses),
        gateways=() if gateway is None else (gateway,),
    )


WIFI = port("wlan0", "192.168.1.20/24", "fe80::1/64", gateway="192.168.1.1")
LAN1 = port("eth0", "172.27.153.23/24", gateway="172.27.153.1")
EMPTY = port("eth0", cable=False)


@pytest.mark.parametrize(
    ("found", "wired", "why"),
    [
        ((EMPTY, WIFI), "eth0", "only wired port"),
        ((port("eth0", "169.254.3.4/16", "fe80::2/64"), WIFI), "eth0", "only wired port"),
        ((LAN1, WIFI), "eth0", "only wired port"),
        ((port("enx0", "172.27.153.23/24"), port("eth0"), WIFI), "enx0", "172.27.153.23"),
        ((port("eth0", "192.168.1.5/24", gateway="192.168.1.1"), port("eth1")), "eth1", "in use for other networks"),
    ],
)
def test_the_port_that_can_only_be_it(found: tuple[Port, ...], wired: str, why: str) -> None:
    chosen = choice.choose(found)
    assert chosen.wired == wired
    assert why in chosen.why


@pytest.mark.parametrize(
    ("found", "wanted", "says"),
    [
        ((WIFI,), None, "no wired port"),
        ((port("eth0"), port("enx1"), WIFI), None, r"several wired ports.*eth0, enx1 \(USB\)"),
        ((EMPTY, WIFI), "wlan0", "is Wi-Fi"),
        ((EMPTY, WIFI), "eth7", "wired ports here: eth0"),
        ((LAN1, port("wlan0", "172.27.153.40/24")), None, "could not tell the two apart"),
        ((EMPTY, port("wlan0", "172.27.1.40/16")), None, "could not tell the two apart"),
    ],
)
def test_what_cannot_be_decided_is_refused(found: tuple[Port, ...], wanted: str | None, says: str) -> None:
    with pytest.raises(Refused, match=says):
        choice.choose(found, wanted)


@pytest.mark.parametrize("wanted", [None, "eth0"])
@pytest.mark.parametrize(
    "plugged_in",
    [
        port("eth0", "192.168.1.5/24", gateway="192.168.1.1"),
        port("eth0", "192.168.1.5/24"),
        port("eth0", gateway="on the link"),
        port("eth0", "2001:db8::5/64"),
        port("eth0", "172.27.153.23/24", "192.168.1.5/24", gateway="172.27.153.1"),
    ],
    ids=["default route", "address", "route without gateway", "IPv6", "both"],
)
def test_a_port_in_the_home_network_is_never_touched(plugged_in: Port, wanted: str | None) -> None:
    with pytest.raises(Refused, match="LAN1") as refused:
        choice.choose((plugged_in, WIFI), wanted)
    assert "must never be connected to the home network" in str(refused.value)
    assert "connect the Wi-Fi" in str(refused.value)


def test_what_there_is_to_say() -> None:
    assert choice.choose((EMPTY, WIFI)).remarks[0].startswith("no cable is plugged into eth0")
    assert "which leads nowhere" in choice.choose((LAN1, WIFI)).remarks[0]
    lost = port("wlan0", cable=False)
    assert "the way home is missing" in choice.choose((port("eth0"), lost)).remarks[0]
    assert choice.choose((port("eth0"), WIFI)).remarks == ()
    alone = choice.choose((port("eth0"),))
    assert (alone.wifi, "no Wi-Fi here" in alone.remarks[0]) == (None, True)


def test_an_ssh_connection_over_the_wired_port_is_noticed() -> None:
    there = port("eth0", "172.27.153.23/24", "fe80::2/64")
    for address, cut in (("172.27.153.23", True), ("fe80::2", True), ("192.168.1.20", False), (None, False)):
        assert choice.choose((there, WIFI), ssh=address).cuts_ssh is cut


@pytest.mark.parametrize(
    ("text", "written"),
    [("172.27.153.2", "172.27.153.2/24"), ("172.27.153.100/24", "172.27.153.100/24"), ("172.27.153.49", None)],
)
def test_addresses_for_this_machine(text: str, written: str | None) -> None:
    assert choice.address(text) == (written or f"{text}/24")


@pytest.mark.parametrize(
    "text",
    ["172.27.153.1", "172.27.153.50", "172.27.153.99", "172.27.153.0", "172.27.153.255", "172.27.152.2", "x",
     "172.27.153.2/16", "192.168.1.2", "172.27.153.2/24/24"],
)  # fmt: skip
def test_addresses_that_others_have(text: str) -> None:
    with pytest.raises(Refused, match="allowed"):
        choice.address(text)


# --- what the kernel tells ---


def machine(folder: Path) -> Path:
    """A /sys with a port of the board, a USB adapter, Wi-Fi, and what is none: loopback, a bridge, CAN."""
    net = folder / "class/net"
    for name, kind, device in (
        ("eth0", "1", "devices/platform/soc/ethernet"),
        ("enx0", "1", "devices/platform/soc/usb1/1-1/1-1:1.0"),
        ("wlan0", "1", "devices/platform/soc/mmc"),
        ("can0", "280", "devices/platform/soc/can"),
        ("lo", "772", None),
        ("docker0", "1", None),
    ):
        (net / name).mkdir(parents=True)
        (net / name / "type").write_text(f"{kind}\n")
        (net / name / "carrier").write_text("1\n" if name != "enx0" else "0\n")
        if device:
            (folder / device).mkdir(parents=True)
            (net / name / "device").symlink_to(folder / device)
    (net / "wlan0/phy80211").mkdir()
    return folder


def answers(*command: str) -> str:
    told: dict[str, object] = {
        "address": [
            {"ifname": "lo", "addr_info": [{"local": "127.0.0.1", "prefixlen": 8}]},
            {},
            {"ifname": "eth0", "addr_info": [{"local": "172.27.153.23", "prefixlen": 24, "label": "eth0"}, {}]},
            {"ifname": "wlan0", "addr_info": [{"local": "fe80::1", "prefixlen": 64}]},
        ],
        "-4": [{"dst": "default", "gateway": "172.27.153.1", "dev": "eth0"}, {"dst": "default", "dev": "wlan0"}],
        "-6": [{"dst": "default", "nexthops": [{"gateway": "fe80::9", "dev": "wlan0"}]}],
    }
    return next((json.dumps(told[word]) for word in command if word in told), "")


def test_ports_are_those_of_the_machine_itself(tmp_path: Path) -> None:
    found = {one.name: one for one in ports.look(machine(tmp_path), answers)}
    assert list(found) == ["enx0", "eth0", "wlan0"]
    assert (found["enx0"].usb, found["enx0"].cable, found["enx0"].wireless) == (True, False, False)
    assert (found["eth0"].usb, found["eth0"].cable, found["eth0"].gateways) == (False, True, ("172.27.153.1",))
    assert [str(address) for address in found["eth0"].addresses] == ["172.27.153.23/24"]
    assert found["wlan0"].wireless
    assert found["wlan0"].gateways == ("on the link", "fe80::9")
    assert found["wlan0"].lasting == ()


def test_without_the_tool_there_are_no_addresses(tmp_path: Path) -> None:
    assert all(not one.addresses for one in ports.look(machine(tmp_path), lambda *_: "no json"))
    assert ports.output("/nowhere/ip") == ""


def test_ssh_is_found_above_sudo(tmp_path: Path) -> None:
    for pid, parent, environment in (
        (30, 20, b"SUDO_USER=pi\0PATH=/bin\0"),
        (20, 10, b"TERM=xterm\0SSH_CONNECTION=192.168.1.7 50022 172.27.153.23 22\0"),
        (10, 1, b""),
        (8, 1, b"HOME=/\0"),
    ):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "environ").write_bytes(environment)
        (tmp_path / str(pid) / "status").write_text(f"Name:\tx\nPPid:\t{parent}\n")
    assert ports.ssh_address(30, tmp_path) == "172.27.153.23"
    assert ports.ssh_address(8, tmp_path) is None
    assert ports.ssh_address(99, tmp_path) is None


# --- who looks after it ---


def test_the_one_that_runs_decides(tmp_path: Path) -> None:
    assert manager.running("eth0", lambda unit: unit == "NetworkManager.service", tmp_path) == "networkmanager"
    assert manager.running("eth0", lambda unit: unit == "systemd-networkd.service", tmp_path) == "networkd"


@pytest.mark.parametrize(("state", "who"), [("configured", "networkd"), ("unmanaged", "networkmanager")])
def test_of_two_it_is_the_one_that_has_the_port(tmp_path: Path, state: str, who: str) -> None:
    (tmp_path / "sys/class/net/eth0").mkdir(parents=True)
    (tmp_path / "sys/class/net/eth0/ifindex").write_text("3\n")
    (tmp_path / "run/systemd/netif/links").mkdir(parents=True)
    (tmp_path / "run/systemd/netif/links/3").write_text(f"# private\nADMIN_STATE={state}\nOPER_STATE=routable\n")
    assert manager.running("eth0", lambda unit: not unit.startswith("dhcpcd"), tmp_path) == who


def test_older_ways_are_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"dhcpcd.*\n.*current Raspberry Pi OS"):
        manager.running("eth0", lambda unit: unit == "dhcpcd.service", tmp_path)
    with pytest.raises(Refused, match="apt install network-manager"):
        manager.running("eth0", lambda unit: False, tmp_path)
    (tmp_path / "etc/network/interfaces.d").mkdir(parents=True)
    (tmp_path / "etc/network/interfaces.d/wired").write_text("auto eth0\n  iface eth0 inet dhcp\n")
    with pytest.raises(Refused, match=r"eth0 is in /etc/network/interfaces \(wired\)"):
        manager.running("eth0", lambda unit: unit == "NetworkManager.service", tmp_path)
    assert manager.running("eth1", lambda unit: unit == "NetworkManager.service", tmp_path) == "networkmanager"


def test_an_image_has_what_is_installed_in_it(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="--manager"):
        manager.installed(tmp_path)
    for program, who in (
        ("usr/lib/systemd/systemd-networkd", "networkd"),
        ("usr/sbin/NetworkManager", "networkmanager"),
    ):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).touch()
        assert manager.installed(tmp_path) == who
