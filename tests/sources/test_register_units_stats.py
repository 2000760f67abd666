"""How busy and how clean a line is."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.modbus.frame import Frame
from pvsmqtt.sources.register_units.stats import WINDOW, BusStats


def frame(when: float, unit: int = 220, is_response: bool = True, exception: int | None = None) -> Frame:
    return Frame(0, b"\xdc\x03\x00\x00", unit, 3, is_response, exception, when)


def test_nothing_was_heard() -> None:
    stats = BusStats()
    stats.rate(9600, 10)
    assert (stats.frames_per_second(100.0), stats.bytes_per_second(100.0), stats.load(100.0)) == (0, 0, 0)
    assert (stats.last_byte, stats.units) == (None, {})


def test_load_is_the_share_of_the_line_rate() -> None:
    stats = BusStats()
    stats.rate(9600, 10)
    for second in range(60):
        stats.took(480, second)  # half of the 960 characters that fit
    assert stats.load(60.0) == pytest.approx(50)
    stats.rate(9600, 11)
    assert stats.load(60.0) == pytest.approx(55)


def test_load_is_exact_between_two_seconds() -> None:
    stats = BusStats()
    stats.rate(9600, 10)
    for half in range(241):
        stats.took(240, half / 2)
    assert stats.load(120.5) == pytest.approx(50)


def test_without_a_speed_there_is_no_load() -> None:
    stats = BusStats()
    stats.took(480, 0.0)
    assert stats.load(1.0) is None


def test_rates_fall_when_the_line_falls_silent() -> None:
    stats = BusStats()
    for second in range(120):
        stats.took(10, second)
        stats.frame(frame(second))
    assert stats.frames_per_second(120.0) == pytest.approx(1, rel=0.05)
    assert stats.frames_per_second(150.0) == pytest.approx(0.5, rel=0.05)
    assert stats.frames_per_second(181.0) == stats.bytes_per_second(181.0) == 0
    assert stats.totals["frames"] == 120


def test_a_young_window_is_not_diluted() -> None:
    stats = BusStats()
    for tenth in range(50):
        stats.frame(frame(1000 + tenth / 10))
    assert stats.frames_per_second(1005.0) == pytest.approx(10)


def test_units_are_counted_apart() -> None:
    stats = BusStats()
    stats.frame(frame(1.0, 220, is_response=False))
    stats.frame(frame(2.0, 220))
    stats.frame(frame(3.0, 221, exception=2))
    assert set(stats.units) == {220, 221}, "a unit is not heard by being asked"
    assert (stats.units[220].responses, stats.units[220].heard) == (1, 2.0)
    assert stats.units[221].codes == {2: 1}
    assert stats.totals["exceptions"] == stats.units[221].exceptions == 1
    assert (stats.totals["requests"], stats.totals["responses"]) == (1, 2)


def test_what_framer_and_dialogue_count() -> None:
    stats = BusStats()
    stats.counted({"crc_failures": 4, "junk_bytes": 10}, Counter({220: 3, 221: 1}))
    stats.counted({"crc_failures": 5, "junk_bytes": 8}, Counter({220: 5, 221: 1}))  # 2 bytes were a frame after all
    assert (stats.totals["crc_failures"], stats.totals["junk_bytes"]) == (5, 10)
    assert (stats.units[220].timeouts, stats.units[221].timeouts, stats.totals["timeouts"]) == (5, 1, 6)
    assert stats.units[221].heard is None, "a unit that never answers is not heard"


@given(st.lists(st.tuples(st.floats(0, 500), st.integers(1, 4096)), max_size=200))
def test_whatever_the_traffic(chunks: list[tuple[float, int]]) -> None:
    """Memory is bounded, rates are those of the last minute, totals of everything."""
    stats = BusStats()
    stats.rate(115200, 10)
    now, total = 0.0, 0
    for pause, count in chunks:
        now += pause
        total += count
        stats.took(count, now)
        assert 0 <= (stats.load(now) or 0) <= 100
        assert stats.bytes_per_second(now) * WINDOW <= WINDOW * total
        assert len(stats._seconds) <= WINDOW + 1
    assert stats.totals["bytes"] == total
