"""Answers with the requests that they answer."""

from __future__ import annotations

from dataclasses import asdict

from helpers_packets import adu, exception, read, registers, write_many, write_one, written

from pvsmqtt.modbus.block import RegisterBlock, Table
from pvsmqtt.modbus.mbap import Adu, MbapStream
from pvsmqtt.modbus.transactions import OPEN, PATIENCE, Tally, Told, Transactions

HOLDING = Table.HOLDING_REGISTERS


class Connection:
    """One connection; packets are numbered as they come."""

    def __init__(self) -> None:
        self.pairing = Transactions()
        self.now, self.packet = 100.0, 0

    @property
    def tally(self) -> Tally:
        return self.pairing.tally

    def _adu(self, data: bytes, responses: bool) -> Adu:
        stream = MbapStream(responses)
        stream.begins()
        self.packet += 1
        self.now += 0.01
        (one,) = stream.feed(data, self.now, self.packet)
        return one

    def ask(self, data: bytes) -> Told:
        return self.pairing.request(self._adu(data, False))

    def answer(self, data: bytes, packet: int | None = None) -> Told:
        one = self._adu(data, True)
        return self.pairing.response(one if packet is None else one._replace(packet=packet))


def test_a_read() -> None:
    line = Connection()
    asked = line.ask(read(7, 10, 40070, 2))
    told = line.answer(registers(7, 10, 5, 6))
    assert told.request == asked.frame
    assert told.block == RegisterBlock(10, HOLDING, 40070, (5, 6), line.now)
    assert asdict(line.tally) | {"requests": 1, "responses": 1, "paired": 1} == asdict(line.tally)


def test_writes_are_told_when_they_are_confirmed() -> None:
    line = Connection()
    assert line.ask(write_many(1, 10, 40220, 5, 6)).block is None
    assert line.answer(written(1, 10, 40220, 2)).block == RegisterBlock(
        10, HOLDING, 40220, (5, 6), line.now, written=True
    )
    line.ask(write_one(2, 1, 40313, 9))
    told = line.answer(write_one(2, 1, 40313, 9)).block
    assert told is not None
    assert (told.registers, told.written) == ((9,), True)


def test_several_at_once_answered_in_any_order() -> None:
    line = Connection()
    for n in range(8):
        line.ask(read(n, 10, 100 * n, 1))
    addresses = []
    for n in (5, 0, 7, 1, 2, 6, 4, 3):
        block = line.answer(registers(n, 10, n)).block
        assert block is not None
        addresses.append((block.address, block.registers))
    assert addresses == [(100 * n, (n,)) for n in (5, 0, 7, 1, 2, 6, 4, 3)]
    assert line.tally.late == line.tally.unpaired == 0


def test_unit_and_function_must_fit() -> None:
    line = Connection()
    line.ask(read(1, 10, 0, 1))
    for wrong in (registers(1, 11, 5), registers(1, 10, 5, function=4), registers(2, 10, 5)):
        assert line.answer(wrong).request is None
    assert line.answer(registers(1, 10, 5)).block is not None
    assert line.tally.unpaired == 3


def test_what_contradicts_its_request_is_not_taken() -> None:
    line = Connection()
    line.ask(read(1, 10, 0, 2))
    assert line.answer(registers(1, 10, 5)).block is None
    assert (line.tally.contradictions, line.tally.unpaired) == (1, 1)
    line.ask(write_many(2, 10, 5, 1, 2))
    assert line.answer(written(2, 10, 6, 2)).block is None


def test_an_answer_counts_once() -> None:
    line = Connection()
    line.ask(read(1, 10, 0, 1))
    assert line.answer(registers(1, 10, 5)).block is not None
    assert line.answer(registers(1, 10, 6)).block is None
    assert (line.tally.paired, line.tally.unpaired) == (1, 1)


def test_exceptions() -> None:
    line = Connection()
    line.ask(read(1, 10, 0, 1))
    told = line.answer(exception(1, 10, 3, 2))
    assert told.request is not None
    assert told.block is None
    assert line.tally.exceptions == {(10, 2): 1}
    assert line.tally.timeouts == {}


def test_timeouts_by_unit() -> None:
    line = Connection()
    line.ask(read(1, 10, 0, 1))
    line.ask(read(2, 230, 0, 1))
    line.answer(registers(2, 230, 5))
    line.pairing.expire(line.now + PATIENCE - 0.1)
    assert line.tally.timeouts == {}
    line.pairing.expire(line.now + PATIENCE + 0.1)
    line.pairing.expire(line.now + 2 * PATIENCE)
    assert line.tally.timeouts == {10: 1}
    told = line.answer(registers(1, 10, 9))
    assert told.block is not None, "the id tells whose answer it is, however late"
    assert line.tally.late == 1


def test_an_id_that_is_used_again() -> None:
    """Some clients never change it."""
    line = Connection()
    line.ask(read(0, 10, 100, 1))
    line.ask(read(0, 10, 200, 1))
    block = line.answer(registers(0, 10, 5)).block
    assert block is not None
    assert block.address == 200
    assert line.tally.timeouts == {10: 1}


def test_an_answer_that_is_recognised_late_belongs_to_what_was_asked_before_it_came() -> None:
    line = Connection()
    line.ask(read(0, 10, 100, 1))
    line.packet += 1  # its answer came in packet 2
    line.ask(read(0, 10, 200, 1))
    block = line.answer(registers(0, 10, 5), packet=2).block
    assert block is not None
    assert block.address == 100
    block = line.answer(registers(0, 10, 6)).block
    assert block is not None
    assert block.address == 200


def test_a_retry_is_no_time_out() -> None:
    line = Connection()
    for _ in range(3):
        line.ask(read(1, 10, 0, 1))
    assert line.answer(registers(1, 10, 5)).block is not None
    assert (line.tally.requests, line.tally.retries) == (3, 2)
    line.pairing.close()
    assert line.tally.timeouts == {}


def test_the_end_of_a_connection() -> None:
    line = Connection()
    line.ask(read(1, 10, 0, 1))
    line.pairing.close()
    assert line.tally.timeouts == {10: 1}
    assert line.answer(registers(1, 10, 5)).block is None


def test_where_answers_were_missed_nobody_knows() -> None:
    line = Connection()
    line.ask(read(1, 10, 0, 1))
    line.ask(read(2, 10, 1, 1))
    line.pairing.missed_answers()
    assert line.answer(registers(2, 10, 5)).block is not None
    line.pairing.close()
    assert (line.tally.spoiled, line.tally.timeouts) == (1, {})


def test_unit_0_is_answered_like_any_other() -> None:
    line = Connection()
    line.ask(read(1, 0, 0, 1))
    assert line.answer(registers(1, 0, 5)).block is not None


def test_functions_without_registers() -> None:
    line = Connection()
    line.ask(adu(1, 1, 43, b"\x0e\x01\x00"))
    told = line.answer(adu(1, 1, 43, b"\x0e\x01\x01\x00\x00\x01\x00\x03abc"))
    assert told.request is not None
    assert told.block is None


def test_memory_is_bounded() -> None:
    line = Connection()
    for n in range(10 * OPEN):
        line.ask(read(n, 10, n, 1))
    assert line.pairing.waiting <= OPEN
    assert line.tally.timeouts[10] == 9 * OPEN
