"""One connection to equipment that speaks Modbus: the only place that knows pymodbus.

Read-only by construction: a request is made from the table below, which has two rows, and every packet is looked at
once more before it leaves (`_Guard`). One request at a time; the answer must belong to it. pymodbus passes over an
answer that bears another transaction, another unit or another function and waits on: here that is a refusal at once,
after which the connection is closed, for what comes next on it could be anything.

pymodbus renames things in minor versions: its version is bound in ``pyproject.toml``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.setting import Setting
from pvsmqtt.sources.modbus_master.refusal import EXCEPTIONS, Refusal, Refused, of_error

READS: dict[Table, Any] = {
    Table.HOLDING_REGISTERS: ReadHoldingRegistersRequest,
    Table.INPUT_REGISTERS: ReadInputRegistersRequest,
}
"""All that can be asked."""

READ_CODES = frozenset(request.function_code for request in READS.values())
_EXCEPTION = 0x80
_MBAP = 6
"""Bytes before the unit in a packet of Modbus TCP."""

_LONGEST = 260
"""Bytes of the longest packet there is (MODBUS Messaging on TCP/IP V1.0b, 3.1.3; of Modbus RTU: 256)."""

_TURNING = b"\0\xff"
"""What a line without bias resistors makes of the moment in which it is handed over; no unit has such a number."""

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # what went wrong is told here, in other words


@dataclass(frozen=True, slots=True)
class Network:
    """Where equipment answers; ``rtu`` for a serial server that passes on telegrams as they are."""

    host: str
    port: int
    rtu: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Serial:
    """A serial adapter, and how the line is set."""

    path: str
    setting: Setting

    def __str__(self) -> str:
        return self.path


Place = Network | Serial


class Guard:
    """Looks at every packet: nothing but a read leaves, and nothing but the answer to it comes in."""

    def __init__(self, mbap: bool) -> None:
        self.sent = self.received = 0
        """Bytes."""
        self.doubt: Refusal | None = None
        self.wake: asyncio.Event = asyncio.Event()
        self._unit_at = _MBAP if mbap else 0
        self.overhead = 9 if mbap else 5
        """Bytes of an answer beside its registers."""
        self._mbap = mbap
        self._asked = b""

    def packet(self, sending: bool, data: bytes) -> bytes:
        """What pymodbus may do with this packet."""
        if sending:
            return self._out(data)
        if not self._mbap:
            data = data.lstrip(_TURNING)
        wrong = self._wrong(data)
        if wrong is None:
            return data
        self.refuse(wrong)
        return b""

    def _out(self, data: bytes) -> bytes:
        if data[self._unit_at + 1] not in READ_CODES:
            raise AssertionError("only reads are ever sent")
        self._asked = data
        self.sent += len(data)
        return data

    def refuse(self, reason: Refusal) -> None:
        """The connection is in doubt from here on."""
        self.doubt = self.doubt or reason
        self.wake.set()

    def _wrong(self, data: bytes) -> Refusal | None:
        """What is wrong with what has come so far; None while it can be the answer."""
        at, asked = self._unit_at, self._asked
        if self._mbap:
            if data[2:4] not in (b"", b"\0", b"\0\0") or (len(data) > 5 and not 3 <= _length(data) <= 254):
                return Refusal.NOT_MODBUS
            if len(data) >= 2 and data[:2] != asked[:2]:
                return Refusal.WRONG_TRANSACTION
        if len(data) > at and data[at : at + 1] != asked[at : at + 1]:
            return Refusal.WRONG_TRANSACTION
        function = data[at + 1 : at + 2]
        if function and function[0] & ~_EXCEPTION != asked[at + 1]:
            return Refusal.WRONG_TRANSACTION
        return None


def _length(data: bytes) -> int:
    return int.from_bytes(data[4:6], "big")


class Door:
    """One connection; opened when something is read, closed when it is in doubt."""

    def __init__(self, place: Place, timeout: float) -> None:
        self.place = place
        self.name = str(place)
        self.requests = self.connects = 0
        self._timeout = timeout
        self._client: Any = None
        self._guard = self._new_guard()
        self._sent = self._received = 0

    @property
    def bytes(self) -> tuple[int, int]:
        """Sent and received since the start, Modbus packets alone."""
        return self._sent + self._guard.sent, self._received + self._guard.received

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as anybody knows."""
        return self._client is not None and self._client.connected

    async def read(
        self, unit: int, address: int, count: int, table: Table = Table.HOLDING_REGISTERS
    ) -> tuple[int, ...]:
        """The registers, 1 to 125.

        Raises:
            Refused: it was not told.
        """
        if self._guard.doubt is not None:  # something came that nobody had asked for
            await self.close()
        if not self.is_open:
            await self._open()
        self.requests += 1
        guard = self._guard
        request = READS[table](address=address, count=count, dev_id=unit)
        what = f"{self.name} unit {unit}, registers {address} to {address + count - 1}"
        asking = asyncio.ensure_future(self._client.execute(False, request))
        waking = asyncio.ensure_future(guard.wake.wait())
        try:
            await asyncio.wait({asking, waking}, timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED)
            if guard.doubt is not None:
                raise Refused(guard.doubt, what)
            if not asking.done():
                raise Refused(Refusal.TIMEOUT, f"{what}: no answer in {self._timeout:g} s")
            return self._told(asking.result(), count, what)
        except (ModbusException, OSError) as error:
            await self.close()
            raise Refused(Refusal.CLOSED, f"{what}: {error}") from None
        except Refused as refused:
            if refused.reason not in EXCEPTIONS.values() and refused.reason is not Refusal.OTHER:
                await self.close()
            raise
        except BaseException:  # cancelled in the middle of a telegram: what comes next would answer nobody
            await self.close()
            raise
        finally:
            for task in (asking, waking):
                task.cancel()
            await asyncio.gather(asking, waking, return_exceptions=True)

    async def close(self) -> None:
        """Hang up. The next read opens the connection again."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                client.close()

    def _told(self, response: Any, count: int, what: str) -> tuple[int, ...]:
        self._guard.received += self._guard.overhead + (0 if response.isError() else 2 * count)
        if response.isError():
            code = int(response.exception_code)
            raise Refused(EXCEPTIONS.get(code, Refusal.OTHER), f"{what}: exception {code}")
        registers = tuple(response.registers)
        if len(registers) != count:
            raise Refused(Refusal.WRONG_TRANSACTION, f"{what}: {len(registers)} registers came for {count}")
        return registers

    def _new_guard(self) -> Guard:
        return Guard(mbap=isinstance(self.place, Network) and not self.place.rtu)

    async def _open(self) -> None:
        self._sent, self._received = self.bytes
        self._guard = self._new_guard()
        client = self._client = self._made(self._guard)
        client.ctx.data_received = _unharmed(client.ctx.data_received, self._guard)
        self.connects += 1
        try:
            async with asyncio.timeout(self._timeout):
                # What `connect` of pymodbus does, but that tells no reason, and in Python 3.11 its way of waiting
                # can swallow that somebody cancels.
                client.ctx.transport, _ = await client.ctx.call_create()
            await self._opened(client.ctx.transport)
        except Exception as error:
            await self.close()
            raise of_error(error, self.name) from None
        except BaseException:
            await self.close()
            raise

    async def _opened(self, transport: Any) -> None:
        if isinstance(self.place, Serial):  # two more steps follow, in which it must not be closed
            for _ in range(2):
                await asyncio.sleep(0)
        elif (connection := transport.get_extra_info("socket")) is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def _made(self, guard: Guard) -> Any:
        def gone(connected: bool) -> None:
            if not connected:
                guard.refuse(Refusal.CLOSED)

        how: dict[str, Any] = {
            "timeout": 2 * self._timeout + 1,  # the door's own time-outs come first, and say more
            "retries": 0,
            "reconnect_delay": 0,
            "trace_packet": guard.packet,
            "trace_connect": gone,
        }
        place = self.place
        if isinstance(place, Serial):
            setting = place.setting
            return AsyncModbusSerialClient(
                place.path, baudrate=setting.baudrate, parity=setting.parity, stopbits=setting.stopbits, **how
            )
        framer = FramerType.RTU if place.rtu else FramerType.SOCKET
        return AsyncModbusTcpClient(place.host, port=place.port, framer=framer, **how)


def _unharmed(received: Callable[[bytes], None], guard: Guard) -> Callable[[bytes], None]:
    """What is longer than anything can be, or cannot be decoded, is a refusal, and neither silence nor an exception
    in the middle of the event loop."""

    def unharmed(data: bytes) -> None:
        if len(data) > _LONGEST:
            guard.refuse(Refusal.NOT_MODBUS)
            return
        try:
            received(data)
        except Exception:
            guard.refuse(Refusal.NOT_MODBUS)

    return unharmed
