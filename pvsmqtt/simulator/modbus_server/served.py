"""What every simulated device with ports has: its log, its faults, a beginning and an end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from pvsmqtt.simulator.modbus_server.faults import Faults
from pvsmqtt.simulator.modbus_server.requests import Log, Seen
from pvsmqtt.simulator.modbus_server.story import Story


class Port(Protocol):
    """A `TcpPort` or a `SerialPort`."""

    @property
    def connected(self) -> int:
        """Connections there are now."""

    async def start(self) -> None:
        """Serve; raises OSError when that cannot be."""

    async def stop(self) -> None:
        """End it."""


class Served:
    """A device; who inherits sets these four when it is made."""

    faults: Faults
    log: Log
    story: Story
    ports: Sequence[Port]

    @property
    def requests(self) -> list[Seen]:
        """Every request so far, in the order in which they came."""
        return self.log.requests

    @property
    def writes(self) -> int:
        """How many requests had a function code other than 3 and 4."""
        return self.log.writes

    @property
    def connections(self) -> int:
        """How many connections came so far, on all ports."""
        return self.log.connections

    @property
    def connected(self) -> int:
        """How many connections there are now."""
        return sum(port.connected for port in self.ports)

    async def start(self) -> None:
        """Serve; raises OSError when a port is not to be had."""
        self.story.begin()
        await self._listen()

    async def stop(self) -> None:
        """End it."""
        for port in self.ports:
            await port.stop()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until this holds; looked at whenever something was asked or a connection came or went."""
        while not true():
            self.log.news.clear()
            await self.log.news.wait()

    async def reboot(self, seconds: float) -> None:
        """All ports are closed, connections end; back after so many (real) seconds."""
        await self.stop()
        await asyncio.sleep(seconds)
        await self._listen()

    async def _listen(self) -> None:
        try:
            for port in self.ports:
                await port.start()
        except OSError:
            await self.stop()
            raise
