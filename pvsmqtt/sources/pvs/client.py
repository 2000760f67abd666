"""HTTP to the PVS: one request in flight, bounded in time and size, every failure a typed refusal.

A PVS is slow (6 s for 24 panels, up to a minute) and fragile: it drops connections, sends HTTP headers inside the
body, closes half-way, answers 403 when its web service hangs. A new connection is made for every request, and
the network stack is told to notice a dead line within half a minute, also while the PVS is thinking.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from types import TracebackType
from typing import Any, Self

import aiohttp

from pvsmqtt.sources.pvs.refusal import Refusal, Refused

DEVICE_LIST = "/cgi-bin/dl_cgi?Command=DeviceList"
SUPERVISOR_INFO = "/cgi-bin/dl_cgi/supervisor/info"

TOTAL = 120.0
CONNECT = 10.0
SILENCE = 90.0
LARGEST = 4 * 1024 * 1024
"""Bytes of the largest reply that is read; 400 panels make 320 kB."""

_STATUS: dict[int, Refusal] = {
    401: Refusal.FORBIDDEN,
    403: Refusal.FORBIDDEN,
    429: Refusal.BUSY,
    503: Refusal.BUSY,
    504: Refusal.BUSY,
}


class PvsClient:
    """Reads JSON documents from one PVS. An asynchronous context manager.

    ``base_url`` is like ``http://172.27.153.1``; ``total`` is the most seconds that a request may take.
    A certificate is not verified: a PVS signs its own, and nothing secret is sent.
    """

    def __init__(self, base_url: str, total: float = TOTAL) -> None:
        self._base = base_url
        self._timeout = aiohttp.ClientTimeout(
            total=total, sock_connect=min(CONNECT, total), sock_read=min(SILENCE, total)
        )
        self._one_at_a_time = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, force_close=True, ssl=False, socket_factory=_socket),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            auto_decompress=False,
            headers={"Accept-Encoding": "identity", "Accept": "application/json"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str) -> Any:
        """The JSON document at ``path``.

        Raises:
            Refused: whatever goes wrong.
        """
        if self._session is None:
            raise RuntimeError("use PvsClient in an async with statement")
        async with self._one_at_a_time:
            try:
                async with self._session.get(self._base + path, allow_redirects=False) as response:
                    if response.status != 200:
                        raise _refused_status(response.status)
                    body, whole = await _read(response)
            except TimeoutError:
                raise Refused(Refusal.TIMEOUT, f"the PVS at {self._base} gave no complete answer in time") from None
            except aiohttp.ClientConnectorError as error:
                raise Refused(
                    Refusal.UNREACHABLE, f"cannot connect to {self._base} ({_why(error.os_error)})"
                ) from None
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise Refused(
                    Refusal.BROKEN_OFF, f"the PVS at {self._base} broke off ({type(error).__name__})"
                ) from None
        return parse(body, whole)


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """The body, and whether it came to its proper end: a half-closed one may still hold the whole document."""
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > LARGEST:
                raise Refused(Refusal.TOO_LARGE, f"the reply is larger than {LARGEST // 1024 // 1024} MiB")
    except (aiohttp.ClientPayloadError, ConnectionError):
        return bytes(body), False
    return bytes(body), True


def parse(body: bytes, whole: bool = True) -> Any:
    """The JSON document in a body, whatever precedes or follows it (firmware may leak HTTP headers into it).

    Raises:
        Refused: when there is none.
    """
    text = body.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if not text:
        raise Refused(Refusal.EMPTY if whole else Refusal.BROKEN_OFF, "the PVS sent an empty reply")
    if text.startswith("<"):
        raise Refused(Refusal.HTML, "the PVS sent a web page")
    start = text.find("{")
    if start < 0:
        raise Refused(Refusal.NOT_JSON, f"the reply holds no JSON object in its {len(body)} bytes")
    try:
        return json.JSONDecoder().raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        reason = Refusal.NOT_JSON if whole else Refusal.BROKEN_OFF
        raise Refused(reason, f"the JSON of the reply is damaged or cut off ({len(body)} bytes)") from None


def _refused_status(status: int) -> Refused:
    reason = _STATUS.get(status) or (Refusal.SERVER_ERROR if status >= 500 else Refusal.STATUS)
    return Refused(reason, f"the PVS answered HTTP {status}")


def _why(error: OSError) -> str:
    """``Connection refused``: in the words of the system, since asyncio puts the address in their place."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A TCP socket that gives up on a dead line after some 30 s instead of hours."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    for option, value in (
        ("TCP_KEEPIDLE", 15),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 30_000),
    ):
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return made
