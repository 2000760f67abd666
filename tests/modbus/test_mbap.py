"""ADUs out of a stream: whole, however it is cut; joined in mid-stream; behind gaps; never invented."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from helpers_packets import adu, exception, read, registers, write_many, write_one, written
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.modbus.mbap import LONGEST, Adu, MbapStream, frame_of
from pvsmqtt.modbus.pdu import fields

ANSWERS = [
    registers(1, 10, *range(1, 51)),
    exception(2, 10, 3, 2),
    written(3, 10, 40220, 2),
    registers(4, 230, *[0] * 125),
    write_one(5, 1, 7, 8),
    registers(6, 1, 0, 6, 0x0103, 0, 1),
    adu(7, 1, 100, b"vendor"),
]
QUESTIONS = [read(1, 10, 40070, 50), write_many(2, 10, 40220, 5, 6), write_one(3, 1, 7, 8), read(4, 1, 0, 2, 4)]


def known(responses: bool = True) -> MbapStream:
    stream = MbapStream(responses)
    stream.begins()
    return stream


def raw(one: Adu) -> bytes:
    return adu(one.transaction, one.unit, one.pdu[0], one.pdu[1:])


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(edges)]


class TestFromTheBeginning:
    @pytest.mark.parametrize(("responses", "said"), [(True, ANSWERS), (False, QUESTIONS)])
    def test_every_adu(self, responses: bool, said: list[bytes]) -> None:
        stream = known(responses)
        found = stream.feed(b"".join(said), 5.0, 9)
        assert [raw(one) for one in found] == said
        assert [one.offset for one in found] == [sum(map(len, said[:n])) for n in range(len(said))]
        assert {(one.when, one.packet) for one in found} == {(5.0, 9)}
        assert (stream.counters.adus, stream.counters.junk_bytes) == (len(said), 0)

    @given(st.lists(st.integers(0, 5000), max_size=20))
    def test_any_splitting_gives_the_same(self, places: list[int]) -> None:
        data, stream, found, pieces = b"".join(ANSWERS), known(), [], {}
        fed = 0
        for number, piece in enumerate(cut(data, places), 1):
            fed += len(piece)
            pieces[number] = fed
            found += stream.feed(piece, float(number), number)
        assert [raw(one) for one in found] == ANSWERS
        for one in found:  # its time is that of the piece with its last byte
            end = one.offset + len(raw(one))
            assert one.packet == one.when == next(n for n, upto in pieces.items() if upto >= end)

    def test_a_malformed_one_is_passed_over(self) -> None:
        stream = known(responses=False)
        too_many = read(2, 1, 0, 126)
        assert [one.transaction for one in stream.feed(read(1, 1, 0, 5) + too_many + read(3, 1, 0, 5), 0.0)] == [1, 3]
        assert (stream.counters.malformed, stream.counters.junk_bytes) == (1, 0)

    def test_what_is_no_modbus(self) -> None:
        stream = known()
        assert stream.feed(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n" * 50, 0.0) == []
        assert stream.counters.junk_bytes > 1000
        found = stream.feed(b"".join(ANSWERS), 1.0)
        assert [raw(one) for one in found] == ANSWERS[1:], "the first one only shows where the others are"

    @given(st.lists(st.binary(max_size=600), max_size=20), st.booleans(), st.booleans())
    def test_garbage_never_raises_and_takes_no_memory(
        self, pieces: list[bytes], responses: bool, begins: bool
    ) -> None:
        stream = known(responses) if begins else MbapStream(responses)
        for piece in pieces:
            for one in stream.feed(piece, 0.0):
                fields(frame_of(one, responses))
            assert len(stream._buffer) <= 2 * (LONGEST + 6)
        stream.missing(3)
        stream.finish()
        assert not stream._buffer
        assert not stream._marks

    @given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(0, 3000), max_size=8))
    def test_garbage_is_cut_anyhow_too(self, pieces: list[bytes], places: list[int]) -> None:
        data = b"".join([*pieces, *ANSWERS, *pieces])
        whole, parts = MbapStream(True), MbapStream(True)
        expected = whole.feed(data, 0.0)
        found = [one for piece in cut(data, places) for one in parts.feed(piece, 0.0)]
        assert found + parts.finish() == expected + whole.finish()
        assert parts.counters == whole.counters


class TestJoining:
    def test_in_the_middle(self) -> None:
        data = b"".join(ANSWERS[:6])
        for start in range(1, len(data)):
            stream = MbapStream(True)
            found = [raw(one) for one in stream.feed(data[start:], 0.0) + stream.finish()]
            # whatever comes out was said, in its order, and nothing else
            assert found == ANSWERS[6 - len(found) : 6], start
            begins = [sum(map(len, ANSWERS[:n])) for n in range(6)]
            whole = sum(begin >= start for begin in begins)
            assert len(found) == (whole if start in begins else max(0, whole - 1)), start

    def test_registers_that_look_like_headers(self) -> None:
        """Mid-stream, among small numbers: what comes out must have been said."""
        chance = random.Random(5)
        for _ in range(200):
            said = [
                registers(n, 1, *[chance.choice((0, 0, 1, 3, 6, 0x0103, 0x0303, 2)) for _ in range(60)])
                for n in range(6)
            ]
            data = b"".join(said)
            stream = MbapStream(True)
            found = [raw(one) for one in stream.feed(data[chance.randrange(1, 120) :], 0.0) + stream.finish()]
            assert set(found) <= set(said)
            assert found[-3:] == said[-3:]

    def test_one_alone_counts_when_nothing_else_came(self) -> None:
        stream = MbapStream(False)
        assert stream.feed(read(1, 10, 5, 2), 0.0) == []
        assert [raw(one) for one in stream.finish()] == [read(1, 10, 5, 2)]
        late = MbapStream(False)
        assert late.feed(b"\x05" + read(1, 10, 5, 2), 0.0) + late.finish() == []

    def test_functions_of_vendors_prove_nothing(self) -> None:
        stream = MbapStream(True)
        assert stream.feed(adu(1, 1, 100, b"abc") * 4, 0.0) + stream.finish() == []


class TestGaps:
    def test_inside_an_adu_the_next_one_is_still_known(self) -> None:
        for lost in (1, 30, 80):
            stream = known()
            first = ANSWERS[0]
            assert stream.feed(first[:20], 0.0) == []
            stream.missing(lost)
            found = stream.feed(first[20 + lost :] + ANSWERS[1], 1.0)
            assert [raw(one) for one in found] == [ANSWERS[1]], "not two needed: the place is known"
            assert stream.counters.joins == 0

    def test_a_gap_of_exactly_the_rest(self) -> None:
        stream = known()
        stream.feed(ANSWERS[0][:20], 0.0)
        stream.missing(len(ANSWERS[0]) - 20)
        assert [raw(one) for one in stream.feed(ANSWERS[1], 1.0)] == [ANSWERS[1]]

    def test_two_gaps_in_one_adu(self) -> None:
        stream, data = known(), ANSWERS[3]
        stream.feed(data[:50], 0.0)
        stream.missing(50)
        stream.feed(data[100:150], 0.0)
        stream.missing(50)
        found = stream.feed(data[200:] + ANSWERS[1], 0.0)
        assert [raw(one) for one in found] == [ANSWERS[1]]

    @pytest.mark.parametrize("count", [None, 500])
    def test_beyond_an_adu_the_place_is_searched_for(self, count: int | None) -> None:
        stream = known()
        stream.feed(ANSWERS[0][:20], 0.0)
        stream.missing(count)
        assert stream.feed(ANSWERS[1], 1.0) == []
        assert [raw(one) for one in stream.feed(ANSWERS[2], 2.0)] == [ANSWERS[1], ANSWERS[2]]
        assert stream.counters.joins == 1

    def test_times_are_those_of_the_last_byte_also_when_found_late(self) -> None:
        stream = MbapStream(True)
        stream.feed(ANSWERS[0], 1.0, 1)
        found = stream.feed(ANSWERS[1], 2.0, 2)
        assert [(one.when, one.packet) for one in found] == [(1.0, 1), (2.0, 2)]

    @given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 300), st.integers(1, 400)), min_size=1, max_size=6))
    def test_no_gap_invents_anything(self, gaps: list[tuple[int, int, int]]) -> None:
        """Pieces are lost anywhere; what comes out was said."""
        data = b"".join(registers(n, 10, *range(1000 * n, 1000 * n + 40)) for n in range(1, 12))
        said = {bytes(data[at : at + 89]) for at in range(0, len(data), 89)}
        stream, at = known(), 0
        found = []
        for _, taken, lost in gaps:
            found += stream.feed(data[at : at + taken], 0.0)
            at += taken
            lost = min(lost, max(0, len(data) - at))
            if lost:
                found += stream.missing(lost)
                at += lost
        found += stream.feed(data[at:], 0.0) + stream.finish()
        assert {raw(one) for one in found} <= said


def test_an_adu_as_a_frame() -> None:
    (one,) = known().feed(registers(1, 10, 5, 6), 3.0, 17)
    frame = frame_of(one, is_response=True)
    assert (frame.offset, frame.unit, frame.function, frame.exception, frame.when) == (17, 10, 3, None, 3.0)
    assert fields(frame).registers == (5, 6)
    (one,) = known().feed(exception(1, 10, 3, 2), 3.0)
    frame = frame_of(one, is_response=True)
    assert (frame.function, frame.exception) == (3, 2)
