"""A bad network: a TCP proxy that passes, swallows or resets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable
from typing import Literal

from harness.basics import Feed

Mode = Literal["pass", "hole", "reset"]
Overhear = Callable[[int, bool, bytes], None]


class Proxy:
    """A TCP proxy between two of the parts.

    Modes: ``pass``; ``hole`` (bytes vanish, nothing is closed: connections that were open or are made meanwhile stay
    dead for ever, as behind a router that lost power); ``reset`` (connections are broken, new ones too).
    """

    def __init__(self, target: int, port: int, overheard: Overhear | None = None) -> None:
        """``overheard`` is called with every piece that is passed on: a number of the connection, whether it goes to
        the target, and the bytes."""
        self._target = target
        self._overheard = overheard or (lambda *_: None)
        self.port = port
        self.mode: Mode = "pass"
        self.accepted: Feed[float] = Feed()
        self._server: asyncio.Server | None = None
        self._open: set[_Line] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    def set(self, mode: Mode) -> None:
        self.mode = mode
        for line in list(self._open):
            if mode == "hole":
                line.dead = True
            elif mode == "reset":
                line.reset()

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for line in list(self._open):
            line.reset()
        await asyncio.gather(*(line.done.wait() for line in list(self._open)))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line(writer, dead=self.mode == "hole")
        self._open.add(line)
        self.accepted.add(time.monotonic())
        number = len(self.accepted.items)
        try:
            if self.mode == "reset":
                return
            if line.dead:
                await line.carry(reader, None)
                await line.broken.wait()
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            line.writers.append(far_writer)
            await asyncio.gather(
                line.carry(reader, far_writer, lambda data: self._overheard(number, True, data)),
                line.carry(far_reader, writer, lambda data: self._overheard(number, False, data)),
            )
            if line.dead:
                await line.broken.wait()
        except OSError:
            pass
        finally:
            line.reset()
            self._open.discard(line)
            line.done.set()


class _Line:
    """One connection through the proxy."""

    def __init__(self, writer: asyncio.StreamWriter, dead: bool) -> None:
        self.writers = [writer]
        self.dead = dead
        self.broken = asyncio.Event()
        self.done = asyncio.Event()

    async def carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter | None,
        overheard: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if writer is not None and not self.dead:
                    overheard(data)
                    writer.write(data)
                    await writer.drain()
        if writer is not None and not self.dead:
            writer.close()

    def reset(self) -> None:
        self.broken.set()
        for writer in self.writers:
            sock = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
