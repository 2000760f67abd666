"""A unit on the bus: an image of registers that follows the house, what was written to it, and its refusals."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import HouseState
from pvsmqtt.simulator.rs485 import boards, frames, sunspec
from pvsmqtt.simulator.rs485.frames import Request

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
MOST_REGISTERS = 125
"""That one frame can read."""


@dataclass
class Unit:
    """One unit. All its registers are of one table, which one function code reads."""

    reads: int
    """Function code: 3 or 4."""
    image: Callable[[HouseState], dict[int, int]]
    writable: Collection[int] = ()
    written: dict[int, int] = field(default_factory=dict)
    _known: tuple[HouseState | None, dict[int, int]] = field(default=(None, {}), init=False)

    def answer(self, request: Request, state: HouseState) -> bytes:
        """The response, which may be a refusal."""
        if request.function == self.reads:
            return self._read(request, state)
        if request.function in (frames.WRITE_ONE, frames.WRITE_MANY) and self.writable:
            addresses = range(request.address, request.address + len(request.values))
            if not set(addresses) <= set(self.writable):
                return frames.refusal(request, ILLEGAL_ADDRESS)
            self.written.update(zip(addresses, request.values, strict=True))
            return frames.answer(request)
        return frames.refusal(request, ILLEGAL_FUNCTION)

    def _read(self, request: Request, state: HouseState) -> bytes:
        if not 1 <= request.count <= MOST_REGISTERS:
            return frames.refusal(request, ILLEGAL_VALUE)
        if self._known[0] is not state:
            self._known = (state, self.image(state))
        registers = self._known[1] | self.written
        addresses = range(request.address, request.address + request.count)
        if any(address not in registers for address in addresses):
            return frames.refusal(request, ILLEGAL_ADDRESS)
        return frames.answer(request, [registers[address] for address in addresses])


def of_house(house: House) -> dict[int, Unit]:
    """The units of a house with a SunVault, by number."""
    units = {board.unit: Unit(board.function, board.image) for board in boards.BOARDS}
    units[boards.MIO].writable = (boards.HEARTBEAT,)
    rates = sunspec.point(124, "OutWRte")
    units[sunspec.UNIT] = Unit(
        frames.READ_HOLDING, lambda state: sunspec.image(state, house.serials.storage), (rates, rates + 1)
    )
    return units
