"""Registers that were seen to be read or written."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Table(StrEnum):
    """The four tables of a Modbus unit."""

    COILS = "coils"
    DISCRETE_INPUTS = "discrete_inputs"
    HOLDING_REGISTERS = "holding"
    INPUT_REGISTERS = "input"


class RegisterBlock(NamedTuple):
    """Consecutive registers (0 to 65535 each; coils and discrete inputs 0 or 1) of one table of one unit."""

    unit: int
    table: Table
    address: int
    """Protocol address of the first one, from 0."""
    registers: tuple[int, ...]
    when: float
    """When the response that told or confirmed them was heard."""
    written: bool = False
    """Written by the master, rather than read."""
    also: RegisterBlock | None = None
    """What the same exchange wrote besides (function code 23)."""
