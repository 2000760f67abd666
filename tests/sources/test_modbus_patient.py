"""Patience with equipment, by a clock that only sleeping moves."""

from __future__ import annotations

import pytest
from helpers_master import HOLDING, Clock, FakeDoor, FakeUnit

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.plan import Span
from pvsmqtt.sources.modbus_master.patient import BUSY_TRIES, SLOWEST, Patient
from pvsmqtt.sources.modbus_master.refusal import Refusal, Refused


class Door(FakeDoor):
    """Answers as a script says."""

    def __init__(self, *script: Refusal | None) -> None:
        super().__init__({1: FakeUnit(dict.fromkeys(range(10), 7))})
        self.script = list(script)

    async def read(self, unit: int, address: int, count: int, table: Table = HOLDING) -> tuple[int, ...]:
        refusal = self.script.pop(0) if self.script else None
        if refusal is not None:
            self.asked.append((unit, table, address, count))
            self.is_open = self.is_open and refusal is Refusal.BUSY
            raise Refused(refusal, "script")
        self.is_open = True
        return await super().read(unit, address, count, table)


def patient(door: Door, clock: Clock, pause: float = 0.05) -> Patient:
    return Patient(door, pause, clock.monotonic, clock.sleep)


SPAN = Span(0, 2)


async def test_a_pause_lies_between_two_requests_and_none_before_the_first() -> None:
    clock = Clock()
    reading = patient(Door(), clock)
    assert await reading.read(1, SPAN) == (7, 7)
    assert clock.slept == []
    await reading.read(1, SPAN)
    assert clock.slept == pytest.approx([0.05])
    clock.now += 3
    await reading.read(1, SPAN)
    assert clock.slept == pytest.approx([0.05]), "time that passed anyway is pause enough"


async def test_a_pause_lies_behind_a_refusal_too() -> None:
    clock = Clock()
    reading = patient(Door(Refusal.ADDRESS), clock)
    with pytest.raises(Refused):
        await reading.read(1, SPAN)
    await reading.read(1, SPAN)
    assert clock.slept == pytest.approx([0.05])


async def test_who_is_busy_is_asked_later_and_less_often_for_a_while() -> None:
    clock = Clock()
    door = Door(Refusal.BUSY, Refusal.BUSY)
    reading = patient(door, clock)
    began = clock.now
    assert await reading.read(1, SPAN) == (7, 7)
    assert clock.now - began == pytest.approx(0.5 + 1.0)
    mark = len(clock.slept)
    for _ in range(60):
        await reading.read(1, SPAN)
    pauses = clock.slept[mark:]
    assert pauses[0] > 0.3, "the pauses are longer now"
    assert pauses == sorted(pauses, reverse=True)
    assert pauses[-1] == pytest.approx(0.05), "and get back to what they were"


async def test_who_stays_busy_is_given_up_after_a_few_tries() -> None:
    clock = Clock()
    door = Door(*[Refusal.BUSY] * 50)
    reading = patient(door, clock)
    for round_ in range(1, 9):
        with pytest.raises(Refused) as caught:
            await reading.read(1, SPAN)
        assert caught.value.reason is Refusal.BUSY
        assert len(door.asked) == round_ * BUSY_TRIES
    assert max(clock.slept) <= SLOWEST


async def test_a_connection_that_was_closed_in_the_meantime_is_opened_again_once() -> None:
    door = Door(Refusal.CLOSED)
    assert await patient(door, Clock()).read(1, SPAN) == (7, 7)
    door = Door(Refusal.CLOSED, Refusal.CLOSED)
    with pytest.raises(Refused) as caught:
        await patient(door, Clock()).read(1, SPAN)
    assert caught.value.reason is Refusal.CLOSED
    assert len(door.asked) == 2


async def test_a_connection_that_was_just_opened_and_closed_is_not_tried_again() -> None:
    door = Door(Refusal.CLOSED)
    door.is_open = False
    with pytest.raises(Refused):
        await patient(door, Clock()).read(1, SPAN)
    assert len(door.asked) == 1


@pytest.mark.parametrize("reason", sorted(set(Refusal) - {Refusal.BUSY, Refusal.CLOSED}))
async def test_everything_else_is_told_at_once(reason: Refusal) -> None:
    door = Door(reason)
    with pytest.raises(Refused):
        await patient(door, Clock()).read(1, SPAN)
    assert len(door.asked) == 1
