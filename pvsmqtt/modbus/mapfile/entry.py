"""What a register map says, as values that do not change."""

from __future__ import annotations

from dataclasses import dataclass, field

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.values import WordOrder
from pvsmqtt.model.device import Kind

Number = int | float


@dataclass(frozen=True, slots=True)
class Entry:
    """One value: where it stands, how it is read, and what it means. See the room for the meaning of each."""

    units: tuple[int, ...]
    """In order, each once."""
    table: Table
    address: int
    type: str
    name: str
    """Lower-case letters, digits and ``_``; one name stands once in a unit."""
    length: int = 1
    """In registers."""
    word_order: WordOrder = "big"
    scale: Number = 1
    offset: Number = 0
    unit: str | None = None
    """Unit of measurement; that of the quantity, if there is one."""
    enum: dict[int, str] = field(default_factory=dict)
    bits: dict[int, str] = field(default_factory=dict)
    bit: int | None = None
    missing: tuple[int, ...] = ()
    min: Number | None = None
    max: Number | None = None
    quantity: str | None = None
    """A key of `pvsmqtt.model.quantity.QUANTITIES`."""
    kind: Kind | None = None
    source: str = ""
    """Where this fact comes from, if not from where the whole map does."""


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """All that one file says."""

    name: str
    source: str
    """Where the facts come from, and what is not certain about them."""
    entries: tuple[Entry, ...]
