"""Bytes become frames: every intact frame, nothing else, however the bytes arrive."""

import json
import random
from pathlib import Path

import helpers_modbus as bus
import pytest
from helpers_conversations import EXCHANGES, Said, conversation, cut, placed, with_junk
from hypothesis import given, settings
from hypothesis import strategies as st

from pvsmqtt.modbus import crc, functions
from pvsmqtt.modbus.framer import Frame, PassiveFramer

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
CLEAN = ("01_clean", "02_all_function_codes", "06_echo_duplicated", "07_exceptions")
seeds = st.integers(0, 2**32)
cuts = st.lists(st.integers(1, 80), min_size=1, max_size=8)


def heard(pieces: list[bytes], framer: PassiveFramer | None = None) -> list[Frame]:
    framer = framer or PassiveFramer()
    found = [frame for piece in pieces for frame in framer.feed(piece, 0.0)]
    return found + framer.flush(1.0)


def places(frames: list[Frame]) -> list[tuple[int, int, bool]]:
    return [(frame.offset, len(frame.adu), frame.is_response) for frame in frames]


def line(said: list[Said]) -> bytes:
    return b"".join(one.adu for one in said)


# --- the CRC, against pymodbus ---


@given(st.binary(min_size=2, max_size=254))
def test_the_crc_is_that_of_the_standard(body: bytes) -> None:
    assert crc.sealed(body) == bus.adu(body[0], body[1], body[2:])


@given(st.binary(max_size=40), st.integers(0, 65535), st.integers(0, 256))
def test_a_shift_is_so_many_zero_bytes(data: bytes, register: int, count: int) -> None:
    table = crc.shift(count)
    assert table[register & 255] ^ table[256 + (register >> 8)] == crc.crc16(bytes(count), register)


# --- clean lines ---


@pytest.mark.parametrize("function", sorted(functions.FUNCTIONS))
def test_every_function_in_both_directions(function: int) -> None:
    for seed in range(60):
        request, response = EXCHANGES[function](random.Random(seed), 17, function)
        said = placed([Said(request, False), Said(response, True)] * 2)
        assert places(heard([line(said)])) == [one.place for one in said], (seed, request.hex(), response.hex())


@given(seeds, st.integers(1, 60), cuts)
@settings(max_examples=150)
def test_a_clean_line_is_read_exactly_however_it_is_cut(seed: int, exchanges: int, lengths: list[int]) -> None:
    said = conversation(seed, exchanges)
    found = heard(cut(line(said), lengths))
    assert places(found) == [one.place for one in said]
    assert [frame.adu for frame in found] == [one.adu for one in said]


def test_a_frame_tells_what_it_is() -> None:
    request, refusal = heard([bus.read(220, 4, 2) + bus.exception(220, 3, 2)])
    assert request == Frame(0, bus.read(220, 4, 2), 220, 3, False, None, 0.0)
    assert refusal == Frame(8, bus.exception(220, 3, 2), 220, 3, True, 2, 0.0)
    assert request.data == bytes((0, 4, 0, 2))


def test_a_frame_comes_as_soon_as_it_is_whole_with_the_time_of_its_last_byte() -> None:
    framer, adu = PassiveFramer(), bus.registers(220, *range(100))
    for when, byte in enumerate(adu[:-1]):
        assert framer.feed(bytes((byte,)), when) == []
    (frame,) = framer.feed(adu[-1:], 500.0)
    assert (frame.adu, frame.when) == (adu, 500.0)


def test_a_whole_recording_in_one_piece_is_like_many_small_ones() -> None:
    said = conversation(5, 600)
    assert places(heard([line(said)])) == [one.place for one in said]


# --- what has the same shape in both directions ---


def test_a_write_and_its_answer_are_told_apart_by_their_turn() -> None:
    write = bus.write_one(220, 7, 1)
    assert [f.is_response for f in heard([write * 4])] == [False, True, False, True]


def test_a_coil_request_that_looks_like_an_answer() -> None:
    request = bus.read(17, 0x0310, 20, function=1)  # as an answer: three bytes of coils
    answer = bus.adu(17, 1, b"\x03\x01\x02\x03")
    assert len(request) == len(answer) == 8
    assert [f.is_response for f in heard([request + answer + request + request])] == [False, True, False, False]


def test_nobody_answers_a_broadcast() -> None:
    write = bus.write_one(0, 7, 1)
    assert [f.is_response for f in heard([write + write])] == [False, False]


def test_a_refusal_is_believed_only_as_an_answer() -> None:
    refusal = bus.exception(220, 3, 2)
    framer = PassiveFramer()
    assert heard([refusal, bus.read(221, 0, 1), refusal], framer)[0].unit == 221
    assert framer.counters.frames == 1
    assert [f.exception for f in heard([bus.read(220, 0, 1) + refusal])] == [None, 2]


def test_a_refusal_is_believed_behind_what_is_left_of_its_request() -> None:
    known = 2 * (bus.read(220, 0, 1) + bus.registers(220, 5))
    asked, refusal = bus.read(220, 7, 1), bus.exception(220, 3, 2)
    for left in (
        asked[:5],
        asked[1:],
        asked[:4] + b"\x55" + asked[5:],
        b"\x55" + asked[1:],
        asked[:2] + b"\x55" + asked[2:],
    ):
        assert [f.adu for f in heard([known + left + refusal])][4:] == [refusal], left.hex()
    assert len(heard([known + refusal])) == 4, "nobody asked"
    assert len(heard([known + asked[:5] + bus.exception(221, 3, 2)])) == 4, "a stranger"
    assert len(heard([known + b"\x55\x06\x00" + refusal])) == 4, "another function of another unit"
    assert len(heard([known + asked[:5] + bus.exception(220, 3, 12)])) == 4, "no such code"
    assert len(heard([known + asked[:5] + bytes(30) + refusal])) == 4, "too far away"
    assert len(heard([known + asked[:5] + bus.adu(220, 0x44, b"\x02")])) == 4, "no exception at all"


def test_a_refusal_may_come_late() -> None:
    found = heard([bus.read(220, 0, 1) + bus.read(221, 0, 1) + bus.exception(220, 3, 11)])
    assert [f.exception for f in found] == [None, None, 11]


WRITE = bus.write_one(220, 100, 7)
LEFT = {
    "damaged": WRITE[:2] + b"\x10" + WRITE[3:],
    "a byte lost": WRITE[:3] + WRITE[4:],
    "a byte too many": WRITE[:4] + b"\x55" + WRITE[4:],
    "cut short": WRITE[:5],
    "without its beginning": WRITE[3:],
}


@pytest.mark.parametrize("left", LEFT)
def test_what_is_left_of_a_write_had_its_turn(left: str) -> None:
    poll = bus.read(220, 0, 1) + bus.registers(220, 5)
    request_lost, answer_lost = poll + LEFT[left] + WRITE + poll, poll + WRITE + LEFT[left] + WRITE + WRITE
    assert [f.is_response for f in heard([request_lost])] == [False, True, True, False, True]
    assert [f.is_response for f in heard([answer_lost])] == [False, True, False, False, True]


@pytest.mark.parametrize("left", LEFT)
def test_what_is_left_of_a_write_or_its_echo_had_its_turn(left: str) -> None:
    poll = 2 * bus.read(220, 0, 1) + bus.registers(220, 5)
    for write in (LEFT[left] + WRITE + WRITE, WRITE + LEFT[left] + WRITE):
        found = heard([3 * poll + write + poll])
        assert [f.is_response for f in found[9:11]] == [False, True]
    other = bus.write_one(220, 100, 8)
    found = heard([3 * poll + WRITE + WRITE + LEFT[left] + other + other + other])
    assert [f.is_response for f in found[9:]] == [False, False, False, False, True], (
        "the answer to the first was lost"
    )


def test_a_request_that_is_an_answer_with_a_zero_behind_it() -> None:
    """A zero leaves a good CRC good. Some request to an address from 0x200 to 0x2FF is always of this kind."""
    requests = [bus.read(unit, 0x0200 + low, 1) for unit in range(1, 248) for low in range(4)]
    request = next(adu for adu in requests if adu[-1] == 0)
    assert crc.crc16(request[:-1]) == 0
    answer = bus.registers(request[0], 7)
    assert places(heard(cut(request + answer + request, [1]))) == [(0, 8, False), (8, 7, True), (15, 8, False)]
    asked = bus.read(request[0], 9, 1)
    assert places(heard(cut(asked + request[:-1] + asked, [1]))) == [(0, 8, False), (8, 7, True), (15, 8, False)]


def test_a_write_whose_beginning_looks_like_its_answer() -> None:
    """Of 65536 writes, one has by chance a good CRC where its answer would have it."""
    heads = (bytes((220, 16, high, low, 0, 113)) for high in range(256) for low in range(256))
    head = next(one for one in heads if crc.sealed(one)[-2] == 226)
    crc_there = crc.sealed(head)[-2:]
    write = crc.sealed(head + crc_there + bytes(225))
    said = placed([Said(write, False), Said(crc.sealed(head), True)] * 2)
    for size in (1, 8, 9, 57, 1000):
        assert places(heard(cut(line(said), [size]))) == [one.place for one in said]


# --- echo ---


def echoed(said: list[Said]) -> list[Said]:
    return placed([copy for one in said for copy in ([one] if one.is_response else [one, one])])


@given(seeds, st.integers(5, 60), cuts)
def test_an_echo_is_learned_and_told(seed: int, exchanges: int, lengths: list[int]) -> None:
    start = conversation(1, 3, functions=(3,))
    said = echoed(start + conversation(seed, exchanges, functions=(3, 4, 6, 16, 5, 22)))
    framer = PassiveFramer()
    found = heard(cut(line(said), lengths), framer)
    assert places(found) == [one.place for one in said]
    assert framer.echo
    requests = [f for f in found if not f.is_response]
    assert all(f.echo for f in requests[5::2])
    assert not any(f.echo for f in requests[::2])


def test_retries_to_a_silent_unit_are_no_echo() -> None:
    framer = PassiveFramer()
    poll = bus.read(220, 0, 1) + bus.registers(220, 1)
    for n in range(30):
        framer.feed(poll, 15.0 * n)
        framer.feed(bus.read(223, 0, 1), 15.0 * n + 1)
        framer.feed(bus.read(223, 0, 1), 15.0 * n + 3)
    assert not framer.echo


# --- noise ---

JUNK = {
    "random": lambda r: r.randbytes(r.choice((0, 1, 3, 9, 40))),
    "headers": lambda r: b"".join(
        bytes((r.choice((220, 221, 1)), r.choice((3, 4, 16, 23, 43)), r.choice((0, 14, 250)), r.randrange(256)))
        for _ in range(r.randrange(6))
    )[: r.randrange(25)],
    "stuck": lambda r: bytes((r.choice((0, 1, 3, 6, 255)),)) * r.randrange(30),
}


@pytest.mark.parametrize("kind", JUNK)
@given(seed=seeds, exchanges=st.integers(1, 40), lengths=cuts)
@settings(max_examples=60)
def test_no_intact_frame_is_lost_among_junk(kind: str, seed: int, exchanges: int, lengths: list[int]) -> None:
    data, said = with_junk(seed, conversation(seed, exchanges), JUNK[kind])
    found = {(f.offset, len(f.adu)) for f in heard(cut(data, lengths))}
    said_places = {(one.offset, len(one.adu)) for one in said}
    false = found - said_places
    assert len(false) <= 1, "a good CRC by chance, once in a million bytes"
    assert all(any(at < one < at + length for at, length in false) for one, _ in said_places - found)


@given(seeds, st.floats(0.001, 0.05), cuts)
@settings(max_examples=60)
def test_damage_costs_the_damaged_frames_only(seed: int, share: float, lengths: list[int]) -> None:
    r = random.Random(seed)
    # No broadcasts: a zero behind a frame leaves its CRC good, and a damaged request does not settle which it is.
    said = conversation(seed, 40, functions=(3, 4, 16), broadcasts=False)
    data = bytearray(line(said))
    hit = {n for n in range(len(data)) if r.random() < share}
    for n in hit:
        data[n] ^= r.randrange(1, 256)
    intact, asked = [], None
    for one in said:
        whole = not hit.intersection(range(one.offset, one.offset + len(one.adu)))
        believed = len(one.adu) != 5 or asked  # a refusal whose request was damaged is none
        if whole and believed:
            intact.append(one)
        asked = whole and not one.is_response
    found = places(heard(cut(bytes(data), lengths)))
    # By chance, once in a million bytes, damaged ones have a good CRC together with the beginning of what follows.
    false = [place for place in found if place[:2] not in {one.place[:2] for one in said}]
    lost = [one for one in intact if one.place not in found]
    assert len(false) <= 1
    assert all(at < one.offset < at + length for one in lost for at, length, _ in false)
    assert not lost or false


def test_frames_inside_the_data_of_a_frame_are_data() -> None:
    inner = bus.read(220, 0, 1) + bus.registers(220, 7) + b"\0"
    outer = bus.adu(221, 3, bytes((len(inner),)) + inner)
    assert len(inner) % 2 == 0
    found = heard([bus.read(221, 0, len(inner) // 2), outer])
    assert [f.adu for f in found] == [bus.read(221, 0, len(inner) // 2), outer]


def test_a_truncated_answer_hides_nothing() -> None:
    cut_short = bus.registers(220, *range(60))[:50]
    rest = [bus.read(221, 0, 2), bus.registers(221, 5, 6), bus.read(220, 0, 60)]
    assert [f.adu for f in heard([cut_short + b"".join(rest)])] == rest


@given(st.binary(max_size=3000), st.lists(st.integers(1, 200), min_size=1, max_size=5))
def test_it_takes_any_bytes(data: bytes, lengths: list[int]) -> None:
    framer = PassiveFramer()
    found = heard(cut(data, lengths), framer)
    assert all(crc.crc16(f.adu) == 0 and data[f.offset : f.offset + len(f.adu)] == f.adu for f in found)
    framer.reset()
    assert framer.counters.bytes == len(data)
    assert framer.counters.junk_bytes == len(data) - sum(len(f.adu) for f in found)


def test_mutated_traffic_raises_nothing_and_keeps_memory_bounded() -> None:
    r = random.Random(3)
    framer = PassiveFramer()
    traffic = line(conversation(4, 400))
    for _ in range(20):
        data = bytearray(traffic)
        for _ in range(r.randrange(400)):
            at = r.randrange(len(data))
            match r.randrange(3):
                case 0:
                    data[at] = r.randrange(256)
                case 1:
                    del data[at : at + r.randrange(1, 9)]
                case _:
                    data[at:at] = r.randbytes(r.randrange(1, 30))
        for piece in cut(bytes(data), [r.randrange(1, 5000) for _ in range(5)]):
            framer.feed(piece, 0.0)
            assert framer.held <= 10_000
            if r.random() < 0.05:
                framer.flush(0.0)


def test_noise_yields_no_more_frames_than_chance() -> None:
    """Four million bytes: 1.25e-6 for each byte is what all function codes would give without further evidence."""
    r, framer = random.Random(11), PassiveFramer()
    found = [frame for _ in range(1000) for frame in framer.feed(r.randbytes(4000), 0.0)]
    assert len(found) <= 5


def test_once_the_units_are_known_noise_must_imitate_one_of_them() -> None:
    r, framer = random.Random(12), PassiveFramer()
    framer.feed(line(conversation(1, 100)), 0.0)
    found = [frame for _ in range(1000) for frame in framer.feed(r.randbytes(4000), 0.0)]
    assert len(found) <= 1
    assert framer.counters.doubted


def test_a_broadcast_needs_no_acquaintance() -> None:
    framer = PassiveFramer()
    framer.feed(line(conversation(1, 100, broadcasts=False)), 0.0)
    command = bus.write_one(0, 5, 2)
    assert [f.adu for f in heard([bytes((0xFF,)) * 20 + command + bytes((0xFF,)) * 20], framer)] == [command]


def test_a_unit_that_comes_later_is_heard_all_the_same() -> None:
    framer = PassiveFramer()
    framer.feed(line(conversation(1, 100)), 0.0)
    new, answer = bus.read(99, 5, 2), bus.registers(99, 1, 2)
    assert [f.adu for f in framer.feed(b"\x55" + new + b"\x55" + answer + b"\x55", 0.0)] == [new, answer]
    framer.feed(line(conversation(1, 100)), 0.0)
    weak, around = bus.write_one(98, 5, 2), bytes(300)
    assert heard([around + weak + around], framer) == []
    assert [f.adu for f in heard([around + weak + around], framer)] == [weak], "it came again"
    framer.feed(line(conversation(1, 100)), 0.0)
    weak = bus.write_one(97, 5, 2)
    assert [f.adu for f in heard([around + weak + new], framer)] == [weak, new], "a frame follows"


# --- silence ---


@given(st.integers(1, 40), st.booleans())
def test_the_time_of_a_frame_is_when_its_last_byte_came_however_late_it_is_recognised(size: int, idle: bool) -> None:
    framer, poll, answer = PassiveFramer(), bus.read(220, 0, 1), bus.registers(220, 7)
    data = b"\xdc\x03\xfa" + poll + answer
    found = [f for at in range(0, len(data), size) for f in framer.feed(data[at : at + size], float(at))]
    found += framer.flush(500.0) if idle else framer.feed(bytes(300), 500.0)
    last = [f.offset + len(f.adu) - 1 for f in found]
    assert [f.adu for f in found] == [poll, answer]
    assert [f.when for f in found] == [at // size * size for at in last]


def test_times_of_single_bytes_are_forgotten_with_them() -> None:
    framer, said = PassiveFramer(), conversation(6, 600)
    data = line(said)
    found = [f for at, byte in enumerate(data) for f in framer.feed(bytes((byte,)), float(at))]
    assert [f.when for f in found] == [f.offset + len(f.adu) - 1 for f in found]
    assert framer.held <= 10_000


def test_what_hides_behind_a_false_header_comes_with_the_silence() -> None:
    framer, poll = PassiveFramer(), bus.read(220, 0, 1)
    assert framer.feed(b"\xdc\x03\xfa" + poll, 0.0) == []
    assert [f.adu for f in framer.flush(0.1)] == [poll]


def test_silence_in_the_middle_of_a_frame_loses_nothing() -> None:
    framer, answer = PassiveFramer(), bus.registers(220, *range(50))
    assert framer.feed(answer[:40], 0.0) + framer.flush(0.3) == []
    assert [f.adu for f in framer.feed(answer[40:], 0.4)] == [answer]


def test_after_silence_a_frame_need_not_wait_for_the_rest_of_another() -> None:
    framer, poll = PassiveFramer(), bus.read(220, 0, 1)
    assert framer.feed(bus.registers(220, *range(50))[:40], 0.0) + framer.flush(0.3) == []
    assert [f.adu for f in framer.feed(poll, 15.0)] == [poll]
    assert [f.adu for f in framer.feed(bus.registers(220, 9), 15.1)] == [bus.registers(220, 9)]


def test_a_reset_forgets_the_bytes_in_hand() -> None:
    framer, answer = PassiveFramer(), bus.registers(220, *range(50))
    framer.feed(answer[:40], 0.0)
    framer.reset()
    assert framer.feed(answer[40:], 0.0) + framer.flush(0.1) == []
    framer.reset()
    assert [f.offset for f in framer.feed(answer, 0.2)] == [0]
    assert framer.counters.bytes == 2 * len(answer)


# --- vendor-defined functions ---


def test_vendor_frames_between_frames_are_told() -> None:
    vendor = [
        bus.adu(220, 65, b"abc"),
        bus.adu(220, 65, b"defgh"),
        bus.adu(220, 100, b""),
        bus.exception(220, 100, 1),
    ]
    poll = bus.read(220, 0, 1)
    framer = PassiveFramer()
    found = heard([poll + b"".join(vendor) + poll], framer)
    assert [f.adu for f in found] == [poll, *vendor, poll]
    assert [f.is_response for f in found] == [False, False, True, False, True, False]
    assert [f.function for f in found[1:5]] == [65, 65, 100, 100]
    assert framer.counters.vendor == 4


def test_vendor_frames_alone_are_told_by_the_silence() -> None:
    framer, vendor = PassiveFramer(), bus.adu(220, 66, b"hello")
    framer.feed(b"junk!!", 0.0)
    framer.flush(0.1)
    assert framer.feed(vendor, 15.0) == []
    assert [f.adu for f in framer.flush(15.1)] == [vendor]


def test_a_refusal_of_a_vendor_function_is_told_once() -> None:
    framer, vendor, refusal = PassiveFramer(), bus.adu(220, 100, b"ab"), bus.exception(220, 100, 1)
    told = []
    for when, adu in enumerate((bus.read(220, 0, 1), vendor, refusal)):
        told += framer.feed(adu, when) + framer.flush(when + 0.5)
    told += framer.feed(bus.read(220, 0, 1), 5.0)
    assert [f.adu for f in told] == [bus.read(220, 0, 1), vendor, refusal, bus.read(220, 0, 1)]


def test_zeros_behind_a_vendor_frame_are_none_of_it() -> None:
    framer, poll = PassiveFramer(), bus.read(220, 0, 1)
    framer.feed(poll + bus.adu(220, 65, b"abc") + bytes(5), 0.0)
    assert framer.flush(0.1) == []
    assert [f.adu for f in framer.feed(poll, 5.0)] == [poll]


def test_bytes_left_over_prove_that_it_is_no_vendor_frame() -> None:
    poll = bus.read(220, 0, 1)
    assert [f.adu for f in heard([poll + bus.adu(220, 65, b"abc") + b"\x17" + poll])] == [poll, poll]


# --- recorded streams ---


def sample(name: str) -> tuple[bytes, dict]:
    if not (SAMPLES / f"{name}.bin").exists():
        pytest.skip("the streams are not here")
    return (SAMPLES / f"{name}.bin").read_bytes(), json.loads((SAMPLES / f"{name}.json").read_text())


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize("size", [1, 7, 32, 62, 100_000])
def test_recorded_streams(name: str, size: int) -> None:
    data, truth = sample(name)
    found = heard(cut(data, [size]))
    assert places(found) == [(f["offset"], f["length"], f["dir"] == "rsp") for f in truth["frames"]]


def test_recorded_stream_as_adapters_cut_it() -> None:
    data, truth = sample("03_split_chunks")
    patterns = json.loads((SAMPLES / "03_split_chunks.chunks.json").read_text())
    for pattern in patterns.values():
        framer = PassiveFramer()
        found = [f for when, at, size in pattern for f in framer.feed(data[at : at + size], when)]
        assert places(found) == [(f["offset"], f["length"], f["dir"] == "rsp") for f in truth["frames"]]


def test_recorded_stream_with_noise() -> None:
    data, truth = sample("04a_noise_1pct_substitute")
    found = places(heard([data]))
    intact = {(f["offset"], f["length"], f["dir"] == "rsp") for f in truth["frames"] if f["intact"]}
    assert intact == set(found)
