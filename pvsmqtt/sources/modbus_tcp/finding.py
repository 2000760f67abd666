"""Where is the Conext Gateway? A PVS gives it an address from 172.27.153.50 to .99 and looks for it there itself.

So that nobody else is troubled: only these addresses are tried, and only when this machine has an address in their
network; one after the other, with a pause, and each by opening a connection that says nothing. At an address where
something listens, one register is read to see whether it is a gateway at all.

Source: the log of a PVS (search for SunSpec devices at 172.27.153.50 to .99).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from pvsmqtt.sources.modbus_master.door import Door, Network
from pvsmqtt.sources.modbus_master.patient import Patient
from pvsmqtt.sources.modbus_master.refusal import NO_DOOR, Refusal, Refused
from pvsmqtt.sources.modbus_master.survey import Language, Unit, look

NETWORK = IPv4Network("172.27.153.0/24")
ADDRESSES = tuple(str(NETWORK.network_address + number) for number in range(50, 100))
CONNECT = 0.5
"""Seconds that an address in the same network may take to answer."""

PAUSE = 0.1
"""Seconds between two addresses."""

ANSWER = 3.0
UNIT = 1
"""The gateway itself."""


class Found(NamedTuple):
    """Something that speaks Modbus: at which port, and what unit 1 says."""

    host: str
    port: int
    unit: Unit | None


Knock = Callable[[str, int], Awaitable[bool]]


async def search(
    ports: Sequence[int],
    hosts: Iterable[str] = ADDRESSES,
    progress: Callable[[str], None] = lambda _: None,
    pause: float = PAUSE,
) -> list[Found]:
    """Everything at these addresses that answers Modbus at one of the ports, one after the other."""
    found = []
    for host in hosts:
        progress(host)
        for port in ports:
            if await knock(host, port) and (one := await ask(host, port)) is not None:
                found.append(one)
        await asyncio.sleep(pause)
    return found


async def locate(known: object, ports: Sequence[int]) -> str:
    """The address of the gateway; the one where it was before is tried first.

    Raises:
        Refused: it was not found, this machine has no address in that network, or there are several.
    """
    if own_address() is None:
        raise Refused(Refusal.NOT_FOUND, f"this machine has no address in {NETWORK}")
    if isinstance(known, str) and known in ADDRESSES and await search(ports, [known]):
        return known
    hosts = list(dict.fromkeys(one.host for one in await search(ports) if one.unit is not None))
    if not hosts:
        raise Refused(Refusal.NOT_FOUND, f"no Conext Gateway answers at {ADDRESSES[0]} to {ADDRESSES[-1]}")
    if len(hosts) > 1:
        raise Refused(Refusal.AMBIGUOUS, f"several gateways answer ({', '.join(hosts)})")
    return hosts[0]


def own_address() -> str | None:
    """The address of this machine in the network of a PVS, if it has one. Nothing is sent."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((ADDRESSES[0], 9))
        own = str(probe.getsockname()[0])
        return own if IPv4Address(own) in NETWORK else None
    return None


async def knock(host: str, port: int) -> bool:
    """Whether something listens there."""
    try:
        async with asyncio.timeout(CONNECT):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(CONNECT):
            await writer.wait_closed()
    return True


async def ask(host: str, port: int) -> Found | None:
    """What unit 1 says; None when it is no Modbus that is spoken there."""
    door = Door(Network(host, port), ANSWER)
    try:
        return Found(host, port, await look(Patient(door, PAUSE), UNIT, (Language.SUNSPEC, Language.NATIVE)))
    except Refused as refused:
        return None if refused.reason in NO_DOOR else Found(host, port, None)
    finally:
        await door.close()
