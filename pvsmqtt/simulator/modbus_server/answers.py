"""The only module that names pymodbus, which renames things in minor versions: bytes to requests, answers to bytes.

A read is decoded, checked and answered by pymodbus's own request classes; they ask `read` for the registers. Whatever
else is asked is refused: a count that cannot be with exception 3, another function with exception 1.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusIOException
from pymodbus.framer import FRAMER_NAME_TO_CLASS, FramerType
from pymodbus.pdu import DecodePDU, ExceptionResponse

from pvsmqtt.simulator.modbus_server.codes import ILLEGAL_FUNCTION, ILLEGAL_VALUE, READS

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

Framing = Literal["socket", "rtu"]
Read = Callable[[int, int, int, int], Awaitable[list[int] | int]]
"""Unit, function code, address, count -> registers, or the code of an exception."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. ``address`` and ``count`` are 0 where it has none that can be understood; it has no ``pdu`` then."""

    unit: int
    function: int
    address: int
    count: int
    transaction: int
    pdu: Any

    @property
    def is_read(self) -> bool:
        """Whether registers are read, and nothing else is done."""
        return self.function in READS


class Answers:
    """Requests out of bytes and answers into bytes, in one framing."""

    def __init__(self, framing: Framing) -> None:
        self._framer = FRAMER_NAME_TO_CLASS[FramerType(framing)](DecodePDU(True))

    def request(self, data: bytes) -> Asked | None:
        """The request that these bytes are; None when they are not a whole one."""
        try:
            _, pdu = self._framer.handleFrame(data, 0, 0)
        except ModbusIOException as error:
            return Asked(error.dev_id, _function(self._framer, data), 0, 0, error.transaction_id, None)
        if pdu is None:
            return None
        count = pdu.count or len(pdu.registers or pdu.bits or ())
        return Asked(pdu.dev_id, pdu.function_code, pdu.address, count, pdu.transaction_id, pdu)

    async def answer(self, asked: Asked, read: Read) -> tuple[Any, int | None]:
        """The answer and the code of the exception that it is, if it is one."""
        if not asked.is_read or asked.pdu is None:
            code = ILLEGAL_VALUE if asked.is_read else ILLEGAL_FUNCTION
            return self.refusal(asked, code), code
        pdu = await asked.pdu.datastore_update(_Context(read), asked.unit)
        return pdu, pdu.exception_code if isinstance(pdu, ExceptionResponse) else None

    def refusal(self, asked: Asked, code: int) -> Any:
        """An exception."""
        return ExceptionResponse(asked.function, code)

    def build(self, answer: Any, unit: int, transaction: int) -> bytes:
        """The bytes of an answer from this unit to this transaction."""
        answer.dev_id, answer.transaction_id = unit, transaction & 0xFFFF
        return self._framer.buildFrame(answer)


class _Context:
    """What pymodbus's requests ask for registers."""

    def __init__(self, read: Read) -> None:
        self._read = read

    async def async_getValues(self, unit: int, function: int, address: int, count: int) -> list[int] | ExcCodes:
        """Registers, or why not."""
        found = await self._read(unit, function, address, count)
        return ExcCodes(found) if isinstance(found, int) else found


def _function(framer: Any, data: bytes) -> int:
    """The function code of a request that pymodbus does not know."""
    place = 7 if isinstance(framer, FRAMER_NAME_TO_CLASS[FramerType.SOCKET]) else 1
    return data[place] if len(data) > place else 0
