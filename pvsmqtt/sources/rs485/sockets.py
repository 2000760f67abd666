"""Sockets to be received from: connected or bound, never blocking, every error a `LineLost`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

from pvsmqtt.sources.rs485.lost import LineLost, Loss, of_network
from pvsmqtt.sources.rs485.readable import CHUNK
from pvsmqtt.sources.rs485.url import LineUrl

CONNECT = 10.0
"""Seconds for one address to answer."""

KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
"""A bus may be silent for hours; that the serial server is still there its TCP stack says, not the bus."""


async def connect(url: LineUrl) -> socket.socket:
    """A connected socket that does not block.

    Raises:
        LineLost: when no address of the host answers.
    """
    loop = asyncio.get_running_loop()
    lost: LineLost | None = None
    for family, kind, protocol, _, address in await _addresses(url, socket.SOCK_STREAM):
        try:
            connection = socket.socket(family, kind, protocol)
        except OSError as error:  # no IPv6 on this machine
            lost = of_network(error, str(url))
            continue
        connection.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT):
                await loop.sock_connect(connection, address)
        except TimeoutError:
            lost = LineLost(Loss.UNREACHABLE, f"{url}: no answer in {CONNECT:g} s")
        except OSError as error:
            lost = of_network(error, str(url))
        except BaseException:
            connection.close()
            raise
        else:
            keep_alive(connection)
            return connection
        connection.close()
    raise lost or LineLost(Loss.NAME, f"{url}: the host has no address")


async def _addresses(url: LineUrl, kind: socket.SocketKind) -> list[Any]:
    loop = asyncio.get_running_loop()
    try:
        return await loop.getaddrinfo(url.host or None, url.port, type=kind, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        text = error.strerror if isinstance(error, socket.gaierror) else "no host name"
        raise LineLost(Loss.NAME, f"{url}: {(text or 'unknown name').lower()}") from None


async def bound(url: LineUrl, kind: socket.SocketKind) -> socket.socket:
    """A socket that listens; without an address on all of them, IPv4 and IPv6."""
    lost = LineLost(Loss.NO_ADDRESS, str(url))
    found = await _addresses(url, kind)
    for family, _, protocol, _, address in sorted(found, key=lambda one: one[0] != socket.AF_INET6):
        try:
            opened = socket.socket(family, kind, protocol)
        except OSError as error:  # no IPv6 on this machine
            lost = of_network(error, str(url))
            continue
        try:
            opened.setblocking(False)
            if kind == socket.SOCK_STREAM:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            opened.bind(address)
        except OSError as error:
            opened.close()
            lost = of_network(error, str(url))
        else:
            return opened
    raise lost


def received(connection: socket.socket, name: str) -> bytes | None:
    """``None`` when nothing is there."""
    try:
        data = connection.recv(CHUNK)
    except BlockingIOError:
        return None
    except OSError as error:
        raise of_network(error, name) from None
    if not data:
        raise LineLost(Loss.CLOSED, f"{name} was closed")
    return data


def keep_alive(connection: socket.socket) -> None:
    """Have the system notice that the other end is gone, see `KEEPALIVE`."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEPALIVE.items():
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
