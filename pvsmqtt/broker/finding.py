"""Where is a broker? At the usual names, and at what announces itself on the network (mDNS).

    homeassistant.local            Home Assistant, whose Mosquitto listens at port 1883
    localhost                      a broker on this machine
    _home-assistant._tcp.local.    Home Assistant; the port that it tells is that of its pages
    _mqtt._tcp.local.              a broker, with its port

Nothing is said to whoever answers: a connection is opened and closed again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

PORT = 1883

PLACES: tuple[tuple[str, int], ...] = (("homeassistant.local", PORT), ("localhost", PORT))
"""Where to knock, in this order."""

TYPES: dict[str, int | None] = {"_home-assistant._tcp.local.": PORT, "_mqtt._tcp.local.": None}
"""Service type -> port of the broker, None: the announced one."""

INTERFACES: tuple[str, ...] = ()
"""Own addresses on whose networks announcements are listened for; none: on all."""

LISTEN = 3.0
"""Seconds to listen for announcements."""

KNOCK = 5.0
"""Seconds that looking up a name and opening a connection may take."""


@dataclass(frozen=True, slots=True)
class Found:
    """A place where something listens. ``how`` is for people."""

    host: str
    port: int
    how: str


async def find() -> list[Found]:
    """Every place at which something listens, the likeliest first; two names of one place are one."""
    announced = asyncio.ensure_future(_browse())
    known = [Found(host, port, "it answers") for host, port in PLACES]
    answers = await asyncio.gather(*map(_knock, known))
    heard = [one for one in await announced if one not in known]
    answers += await asyncio.gather(*map(_knock, heard))
    found: dict[tuple[str, int], Found] = {}
    for one, address in zip((*known, *heard), answers, strict=True):
        if address is not None:
            found.setdefault((address, one.port), one)
    return list(found.values())


async def _knock(place: Found) -> str | None:
    """The address at which something listens."""
    writer = None
    try:
        async with asyncio.timeout(KNOCK):
            _, writer = await asyncio.open_connection(place.host, place.port)
        return str(writer.get_extra_info("peername")[0])
    except (OSError, TimeoutError, UnicodeError):
        return None
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(KNOCK):
                    await writer.wait_closed()


async def _browse() -> list[Found]:
    """Who announces itself; nobody where this machine cannot listen."""
    from zeroconf import Error, InterfaceChoice, IPVersion
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

    chosen = list(INTERFACES)
    try:
        radio = AsyncZeroconf(interfaces=chosen or InterfaceChoice.All, ip_version=IPVersion.V4Only)
    except (OSError, RuntimeError, Error):
        return []
    heard: dict[tuple[str, str], None] = {}

    def hear(service_type: str, name: str, **_: object) -> None:
        heard[service_type, name] = None

    browser = AsyncServiceBrowser(radio.zeroconf, list(TYPES), handlers=[hear])
    try:
        await asyncio.sleep(LISTEN)
        parts = await asyncio.gather(*(_resolve(radio, *one) for one in heard))
    finally:
        await browser.async_cancel()
        await radio.async_close()
    return [found for part in parts for found in part]


async def _resolve(radio: object, service_type: str, name: str) -> Sequence[Found]:
    from zeroconf import Error, IPVersion
    from zeroconf.asyncio import AsyncServiceInfo

    try:
        info = AsyncServiceInfo(service_type, name)
        await info.async_request(radio.zeroconf, LISTEN * 1000)  # type: ignore[attr-defined]
        port = TYPES[service_type] or info.port
        hosts = info.parsed_addresses(IPVersion.V4Only)
    except (Error, OSError, ValueError, KeyError):
        return []
    who = "".join(c for c in name.removesuffix(f".{service_type}") if c.isprintable())[:60]
    return [Found(host, port, f"it announces itself as {who}") for host in hosts if port]
