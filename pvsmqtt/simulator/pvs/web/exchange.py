"""The wire below a fault: `faults.Exchange` on a connection of aiohttp, and unwanted connections."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

from aiohttp import web

from pvsmqtt.simulator.pvs.firmware import JSON


class HttpExchange:
    """The means of `faults.Exchange` on a connection of aiohttp."""

    def __init__(self, request: web.Request, body: bytes, sent: Callable[[int], None]) -> None:
        self._request = request
        self._sent = sent
        self.body = body
        self.response = web.StreamResponse()

    async def begin(self, status: int = 200, content_type: str = JSON, length: int | None = None) -> None:
        """Send status and headers."""
        self.response.set_status(status)
        self.response.content_type = content_type
        if length is not None:
            self.response.content_length = length
        await self.response.prepare(self._request)

    async def send(self, data: bytes) -> None:
        """Send a piece of the body."""
        await self.response.write(data)
        self._sent(len(data))

    def close(self) -> None:
        """Close the connection after what has been sent."""
        if self._request.transport is not None:
            self._request.transport.close()

    def reset(self) -> None:
        """Break the connection: with a linger time of 0 the kernel sends RST."""
        if self._request.transport is not None:
            connection = self._request.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._request.transport.abort()


class Refusal(asyncio.Protocol):
    """A connection that is not wanted."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it at once."""
        transport.close()
