"""What is wrong between this machine and a PVS: every rule by a table of networks."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest

from pvsmqtt.commands import network
from pvsmqtt.commands.network.rules import Question, findings
from pvsmqtt.commands.network.snapshot import Address, Interface, Route, Snapshot
from pvsmqtt.sources.base import Finding

PVS = IPv4Address("172.27.153.1")
UNREACHED, REACHED = Question((PVS,)), Question((PVS,), reached=True)
ELSEWHERE = Question()
"""A PVS that is not configured in this network does not answer."""


def address(text: str) -> Address:
    """``172.27.153.2/24``; with ``~`` before it, it came by DHCP."""
    return Address(IPv4Interface(text.removeprefix("~")), not text.startswith("~"))


def eth(*addresses: str, name: str = "eth0", **how: bool) -> Interface:
    return Interface(name, wired=True, addresses=tuple(map(address, addresses)), **how)


def wlan(*addresses: str, **how: bool) -> Interface:
    return Interface("wlan0", wireless=True, addresses=tuple(map(address, addresses)), **how)


def route(interface: str, to: str = "0.0.0.0/0", by: str | None = None, metric: int = 0) -> Route:
    return Route(interface, IPv4Network(to), None if by is None else IPv4Address(by), metric)


HOME = wlan("~192.168.1.5/24")
BY_HOME = route("wlan0", by="192.168.1.1", metric=600)
BY_PVS = route("eth0", by="172.27.153.1", metric=100)
SIDE = route("eth0", "172.27.153.0/24")
LOOPBACK = Interface("lo", addresses=(address("127.0.0.1/8"),))


def told(snapshot: Snapshot, question: Question = UNREACHED) -> list[Finding]:
    return findings(snapshot, question)


def bad(snapshot: Snapshot, question: Question = UNREACHED) -> list[Finding]:
    return [finding for finding in told(snapshot, question) if not finding.ok]


WRONG = {
    "no address, and no port for a cable": (
        Snapshot((LOOPBACK, HOME), (BY_HOME,)),
        "network",
        "no address in 172.27.153.0/24: what is asked at 172.27.153.1 goes to 192.168.1.1 at wlan0",
        "connect LAN1 of the PVS",
    ),
    "no address, and no way out": (
        Snapshot((LOOPBACK, HOME)),
        "network",
        "has no way out of it",
        "connect LAN1 of the PVS",
    ),
    "an address elsewhere on the only port": (
        Snapshot((LOOPBACK, eth("192.168.1.5/24")), (route("eth0", by="192.168.1.1"),)),
        "network",
        "goes to 192.168.1.1 at eth0",
        "of its own",
    ),
    "lost lease": (
        Snapshot((LOOPBACK, HOME, eth()), (BY_HOME,)),
        "network eth0",
        "has a link and no address",
        "sudo script/install --network",
    ),
    "lost lease, with an address that the machine gave itself": (
        Snapshot((LOOPBACK, HOME, eth("169.254.7.8/16")), (BY_HOME,)),
        "network eth0",
        "only 169.254.7.8",
        "a fixed address without gateway",
    ),
    "no cable": (
        Snapshot((LOOPBACK, HOME, eth(carrier=False)), (BY_HOME,)),
        "network eth0",
        "eth0 has no link",
        "connect it to LAN1",
    ),
    "port switched off": (
        Snapshot((LOOPBACK, HOME, eth(up=False, carrier=False)), (BY_HOME,)),
        "network eth0",
        "eth0 is off",
        "ip link set eth0 up",
    ),
    "fixed address, no cable": (
        Snapshot((LOOPBACK, HOME, eth("172.27.153.2/24", carrier=False)), (BY_HOME, SIDE)),
        "network eth0",
        "172.27.153.2/24, and no link",
        "look at the cable",
    ),
    "default route": (
        Snapshot((LOOPBACK, HOME, eth("~172.27.153.20/24")), (BY_HOME, BY_PVS, SIDE)),
        "network eth0",
        "the default route of this machine leads to the PVS (172.27.153.1 at eth0)",
        "without gateway",
    ),
    "two networks on one port": (
        Snapshot((LOOPBACK, eth("192.168.1.5/24", "~172.27.153.20/24")), (route("eth0", by="192.168.1.1"), SIDE)),
        "network eth0",
        "172.27.153.20/24 of a PVS and 192.168.1.5/24 of your home",
        "unplug LAN1",
    ),
    "an address of the PVS on Wi-Fi": (
        Snapshot((LOOPBACK, wlan("~172.27.153.20/24")), (route("wlan0", "172.27.153.0/24"),)),
        "network wlan0",
        "wlan0 is in a Wi-Fi and has 172.27.153.20/24",
        "unplug LAN1",
    ),
    "the PVS's own address": (
        Snapshot((LOOPBACK, HOME, eth("172.27.153.1/24")), (BY_HOME, SIDE)),
        "network eth0",
        "the address of the equipment itself",
        "172.27.153.2",
    ),
    "a wrong netmask": (
        Snapshot((LOOPBACK, HOME, eth("172.27.153.20/30")), (BY_HOME, route("eth0", "172.27.153.20/30"))),
        "network eth0",
        "goes out at wlan0 to 192.168.1.1: a wrong netmask",
        "255.255.255.0",
    ),
}


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_what_is_wrong(case: str) -> None:
    snapshot, subject, text, advice = WRONG[case]
    found = bad(snapshot)
    assert [finding.subject for finding in found] == [subject]
    assert text in found[0].text
    assert advice in found[0].advice


def test_what_is_to_be_done_about_two_networks() -> None:
    ports = (LOOPBACK, eth("192.168.1.5/24", "~172.27.153.20/24"))
    (found,) = bad(Snapshot(ports, (route("eth0", by="192.168.1.1"), SIDE)))
    assert "see docs/networks.md" in found.advice
    assert "an address in 172.27.153.0/24 has to ask" in found.advice


def test_what_may_go_wrong_one_day_is_a_note() -> None:
    snapshot, question, _ = RIGHT["a lease"]
    assert [(finding.ok, finding.note) for finding in told(snapshot, question)] == [(True, False), (True, True)]


def test_the_same_address_twice() -> None:
    ports = eth("172.27.153.2/24"), eth("172.27.153.2/24", name="eth1")
    twice, both = bad(Snapshot((LOOPBACK, HOME, *ports), (BY_HOME, SIDE)))
    assert "eth0 and eth1 have the same address 172.27.153.2" in twice.text
    assert "ip address del 172.27.153.2/24 dev eth1" in twice.advice
    assert "eth0 (172.27.153.2/24) and eth1 (172.27.153.2/24)" in both.text


RIGHT = {
    "as it should be": (
        Snapshot((LOOPBACK, HOME, eth("172.27.153.2/24")), (BY_HOME, SIDE)),
        REACHED,
        ["eth0 is in the network of the PVS with 172.27.153.2/24"],
    ),
    "a PVS that is silent all the same": (
        Snapshot((LOOPBACK, HOME, eth("172.27.153.2/24")), (BY_HOME, SIDE)),
        UNREACHED,
        ["eth0 is in the network of the PVS with 172.27.153.2/24; the fault lies at the other end of the cable"],
    ),
    "by a router": (
        Snapshot((LOOPBACK, eth("192.168.1.5/24")), (route("eth0", by="192.168.1.1"),)),
        REACHED,
        ["the PVS is reached through 192.168.1.1 at eth0"],
    ),
    "a lease": (
        Snapshot((LOOPBACK, HOME, eth("~172.27.153.20/24")), (BY_HOME, SIDE)),
        REACHED,
        ["eth0 is in the network of the PVS with 172.27.153.20/24", "172.27.153.20/24 came by DHCP"],
    ),
    "a second default route": (
        Snapshot((LOOPBACK, HOME, eth("172.27.153.2/24")), (route("eth0", by="172.27.153.1", metric=900), BY_HOME)),
        REACHED,
        ["eth0 is in the network", "a second default route leads to the PVS (172.27.153.1)"],
    ),
    "Wi-Fi that sleeps": (
        Snapshot((LOOPBACK, wlan("192.168.1.5/24", power_save=True), eth("172.27.153.2/24")), (BY_HOME, SIDE)),
        REACHED,
        ["eth0 is in the network", "power saving is on"],
    ),
    "Wi-Fi that is not used": (
        Snapshot((LOOPBACK, wlan(power_save=True), eth("172.27.153.2/24")), (SIDE,)),
        REACHED,
        ["eth0 is in the network"],
    ),
    "a PVS in the home network that is silent": (
        Snapshot((LOOPBACK, HOME, eth(carrier=False)), (BY_HOME,)),
        ELSEWHERE,
        [],
    ),
    "a bridge, a tunnel": (
        Snapshot((LOOPBACK, HOME, Interface("docker0"), Interface("wg0", addresses=(address("10.0.0.2/24"),)))),
        ELSEWHERE,
        [],
    ),
}


@pytest.mark.parametrize("case", RIGHT, ids=str)
def test_what_is_right(case: str) -> None:
    snapshot, question, texts = RIGHT[case]
    found = told(snapshot, question)
    assert [finding.ok for finding in found] == [True] * len(texts)
    assert all(text in finding.text for text, finding in zip(texts, found, strict=True))


@pytest.mark.parametrize(
    ("snapshot", "subject"),
    [
        (Snapshot((LOOPBACK, HOME, eth()), (BY_HOME,)), "network eth0"),
        (Snapshot((LOOPBACK, HOME, eth("172.27.153.9/24")), (BY_PVS, BY_HOME)), "network eth0"),
        (Snapshot((LOOPBACK, wlan("172.27.153.9/24"))), "network wlan0"),
    ],
    ids=["lost lease", "default route", "LAN1 in the home network"],
)
def test_a_pvs_that_is_somewhere_else_and_silent(snapshot: Snapshot, subject: str) -> None:
    assert [finding.subject for finding in bad(snapshot, ELSEWHERE)] == [subject]


def test_what_works_is_not_bad() -> None:
    """A way that leads to the PVS may be odd; what answers is right."""
    ports = eth("172.27.153.2/24"), eth("172.27.153.3/24", name="eth1")
    assert bad(Snapshot((HOME, *ports), (SIDE,)), REACHED) == []
    assert bad(Snapshot((HOME, eth("172.27.153.20/30")), (BY_HOME,)), REACHED) == []


@pytest.mark.parametrize(
    ("asked", "question"),
    [
        ([("172.27.153.1", True)], REACHED),
        ([("172.27.153.1", False)], UNREACHED),
        ([("http://172.27.153.1:80/x", False)], UNREACHED),
        ([("172.27.153.1", True), ("172.27.153.60", False)], Question((PVS, IPv4Address("172.27.153.60")))),
        ([("172.27.153.1", True), ("172.27.153.1:80", True)], REACHED),
        ([("192.168.1.20", True), ("auto", True)], None),
        ([("192.168.1.20", False)], ELSEWHERE),
        ([("auto", False)], ELSEWHERE),
        ([("172.27.153.1", True), ("192.168.1.20", False)], REACHED),
        ([("http://[::1", False)], ELSEWHERE),
        ([], None),
    ],
)
def test_when_it_is_asked(asked: list[tuple[str, bool]], question: Question | None) -> None:
    assert network.question(asked) == question
