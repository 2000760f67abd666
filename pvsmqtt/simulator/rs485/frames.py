"""Modbus RTU frames as a master and its units send them.

    unit | function code | data | CRC        4 to 256 bytes

This is the only place of the product that builds frames: whatever listens has no use for them. Source: Modbus
application protocol V1.1b3, chapter 6.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from pvsmqtt.modbus.crc import sealed

READ_HOLDING, READ_INPUT, WRITE_ONE, WRITE_MANY = 3, 4, 6, 16
BROADCAST = 0


@dataclass(frozen=True, slots=True)
class Request:
    """What a master asks for: ``count`` registers to read, or ``values`` to write."""

    unit: int
    function: int
    address: int
    count: int = 1
    values: tuple[int, ...] = ()

    @property
    def adu(self) -> bytes:
        """The frame."""
        if self.function == WRITE_ONE:
            return _frame(self.unit, self.function, struct.pack(">HH", self.address, self.values[0]))
        if self.function == WRITE_MANY:
            head = struct.pack(">HHB", self.address, len(self.values), 2 * len(self.values))
            return _frame(self.unit, self.function, head + _words(self.values))
        return _frame(self.unit, self.function, struct.pack(">HH", self.address, self.count))


def answer(request: Request, registers: Sequence[int] = ()) -> bytes:
    """The response to a request; ``registers`` (0 to 65535) are those that were asked for."""
    if request.function == WRITE_ONE:
        return request.adu
    if request.function == WRITE_MANY:
        return _frame(request.unit, request.function, struct.pack(">HH", request.address, len(request.values)))
    return _frame(request.unit, request.function, bytes((2 * len(registers),)) + _words(registers))


def refusal(request: Request, code: int) -> bytes:
    """An exception: 1 function, 2 address, 3 value not known to the unit."""
    return _frame(request.unit, request.function | 0x80, bytes((code,)))


def _frame(unit: int, function: int, data: bytes) -> bytes:
    return sealed(bytes((unit, function)) + data)


def _words(values: Sequence[int]) -> bytes:
    return struct.pack(f">{len(values)}H", *values)
