"""A client for tests of what answers Modbus TCP: bytes in hand, nothing hidden, no retries."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
"""In the house, on a day with sun."""
NIGHT = datetime(2026, 6, 21, 3, tzinfo=UTC)
"""After sunset of the day before, while the battery feeds the house."""


class Watch:
    """A clock that stands still until it is set."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


class Refused(Exception):
    """An exception was answered; its only argument is the code."""


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.transaction = 0

    def ask(self, unit: int, address: int, count: int, function: int = 3) -> bytes:
        """Send a request; its bytes."""
        self.transaction += 1
        body = bytes([unit, function]) + address.to_bytes(2) + count.to_bytes(2)
        adu = self.transaction.to_bytes(2) + b"\0\0" + len(body).to_bytes(2) + body
        self.writer.write(adu)
        return adu

    async def answer(self) -> tuple[int, int, bytes]:
        """Transaction, unit, and the rest from the function code on. Raises EOFError when the connection ends."""
        header = await self.reader.readexactly(7)
        assert header[2:4] == b"\0\0"
        rest = await self.reader.readexactly(int.from_bytes(header[4:6]) - 1)
        return int.from_bytes(header[:2]), header[6], rest

    async def read(self, unit: int, address: int, count: int = 1, function: int = 3) -> list[int]:
        """Registers, or Refused."""
        self.ask(unit, address, count, function)
        transaction, answering, pdu = await self.answer()
        assert (transaction, answering) == (self.transaction, unit)
        if pdu[0] & 0x80:
            assert pdu[0] == function | 0x80
            raise Refused(pdu[1])
        assert pdu[:2] == bytes([function, 2 * count])
        return [int.from_bytes(pdu[at : at + 2]) for at in range(2, len(pdu), 2)]

    async def number(self, unit: int, address: int, signed: bool = False) -> int:
        """32 bits, high word first."""
        high, low = await self.read(unit, address, 2)
        value = high << 16 | low
        return value - (1 << 32) if signed and value >> 31 else value


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def walk(port: int, unit: int, read: Callable[[Any], Any]) -> Any:
    """What ``read`` makes of a device that pysunspec2's own client has walked."""

    def walk() -> Any:
        device = SunSpecModbusClientDeviceTCP(slave_id=unit, ipaddr="127.0.0.1", ipport=port, timeout=10)
        try:
            device.scan()
            return read(device)
        finally:
            device.close()

    return await asyncio.to_thread(walk)


def layout(device: Any) -> list[tuple[int, int, int]]:
    """Model, address, length of all that pysunspec2 found."""
    return [(model.model_id, model.model_addr, model.model_len) for model in device.model_list]


def errors(device: Any) -> str:
    """What it found wrong."""
    return "".join(model.error_info for model in device.model_list)
