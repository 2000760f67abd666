"""How many may come in at once, and how long they may dawdle. What is malformed is answered with the same headers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiohttp import web

from pvsmqtt.sinks.web.replies import HEADERS, guarded

MOST_CONNECTIONS = 64
IDLE = 30.0
"""Seconds that a connection may be open without a whole request."""

UNREAD = 30
"""Seconds after which a client that takes nothing of what was sent is cut off by the kernel."""

MOST_BODY = 8192
"""Bytes of a form; nothing else is ever sent here."""

LONGEST_LINE = 4096

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_quiet = logging.getLogger("pvsmqtt.web.http")
_quiet.setLevel(logging.CRITICAL)  # that somebody speaks no HTTP is no news


class Door:
    """Makes the protocol of each connection (``make``, for asyncio)."""

    def __init__(self, handler: Handler, refused: Counter[str]) -> None:
        loop = asyncio.get_running_loop()

        def request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
            protocol.began = True
            return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MOST_BODY)

        # A handler whose client is gone is cancelled: a stream of events ends at once.
        self._server = web.Server(handler, request_factory=request, handler_cancellation=True)
        self._loop = loop
        self._refused = refused

    def make(self) -> asyncio.Protocol:
        """For a connection that comes: it is served, or told that there are too many."""
        if len(self._server.connections) >= MOST_CONNECTIONS:
            self._refused["connections"] += 1
            return _Full()
        return _Connection(
            self._server,
            loop=self._loop,
            access_log=_quiet,
            logger=_quiet,
            keepalive_timeout=IDLE,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
            lingering_time=2.0,
        )

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._server.connections)

    async def close(self, patience: float) -> None:
        """End all connections; handlers that run may come to their end for so many seconds."""
        self._server.pre_shutdown()
        await self._server.shutdown(patience)


class _Connection(web.RequestHandler):
    began = False
    """Whether a whole request has come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        option = getattr(socket, "TCP_USER_TIMEOUT", None)
        if sock is not None and option is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, option, UNREAD * 1000)
        asyncio.get_running_loop().call_later(IDLE, self._look, transport)

    def _look(self, transport: asyncio.BaseTransport) -> None:
        if not self.began:
            transport.close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        return guarded(super().handle_error(request, status, exc, message))


class _Full(asyncio.Protocol):
    """Says so and hangs up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        body = "too many connections; try again later\n"
        headers = {
            **HEADERS,
            "Connection": "close",
            "Retry-After": "10",
            "Content-Type": "text/plain",
            "Content-Length": str(len(body)),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        cast(asyncio.Transport, transport).write(f"HTTP/1.1 503 Service Unavailable\r\n{head}\r\n{body}".encode())
        transport.close()
