"""The master of the bus, as a supervisor polls: a burst of requests, then silence until the next one.

    start   the chain of unit 10, header by header, as after a restart of the supervisor
    burst   everybody once; now and then a write, an address that is refused, a unit that is not there

A request without answer is sent again once; the unit's silence costs the whole time-out. Times are bus seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import HouseState
from pvsmqtt.simulator.rs485 import boards, frames, sunspec, units
from pvsmqtt.simulator.rs485.frames import Request

INTERVAL = 15.0
"""Seconds from burst to burst: the default of a supervisor."""

TURNAROUND = (0.003, 0.012)
"""Seconds that a unit thinks."""

PAUSE = (0.004, 0.03)
"""Seconds that the master lets pass between exchanges: more than 3.5 characters at 9600 baud and above."""

TIMEOUT = 0.5
RETRIES = 1
SILENT = 0.004
"""Share of the reads that a unit which is there does not answer. Writes are always answered: request, retry and
response would be three equal frames, which nobody can tell apart by content."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame that somebody put on the bus, and when its first bit was there."""

    at: float
    adu: bytes
    is_response: bool


def at_start() -> Iterator[Request]:
    """The walk along the chain: its anchor, every header, the whole of model 1."""
    read = frames.READ_HOLDING
    yield Request(sunspec.UNIT, read, sunspec.BASE, 2)
    for model, (address, length) in sunspec.PLACES.items():
        yield Request(sunspec.UNIT, read, address, 2)
        if model == 1:
            yield Request(sunspec.UNIT, read, address + 2, length)
    yield Request(sunspec.UNIT, read, sunspec.LAST, 2)


def of_burst(number: int) -> Iterator[Request]:
    """What is asked in the burst of this number (from 0)."""
    for board in boards.BOARDS:
        yield Request(board.unit, board.function, board.first, board.count)
    if number % 2 == 0:
        yield Request(boards.MIO, frames.WRITE_ONE, boards.HEARTBEAT, values=(number // 2 & 0xFFFF,))
    if number % 3 == 1:
        yield Request(boards.PV_DISCONNECT, frames.READ_HOLDING, 500, 4)  # refused: there is nothing
    if number % 4 == 2:
        yield Request(boards.ABSENT, frames.READ_HOLDING, 200, 18)
    inverter, storage, battery = (sunspec.PLACES[model] for model in (102, 124, 802))
    yield Request(sunspec.UNIT, frames.READ_HOLDING, inverter[0] + 2, inverter[1])
    yield Request(sunspec.UNIT, frames.READ_HOLDING, battery[0] + 2, battery[1])
    if number % 4 == 0:
        yield Request(sunspec.UNIT, frames.READ_HOLDING, storage[0] + 2, storage[1])
    if number % 5 == 3:
        rates = sunspec.point(124, "OutWRte")
        share = 10_000 - number % 50 * 100
        yield Request(sunspec.UNIT, frames.WRITE_MANY, rates, values=(share, share))


class Master:
    """Burst by burst; the same seed gives the same bursts of the same states."""

    def __init__(self, house: House, speed: Setting, seed: int = 1) -> None:
        self._units = units.of_house(house)
        self._character = speed.character_time
        self._random = Random(f"bus {seed}")

    def burst(self, number: int, at: float, state: HouseState) -> Iterator[Sent]:
        """The frames of one burst that begins at ``at``, while the house is in this state."""
        for request in (*(at_start() if number == 0 else ()), *of_burst(number)):
            for _ in range(1 + RETRIES):
                yield (asked := Sent(at, request.adu, False))
                at = self._end(asked)
                answered = self._answer(request, at, state)
                if answered is not None:
                    yield answered
                    at = self._end(answered)
                    break
                at += 0 if request.unit == frames.BROADCAST else TIMEOUT
            at += self._random.uniform(*PAUSE)

    def _answer(self, request: Request, at: float, state: HouseState) -> Sent | None:
        unit = self._units.get(request.unit)
        if unit is None or (not request.values and self._random.random() < SILENT):
            return None
        return Sent(at + self._random.uniform(*TURNAROUND), unit.answer(request, state), True)

    def _end(self, sent: Sent) -> float:
        return sent.at + len(sent.adu) * self._character
