"""One read with the patience that equipment needs. Clocks and sleep are parameters.

A pause lies between two requests, for the equipment has other masters, too (the supervisor of the house). An answer
"busy" (exception 5 or 6) is asked for again, later each time, and the pauses stay longer until things go well for a
while. A connection that the equipment closed while nobody asked anything is opened again without a word.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.plan import Span
from pvsmqtt.sources.modbus_master.refusal import Refusal, Refused

BUSY_TRIES = 3
BUSY_PAUSE = 0.5
"""Seconds before a busy unit is asked again, twice as many each time."""

SLOWEST = 2.0
"""Seconds that the pause between two requests grows to at most."""

EASE = 0.9
"""By which a pause that has grown shrinks with every answer."""

GROW = 0.1


class Reads(Protocol):
    """What is asked of a door (`pvsmqtt.sources.modbus_master.door.Door` has it)."""

    name: str

    @property
    def is_open(self) -> bool: ...  # noqa: D102

    async def read(self, unit: int, address: int, count: int, table: Table = ...) -> tuple[int, ...]: ...  # noqa: D102

    async def close(self) -> None: ...  # noqa: D102


class Patient:
    """Reads through a door; ``pause`` in seconds."""

    def __init__(
        self,
        door: Reads,
        pause: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.door = door
        self._pause = self._now_pausing = pause
        self._monotonic, self._sleep = monotonic, sleep
        self._free_at = 0.0

    async def read(self, unit: int, span: Span, table: Table = Table.HOLDING_REGISTERS) -> tuple[int, ...]:
        """The registers.

        Raises:
            Refused: they were not told, whatever was tried.
        """
        for again in range(BUSY_TRIES):
            try:
                return await self._once(unit, span, table)
            except Refused as refused:
                if refused.reason is not Refusal.BUSY or again == BUSY_TRIES - 1:
                    raise
                self._now_pausing = min(SLOWEST, self._now_pausing * 2 + GROW)
                await self._sleep(BUSY_PAUSE * 2.0**again)
        raise AssertionError("there is always an answer or a refusal")

    async def _once(self, unit: int, span: Span, table: Table) -> tuple[int, ...]:
        was_open = self.door.is_open
        await self._sleep(max(0.0, self._free_at - self._monotonic()))
        try:
            try:
                registers = await self.door.read(unit, span.address, span.length, table)
            except Refused as refused:
                if refused.reason is not Refusal.CLOSED or not was_open:
                    raise
                registers = await self.door.read(unit, span.address, span.length, table)
        finally:
            self._free_at = self._monotonic() + self._now_pausing
        self._now_pausing = max(self._pause, self._now_pausing * EASE)
        return registers
