"""Requests and their responses: each case by hand, random conversations, and the recorded streams."""

import random
import struct
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from helpers_modbus import adu, exception, read, registers, write_many, write_one, written
from helpers_samples import each_sample, frames_of, heard
from hypothesis import example, given
from hypothesis import strategies as st

from pvsmqtt.modbus.block import RegisterBlock, Table
from pvsmqtt.modbus.dialogue import DOUBTS, MANY, OPEN, RETRIES, SILENT_AFTER, SILENT_AT_MOST, SPOILED_BYTES, Dialogue
from pvsmqtt.modbus.frame import Frame

HOLDING, COILS = Table.HOLDING_REGISTERS, Table.COILS


class Line:
    """A line that is heard: a response is whatever stands after ``answer``."""

    def __init__(self) -> None:
        self.dialogue = Dialogue()
        self.now = 100.0
        self.offset = 0

    def ask(self, data: bytes, after: float = 0.2, *, echo: bool = False) -> RegisterBlock | None:
        return self._hear(data, after, response=False, echo=echo)

    def answer(self, data: bytes, after: float = 0.02) -> RegisterBlock | None:
        return self._hear(data, after, response=True)

    def junk(self, size: int) -> None:
        self.offset += size

    def _hear(self, data: bytes, after: float, *, response: bool, echo: bool = False) -> RegisterBlock | None:
        self.now += after
        refused = data[2] if data[1] & 0x80 else None
        frame = Frame(self.offset, data, data[0], data[1] & 0x7F, response, refused, self.now, echo)
        self.offset += len(data)
        return self.dialogue.observe(frame)

    @property
    def answered(self) -> bytes | None:
        return self.dialogue.request and self.dialogue.request.adu

    @property
    def counts(self) -> dict[str, int]:
        """Every counter that counted."""
        return {name: count for name, count in vars(self.dialogue.counters).items() if count}


@pytest.fixture
def line() -> Line:
    return Line()


# what a pair tells


@pytest.mark.parametrize(
    ("function", "table"), [(3, Table.HOLDING_REGISTERS), (4, Table.INPUT_REGISTERS)], ids=["holding", "input"]
)
def test_registers_have_the_address_of_their_request(line: Line, function: int, table: Table):
    assert line.ask(read(220, 100, 2, function)) is None
    block = line.answer(registers(220, 7, 65535, function=function))
    assert block == RegisterBlock(220, table, 100, (7, 65535), line.now)
    assert line.answered == read(220, 100, 2, function)
    assert line.counts == {"requests": 1, "responses": 1, "paired": 1}


@pytest.mark.parametrize(
    ("function", "table"), [(1, Table.COILS), (2, Table.DISCRETE_INPUTS)], ids=["coils", "inputs"]
)
def test_bits_are_as_many_as_were_asked_for(line: Line, function: int, table: Table):
    line.ask(read(17, 19, 10, function))
    assert line.answer(adu(17, function, b"\x02\xcd\xff")) == RegisterBlock(
        17, table, 19, (1, 0, 1, 1, 0, 0, 1, 1, 1, 1), line.now
    )


WRITES = {
    "one register": (write_one(220, 200, 9), write_one(220, 200, 9), HOLDING, 200, (9,)),
    "registers": (write_many(220, 300, 1, 2), written(220, 300, 2), HOLDING, 300, (1, 2)),
    "one coil": (adu(220, 5, b"\0\4\xff\0"), adu(220, 5, b"\0\4\xff\0"), COILS, 4, (1,)),
    "coils": (adu(220, 15, b"\0\4\0\3\1\5"), adu(220, 15, b"\0\4\0\3"), COILS, 4, (1, 0, 1)),
}


@pytest.mark.parametrize(("request_", "response", "table", "address", "values"), WRITES.values(), ids=WRITES)
def test_what_is_written_counts_when_it_is_confirmed(line: Line, request_, response, table, address, values):
    assert line.ask(request_) is None
    assert line.answer(response) == RegisterBlock(220, table, address, values, line.now, written=True)


@pytest.mark.parametrize(("request_", "response", "table", "address", "values"), WRITES.values(), ids=WRITES)
def test_a_write_that_is_refused_writes_nothing(line: Line, request_, response, table, address, values):
    line.ask(request_)
    assert line.answer(exception(220, request_[1], 4)) is None
    assert line.answered == request_
    assert line.dialogue.counters.exceptions == {(220, 4): 1}


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (write_one(220, 200, 9), write_one(220, 200, 8)),
        (write_one(220, 200, 9), write_one(220, 201, 9)),
        (write_many(220, 300, 1, 2), written(220, 300, 3)),
        (write_many(220, 300, 1, 2), written(220, 301, 2)),
        (read(220, 100, 2), registers(220, 1)),
        (read(220, 100, 2), registers(220, 1, 2, 3)),
        (read(220, 100, 2), registers(221, 1, 2)),
        (read(220, 100, 2), registers(220, 1, 2, function=4)),
        (read(220, 100, 2), exception(220, 4, 2)),
        (read(17, 0, 9, 1), adu(17, 1, b"\x01\xff")),
        (read(17, 0, 8, 1), adu(17, 1, b"\x02\xff\xff")),
    ],
)
def test_what_does_not_fit_is_no_answer(line: Line, request_: bytes, response: bytes):
    line.ask(request_)
    assert line.answer(response) is None
    assert line.answered is None
    assert line.counts == {"requests": 1, "responses": 1, "unpaired": 1}


def test_reading_and_writing_at_once_tells_both(line: Line):
    line.ask(adu(17, 23, struct.pack(">HHHHBH", 3, 2, 14, 1, 2, 255)))
    block = line.answer(registers(17, 5, 6, function=23))
    also = RegisterBlock(17, HOLDING, 14, (255,), line.now, written=True)
    assert block == RegisterBlock(17, HOLDING, 3, (5, 6), line.now, also=also)


def test_a_mask_tells_no_value_and_is_counted(line: Line):
    line.ask(adu(17, 22, b"\0\4\0\xf2\0\x25"))
    assert line.answer(adu(17, 22, b"\0\4\0\xf2\0\x25")) is None
    assert line.counts == {"requests": 1, "responses": 1, "paired": 1, "mask_writes": 1}


def test_functions_without_registers_are_paired_all_the_same(line: Line):
    for request_, response in [
        (adu(17, 7), adu(17, 7, b"\x9a")),
        (adu(17, 8, b"\0\0\x71\xf1"), adu(17, 8, b"\0\0\x71\xf1")),
        (adu(17, 43, b"\x0e\1\0"), adu(17, 43, b"\x0e\1\x81\0\0\1\0\1P")),
        (adu(17, 65, b"abc"), adu(17, 65, b"defg")),
    ]:
        line.ask(request_)
        assert line.answer(response) is None
        assert line.answered == request_


def test_a_broadcast_is_taken_at_its_word(line: Line):
    assert line.ask(write_many(0, 300, 1, 2)) == RegisterBlock(0, HOLDING, 300, (1, 2), line.now, written=True)
    assert line.ask(read(0, 300, 2)) is None
    line.ask(read(220, 100, 1))
    assert line.dialogue.timeouts == {}
    assert line.counts == {"broadcasts": 2, "requests": 1}


# answers that do not come, or come late


def test_a_request_without_an_answer_is_a_time_out(line: Line):
    line.ask(read(223, 0, 16))
    line.ask(read(220, 0, 2), after=0.6)
    assert line.dialogue.timeouts == {223: 1}
    assert line.answer(registers(220, 1, 2)) is not None


def test_a_late_answer_belongs_to_the_older_request(line: Line):
    line.ask(read(220, 0, 2))
    line.ask(read(220, 100, 3), after=0.5)
    assert line.answer(registers(220, 1, 2)) == RegisterBlock(220, HOLDING, 0, (1, 2), line.now)
    assert line.answered == read(220, 0, 2)
    assert line.answer(registers(220, 3, 4, 5)) == RegisterBlock(220, HOLDING, 100, (3, 4, 5), line.now)
    assert line.dialogue.counters.late == 1


def test_a_late_answer_comes_while_another_unit_is_asked(line: Line):
    line.ask(read(220, 0, 2))
    line.ask(read(221, 100, 2), after=0.5)
    assert line.answer(registers(220, 1, 2)) == RegisterBlock(220, HOLDING, 0, (1, 2), line.now)
    assert line.answer(registers(221, 3, 4)) == RegisterBlock(221, HOLDING, 100, (3, 4), line.now)


def test_an_answer_that_could_be_late_or_prompt_is_nobodys_until_the_next_one_tells(line: Line):
    line.ask(read(220, 0, 2))
    line.ask(read(220, 100, 2), after=0.5)
    assert line.answer(registers(220, 1, 2)) is None
    assert line.answered is None
    assert line.answer(registers(220, 3, 4)) == RegisterBlock(220, HOLDING, 100, (3, 4), line.now)
    assert line.counts == {"requests": 2, "responses": 2, "ambiguous": 1, "paired": 1}


def test_answers_that_are_late_one_after_the_other_are_not_confused(line: Line):
    line.ask(read(220, 0, 2))
    line.ask(read(220, 100, 2), after=0.5)
    line.ask(read(220, 200, 2), after=0.5)
    assert line.answer(registers(220, 1, 2)) is None
    assert line.answer(registers(220, 3, 4)) is None
    assert line.answer(registers(220, 5, 6)) == RegisterBlock(220, HOLDING, 200, (5, 6), line.now)


def test_the_doubt_has_an_end(line: Line):
    line.ask(read(220, 1000, 2))
    for n in range(DOUBTS):
        line.ask(read(220, n, 2))
        assert line.answer(registers(220, 3, 4)) is None
    line.ask(read(220, 100, 2))
    assert line.answer(registers(220, 5, 6)) == RegisterBlock(220, HOLDING, 100, (5, 6), line.now)
    assert line.dialogue.timeouts == {220: 1}
    line.ask(read(220, 1000, 2))
    line.ask(read(220, 0, 2))
    assert line.answer(registers(220, 7, 8)) is None


def test_the_doubt_that_ended_begins_again_with_the_next_time_out(line: Line):
    line.ask(read(220, 1000, 2))
    for n in range(DOUBTS):
        line.ask(read(220, n, 2))
        line.answer(registers(220, 3, 4))
    line.ask(read(220, 100, 2))
    line.ask(read(220, 200, 2))
    assert line.answer(registers(220, 5, 6)) is None


def test_an_answer_of_another_kind_ends_the_doubt(line: Line):
    line.ask(read(220, 1000, 2))
    line.ask(read(220, 0, 3))
    assert line.answer(registers(220, 3, 4, 5)) is not None
    line.ask(read(220, 100, 2))
    assert line.answer(registers(220, 5, 6)) == RegisterBlock(220, HOLDING, 100, (5, 6), line.now)


def test_two_writes_to_one_place_are_not_confused(line: Line):
    line.ask(write_many(220, 300, 1, 2))
    line.ask(write_many(220, 300, 3, 4), after=0.5)
    assert line.answer(written(220, 300, 2)) is None


def test_a_request_that_is_never_answered_does_not_hide_the_next_one(line: Line):
    for _ in range(SILENT_AFTER - 1):
        line.ask(read(220, 0, 2))
        line.ask(read(220, 100, 2), after=0.5)
        assert line.answer(registers(220, 3, 4)) is None
    line.ask(read(220, 0, 2))
    line.ask(read(220, 100, 2), after=0.5)
    assert line.answer(registers(220, 3, 4)) == RegisterBlock(220, HOLDING, 100, (3, 4), line.now)
    assert line.dialogue.timeouts == {220: SILENT_AFTER}


def test_a_request_that_is_answered_late_after_all_is_not_silent(line: Line):
    for _ in range(2 * SILENT_AFTER):
        line.ask(read(220, 0, 2))
        line.ask(read(220, 100, 2), after=0.5)
        assert line.answer(registers(220, 1, 2)) is None
        assert line.answer(registers(220, 3, 4)) is not None


def test_a_second_answer_answers_nothing(line: Line):
    line.ask(read(220, 0, 2))
    line.answer(registers(220, 1, 2))
    assert line.answer(registers(220, 3, 4)) is None
    assert line.dialogue.counters.unpaired == 1


@pytest.mark.parametrize(("took", "paired"), [(0.99, True), (1.01, False)])
def test_a_quick_unit_has_a_second(line: Line, took: float, paired: bool):
    line.ask(read(220, 0, 2))
    line.answer(registers(220, 1, 2), after=0.02)
    line.ask(read(220, 0, 2))
    assert (line.answer(registers(220, 1, 2), after=took) is not None) is paired


@pytest.mark.parametrize(("took", "paired"), [(2.39, True), (2.41, False)])
def test_a_slow_unit_has_three_times_what_it_took_so_far(line: Line, took: float, paired: bool):
    line.ask(read(220, 0, 2))
    line.answer(registers(220, 1, 2), after=0.8)
    line.ask(read(220, 0, 2))
    assert (line.answer(registers(220, 1, 2), after=took) is not None) is paired


@pytest.mark.parametrize(("took", "paired"), [(4.99, True), (5.01, False)])
@pytest.mark.parametrize("slow", [True, False], ids=["slow", "unknown"])
def test_nobody_has_more_than_five_seconds(line: Line, slow: bool, took: float, paired: bool):
    if slow:
        line.ask(read(220, 0, 2))
        line.answer(registers(220, 1, 2), after=4.0)
    line.ask(read(220, 0, 2))
    assert (line.answer(registers(220, 1, 2), after=took) is not None) is paired


def test_what_took_too_long_teaches_patience(line: Line):
    line.ask(read(220, 0, 2))
    line.answer(registers(220, 1, 2))
    for paired in (False, True):
        line.ask(read(220, 0, 2), after=9.0)
        assert (line.answer(registers(220, 1, 2), after=1.5) is not None) is paired
    assert line.dialogue.patience(220) == pytest.approx(4.5)
    assert line.dialogue.answer_times[220].longest == pytest.approx(1.5)


# requests that come again


def test_an_echo_is_neither_a_retry_nor_a_time_out(line: Line):
    for echo, after in ((True, 0.3), (False, 0.001)):
        line.ask(read(220, 0, 2))
        line.ask(read(220, 0, 2), after=after, echo=echo)
        assert line.answer(registers(220, 1, 2)) is not None
    assert line.counts == {"requests": 2, "echoes": 2, "responses": 2, "paired": 2}
    assert line.dialogue.timeouts == {}


def test_an_echoed_broadcast_is_written_once(line: Line):
    assert line.ask(write_one(0, 1, 2)) is not None
    assert line.ask(write_one(0, 1, 2), after=0.002) is None


def test_a_retry_is_no_time_out(line: Line):
    line.ask(read(220, 0, 2))
    line.ask(read(220, 0, 2), after=0.5)
    assert line.answer(registers(220, 1, 2)) is not None
    assert line.dialogue.answer_times[220].longest == pytest.approx(0.02)
    assert line.dialogue.timeouts == {}
    assert line.counts == {"requests": 2, "retries": 1, "responses": 1, "paired": 1}


def test_a_unit_that_is_asked_again_and_again_times_out_all_the_same(line: Line):
    for _ in range(3 * (1 + RETRIES) + 1):
        line.ask(read(220, 0, 2), after=0.5)
    assert line.dialogue.timeouts == {220: 3}


def test_the_same_question_long_afterwards_is_a_new_one(line: Line):
    line.ask(read(220, 0, 2))
    line.ask(read(220, 0, 2), after=10.0)
    assert (line.dialogue.timeouts, line.dialogue.counters.retries) == ({220: 1}, 0)


def test_both_answers_to_a_retried_request_may_come(line: Line):
    line.ask(read(220, 0, 2))
    line.ask(read(220, 0, 2), after=0.5)
    assert line.answer(registers(220, 1, 2)) is not None
    line.ask(read(220, 100, 2), after=0.01)
    assert line.answer(registers(220, 1, 2)) is None
    assert line.answer(registers(220, 3, 4)) == RegisterBlock(220, HOLDING, 100, (3, 4), line.now)


def test_an_answer_that_is_still_owed_is_not_forgotten_when_the_question_is_the_same(line: Line):
    line.ask(read(220, 0, 2))
    line.ask(read(220, 0, 2), after=0.3)
    assert line.answer(registers(220, 1, 2)) is not None
    line.ask(read(220, 0, 2), after=0.01)
    assert line.answer(registers(220, 1, 2)) is not None
    line.ask(read(220, 100, 2), after=0.01)
    assert line.answer(registers(220, 1, 2)) is None
    assert line.answer(registers(220, 3, 4)) == RegisterBlock(220, HOLDING, 100, (3, 4), line.now)


# bytes that were no frame


def test_after_junk_no_old_request_is_answered(line: Line):
    line.ask(read(220, 0, 2))
    line.junk(8)  # another request, damaged
    assert line.answer(registers(220, 3, 4)) is None
    assert line.dialogue.counters.unpaired == 1


def test_a_damaged_answer_is_no_time_out(line: Line):
    line.ask(read(220, 0, 2))
    line.junk(9)
    line.ask(read(220, 100, 2))
    assert line.answer(registers(220, 3, 4)) == RegisterBlock(220, HOLDING, 100, (3, 4), line.now)
    assert line.dialogue.timeouts == {}
    assert line.dialogue.counters.spoiled == 1


def test_a_line_that_changes_hands_may_say_a_byte_or_two(line: Line):
    line.ask(read(220, 0, 2))
    line.junk(SPOILED_BYTES - 1)
    assert line.answer(registers(220, 1, 2)) is not None


def test_a_line_that_was_lost_is_asked_anew(line: Line):
    line.ask(read(220, 0, 2))
    line.dialogue.reset()
    assert line.answer(registers(220, 1, 2)) is None
    line.ask(read(220, 0, 2))
    assert line.answer(registers(220, 1, 2)) is not None
    assert line.dialogue.timeouts == {}


# several masters


def test_several_masters_are_noticed_and_then_cause_no_time_outs(line: Line):
    for n in range(40):
        line.ask(read(220, n, 2))
        line.ask(read(230, n, 2), after=0.01)
        assert line.answer(registers(220, n, 1)) == RegisterBlock(220, HOLDING, n, (n, 1), line.now)
        assert line.answer(registers(230, n, 2)) == RegisterBlock(230, HOLDING, n, (n, 2), line.now)
        if n == 19:
            assert line.dialogue.several_masters
            before = line.dialogue.timeouts.copy()
    assert line.dialogue.timeouts == before
    line.ask(read(220, 0, 2))
    line.ask(read(220, 5, 2), after=2.0)
    assert line.dialogue.timeouts - before == {220: 1}


def test_damaged_requests_are_no_second_master(line: Line):
    for n in range(100):
        line.ask(read(220, n, 2))
        line.answer(registers(220, n, 1))
        if n % 4 == 0:
            line.junk(8)
            assert line.answer(registers(220, n, 2)) is None
    assert line.dialogue.counters.unpaired == 25
    assert not line.dialogue.several_masters


def test_one_master_is_one(line: Line):
    for n in range(200):
        line.ask(read(220, n, 2))
        if n % 10:
            line.answer(registers(220, n, 1))
    assert line.dialogue._astray < MANY
    assert not line.dialogue.several_masters


# recorded streams


@each_sample
def test_every_pair_of_a_recorded_stream_is_found(truths):
    dialogue, truth = Dialogue(), frames_of(truths)
    intact = [one for one in truth if one["intact"]]
    answered = 0
    for one in intact:
        block = dialogue.observe(heard(one))
        asked = truth[one["pair"]] if one["pair"] is not None else None
        if asked is None or not asked["intact"]:
            assert dialogue.request is None
            assert block is None or block.unit == 0
            continue
        assert dialogue.request is not None
        assert dialogue.request.adu == heard(asked).adu
        answered += 1
        if one["exception"] is None and one["fc"] in (1, 2, 3, 4, 23):
            assert block is not None
            told = one["registers"] if "registers" in one else one["bits"]
            assert (block.unit, block.address, block.registers) == (one["unit"], asked["address"], tuple(told))
        elif one["exception"] is None and one["fc"] in (5, 6, 15, 16):
            assert block is not None
            assert block.written
        else:
            assert block is None
    assert answered > 150


@each_sample
def test_the_time_outs_of_a_recorded_stream_are_counted(truths):
    dialogue, truth = Dialogue(), frames_of(truths)
    if not all(one["intact"] for one in truth):
        pytest.skip("what is damaged may have been an answer")
    for one in truth:
        dialogue.observe(heard(one))
    dialogue.observe(
        heard(truth[-1])._replace(adu=write_one(0, 1, 1), unit=0, function=6, is_response=False, echo=False)
    )
    answered = {one["pair"] for one in truth}
    asked = [one for one in truth if one["dir"] == "req" and one["unit"] and not one.get("echo")]
    assert dialogue.timeouts == Counter(one["unit"] for one in asked if one["i"] not in answered)
    assert dialogue.counters.echoes == sum(one.get("echo", False) for one in truth)
    assert not dialogue.several_masters


# random conversations


@dataclass(frozen=True)
class Question:
    """What a master asks, and how it ends."""

    unit: int
    function: int
    address: int
    count: int
    seed: int
    fate: str
    pause: float


FATES = (
    "answered",
    "refused",
    "lost",
    "late",  # answered after the next request
    "retried",
    "answered twice",  # retried; the second answer comes after the next request
    "answer damaged",
    "request damaged",
)
TABLES = {1: COILS, 2: Table.DISCRETE_INPUTS, 3: HOLDING, 4: Table.INPUT_REGISTERS, 5: COILS, 6: HOLDING}
TABLES |= {15: COILS, 16: HOLDING, 23: HOLDING}

questions = st.builds(
    Question,
    unit=st.sampled_from((1, 220)),
    function=st.sampled_from((3, 3, 3, 4, 1, 2, 5, 6, 15, 16, 23)),
    address=st.sampled_from((0, 8)),
    count=st.sampled_from((1, 2, 2)),
    seed=st.integers(0, 999),
    fate=st.sampled_from(FATES),
    pause=st.sampled_from((0.06, 0.3, 3.0)),
)


def packed(bits: tuple[int, ...]) -> bytes:
    return bytes((sum(bit << at for at, bit in enumerate(bits)),))


def words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def exchange(q: Question, turn: int) -> tuple[bytes, bytes, RegisterBlock]:
    """Request, response, and what they tell. Values that are read are different each time."""
    rng = random.Random(q.seed)
    new = random.Random(turn)
    one = q.function in (5, 6)
    bits = TABLES[q.function] not in (HOLDING, Table.INPUT_REGISTERS)
    count = 1 if one else q.count
    top = 1 if bits else 65535
    values = tuple(rng.randint(0, top) for _ in range(count))
    fresh = tuple(new.randint(0, top) for _ in range(count))
    place = words(q.address, count)
    many = place + (b"\1" + packed(values) if bits else bytes((2 * count,)) + words(*values))
    told = (b"\1" + packed(fresh)) if bits else bytes((2 * count,)) + words(*fresh)
    single = words(q.address, values[0] * 0xFF00 if bits else values[0])
    request_, response = {
        5: (single, single),
        6: (single, single),
        15: (many, place),
        16: (many, place),
        23: (place + words(40) + many[2:], told),
    }.get(q.function, (place, told))
    write = RegisterBlock(q.unit, TABLES[q.function], q.address, values, 0.0, written=True)
    block = write
    if q.function in (1, 2, 3, 4, 23):
        also = write._replace(address=40) if q.function == 23 else None
        block = RegisterBlock(q.unit, TABLES[q.function], q.address, fresh, 0.0, also=also)
    return adu(q.unit, q.function, request_), adu(q.unit, q.function, response), block


@dataclass
class Heard:
    data: bytes
    response: bool
    gap: float
    junk: int = 0
    asked: bytes | None = None
    """Of a response: the request it answers, if that can be known."""
    tells: RegisterBlock | None = None
    sure: bool = False
    """Nothing excuses that the pair is not found."""


def conversation(asked: list[Question], echoed: bool) -> Iterator[Heard]:
    """A master that gives up, units that answer late, a line that damages: what is heard, and the truth.

    A unit that begins to be late has been prompt before, and is late with no more than ``DOUBTS`` answers in a row.
    """
    late: deque[Heard] = deque()
    misses: Counter[bytes] = Counter()
    calm = Counter({1: DOUBTS + 1, 220: DOUBTS + 1})
    delayed: Counter[int] = Counter()
    junk = 0
    for turn, q in enumerate(asked):
        request_, response, block = exchange(q, turn)
        fate = q.fate
        is_late = fate in ("late", "answered twice")
        if is_late and not (calm[q.unit] > DOUBTS or 0 < delayed[q.unit] < DOUBTS):
            fate = "answered"
        if fate not in ("answered", "refused"):
            misses[request_] += 1
            if misses[request_] >= SILENT_AFTER:  # nobody waits for what never came
                fate = "answered"
        delayed[q.unit] = delayed[q.unit] + 1 if fate in ("late", "answered twice") else 0
        calm[q.unit] = calm[q.unit] + 1 if fate in ("answered", "refused") else 0
        again = 2 if fate in ("retried", "answered twice") else 1
        if fate == "request damaged":
            junk += len(request_)
        for attempt in range(again if fate != "request damaged" else 0):
            yield Heard(request_, False, q.pause if not attempt else 0.3, junk)
            junk = 0
            if echoed:
                yield Heard(request_, False, 0.002)
        answer = Heard(response, True, 0.02, junk, request_, block, calm[q.unit] > DOUBTS)
        if fate == "refused":
            answer.data, answer.tells = exception(q.unit, q.function, 2), None
        stalled = fate == "late" and q.pause < 1 and all(one.data[0] == q.unit for one in late)
        due, late = (deque(), late) if stalled else (late, deque())
        for one in due:  # before the prompt one: a unit answers in order
            one.junk, junk = junk, 0
            yield one
        if due:
            answer.sure = False
        if fate == "request damaged":
            answer.asked = answer.tells = None
            answer.sure = False
            answer.junk, junk = junk, 0
            yield answer
            continue
        if fate == "answer damaged":
            junk = len(response)
        elif fate == "late":
            answer.sure = False
            late.append(answer)
        elif fate != "lost":
            yield answer
        if fate == "answered twice":
            late.append(Heard(response, True, 0.02, 0, request_, block))


@given(st.lists(questions, max_size=30), st.booleans())
def test_no_block_ever_comes_of_a_mismatched_pair(asked: list[Question], echoed: bool):
    dialogue, now, offset = Dialogue(), 100.0, 0
    for one in conversation(asked, echoed):
        now += one.gap
        offset += one.junk
        data = one.data
        refused = data[2] if data[1] & 0x80 else None
        block = dialogue.observe(Frame(offset, data, data[0], data[1] & 0x7F, one.response, refused, now))
        offset += len(data)
        request_ = dialogue.request and dialogue.request.adu
        assert request_ in (None, one.asked)
        if one.sure:
            assert request_ == one.asked
        if request_ is None:
            assert block is None
        else:
            assert block == timed(one.tells, now)


def timed(block: RegisterBlock | None, when: float) -> RegisterBlock | None:
    return block and block._replace(when=when, also=timed(block.also, when))


# whatever comes


anything = st.builds(
    lambda offset, unit, function, data, response, refused, when, echo: Frame(
        offset, bytes((unit, function)) + data, unit, function, response, refused, when, echo
    ),
    offset=st.integers(0, 10**6),
    unit=st.integers(0, 255),
    function=st.sampled_from((*range(25), 43, 65, 100, 127)),
    data=st.binary(max_size=40),
    response=st.booleans(),
    refused=st.none() | st.integers(0, 255),
    when=st.floats(),
    echo=st.booleans(),
)


@given(st.lists(anything, max_size=60))
@example([])
def test_nothing_is_too_much(frames: list[Frame]):
    dialogue = Dialogue()
    for frame in frames:
        block = dialogue.observe(frame)
        assert block is None or frame.is_response or frame.unit == 0
    counters = dialogue.counters
    assert counters.responses == counters.paired + counters.ambiguous + counters.unpaired


def test_memory_is_bounded(line: Line):
    rng = random.Random(1)
    for _ in range(20_000):
        line.ask(read(rng.randrange(1, 256), rng.randrange(60_000), rng.randrange(1, 126)), after=0.0001)
    dialogue = line.dialogue
    assert len(dialogue._silent) <= SILENT_AT_MOST
    assert len(dialogue._units) <= 256
    assert max(len(unit.open) for unit in dialogue._units.values()) <= OPEN
    assert dialogue.timeouts.total() == 20_000 - 1
