"""Whatever equipment answers, a reader never fails, and waits and requests are bounded."""

from __future__ import annotations

import asyncio
from typing import Any

from helpers_master import HOLDING, SUNS, Clock, FakeDoor, chain, common, inverter, native, reader_of
from hypothesis import given, settings
from hypothesis import strategies as st

from pvsmqtt.modbus.block import Table
from pvsmqtt.sources.modbus_master.refusal import EXCEPTIONS, Refusal, Refused

REASONS = sorted({*EXCEPTIONS.values(), Refusal.OTHER, Refusal.TIMEOUT, Refusal.CLOSED, Refusal.WRONG_TRANSACTION,
                  Refusal.NOT_MODBUS, Refusal.REFUSED, Refusal.UNREACHABLE})  # fmt: skip
WORDS = st.one_of(st.sampled_from([0, 1, 2, 0xFFFF, 0x8000, 50, 66, 103, 160, 802, *SUNS]), st.integers(0, 0xFFFF))
GOOD = {**chain(common(), inverter(), (160, [0] * 8 + [0] * 40), (803, [2] + [0] * 89)), **native()}


class Whim(FakeDoor):
    """Answers rightly, wrongly, or with a refusal, as hypothesis wants."""

    def __init__(self, data: st.DataObject, clock: Clock) -> None:
        super().__init__({}, clock=clock)
        self.data = data

    async def read(self, unit: int, address: int, count: int, table: Table = HOLDING) -> tuple[int, ...]:
        assert 1 <= count <= 125
        assert address >= 0
        assert address + count <= 0x10000
        self.asked.append((unit, table, address, count))
        draw: Any = self.data.draw
        what = draw(st.sampled_from(["right", "right", "right", "wrong", "refused"]))
        if what == "refused":
            raise Refused(draw(st.sampled_from(REASONS)), "whim")
        told = [GOOD.get(at, 0) for at in range(address, address + count)]
        if what == "wrong":
            told[draw(st.integers(0, count - 1))] = draw(WORDS)
            told[0] = draw(WORDS)
        return tuple(told)


async def whatever(data: st.DataObject) -> None:
    clock = Clock()
    door = Whim(data, clock)
    reader = reader_of(door, clock, usual=(1, 10))
    for _ in range(4):
        clock.now += data.draw(st.sampled_from([15.0, 60.0, 3600.0]))
        mark, began = len(door.asked), clock.now
        readings = await reader.cycle(clock.moment)
        assert len(door.asked) - mark < 2500
        assert clock.now - began < 3600
        for reading in readings:
            assert reading.age is not None
            assert reading.age >= 0
            assert reading.measured_at is not None


@settings(max_examples=60)
@given(st.data())
def test_whatever_equipment_answers(data: st.DataObject) -> None:
    asyncio.run(whatever(data))
