"""No serial number gets into a recording, and every frame stays where it is."""

import json
import struct
from pathlib import Path

import pytest
from helpers_modbus import adu, read, registers, write_many, write_one, written
from hypothesis import given, settings
from hypothesis import strategies as st

from pvsmqtt.capture import raw
from pvsmqtt.capture.items import IDLE, Header
from pvsmqtt.capture.reading import read as open_recording
from pvsmqtt.capture.recorder import Packets, Raw, Recorder
from pvsmqtt.capture.rotate import RotatingFile
from pvsmqtt.capture.serials import without_serials
from pvsmqtt.modbus.framer import PassiveFramer

SERIALS = (
    "ZT184385000441E1569",
    "E00122125092032",
    "SY20231100A1B2",
    "414051610001234",
    "B16F0412",
    "00:1D:C0:0A:BB:CC",
)


def words(text: str | bytes) -> tuple[int, ...]:
    data = text.encode() if isinstance(text, str) else text
    return struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))


def swapped(text: str) -> tuple[int, ...]:
    return tuple(value >> 8 | (value & 255) << 8 for value in words(text))


def record(folder: Path, chunks: list[tuple[float, bytes]], *, as_pcap: bool = False) -> Path:
    path = folder / f"{len(list(folder.iterdir()))}"
    file = RotatingFile(path, raw.header(Header(anonymised=True)))
    recorder = Recorder(Packets(file, 1.0) if as_pcap else Raw(file))
    for t, data in chunks:
        recorder.bytes(data, t)
    recorder.close(chunks[-1][0] if chunks else 0.0)
    return path


def heard(chunks: list[tuple[float, bytes]]) -> list[tuple[int, int, bool, int, int]]:
    framer, found, last = PassiveFramer(), [], None
    for t, data in chunks:
        if last is not None and t - last > IDLE:
            found += framer.flush(t)
        found += framer.feed(data, t)
        last = t
    found += framer.flush(1e9)
    return [(frame.offset, len(frame.adu), frame.is_response, frame.unit, frame.function) for frame in found]


def cut(data: bytes, cuts: list[int], gap: float = 0.01) -> list[tuple[float, bytes]]:
    """In pieces of these sizes, over and over."""
    chunks, at, number = [], 0, 0
    while at < len(data):
        size = cuts[number % len(cuts)]
        chunks.append((round(number * gap, 6), data[at : at + size]))
        at, number = at + size, number + 1
    return chunks


def recorded(path: Path) -> list[tuple[float, bytes]]:
    with open_recording(path) as recording:
        return [(chunk.t, chunk.data) for chunk in recording]


def hold(serial: str, data: bytes) -> bool:
    """Whether a serial number is in there in any of the ways in which registers hold text."""
    other = bytes(b for pair in zip(data[1::2], data[::2], strict=False) for b in pair)
    shifted = bytes(b for pair in zip(data[2::2], data[1::2], strict=False) for b in pair)
    return any(serial.encode() in view for view in (data, other, shifted, data[::2], data[1::2]))


serials = st.sampled_from(SERIALS)
values = st.lists(st.integers(0, 65535), max_size=20)


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[bytes, str]:
    """Frames, or junk, with a serial number."""
    serial, unit = draw(serials), draw(st.integers(1, 247))
    text = draw(st.sampled_from((words, swapped)))(serial)
    if draw(st.booleans()) and ":" not in serial and not serial.isdigit():
        text = tuple(map(ord, serial))
    payload = (*draw(values), 0, *text, 0, *draw(values))
    match draw(st.integers(0, 6)):
        case 0:
            function = draw(st.sampled_from((3, 4)))
            return read(unit, 100, len(payload), function) + registers(unit, *payload, function=function), serial
        case 1:
            return write_many(unit, 7, *payload) + written(unit, 7, len(payload)), serial
        case 2:
            identity = serial.encode() + b"\xff"
            return adu(unit, 17) + adu(unit, 17, bytes((len(identity),)) + identity), serial
        case 3:
            objects = bytes((14, 1, 1, 0, 0, 1, 0, len(serial))) + serial.encode()
            return adu(unit, 43, b"\x0e\x01\x00") + adu(unit, 43, objects), serial
        case 4:
            return draw(st.binary(max_size=9)) + b"\0" + serial.encode() + b"\0" + draw(st.binary(max_size=9)), serial
        case 5:
            whole = registers(unit, *payload)
            return whole[:-1] + bytes((whole[-1] ^ 0x55,)), serial  # the CRC is wrong
        case _:
            record = (
                bytes((6, 0, 4, 0, 1)) + struct.pack(">H", len(payload)) + struct.pack(f">{len(payload)}H", *payload)
            )
            return adu(unit, 21, bytes((len(record),)) + record) * 2, serial


@given(
    parts=st.lists(exchanges(), min_size=1, max_size=8),
    cuts=st.lists(st.integers(1, 300), min_size=1, max_size=9),
    gap=st.sampled_from((0.0, 0.004, 0.7)),
)
@settings(max_examples=150, deadline=None)
def test_no_serial_gets_through_however_the_stream_is_cut(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[bytes, str]], cuts: list[int], gap: float
) -> None:
    stream = b"".join(data for data, _ in parts)
    # a silence in the middle of a frame is not what this is about: then the parts of a text are two texts
    chunks = (
        cut(stream, cuts, gap) if gap < IDLE else [(round(n * gap, 6), data) for n, (data, _) in enumerate(parts)]
    )
    path = record(tmp_path_factory.mktemp("capture"), chunks)
    after = recorded(path)
    assert [(t, len(data)) for t, data in after] == [(t, len(data)) for t, data in chunks]
    written_bytes = b"".join(data for _, data in after)
    for _, serial in parts:
        assert not hold(serial, written_bytes)
    assert heard(after) == heard(chunks)


@given(data=st.binary(max_size=3000), cuts=st.lists(st.integers(1, 300), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None)
def test_any_bytes_keep_their_chunks_and_frames(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cuts: list[int]
) -> None:
    chunks = cut(data, cuts, 0.004)
    after = recorded(record(tmp_path_factory.mktemp("capture"), chunks))
    assert [(t, len(data)) for t, data in after] == [(t, len(data)) for t, data in chunks]
    assert heard(after) == heard(chunks)


def anonymised(tmp_path: Path, *frames: bytes) -> bytes:
    return b"".join(data for _, data in recorded(record(tmp_path, [(0.0, b"".join(frames))])))


class TestFrames:
    def test_ordinary_values_stay(self, tmp_path: Path) -> None:
        stream = (
            read(220, 0, 6),
            registers(220, 0, 65535, 12345, 0x3130, 48, 57),
            write_one(220, 5, 0x3132),
            write_one(220, 5, 0x3132),
            read(221, 0, 9),
            registers(221, *[52] * 9),
        )
        assert anonymised(tmp_path, *stream) == b"".join(stream)

    def test_names_and_versions_stay(self, tmp_path: Path) -> None:
        names = ("SchneiderElectric", "XW6848-21", "SunPower MIDC", "v0.7.22", "865-1060-01")
        text = words("".join(name.ljust(20, "\0") for name in names))
        stream = read(10, 0, len(text)), registers(10, *text)
        assert anonymised(tmp_path, *stream) == b"".join(stream)

    def test_letters_become_x_and_digits_0(self, tmp_path: Path) -> None:
        text, blank = words("\0\0E00122125092032\0"), words("\0\0X00000000000000\0")
        assert anonymised(tmp_path, registers(220, *text)) == registers(220, *blank)

    def test_a_text_in_two_reads(self, tmp_path: Path) -> None:
        text = words("ZT184385000441E1569\0")
        for at in range(1, len(text)):
            first, second = text[:at], text[at:]
            stream = (
                read(220, 90, at + 3),
                registers(220, 1, 2, 3, *first),
                read(220, 90 + at, len(second) + 2),
                registers(220, *second, 9, 9),
            )
            after = anonymised(tmp_path, *stream)
            left = after[16 + 3 + 6 - 8 : 16 + 3 + 6 - 8 + 2 * at] + after[-2 * len(second) - 6 : -6]
            assert b"ZT184385000441E1569" not in left
            assert max(map(len, left.replace(b"X", b"0").split(b"0"))) <= 6

    def test_the_serial_number_of_sunspec_goes_whatever_it_is(self, tmp_path: Path) -> None:
        common = (
            *words("SchneiderElectric".ljust(32, "\0")),
            *words("XW6848-21".ljust(32, "\0")),
            *words("".ljust(16, "\0")),
            *words("1.09.02".ljust(16, "\0")),
            *words("AB-12-cd".ljust(32, "\0")),
            10,
            0x8000,
        )
        whole = (read(10, 40002, 68), registers(10, 1, 66, *common))
        apart = (read(10, 9002, 2), registers(10, 1, 66), read(10, 9040, 20), registers(10, *common[36:56]))
        usual = (read(10, 40050, 10), registers(10, *common[46:56]))
        for stream in (whole, apart, usual):
            after = anonymised(tmp_path, *stream)
            assert b"AB-12" not in after
            assert b"XX-00" in after
            assert after.startswith(stream[0])
        assert b"SchneiderElectric" in anonymised(tmp_path, *whole)
        assert b"XW6848-21" in anonymised(tmp_path, *whole)

    def test_the_mac_address_of_sunspec(self, tmp_path: Path) -> None:
        link = (11, 13, 0, 0, 0, 0x001D, 0xC0AA, 0xBBCC, 0, *words("eth0\0\0\0\0"), 0, 0)
        after = anonymised(tmp_path, read(10, 40070, 15), registers(10, *link))
        assert bytes.fromhex("001dc0aabbcc") not in after
        assert b"eth0" in after

    def test_packets_too(self, tmp_path: Path) -> None:
        stream = registers(220, 1, *words("E00122125092032\0")), b"\0E00122125092032\0"
        path = record(tmp_path, [(0.0, b"".join(stream))], as_pcap=True)
        assert b"E001" not in path.read_bytes()
        assert path.read_bytes().count(b"X00000000000000") == 2


@pytest.mark.parametrize("serial", SERIALS)
@pytest.mark.parametrize("size", [1, 3, 64, 1000, 5000])
def test_junk_that_never_ends(tmp_path: Path, serial: str, size: int) -> None:
    noise = b"".join((bytes(range(128, 255)) * 3)[: 200 + n] + serial.encode() for n in range(60))
    chunks = cut(noise, [size], 0.0)
    after = recorded(record(tmp_path, chunks))
    assert [len(data) for _, data in after] == [len(data) for _, data in chunks]
    assert not hold(serial, b"".join(data for _, data in after))


@pytest.mark.parametrize("serial", SERIALS[:4])
@pytest.mark.parametrize("as_pcap", [False, True])
def test_a_frame_that_is_torn_anywhere(tmp_path: Path, serial: str, as_pcap: bool) -> None:
    """A recording begins and ends in the middle of a frame, and noise hits in the middle of a text."""
    for text in (words(serial), swapped(serial)):
        whole, calm = registers(220, 23, 261, *text, 99), read(221, 1, 2) + registers(221, 1, 2)
        for at in range(len(whole) + 1):
            torn = whole[:at] + bytes((whole[at] ^ 0x80,)) + whole[at + 1 :] if at < len(whole) else whole
            for stream in (whole[at:] + calm, calm + whole[:at], calm + torn + calm):
                path = record(tmp_path, [(0.0, stream)], as_pcap=as_pcap)
                after = b"".join(data for _, data in recorded(path)) if not as_pcap else path.read_bytes()
                assert not hold_a_part(serial, after), (at, after)
                path.unlink()


def hold_a_part(serial: str, data: bytes) -> bool:
    """Six characters of it in a row, as they are or with the bytes of each register exchanged."""
    views = [data, *(data[:phase] + swapped_bytes(data[phase:]) for phase in (0, 1))]
    return any(serial[at : at + 6].encode() in view for view in views for at in range(len(serial) - 5))


def swapped_bytes(data: bytes) -> bytes:
    even = data[: len(data) // 2 * 2]
    return b"".join(even[at : at + 2][::-1] for at in range(0, len(even), 2))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"ZT1843\0", b"XX0000\0"),
        (b"TZ8143\0", b"XX0000\0"),
        (b"ABCDEFGH1234", b"XXXXXXXX0000"),
        (b"ABCDEFGHI123", b"ABCDEFGHI123"),
        (b"AABBCCDDEEF1", b"XXXXXXXXXXX0"),
        (b"\0Z\0T\x001\x008\x004\x003\x008\x005", b"\0X\0X\x000\x000\x000\x000\x000\x000"),
        (b"\x004\x005\x006\x007\x004\x005\x006\x007\x004", b"\x004\x005\x006\x007\x004\x005\x006\x007\x004"),
        (b"00-1d-c0-aa-bb-cc", b"00-0X-X0-XX-XX-XX"),
        (b"1Z82345600\0A", b"0X00000000\0X"),
    ],
)
def test_what_looks_like_a_serial_number(data: bytes, expected: bytes) -> None:
    assert without_serials(data) == expected


def test_the_header_says_so(tmp_path: Path) -> None:
    line = json.loads(record(tmp_path, []).read_text().splitlines()[0])
    assert line["format"] == "pvsmqtt-capture/1"
    assert line["anonymised"] is True
