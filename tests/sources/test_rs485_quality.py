"""What is said of a line, from what a model UART makes of it at every setting."""

import pytest
from helpers_bus import burst
from helpers_modbus import read, registers
from helpers_uart import receive, wave

from pvsmqtt.modbus.dialogue import Dialogue
from pvsmqtt.modbus.framer import PassiveFramer
from pvsmqtt.modbus.setting import Setting
from pvsmqtt.sources.rs485.quality import ADVICE, Quality, Symptom


def judged(stream, chunk=7, **options):
    """A quality that has heard (time, byte, framing error, parity error) or bytes."""
    if isinstance(stream, bytes):
        stream = [(place / 1000, byte, False, False) for place, byte in enumerate(stream)]
    quality = Quality(Setting(19200), **options)
    framer, dialogue = PassiveFramer(), Dialogue()
    for start in range(0, len(stream), chunk):
        part = stream[start : start + chunk]
        data = bytes(one[1] for one in part)
        quality.hear(data)
        for frame in framer.feed(data, part[-1][0]):
            dialogue.observe(frame)
            quality.frame(frame, dialogue.request)
    driver = {"framing": sum(one[2] for one in stream), "parity": sum(one[3] for one in stream)}
    quality.count(framer.counters.crc_failures, framer.echo, driver)
    return quality


def heard(true, at, parity="N", parity_here="N", swap=None, polls=12, seed=1):
    line = wave(burst(true, parity, polls, seed), true, parity)
    if swap is not None:
        line = line.swapped(fail_safe=swap == "fail-safe")
    return judged(receive(line, at, parity_here))


SPEEDS = (9600, 19200, 38400, 57600, 115200)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("baudrate", SPEEDS)
def test_a_good_line_needs_no_advice(baudrate, seed):
    quality = heard(baudrate, baudrate, seed=seed)
    assert quality.symptom is Symptom.GOOD
    assert quality.advice() == ""
    assert quality.pairs == 12


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("true", "at"), [(true, at) for true in SPEEDS for at in SPEEDS if at >= 2 * true])
def test_a_speed_that_is_too_fast(true, at, seed):
    quality = heard(true, at, seed=seed)
    assert quality.symptom is Symptom.TOO_FAST
    assert "lower baud rate" in quality.advice()


@pytest.mark.parametrize("parity", ["N", "E"])
@pytest.mark.parametrize(("true", "at"), [(115200, 1200), (57600, 600)])
def test_a_speed_that_is_much_too_slow(true, at, parity):
    assert heard(true, at, parity, polls=90).symptom is Symptom.TOO_SLOW


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("true", "at"), [(true, at) for true in SPEEDS for at in SPEEDS if at <= true / 2])
def test_a_speed_that_is_too_slow_is_not_taken_for_something_else(true, at, seed):
    quality = heard(true, at, seed=seed, polls=40)
    assert (
        quality.symptom in (Symptom.UNREADABLE, Symptom.TOO_SLOW) or true >= 6 * at
    )  # there it is said with a doubt
    assert "slow" in quality.advice()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("baudrate", SPEEDS)
@pytest.mark.parametrize("swap", ["biased", "fail-safe"])
@pytest.mark.parametrize("parity", ["N", "E"])
def test_swapped_wires(baudrate, swap, parity, seed):
    quality = heard(baudrate, baudrate, parity, parity, swap=swap, seed=seed)
    assert quality.symptom is Symptom.SWAPPED
    assert "Exchange the two wires" in quality.advice()


@pytest.mark.parametrize(("parity", "here"), [("E", "N"), ("O", "N"), ("O", "E"), ("E", "O")])
def test_a_parity_bit_that_is_not_expected(parity, here):
    quality = heard(19200, 19200, parity, here)
    assert quality.pairs == 12
    assert quality.symptom is Symptom.PARITY
    assert 'parity = "E"' in quality.advice()


def polls(number):
    return [(read(220, 100 + n % 7, 2), registers(220, n, 500 + n)) for n in range(number)]


def test_damaged_frames():
    stream = bytearray(b"".join(request + response for request, response in polls(60)))
    for place in range(200, len(stream), 250):
        stream[place] ^= 0x10
    quality = judged(bytes(stream))
    assert quality.symptom is Symptom.NOISY
    assert "ground" in quality.advice()
    assert f"{quality.crc_failures} of " in quality.advice()


def test_an_echo():
    quality = judged(b"".join(request * 2 + response for request, response in polls(60)))
    assert quality.symptom is Symptom.ECHO
    assert "twice" in quality.advice()


def test_somebody_else_on_the_line():
    from random import Random

    rnd = Random(1)
    quality = judged(b"".join(request + response + rnd.randbytes(60) for request, response in polls(20)))
    assert quality.symptom is Symptom.MIXED


@pytest.mark.parametrize("telegram", [b"\x7e\xff\x03\x40\x41" + bytes(20), b"\xaa\xaa\x68\x10\x10\x68" + bytes(20)])
@pytest.mark.parametrize("chunk", [1, 2, 3, 64])
def test_telegrams_of_sma(telegram, chunk):
    quality = judged(telegram * 5, chunk)
    assert quality.foreign == 5
    assert quality.symptom is Symptom.FOREIGN


def test_random_bytes_are_not_taken_for_anything():
    from random import Random

    assert judged(Random(7).randbytes(1000)).symptom is Symptom.UNREADABLE


def test_silence_and_little():
    assert judged(b"").symptom is Symptom.SILENT
    assert "A and B" in judged(b"").advice()
    assert judged(bytes(10)).symptom is Symptom.TOO_LITTLE


def test_where_the_speed_is_set_is_said():
    assert "in the serial server" in judged(bytes(range(0, 256, 2)), changeable=False).advice()
    assert "in the serial server" not in judged(bytes(range(0, 256, 2))).advice()
    assert "in the serial server" not in judged(b"", changeable=False).advice()


def test_the_report_is_complete():
    report = heard(9600, 19200).report()
    assert report["setting"] == "19200 8N1"
    assert report["symptom"] == "too_fast"
    assert report["frames"] == report["pairs"] == 0
    assert 0 < sum(report["histogram"].values()) <= 1.001


def test_every_symptom_has_its_advice():
    assert set(ADVICE) == set(Symptom)
