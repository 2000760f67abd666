"""One request and one response: whether they fit each other, and what registers they tell together.

A write is taken from the request, for the response repeats only its place; a read has its place in the request and
its values in the response. Function code 22 tells no value: the register it masks is not known.
"""

from __future__ import annotations

from collections.abc import Callable

from pvsmqtt.modbus.block import RegisterBlock, Table
from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.pdu import Fields

READ_AND_WRITE = 23
READS = {
    1: Table.COILS,
    2: Table.DISCRETE_INPUTS,
    3: Table.HOLDING_REGISTERS,
    4: Table.INPUT_REGISTERS,
    READ_AND_WRITE: Table.HOLDING_REGISTERS,
}
WRITES = {
    5: Table.COILS,
    6: Table.HOLDING_REGISTERS,
    15: Table.COILS,
    16: Table.HOLDING_REGISTERS,
    READ_AND_WRITE: Table.HOLDING_REGISTERS,
}


def _so_many_bits(asked: Fields, told: Fields) -> bool:
    return bool(asked.count and told.bits and len(told.bits) == (asked.count + 7) // 8 * 8)


def _so_many_registers(asked: Fields, told: Fields) -> bool:
    return bool(asked.count and told.registers and len(told.registers) == asked.count)


def _same_place(asked: Fields, told: Fields) -> bool:
    return asked.address is not None and (asked.address, asked.count) == (told.address, told.count)


def _same(asked: Fields, told: Fields) -> bool:
    return asked == told


def _same_sub_function(asked: Fields, told: Fields) -> bool:
    return asked.sub_function is not None and asked.sub_function == told.sub_function


AGREE: dict[int, Callable[[Fields, Fields], bool]] = {
    1: _so_many_bits,
    2: _so_many_bits,
    3: _so_many_registers,
    4: _so_many_registers,
    5: _same,
    6: _same,
    8: _same_sub_function,
    15: _same_place,
    16: _same_place,
    21: _same,
    22: _same,
    23: _so_many_registers,
    43: _same_sub_function,
}
"""What must agree between request and response; of other functions nothing is known that would."""


def answers(request: Frame, asked: Fields, response: Frame, told: Fields) -> bool:
    """Whether a response can be the answer to a request to the same unit. ``asked`` and ``told`` are their fields."""
    if request.function != response.function:
        return False
    agree = AGREE.get(request.function) if response.exception is None else None
    return agree is None or agree(asked, told)


def told_by(request: Frame, asked: Fields, told: Fields, when: float) -> RegisterBlock | None:
    """What a request and its response, no exception, read or write; None if that is no register."""
    written = written_by(request, asked, when)
    table = READS.get(request.function)
    values = told.bits if told.registers is None else told.registers
    if table is None or not values or asked.address is None:
        return written
    return RegisterBlock(request.unit, table, asked.address, values[: asked.count], when, also=written)


def written_by(request: Frame, asked: Fields, when: float) -> RegisterBlock | None:
    """What a request writes, once it was obeyed; None if it writes no register."""
    table = WRITES.get(request.function)
    address = asked.address if asked.write_address is None else asked.write_address
    values = asked.bits if asked.registers is None else asked.registers
    if table is None or address is None or not values:
        return None
    return RegisterBlock(request.unit, table, address, values, when, written=True)
