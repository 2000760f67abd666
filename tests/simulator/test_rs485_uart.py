"""The receiver at another speed, held against what is known of such receivers."""

from collections import Counter

from helpers_uart import receive, wave
from hypothesis import given, settings
from hypothesis import strategies as st

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.simulator.rs485.traffic import stream
from pvsmqtt.simulator.rs485.uart import heard

BUS = Setting(19200)
RATES = (1200, 9600, 19200, 38400, 57600, 115200)
TYPICAL = {0x00, 0x80, 0xC0, 0xE0, 0xF0, 0xF8, 0xFC, 0xFE, 0xFF}


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=60), st.sampled_from(RATES), st.sampled_from("NEO"))
def test_the_right_speed_hears_what_was_sent(data: bytes, rate: int, parity: str) -> None:
    sent = Setting(rate, parity)  # type: ignore[arg-type]
    assert heard(data, sent, Setting(rate, parity)) == data  # type: ignore[arg-type]
    assert heard(data, sent, Setting(rate + rate // 50, parity)) == data, "2 % off is still right"  # type: ignore[arg-type]


@given(st.binary(min_size=1, max_size=60))
def test_a_receiver_without_parity_hears_the_bytes_of_a_line_with_parity(data: bytes) -> None:
    times = [index * 0.01 for index in range(len(data))]
    assert heard(data, Setting(19200, "E"), BUS, times) == data


def test_one_byte_by_hand() -> None:
    """Twice as fast, every bit is two. 0x55 is 00 11 00 11 00 11 00 11 00 11: 0 01100110 0, then from the next fall 0
    01100111 with the idle line at its end; bits stand with the lowest first."""
    assert heard(b"\xff", Setting(9600), Setting(19200)) == b"\xfe", "the second half of the start bit is a 0"
    assert heard(b"\x00", Setting(9600), Setting(19200)) == b"\x00", "18 low bits: one byte, and no idle line before"
    assert heard(b"\xf0", Setting(9600), Setting(115200)) == b"\x00"
    assert heard(b"\x55", Setting(9600), Setting(19200)) == b"\x66\xe6"


def test_a_slow_receiver_hears_fewer_bytes_and_a_fast_one_more() -> None:
    data, _ = stream(1, 4)
    assert len(heard(data, BUS, Setting(1200))) < len(data) / 4
    assert len(heard(data, BUS, Setting(9600))) < len(data) * 0.6
    assert len(heard(data, BUS, Setting(115200))) > len(data) * 1.5


def test_a_fast_receiver_hears_the_bytes_that_are_typical_of_it() -> None:
    data, _ = stream(1, 4)
    counted = Counter(heard(data, BUS, Setting(115200)))
    assert sum(counted[byte] for byte in TYPICAL) > 0.9 * counted.total()


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=40), st.sampled_from(RATES), st.sampled_from(RATES), st.sampled_from("NEO"))
def test_nothing_is_more_than_there_are_bits(data: bytes, sent: int, listening: int, parity: str) -> None:
    found = heard(data, Setting(sent, parity), Setting(listening))  # type: ignore[arg-type]
    assert len(found) <= len(data) * 11 / 2 + 1
    assert bool(found) == bool(data) or listening < sent


def test_silences_part_what_a_slow_receiver_would_fuse() -> None:
    """At 2400 a byte of 19200 is shorter than one and a half bits: alone it is a start bit and ones."""
    apart = heard(b"\x00\x00", BUS, Setting(2400), [0.0, 0.1])
    assert len(apart) == 2
    assert len(heard(b"\x00\x00", BUS, Setting(2400))) == 1


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 200), st.binary(min_size=1, max_size=12)), min_size=1, max_size=4),
    st.sampled_from("NEO"),
    st.sampled_from("NEO"),
    st.sampled_from([(19200, 57600), (57600, 19200), (9600, 115200), (19200, 38400), (38400, 115200)]),
)
def test_another_receiver_hears_the_same(
    bursts: list[tuple[int, bytes]], sending: str, listening: str, rates: tuple[int, int]
) -> None:
    """`helpers_uart` was written apart. What makes a receiver sample next to an edge is left out."""
    sent, receiver = Setting(rates[0], sending), Setting(rates[1], listening)  # type: ignore[arg-type]
    chunks, times, begin = [], [], 0.0
    for pause, data in bursts:
        begin += pause / sent.baudrate
        chunks.append((begin, data))
        times += [begin + index * sent.character_time for index in range(len(data))]
        begin = times[-1] + sent.character_time
    line = wave(chunks, sent.baudrate, sending)
    expected = bytes(one.byte for one in receive(line, receiver.baudrate, listening))
    assert heard(b"".join(data for _, data in chunks), sent, receiver, times) == expected
