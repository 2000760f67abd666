"""A TCP port of a simulated device."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from pvsmqtt.simulator.modbus_server.station import Station

HEADER = 6
"""Bytes of an MBAP header up to its length, which counts what follows."""


class TcpPort:
    """One port. A bad header closes the connection: nothing after it could be cut right."""

    def __init__(self, station: Station, host: str, port: int) -> None:
        self.station = station
        self.host, self.port = host, port
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    @property
    def connected(self) -> int:
        """Connections there are now."""
        return len(self._open)

    async def start(self) -> None:
        """Listen; raises OSError when the port is not to be had. A free one that was taken stays the same."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections, end those there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        tasks = [task for task in self._open.values() if task is not None]
        for writer in list(self._open):
            writer.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        station = self.station
        station.log.connections += 1
        station.log.news.set()
        number = station.log.connections
        if self._open and any(station.faults.meeting(station.port, None)):
            writer.transport.abort()
            return
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open[writer] = asyncio.current_task()
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await self._answer(reader, writer, number)
        finally:
            del self._open[writer]
            station.log.news.set()
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            header = await reader.readexactly(HEADER)
            length = int.from_bytes(header[4:])
            if header[2:4] != b"\0\0" or not 2 <= length <= 254:
                return
            asked = self.station.request(header + await reader.readexactly(length))
            if asked is None:
                return
            reply = await self.station.reply(asked, number)
            writer.write(reply.data)
            await writer.drain()
            if reply.closes:
                return
