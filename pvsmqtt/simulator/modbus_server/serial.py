"""A slave on a pseudo-terminal: Modbus RTU for a master that somebody else is.

A frame ends with silence. What is no whole request by then is thrown away, as a real slave does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

from pvsmqtt.simulator.modbus_server.station import Station
from pvsmqtt.simulator.terminal import Terminal

SILENCE = 0.05
"""Seconds without a byte after which a frame that is not whole never will be."""


class SerialPort:
    """The slave. ``link`` is a path that leads to the pseudo-terminal while this serves."""

    def __init__(self, station: Station, link: Path | None, baudrate: int) -> None:
        self.station = station
        self._terminal = Terminal(link, baudrate)
        self._held: int | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """``serial:///dev/pts/3``, or the link; known after `start`."""
        return self._terminal.url

    @property
    def connected(self) -> int:
        """0: a line has no connections."""
        return 0

    async def start(self) -> None:
        """Be there; raises OSError when the link cannot be made."""
        self._terminal.open()
        self._held = self._terminal.hold()
        assert self._terminal.master is not None  # noqa: S101 - it was just opened
        self._task = asyncio.get_running_loop().create_task(self._serve(self._terminal.master))

    async def stop(self) -> None:
        """End it; the master finds its terminal hung up."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._held is not None:
            os.close(self._held)
            self._held = None
        self._terminal.close()

    async def _serve(self, line: int) -> None:
        loop, news = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(line, news.set)
        try:
            heard = b""
            while True:
                try:
                    async with asyncio.timeout(SILENCE if heard else None):
                        await news.wait()
                except TimeoutError:
                    heard = b""
                    self.station.log.noise += 1
                    self.station.log.news.set()
                    continue
                news.clear()
                with contextlib.suppress(BlockingIOError):
                    heard += os.read(line, 4096)
                if (asked := self.station.request(heard)) is not None:
                    heard = b""
                    reply = await self.station.reply(asked, 0)
                    with contextlib.suppress(BlockingIOError):
                        os.write(line, reply.data)
        finally:
            loop.remove_reader(line)
