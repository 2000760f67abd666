"""HTTP to the PVS: one request in flight, bounded in time and size, every failure a typed refusal.

A PVS is slow (6 s for 24 panels, up to a minute) and fragile: it drops connections, sends HTTP headers inside the
body, closes half-way, answers 403 when its web service hangs. Plain connections are made anew for every request;
over TLS one is kept for the few requests of a cycle, since handshakes cost the PVS more. The network stack is told to
notice a dead line within half a minute, also while the PVS is thinking.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Any, Self

import aiohttp

from pvsmqtt.sources.pvs.access import certificate
from pvsmqtt.sources.pvs.access.address import Address
from pvsmqtt.sources.pvs.access.certificate import Certificate, Trust
from pvsmqtt.sources.pvs.access.requests import LOG_IN, Request
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

CONNECT = 10.0
LARGEST = 4 * 1024 * 1024
"""Bytes of the largest reply that is read; 400 panels make 320 kB."""

KEEP_ALIVE = 30.0
"""Seconds for which an idle TLS connection is kept, if the PVS lets us: a handshake is work for it."""

_STATUS: dict[int, Refusal] = {
    400: Refusal.BAD_REQUEST,
    401: Refusal.FORBIDDEN,
    403: Refusal.FORBIDDEN,
    404: Refusal.NOT_FOUND,
    405: Refusal.NOT_FOUND,
    429: Refusal.BUSY,
    503: Refusal.BUSY,
    504: Refusal.BUSY,
}


@dataclass(slots=True)
class Traffic:
    """What the PVS had to bear so far."""

    requests: int = 0
    logins: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply with status 200: its JSON document, its cookies, and the clock of the server when it was sent."""

    document: Any
    cookies: SimpleCookie
    sent_at: datetime | None


class PvsClient:
    """Sends requests of the table to one PVS. An asynchronous context manager.

    ``trusted`` decides which https certificate counts. ``longest`` bounds the seconds of every request from above.
    """

    def __init__(self, address: Address, trusted: Certificate, longest: float = 120.0) -> None:
        self.address = address
        self.traffic = Traffic()
        self.base = address.plain
        """Where requests without a login go."""
        self._certificate = trusted
        self._longest = longest
        self._one_at_a_time = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=1, keepalive_timeout=KEEP_ALIVE, socket_factory=lasting_socket, use_dns_cache=False
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept-Encoding": "identity", "Accept": "application/json"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, request: Request, base: str | None = None) -> Any:
        """The JSON document that answers a request, from ``base`` (one of the address), else where it belongs.

        Raises:
            Refused: whatever goes wrong.
        """
        return (await self.fetch(request, base)).document

    async def fetch(
        self, request: Request, base: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """The same with more of the reply, and with headers.

        Raises:
            Refused: whatever goes wrong.
        """
        if self._session is None:
            raise RuntimeError("use PvsClient in an async with statement")
        base = base or (self.address.secure if request.login else self.base)
        seconds = min(request.timeout, self._longest)
        async with self._one_at_a_time:
            encrypted = base.startswith("https:")
            secret = request.login or request is LOG_IN
            trust: Trust = await self._certificate.trust(base, secret) if encrypted else False
            self.traffic.requests += 1
            try:
                async with self._session.get(
                    base + request.path,
                    ssl=trust,
                    allow_redirects=False,
                    headers={**(headers or {}), **({} if encrypted else {"Connection": "close"})},
                    timeout=aiohttp.ClientTimeout(
                        total=seconds, sock_connect=min(CONNECT, seconds), sock_read=seconds
                    ),
                ) as response:
                    if response.status != 200:
                        raise _refused_status(response.status, request)
                    body, whole = await _read(response)
                    self.traffic.bytes += len(body)
                    cookies, date = response.cookies, response.headers.get("Date")
            except TimeoutError:
                raise Refused(Refusal.TIMEOUT, f"the PVS at {base} gave no complete answer in time") from None
            except aiohttp.ServerFingerprintMismatch as error:
                raise certificate.changed(error.got) from None
            except aiohttp.ClientConnectorCertificateError as error:
                reason = getattr(error.certificate_error, "verify_message", "") or "not trusted"
                raise Refused(Refusal.CERTIFICATE, f"the certificate of {base} is refused ({reason})") from None
            except aiohttp.ClientConnectorSSLError as error:
                raise certificate.no_tls(base, error.os_error) from None
            except aiohttp.ClientConnectorError as error:
                raise Refused(Refusal.UNREACHABLE, f"cannot connect to {base} ({_why(error.os_error)})") from None
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise Refused(Refusal.BROKEN_OFF, f"the PVS at {base} broke off ({type(error).__name__})") from None
        return Reply(parse(body, whole), cookies, _date(date))


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


def _refused_status(status: int, request: Request) -> Refused:
    if status == 401 and request.login:
        return Refused(Refusal.LOGIN_ENDED, "the PVS answered HTTP 401: the login has ended", status)
    reason = _STATUS.get(status) or (Refusal.SERVER_ERROR if status >= 500 else Refusal.STATUS)
    return Refused(reason, f"the PVS answered HTTP {status}", status)


def _date(text: str | None) -> datetime | None:
    """``Mon, 21 Jul 2025 18:03:33 GMT``"""
    try:
        found = None if text is None else parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return None if found is None or found.tzinfo is None else found


def _why(error: OSError) -> str:
    """``Connection refused``: in the words of the system, since asyncio puts the address in their place."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


def lasting_socket(address: aiohttp.AddrInfoType) -> socket.socket:
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
