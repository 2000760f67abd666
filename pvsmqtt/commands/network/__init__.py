"""What ``pvsmqtt check`` says about the network of this machine towards a PVS.

`machine` looks at the machine: links and addresses (`netlink`), routes, Wi-Fi; it changes nothing and sends nothing
to anybody. What it saw is a `Snapshot`; `rules` are pure: a snapshot and a `Question` in, findings out.

Source of the facts: owners' guides. The installer port LAN1 of a PVS is 172.27.153.1 and runs a DHCP server that
makes the PVS the gateway and the name server of whoever asks; newer firmware does not renew a lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from ipaddress import IPv4Address

from pvsmqtt.commands.network.machine import take
from pvsmqtt.commands.network.rules import Question, findings
from pvsmqtt.commands.network.snapshot import PVS_NETWORK
from pvsmqtt.sources.base import Finding

__all__ = ["explain", "question"]


def question(asked: Iterable[tuple[str, bool]]) -> Question | None:
    """What is to be asked of the network, by the hosts of the equipment and whether each was reached. None: nothing;
    all is reached, and elsewhere."""
    each = list(asked)
    near = [(address, reached) for host, reached in each if (address := _near(host)) is not None]
    if near:
        return Question(tuple(dict.fromkeys(address for address, _ in near)), all(reached for _, reached in near))
    return None if all(reached for _, reached in each) else Question()


async def explain(asked: Iterable[tuple[str, bool]]) -> list[Finding]:
    """What is wrong with the network of this machine, as far as it matters to this equipment."""
    what = question(asked)
    if what is None:
        return []
    snapshot = await asyncio.to_thread(take)
    return [] if snapshot is None else findings(snapshot, what)


def _near(host: str) -> IPv4Address | None:
    """The address of a host that lies in the network of a PVS."""
    from urllib.parse import urlsplit

    try:
        address = IPv4Address(urlsplit(host if "://" in host else f"//{host}").hostname or "")
    except ValueError:
        return None
    return address if address in PVS_NETWORK else None
