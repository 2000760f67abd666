"""A request in, the bytes to send back out: what all transports share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from pvsmqtt.simulator.modbus_server.answers import Answers, Asked, Framing
from pvsmqtt.simulator.modbus_server.codes import NO_ANSWER
from pvsmqtt.simulator.modbus_server.faults import CODES, Faults
from pvsmqtt.simulator.modbus_server.requests import Log
from pvsmqtt.simulator.modbus_server.story import Story
from pvsmqtt.simulator.modbus_server.units import Unit

OTHER = 7
"""Added to what is told wrongly."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Bytes, and whether the connection is closed after them."""

    data: bytes = b""
    closes: bool = False


@dataclass
class Station:
    """The units behind one port."""

    port: str
    """Its name in the log and in faults."""
    units: Mapping[int, Unit]
    story: Story
    faults: Faults
    log: Log
    framing: Framing = "socket"
    answers_for_all: bool = True
    """Whether a unit that is not there is answered for (exception 11), as a gateway does; else there is silence."""
    _answers: Answers = field(init=False)

    def __post_init__(self) -> None:
        self._answers = Answers(self.framing)

    def request(self, data: bytes) -> Asked | None:
        """The request that these bytes are; None when they are not a whole one."""
        return self._answers.request(data)

    async def reply(self, asked: Asked, connection: int) -> Reply:
        """What is sent back, once it is time to send it."""
        seen = self.log.note(asked, self.port, connection)
        unit, transaction = asked.unit, asked.transaction
        if unit not in self.units and not self.answers_for_all:
            return Reply()
        kind = None
        for fault in self.faults.meeting(self.port, asked):
            seen.fault = kind = fault.kind
            self.log.news.set()
            if kind == "slow":
                await asyncio.sleep(fault.seconds)
        if kind == "silent":
            return Reply()
        if kind == "drop":
            return Reply(closes=True)
        if kind in CODES:
            answer, seen.refused = self._answers.refusal(asked, CODES[kind]), CODES[kind]
        else:
            answer, seen.refused = await self._answers.answer(asked, self._read)
        self.log.refused += seen.refused is not None
        if kind == "transaction":
            transaction += OTHER
        if kind == "wrong-unit":
            unit = unit + OTHER if unit < 240 else unit - OTHER
        data = self._answers.build(answer, unit, transaction)
        if kind == "garbage":
            return Reply(self.faults.random.randbytes(len(data)))
        if kind == "half":
            return Reply(data[: len(data) // 2], closes=True)
        return Reply(data)

    async def _read(self, unit: int, function: int, address: int, count: int) -> list[int] | int:
        there = self.units.get(unit)
        return NO_ANSWER if there is None else there.read(function, address, count, self.story.state())
