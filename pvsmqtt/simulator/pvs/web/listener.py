"""A port that stays the simulator's own, also while it refuses connections because the supervisor boots."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable


class Listener:
    """Bound from `open` to `close`; between `pause` and the next `open` the kernel refuses connections."""

    def __init__(
        self,
        accept: Callable[[], asyncio.BaseProtocol],
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.host = host
        self.port = port
        """0 takes any free port; after `open` it is the real one."""
        self._accept = accept
        self._tls = tls
        self._bound: socket.socket | None = None
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; raises OSError when the address is not to be had."""
        if self._server is not None:
            return
        bound = self._bound or await self._bind()
        self._bound = None
        try:
            self._server = await asyncio.get_running_loop().create_server(self._accept, sock=bound, ssl=self._tls)
        except OSError:
            bound.close()
            raise

    async def pause(self) -> None:
        """Refuse new connections and keep the port."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._bound = await self._bind()

    def close(self) -> None:
        """Let go of the port."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._bound is not None:
            self._bound.close()
            self._bound = None

    async def _bind(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setblocking(False)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
        self.port = bound.getsockname()[1]
        return bound
