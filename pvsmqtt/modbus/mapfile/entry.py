"""What a register map says, as values that do not change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.values import WordOrder
from pvsmqtt.model.device import Kind

Number = int | float
Transport = Literal["rtu", "conext"]
"""How units are reached: an RS-485 line, or the native port of a Conext Gateway. A unit number is of one of them."""
TRANSPORTS: Sequence[Transport] = get_args(Transport)
Fact = Literal["serial", "model", "manufacturer", "sw_version", "hw_version"]
"""What a text says of the device: a field of `pvsmqtt.model.device.Device`."""
FACTS: Sequence[Fact] = get_args(Fact)


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
    fact: Fact | None = None
    live: bool = True
    """Whether equipment is known to fill it; what is not is read only when its owner wants everything."""
    source: str = ""
    """Where this fact comes from, if not from where the whole map does."""


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """All that one file says."""

    name: str
    source: str
    """Where the facts come from, and what is not certain about them."""
    entries: tuple[Entry, ...]
    transport: Transport = "rtu"
    products: tuple[str, ...] = ()
    """How the product ids (FGA numbers) of the equipment begin that it is for; none: it goes by unit number alone."""

    def with_word_order(self, order: WordOrder) -> RegisterMap:
        """The same map for equipment that has its words the other way round, every entry of it."""
        return replace(self, entries=tuple(replace(entry, word_order=order) for entry in self.entries))

    def of_live(self) -> RegisterMap:
        """The same map, in which only what equipment is known to fill is a quantity."""
        return replace(
            self, entries=tuple(entry if entry.live else replace(entry, quantity=None) for entry in self.entries)
        )

    def for_unit(self, unit: int) -> RegisterMap:
        """The same map for this unit, whatever its number, and no other."""
        return replace(self, entries=tuple(replace(entry, units=(unit,)) for entry in self.entries))
