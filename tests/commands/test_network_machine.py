"""What the system tells of its network, out of its own words; and with real interfaces where that can be tried."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import pytest
from harness import free_port
from harness.basics import program
from harness.processes import environment

from pvsmqtt.commands.network import machine, netlink
from pvsmqtt.commands.network.snapshot import Route

TABLE = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
eth0	00991BAC	00000000	0001	0	0	0	00FFFFFF	0	0	0
*	00000000	00000000	0201	0	0	0	00000000	0	0	0
eth0	nonsense
"""


@pytest.mark.skipif(sys.byteorder != "little", reason="the sample is of a little-endian machine")
def test_the_table_of_routes() -> None:
    assert machine.routes(TABLE) == [
        Route("wlan0", IPv4Network("0.0.0.0/0"), IPv4Address("192.168.1.1"), 600),
        Route("eth0", IPv4Network("172.27.153.0/24")),
    ]


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 64, b"\xff" * 64, netlink.dump_links()[:50]], ids=["empty", "zeros", "ones", "cut"]
)
def test_a_damaged_dump(data: bytes) -> None:
    assert netlink.links(data) == []
    assert netlink.addresses(data) == {}


def test_this_machine() -> None:
    snapshot = machine.take()
    assert snapshot is not None
    lo = next(one for one in snapshot.interfaces if one.name == "lo")
    assert IPv4Interface("127.0.0.1/8") in [address.at for address in lo.addresses]
    assert (lo.wired, lo.wireless) == (False, False)


@pytest.mark.parametrize(
    ("said", "saves"),
    [("Power save: on", True), ("Power save: off", False), ("command failed: No such device (-19)", None)],
)
def test_power_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, saves: bool | None) -> None:
    (tmp_path / "iw").write_text(f'#!/bin/sh\n[ "$*" = "dev wlan0 get power_save" ] && echo "{said}"\n')
    (tmp_path / "iw").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.power_save("wlan0") is saves


def test_no_iw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert machine.power_save("wlan0") is None


def test_a_system_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "ROUTES", Path("/nowhere"))
    assert machine.take() is None


Run = Callable[..., subprocess.CompletedProcess[str]]


class House:
    """Network namespaces: this machine, with a port ``eth0`` towards a PVS and ``wan0`` towards the home."""

    def __init__(self, ip: str) -> None:
        self.ip = ip
        self.pi, self.pvs = (f"pvsmqtt-{os.getpid()}-{what}" for what in ("pi", "pvs"))

    def __call__(self, command: str) -> None:
        subprocess.run([self.ip, *command.split()], check=True, capture_output=True, text=True)

    def inside(self, command: str) -> None:
        self(f"-n {self.pi} {command}")

    def command(self, *command: str, where: str | None = None) -> list[str]:
        return [self.ip, "netns", "exec", where or self.pi, *command]

    @contextmanager
    def open(self) -> Iterator[None]:
        with ExitStack() as stack:
            for name in (self.pi, self.pvs):
                self(f"netns add {name}")
                stack.callback(self, f"netns del {name}")
                self(f"-n {name} link set lo up")
            self(f"-n {self.pi} link add eth0 type veth peer name lan1 netns {self.pvs}")
            self(f"-n {self.pi} link add wan0 type veth peer name home netns {self.pvs}")
            self(f"-n {self.pvs} link set home up")
            self(f"-n {self.pvs} address add 172.27.153.1/24 dev lan1")
            self.inside("link set wan0 up")
            self.inside("address add 192.168.77.5/24 dev wan0")
            self.inside("route add default via 192.168.77.1 dev wan0 metric 600")
            yield


@pytest.fixture
def house() -> Iterator[House]:
    ip = program("ip", "iproute2")
    if os.geteuid() != 0:
        pytest.skip("network namespaces are for root")
    one = House(ip)
    try:
        with one.open():
            yield one
    except subprocess.CalledProcessError as error:
        pytest.skip(f"network namespaces are not allowed here: {error.stderr.strip()}")


def check(house: House, folder: Path) -> list[tuple[str, bool, str]]:
    """``pvsmqtt check`` in the house; what it says of the network."""
    file = folder / "pvsmqtt.toml"
    file.write_text(
        f'state_dir = "{folder}/state"\n[mqtt]\nhost = "127.0.0.1"\nport = {free_port()}\n'
        '[[pvs]]\nhost = "172.27.153.1"\n'
    )
    command = house.command(sys.executable, "-m", "pvsmqtt", "check", "--json", "--config", str(file))
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=90)
    document = json.loads(done.stdout)
    return [
        (finding["subject"], finding["ok"], finding["text"])
        for finding in document["findings"]
        if finding["subject"].startswith("network")
    ]


SILENT = """
import asyncio, json
from dataclasses import asdict
from pvsmqtt.commands.network import explain
print(json.dumps([asdict(finding) for finding in asyncio.run(explain([("172.27.153.1", False)]))]))
"""


def test_real_interfaces(house: House) -> None:
    def one(subject: str, text: str) -> None:
        done = subprocess.run(house.command(sys.executable, "-c", SILENT), capture_output=True, text=True, check=True)
        (found,) = json.loads(done.stdout)
        assert (found["subject"], found["ok"]) == (subject, False)
        assert text in found["text"]

    one("network eth0", "eth0 is off")
    house.inside("link set eth0 up")
    one("network eth0", "eth0 has no link")
    house(f"-n {house.pvs} link set lan1 up")
    one("network eth0", "eth0 has a link and no address")
    house.inside("address add 169.254.9.9/16 dev eth0")
    one("network eth0", "only 169.254.9.9")
    house.inside("address flush dev eth0")
    house.inside("address add 172.27.153.2/30 dev eth0")
    house.inside("route add 172.27.153.1/32 via 192.168.77.1 dev wan0")
    one("network eth0", "goes out at wan0 to 192.168.77.1")
    house.inside("route del 172.27.153.1/32")
    house.inside("address flush dev eth0")
    house.inside("address add 172.27.153.1/24 dev eth0")
    one("network eth0", "the address of the equipment itself")


def test_a_pvs_that_does_not_answer(house: House, tmp_path: Path) -> None:
    house.inside("route del default")
    (found,) = check(house, tmp_path)
    assert found[:2] == ("network eth0", False)
    assert "eth0 is off" in found[2]


def test_a_pvs_that_answers(house: House, tmp_path: Path) -> None:
    house.inside("link set eth0 up")
    house(f"-n {house.pvs} link set lan1 up")
    house.inside("address add 172.27.153.2/24 dev eth0 valid_lft 600 preferred_lft 600")
    simulate = (sys.executable, "-m", "pvsmqtt", "simulate", "pvs", "--host", "172.27.153.1", "--port", "80")
    with subprocess.Popen(
        house.command(*simulate, "--panels", "2", where=house.pvs), env=environment(), stdout=subprocess.PIPE
    ) as pvs:
        try:
            assert pvs.stdout is not None
            assert pvs.stdout.readline()
            well, lease = check(house, tmp_path)
            assert well == ("network", True, "eth0 is in the network of the PVS with 172.27.153.2/24")
            assert lease[:2] == ("network eth0", True)
            assert "172.27.153.2/24 came by DHCP" in lease[2]

            house.inside("route add default via 172.27.153.1 dev eth0 metric 100")
            route, *_ = check(house, tmp_path)
            assert route[:2] == ("network eth0", False)
            assert "leads to the PVS (172.27.153.1 at eth0)" in route[2]
            house.inside("route del default via 172.27.153.1 dev eth0")

            house.inside("address add 192.168.78.9/24 dev eth0")
            (switch,) = check(house, tmp_path)
            assert switch[:2] == ("network eth0", False)
            assert "172.27.153.2/24 of a PVS and 192.168.78.9/24 of your home" in switch[2]
        finally:
            pvs.kill()


def test_ports_that_are_part_of_something(house: House) -> None:
    """A port in a bridge, or with others on it, has no address of its own, and lost none."""
    house.inside("link add br0 type bridge")
    house.inside("link set eth0 master br0")
    house.inside("link add link wan0 name wan0.5 type macvlan")
    show = "from pvsmqtt.commands.network.machine import take; print(*(o.name for o in take().interfaces if o.wired))"
    done = subprocess.run(house.command(sys.executable, "-c", show), capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    house.inside("link set eth0 nomaster")
    done = subprocess.run(house.command(sys.executable, "-c", show), capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["eth0"]
