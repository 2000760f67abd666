"""The registers of a unit as they are now, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pvsmqtt.simulator.modbus_server.codes import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, READS
from pvsmqtt.simulator.pvs.house.state import HouseState

Image = Callable[[HouseState], Mapping[int, int]]


@dataclass
class Unit:
    """One unit. All its registers are of one table, unless ``functions`` has more than one code."""

    image: Image
    gaps: bool = False
    """Whether registers that are not there are told as 0, if one that is there is read with them or not."""
    spans: Callable[[HouseState], Sequence[range]] | None = None
    """Ranges that no read may go beyond; None is no such limit."""
    refused: Mapping[int, int] = field(default_factory=dict)
    """Exceptions by address, for a read that touches it."""
    functions: Sequence[int] = READS

    def read(self, function: int, address: int, count: int, state: HouseState) -> list[int] | int:
        """Registers, or the code of an exception."""
        if function not in self.functions:
            return ILLEGAL_FUNCTION
        wanted = range(address, address + count)
        for refused, code in self.refused.items():
            if refused in wanted:
                return code
        registers = self.image(state)
        if not self.gaps and any(one not in registers for one in wanted):
            return ILLEGAL_ADDRESS
        if self.spans is not None and not any(wanted[0] in span and wanted[-1] in span for span in self.spans(state)):
            return ILLEGAL_ADDRESS
        return [registers.get(one, 0) for one in wanted]
