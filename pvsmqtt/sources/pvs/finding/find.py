"""Where is the PVS? By its announcement on the network (mDNS), and by asking at the places where one usually is.

The announcement, as firmware with the varserver makes it (pypvs, SunStrong's Home Assistant integration):

    _pvs6._tcp.local.  or  _pvs5._tcp.local.      service type: the model
    TXT serialnum=ZT…                             the serial number
    A                                             IPv4 addresses; IPv6 is left out

It seems to be made only when a PVS registers on the network, so that nothing heard proves nothing. The address may
change with every restart of the PVS; its serial number does not.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pvsmqtt.sources.pvs.access.address import AUTO, base_url
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

if TYPE_CHECKING:
    from zeroconf import Zeroconf

    from pvsmqtt.sources.pvs.generation import Identity

log = logging.getLogger(__name__)

Probe = Callable[[str], Awaitable["Identity"]]
"""Who answers at a host; raises `Refused`."""

FIXED = ("172.27.153.1", "172.27.152.1")
"""A PVS on its installer port LAN1, and on its own Wi-Fi network."""

PLACES = (*FIXED, "pvs6.local", "pvs5.local", "pvs.local")
"""Where to ask, in this order: the fixed addresses and the names that a PVS gives itself."""

INTERFACES: tuple[str, ...] = ()
"""Own addresses on whose networks announcements are listened for; none: on all."""

TYPES = {"_pvs6._tcp.local.": "PVS6", "_pvs5._tcp.local.": "PVS5"}
"""Service type -> model."""

LISTEN = 3.0
"""Seconds to listen for announcements."""

RESOLVE = 5.0
GUESS, KNOWN = 15.0, 60.0
"""Seconds that an answer may take at a place where a PVS might be, and where one should be."""

MISS = "a PVS seems to announce itself only when it joins the network, so nothing heard proves nothing"

_SERIAL = re.compile(r"[0-9A-Za-z]{1,32}")


class How(StrEnum):
    """How a PVS was found."""

    ANNOUNCED = "announced"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Found:
    """A PVS: its host as it may be written into the configuration, and what it is as far as known."""

    host: str
    serial: str | None
    model: str | None
    how: How


async def browse(
    seconds: float = LISTEN,
    interfaces: Sequence[str] | None = None,
    enough: Callable[[Found], bool] = lambda _: False,
) -> list[Found]:
    """Every PVS that announces itself, one for each of its IPv4 addresses.

    Args:
        seconds: how long to listen.
        interfaces: own addresses on whose networks to listen, None for `INTERFACES`.
        enough: ends the listening as soon as it holds for one that was found.

    Raises:
        OSError: when this machine cannot listen.
    """
    from zeroconf import Error, InterfaceChoice, IPVersion, ServiceStateChange
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

    chosen = list(INTERFACES if interfaces is None else interfaces)
    try:
        radio = AsyncZeroconf(interfaces=chosen or InterfaceChoice.All, ip_version=IPVersion.V4Only)
    except (RuntimeError, Error) as error:
        raise OSError(f"no network to listen on ({error})") from None
    found: dict[tuple[str, str | None], Found] = {}
    ended = asyncio.Event()
    resolving: set[asyncio.Task[None]] = set()

    async def resolve(service_type: str, name: str) -> None:
        for one in await _resolve(radio.zeroconf, service_type, name, seconds):
            found[one.host, one.serial] = one
            if enough(one):
                ended.set()

    def heard(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:  # noqa: ARG001 - called by these names
        if state_change is not ServiceStateChange.Removed:
            task = asyncio.ensure_future(resolve(service_type, name))
            resolving.add(task)
            task.add_done_callback(resolving.discard)

    browser = AsyncServiceBrowser(radio.zeroconf, list(TYPES), handlers=[heard])
    try:
        async with asyncio.timeout(seconds):
            await ended.wait()
    except TimeoutError:
        pass
    finally:
        await browser.async_cancel()
        for task in (tasks := list(resolving)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await radio.async_close()
    return list(found.values())


async def _resolve(zeroconf: Zeroconf, service_type: str, name: str, seconds: float) -> list[Found]:
    """What an announcement says; nothing when it is broken."""
    from zeroconf import Error, IPVersion
    from zeroconf.asyncio import AsyncServiceInfo

    try:
        info = AsyncServiceInfo(service_type, name)
        await info.async_request(zeroconf, seconds * 1000)
        hosts = info.parsed_addresses(IPVersion.V4Only)
        said = (info.properties.get(b"serialnum") or b"").decode("ascii", errors="replace").strip()
    except (Error, OSError, ValueError) as error:
        log.debug("an announcement could not be read: %s", type(error).__name__)
        return []
    serial = said.upper() if _SERIAL.fullmatch(said) else None
    return [Found(host, serial, TYPES.get(service_type), How.ANNOUNCED) for host in hosts]


async def ask(
    hosts: Iterable[str], seconds: float = GUESS, probe: Probe | None = None
) -> dict[str, Identity | Refused]:
    """Ask every host once: who answers, or why there is no answer. Several names of one address are one host: a PVS
    is not to be asked twice at a time."""
    asking = probe or _identify

    async def one(host: str) -> Identity | Refused:
        try:
            async with asyncio.timeout(seconds):
                return await asking(host)
        except Refused as refused:
            return refused
        except TimeoutError:
            return Refused(Refusal.TIMEOUT, f"nobody answered at {host} in {seconds:g} s")

    each = await _different(hosts)
    return dict(zip(each, await asyncio.gather(*map(one, each)), strict=True))


async def _different(hosts: Iterable[str]) -> list[str]:
    """The first of those hosts that have the same address. What has none is kept, for a message about it."""
    loop = asyncio.get_running_loop()

    async def resolve(host: str) -> str:
        name = urlsplit(base_url(host)).hostname or host
        try:
            async with asyncio.timeout(RESOLVE):
                found = await loop.getaddrinfo(name, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError, UnicodeError):
            return host
        port = urlsplit(base_url(host)).port
        return f"{found[0][4][0]}:{port}"

    each = list(dict.fromkeys(hosts))
    first: dict[str, str] = {}
    for host, place in zip(each, await asyncio.gather(*map(resolve, each)), strict=True):
        first.setdefault(place, host)
    return list(first.values())


async def _identify(host: str) -> Identity:
    from pvsmqtt.sources.pvs.generation import identify

    return await identify(host)


async def find(
    serial: str | None,
    seconds: float = LISTEN,
    *,
    places: Sequence[str] | None = None,
    probe: Probe | None = None,
    interfaces: Sequence[str] | None = None,
) -> Found | None:
    """The PVS with this serial number, or any where none is given; None when there is no trace of it.

    Announcements come first. Only when they leave a doubt, hosts are asked: those announced, then ``places`` (None
    for `PLACES`). A PVS that announces itself and does not answer is found too: it may be restarting.

    Raises:
        Refused: when any would do and there are several.
    """
    wanted = serial.upper() if serial else None

    def right(said: str | None) -> bool:
        return wanted is None or (said or "").upper() == wanted

    try:
        announced = await browse(seconds, interfaces, lambda one: wanted is not None and one.serial == wanted)
    except OSError as error:
        log.debug("announcements cannot be listened for: %s", error)
        announced = []
    likely = [one for one in announced if one.serial is None or right(one.serial)]
    sure = [one for one in likely if right(one.serial)]
    if len(sure) == 1:
        return sure[0]
    if wanted is None and len({one.serial for one in sure if one.serial}) > 1:
        raise _several(sure)
    for hosts, patience, how in (
        ([one.host for one in likely], KNOWN, How.ANNOUNCED),
        (PLACES if places is None else places, GUESS, How.ASKED),
    ):
        answers = (await ask(hosts, patience, probe)).items()
        good = [
            Found(host, answer.serial, answer.model, how)
            for host, answer in answers
            if not isinstance(answer, Refused) and right(answer.serial)
        ]
        if wanted is None and len({one.serial for one in good}) > 1:
            raise _several(good)
        if good:
            return good[0]
        if sure and how is How.ANNOUNCED:
            return sure[0]
    return None


def _several(found: Iterable[Found]) -> Refused:
    hosts = ", ".join(dict.fromkeys(one.host for one in found))
    return Refused(Refusal.AMBIGUOUS, f"several PVS were found ({hosts})")


async def locate(host: str) -> str:
    """The present host of a PVS that is configured as ``auto`` or by its serial number.

    Raises:
        Refused: when there is no trace of it.
    """
    found = await find(None if host == AUTO else host)
    if found is None:
        raise Refused(Refusal.UNREACHABLE, f"no PVS was found on the network ({MISS})")
    return found.host
