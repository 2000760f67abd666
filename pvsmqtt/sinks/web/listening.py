"""Listening for browsers, and why that does not work. Does without aiohttp, so that a check is quick."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable

from pvsmqtt.sinks.web.options import Address

_REASONS = {
    errno.EADDRINUSE: ("port_in_use", "another program has this port: set another one"),
    errno.EADDRNOTAVAIL: ("no_such_address", "this machine has no such address (yet)"),
    errno.EACCES: ("not_allowed", "ports below 1024 are not for this user: set a higher one"),
}


def why_not(error: OSError) -> tuple[str, str]:
    """The reason as it is counted, and what it means and what to do about it."""
    return _REASONS.get(error.errno or 0, ("cannot_listen", str(error.strerror or error)))


async def listen(make: Callable[[], asyncio.Protocol], where: Address) -> asyncio.Server:
    """Listen, with a protocol of ``make`` for each connection.

    Raises:
        OSError: when that does not work; `why_not` tells why.
    """
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(make, where.host, where.port)
    except OSError as error:
        if where.host is not None or error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            raise
        return await loop.create_server(make, "0.0.0.0", where.port)  # noqa: S104  a kernel without IPv6
