"""What a service tells systemd."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from harness.basics import PATIENCE, Feed


class Notified(asyncio.DatagramProtocol):
    """Each word in the order of its arrival."""

    def __init__(self) -> None:
        self.feed: Feed[str] = Feed()

    def datagram_received(self, data: bytes, addr: object) -> None:
        for line in data.decode().splitlines():
            self.feed.add(line)

    async def told(self, word: str, since: int = 0, timeout: float = PATIENCE) -> str:
        """Wait for a word that begins like this; the word."""
        return await self.feed.until(
            lambda: next((one for one in self.feed.items[since:] if one.startswith(word)), None), word, timeout
        )

    def mark(self) -> int:
        """Here and now, for ``since``."""
        return len(self.feed.items)


@asynccontextmanager
async def systemd(folder: Path) -> AsyncIterator[tuple[Path, Notified]]:
    """The socket on which systemd listens."""
    address = folder / "n"
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(str(address))
    sock.setblocking(False)
    transport, notified = await asyncio.get_running_loop().create_datagram_endpoint(Notified, sock=sock)
    try:
        yield address, notified
    finally:
        transport.close()
