"""What is wrong with a tap, as far as a person can do something about it. Pure.

Each rule looks at what was heard and for how long; the first that fits is told. Silence alone is none, unless nothing
was ever heard here.
"""

from __future__ import annotations

from typing import NamedTuple

from pvsmqtt.capture.connection import REQUESTS, RESPONSES
from pvsmqtt.sources.modbus_tap.tap import State, Tap

PATIENCE = 300.0
"""Seconds in which a network that is well has shown a packet."""
PACKETS_ENOUGH = 50
ENOUGH = 20
BYTES_ENOUGH = 1000
MANY_CUT = 0.1

NO_PACKET = (
    "no packet was captured: see whether tcpdump runs and listens to the right interface, and whether the mirroring "
    "switch sends anything (tcpdump -i eth1)"
)
NO_PORT = (
    "{packets} packets were captured, and none of them of TCP port {ports}{seen}: mirror the switch port of the PVS "
    "or of the gateway, or correct `ports`"
)
ONLY_QUESTIONS = (
    "only what clients ask is captured, and no answer of a server: the mirror port copies one direction. Set it to "
    "both (RX and TX), or capture on the bridge"
)
ONLY_ANSWERS = (
    "only what servers answer is captured, and not what they are asked, so nobody knows what an answer is about: the "
    "mirror port copies one direction. Set it to both (RX and TX), or capture on the bridge"
)
CUT = "{cut} packets were not captured as a whole: run tcpdump with -s 0"
NO_MODBUS = (
    "there is traffic on TCP port {ports}, {size} bytes of it, and it is no Modbus: it may be encrypted, or another "
    "program uses these ports"
)
NO_PAIR = (
    "{requests} requests and {responses} answers were captured, and none belong to each other: packets are missing. "
    "See whether tcpdump says that the kernel dropped some"
)


class Trouble(NamedTuple):
    """A typed reason, and what it is and what to do."""

    reason: str
    text: str


def trouble(tap: Tap, listened: float, known: bool) -> Trouble | None:
    """What is wrong; None when nothing is, or when it is too early to say.

    Args:
        tap: the tap.
        listened: seconds since the service began to listen.
        known: whether Modbus was ever heard here.
    """
    if tap.lost is not None:
        return Trouble(f"capture_{tap.lost.reason}", str(tap.lost))
    mirror = tap.mirror
    if not mirror.packets:
        silent = tap.state is State.ENDED or (listened >= PATIENCE and not known)
        return Trouble("no_packets", NO_PACKET) if silent else None
    if not mirror.segments:
        if mirror.packets < PACKETS_ENOUGH and tap.state is not State.ENDED:
            return None
        seen = ", ".join(str(port) for port, _ in mirror.foreign.most_common(5))
        text = NO_PORT.format(packets=mirror.packets, ports=ports(tap), seen=f" (but of {seen})" if seen else "")
        return Trouble("no_modbus_port", text)
    return _of_servers(tap)


def ports(tap: Tap) -> str:
    """``502, 503``"""
    return ", ".join(map(str, sorted(tap.mirror.ports)))


def _of_servers(tap: Tap) -> Trouble | None:
    servers = tap.mirror.servers.values()
    requests, responses = (sum(getattr(one.tally, name) for one in servers) for name in ("requests", "responses"))
    cut = sum(one.flows.cut for one in servers)
    if cut >= ENOUGH and cut > MANY_CUT * tap.mirror.segments:
        return Trouble("packets_cut", CUT.format(cut=cut))
    asked, told = tap.mirror.directions[REQUESTS], tap.mirror.directions[RESPONSES]
    if max(asked, told) >= ENOUGH and not min(asked, told):
        return Trouble("one_direction", ONLY_QUESTIONS if asked else ONLY_ANSWERS)
    if tap.mirror.bytes >= BYTES_ENOUGH and not requests and not responses:
        return Trouble("no_modbus", NO_MODBUS.format(ports=ports(tap), size=tap.mirror.bytes))
    if min(requests, responses) >= ENOUGH and not any(one.tally.paired for one in servers):
        return Trouble("no_pairs", NO_PAIR.format(requests=requests, responses=responses))
    return None
