"""What can be wrong between this machine and a PVS: a table of rules, each a pure function that says what is wrong,
what it means, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from pvsmqtt.commands.network.snapshot import PVS_NETWORK, Interface, Snapshot
from pvsmqtt.sources.base import Finding

SUBJECT = "network"
FIX = "sudo script/install --network"
FIXED = f"give the port to the PVS a fixed address without gateway and name server: {FIX} shows it and writes it"
OWN_PORT = (
    f"give LAN1 a port of this machine that nothing else is on (a USB Ethernet adapter is one), then {FIX}; "
    "see docs/networks.md"
)
UNPLUG = (
    f"unplug LAN1 from the home network at once, {OWN_PORT}. Whatever in your home got an address in "
    f"{PVS_NETWORK} has to ask for a new one: switch it off and on"
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the network: equipment that is configured in the network of a PVS, and whether all that is
    configured was reached."""

    hosts: tuple[IPv4Address, ...] = ()
    reached: bool = False


Rule = Callable[[Snapshot, Question], Iterable[Finding]]


def findings(snapshot: Snapshot, question: Question) -> list[Finding]:
    """Everything that is wrong or worth a word; one line that all is well where nothing is wrong and something was
    asked about the network of a PVS."""
    found = [finding for rule in RULES for finding in rule(snapshot, question)]
    if question.hosts and all(finding.ok for finding in found):
        found = [*_well(snapshot, question), *found]
    return found


def _bad(interface: str | None, text: str, advice: str) -> Finding:
    return Finding(f"{SUBJECT} {interface}" if interface else SUBJECT, False, text, advice)


def _note(interface: str, text: str) -> Finding:
    return Finding(f"{SUBJECT} {interface}", True, text, note=True)


def _pvs_side(snapshot: Snapshot) -> tuple[Interface, ...]:
    return tuple(one for one in snapshot.interfaces if one.in_pvs_network)


def _list(interface: Interface) -> str:
    return ", ".join(str(one.at) for one in interface.in_pvs_network)


def lan1_in_the_home_network(snapshot: Snapshot, _: Question) -> Iterator[Finding]:
    """Two networks at one port, or an address of a PVS on Wi-Fi: its DHCP server answers in the home network."""
    for one in _pvs_side(snapshot):
        if one.wireless:
            text = (
                f"{one.name} is in a Wi-Fi and has {_list(one)}, which only the DHCP server of a PVS gives: its port "
                "LAN1 is plugged into your home network, where machines now get wrong addresses and lose the internet"
            )
            yield _bad(one.name, text, UNPLUG)
        elif one.elsewhere:
            text = (
                f"{one.name} has addresses of two networks, {_list(one)} of a PVS and {one.elsewhere[0].at} of your "
                "home: port LAN1 of the PVS seems to be plugged into the home switch, where its DHCP server gives "
                "wrong addresses to everybody"
            )
            yield _bad(one.name, text, UNPLUG)


def default_route(snapshot: Snapshot, _: Question) -> Iterator[Finding]:
    """The PVS as the way to the internet."""
    for place, route in enumerate(snapshot.defaults):
        if route.gateway is None or route.gateway not in PVS_NETWORK:
            continue
        if place == 0:
            text = (
                f"the default route of this machine leads to the PVS ({route.gateway} at {route.interface}): what is "
                "meant for the internet or another network goes there and is lost"
            )
            yield _bad(route.interface, text, FIXED)
        else:
            text = (
                f"a second default route leads to the PVS ({route.gateway}): when the first one is lost, everything "
                f"goes there. {FIX} takes it out"
            )
            yield _note(route.interface, text)


def address_of_the_pvs(snapshot: Snapshot, question: Question) -> Iterator[Finding]:
    """An address that is there twice."""
    seen: dict[IPv4Address, str] = {}
    for one in _pvs_side(snapshot):
        for address in one.in_pvs_network:
            if address.at.ip in question.hosts:
                text = (
                    f"{one.name} has {address.at.ip}, the address of the equipment itself: what is asked there never "
                    "leaves this machine"
                )
                yield _bad(one.name, text, f"choose another one, such as 172.27.153.2; {FIX} does")
            elif other := seen.get(address.at.ip):
                text = (
                    f"{other} and {one.name} have the same address {address.at.ip}: answers may come to the wrong one"
                )
                yield _bad(one.name, text, f"take it off one of them: ip address del {address.at} dev {one.name}")
            seen.setdefault(address.at.ip, one.name)


def no_address(snapshot: Snapshot, question: Question) -> Iterator[Finding]:
    """Nothing of this machine is in the network of the PVS, and why."""
    if question.reached or _pvs_side(snapshot):
        return
    wired = [one for one in snapshot.interfaces if one.wired]
    lost = [one for one in wired if one.up and one.carrier and not any(a.useful for a in one.addresses)]
    for one in lost:
        own = f"only {one.addresses[0].at.ip}, which it gave itself" if one.addresses else "no address"
        text = (
            f"{one.name} has a link and {own}: nobody gave it one, or its lease was lost; newer firmware of a PVS "
            "does not renew a lease"
        )
        yield _bad(one.name, text, FIXED)
    if lost or not question.hosts:
        return
    silent = [one for one in wired if not (one.up and one.carrier)]
    for one in silent:
        what = "has no link: no cable is plugged in, or there is no power at its other end" if one.up else "is off"
        advice = f"connect it to LAN1 of the PVS; then {FIX}" if one.up else f"ip link set {one.name} up; then {FIX}"
        yield _bad(one.name, f"no address in {PVS_NETWORK}, and {one.name} {what}", advice)
    if not silent:
        goes = f"what is asked at {question.hosts[0]} {_goes(snapshot, question)}"
        text = f"this machine has no address in {PVS_NETWORK}: {goes}"
        yield _bad(None, text, f"connect LAN1 of the PVS with a port of this machine of its own; then {FIX}")


def _goes(snapshot: Snapshot, question: Question) -> str:
    way = snapshot.way_to(question.hosts[0])
    if way is None:
        return "has no way out of it"
    to = f"to {way.gateway} at {way.interface}" if way.gateway else f"out at {way.interface}"
    return f"goes {to}, where the PVS is not known"


def no_link(snapshot: Snapshot, question: Question) -> Iterator[Finding]:
    """An address and no cable."""
    for one in _pvs_side(snapshot):
        if question.hosts and not question.reached and not (one.up and one.carrier):
            text = f"{one.name} has {_list(one)}, and no link: no cable is plugged in, or the PVS has no power"
            yield _bad(one.name, text, "look at the cable, at the lamps of both sockets, and at the power of the PVS")


def wrong_way(snapshot: Snapshot, question: Question) -> Iterator[Finding]:
    """An address beside the PVS, and packets that go elsewhere all the same: a wrong netmask, or a stray route."""
    side = [one for one in _pvs_side(snapshot) if one.up and one.carrier and not one.wireless]
    own = {address.at.ip for one in side for address in one.in_pvs_network}
    if not side or question.reached:
        return
    names = ", ".join(one.name for one in side)
    for host in question.hosts:
        way = snapshot.way_to(host)
        if host not in own and (
            way is None or way.gateway is not None or way.interface not in {s.name for s in side}
        ):
            out = "nowhere" if way is None else f"out at {way.interface}" + (f" to {way.gateway}" * bool(way.gateway))
            text = f"{names} has {_list(side[0])}, and what is asked at {host} goes {out}: a wrong netmask or route"
            yield _bad(side[0].name, text, f"the netmask must be 255.255.255.0 (/24), without a route; {FIX}")


def two_ports(snapshot: Snapshot, question: Question) -> Iterator[Finding]:
    """Two wired ports in the network of the PVS: which one is used is chance."""
    side = [one for one in _pvs_side(snapshot) if not one.wireless]
    if len(side) > 1 and not question.reached:
        both = " and ".join(f"{one.name} ({_list(one)})" for one in side)
        yield _bad(
            None,
            f"{both} are in the network of the PVS: only one is used",
            "leave that one its address which the cable to LAN1 is plugged into",
        )


def lease(snapshot: Snapshot, _: Question) -> Iterator[Finding]:
    """An address that will end."""
    for one in _pvs_side(snapshot):
        if not one.wireless and not one.elsewhere and any(not address.fixed for address in one.in_pvs_network):
            text = f"{_list(one)} came by DHCP; newer firmware of a PVS does not renew it: better a fixed one, {FIX}"
            yield _note(one.name, text)


def power_save(snapshot: Snapshot, _: Question) -> Iterator[Finding]:
    """Wi-Fi that sleeps."""
    for one in snapshot.interfaces:
        if one.power_save and one.up and any(address.useful for address in one.addresses):
            text = f"Wi-Fi power saving is on: on some machines the Wi-Fi gets lost by it. {FIX} switches it off"
            yield _note(one.name, text)


RULES: tuple[Rule, ...] = (
    lan1_in_the_home_network,
    default_route,
    address_of_the_pvs,
    no_address,
    no_link,
    wrong_way,
    two_ports,
    lease,
    power_save,
)
"""In the order in which they are told."""


def _well(snapshot: Snapshot, question: Question) -> Iterator[Finding]:
    side = _pvs_side(snapshot)
    way = snapshot.way_to(question.hosts[0])
    if side:
        silent = "" if question.reached else "; the fault lies at the other end of the cable"
        yield Finding(SUBJECT, True, f"{side[0].name} is in the network of the PVS with {_list(side[0])}{silent}")
    elif way is not None and way.gateway is not None:
        yield Finding(SUBJECT, True, f"the PVS is reached through {way.gateway} at {way.interface}")
