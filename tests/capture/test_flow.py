"""One direction of TCP: segments in any order, lost and repeated, become bytes in their order."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.capture.flow import FAR, MOST_SEGMENTS, MOST_WAITING, PATIENCE, Bytes, Flow, Missing, Piece

DATA = bytes(range(256)) * 8


def text(pieces: list[Piece]) -> bytes:
    assert not [one for one in pieces if isinstance(one, Missing)]
    return b"".join(one.data for one in pieces if isinstance(one, Bytes))


def flow(first: int = 1000) -> Flow:
    made = Flow()
    made.begin(first)
    return made


def put(to: Flow, sequence: int, data: bytes, when: float = 0.0, packet: int = 0) -> list[Piece]:
    return to.segment(sequence % 2**32, data, len(data), when, packet)


@given(
    st.integers(0, 2**32 - 1), st.lists(st.integers(1, len(DATA) - 1), max_size=20), st.randoms(use_true_random=False)
)
def test_any_order_overlaps_and_repetitions(first: int, places: list[int], chance) -> None:  # type: ignore[no-untyped-def]
    edges = sorted({0, len(DATA), *places})
    parts = list(pairwise(edges))
    parts += [(max(0, a - chance.randrange(50)), min(len(DATA), b + chance.randrange(50))) for a, b in parts]
    chance.shuffle(parts)
    line, found = flow(first), []
    for number, (a, b) in enumerate(parts):
        found += put(line, first + a, DATA[a:b], packet=number)
    assert text(found) == DATA
    assert line.waiting == 0
    assert line.counters.gaps == 0


def test_numbers_run_around() -> None:
    line = flow(2**32 - 3)
    assert text(put(line, 2**32 - 3, b"abcdef")) == b"abcdef"
    assert text(put(line, 3, b"ghi")) == b"ghi"
    assert put(line, 2**32 - 3, b"abcdef") == []
    assert line.counters.repeated == 1


def test_a_keep_alive_says_nothing() -> None:
    line = flow()
    put(line, 1000, b"abc")
    assert put(line, 1002, b"\0") == []
    assert text(put(line, 1003, b"d")) == b"d"


def test_what_was_acknowledged_and_not_seen_is_missing() -> None:
    line = flow()
    assert put(line, 1000, b"abc") == [Bytes(b"abc", 0.0, 0)]
    assert put(line, 1013, b"xyz", 1.0, 2) == []
    assert line.acknowledged(1003) == []
    assert line.acknowledged(1016) == [Missing(10), Bytes(b"xyz", 1.0, 2)]
    assert put(line, 1003, b"0123456789") == [], "it comes too late"


def test_what_does_not_come_for_long_is_missing() -> None:
    line = flow()
    put(line, 1010, b"xyz", 5.0)
    assert line.tick(5.0 + PATIENCE) == []
    assert line.tick(5.1 + PATIENCE) == [Missing(10), Bytes(b"xyz", 5.0, 0)]


def test_memory_is_bounded() -> None:
    line, found = flow(), []
    for n in range(1000):
        found += put(line, 1010 + 1000 * n, bytes(990))
        assert line.waiting <= MOST_WAITING
    assert found[0] == Missing(10)
    line, found = flow(), []
    for n in range(1000):
        found += put(line, 1010 + 2 * n, b"x")
        assert len(line._early) <= MOST_SEGMENTS
    assert found


def test_a_packet_that_was_not_recorded_as_a_whole() -> None:
    line = flow()
    assert line.segment(1000, b"abc", 10, 0.0, 1) == [Bytes(b"abc", 0.0, 1), Missing(7)]
    assert text(put(line, 1010, b"d")) == b"d"
    assert (line.counters.gaps, line.counters.cut) == (1, 1)


def test_numbers_far_away_are_another_connection() -> None:
    line = flow()
    put(line, 1000, b"abc")
    for first in (1003 + 2 * FAR, 77):
        assert put(line, first, b"x") == [Missing(None), Bytes(b"x", 0.0, 0)] or first == 77
    line = flow(3 * FAR)
    assert put(line, 1, b"x") == [Missing(None), Bytes(b"x", 0.0, 0)]
    assert text(put(line, 2, b"y")) == b"y"


def test_the_end() -> None:
    line = flow()
    put(line, 1002, b"c", 1.0)
    put(line, 1004, b"e", 2.0)
    assert line.finish() == [Missing(2), Bytes(b"c", 1.0, 0), Missing(1), Bytes(b"e", 2.0, 0)]
    assert line.waiting == 0
