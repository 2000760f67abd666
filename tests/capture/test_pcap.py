"""Packets for Wireshark, judged by tshark; and every kind of pcap file that others write."""

import io
import random
import struct
import subprocess
from pathlib import Path

import pytest
from harness.basics import program
from helpers_modbus import adu, exception, read, registers, write_many, write_one, written
from pymodbus.pdu import DecodePDU

from pvsmqtt.capture import CaptureError, pcap
from pvsmqtt.capture.items import Why
from pvsmqtt.capture.reading import Kind
from pvsmqtt.capture.reading import read as open_recording
from pvsmqtt.capture.recorder import Packets, Recorder
from pvsmqtt.capture.replaying import Replay
from pvsmqtt.capture.rotate import RotatingFile
from pvsmqtt.commands.replay.frames import document

EPOCH = 1_766_000_000.25


def conversation(seed: int = 7, count: int = 40) -> list[bytes]:
    """Frames and junk; junk is where the second byte is no function."""
    chance, found = random.Random(seed), []
    for _ in range(count):
        unit, values = chance.randrange(1, 248), [chance.randrange(65536) for _ in range(chance.randrange(1, 30))]
        address = chance.randrange(60000)
        found += chance.choice(
            (
                [read(unit, address, len(values)), registers(unit, *values)],
                [read(unit, address, len(values), 4), registers(unit, *values, function=4)],
                [write_one(unit, address, values[0])] * 2,
                [write_many(unit, address, *values), written(unit, address, len(values))],
                [read(unit, address, 9), exception(unit, 3, 2)],
                [b"\xff\xff\xff\xff\xff"],
            )
        )
    return found


def record(path: Path, stream: bytes, size: int = 50) -> Path:
    recorder = Recorder(Packets(RotatingFile(path, pcap.header()), EPOCH), anonymise=False)
    for at in range(0, len(stream), size):
        recorder.bytes(stream[at : at + size], at / 1920)
    recorder.close(len(stream) / 1920)
    return path


FIELDS = (
    "rtacser.eventtype",
    "mbrtu.unit_id",
    "modbus.func_code",
    "mbrtu.crc16.status",
    "modbus.regval_uint16",
    "frame.len",
    "frame.time_epoch",
)


def tshark(path: Path) -> list[dict[str, str]]:
    command = [program("tshark", "tshark"), "-r", str(path), "-d", "rtacser.data,mbrtu"]
    command += ["-o", "mbrtu.crc_verification:TRUE", "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]


def test_tshark_decodes_every_packet(tmp_path: Path) -> None:
    pieces = conversation()
    rows = tshark(record(tmp_path / "bus.pcap", b"".join(pieces)))
    with open_recording(tmp_path / "bus.pcap") as recording:
        ours = {heard.frame.offset: document(heard, timed=True) for heard in Replay(recording.items())}
    offset = 0
    junk = [b"\xff\xff\xff\xff\xff"]
    expected = []
    for piece in pieces:  # neighbouring junk is one packet
        if expected and piece in junk and expected[-1][:1] == b"\xff":
            expected[-1] += piece
        else:
            expected.append(piece)
    assert len(rows) == len(expected)
    for row, data in zip(rows, expected, strict=True):
        assert int(row["frame.len"]) == 12 + len(data)
        if data[:2] == b"\xff\xff":
            assert row["rtacser.eventtype"] in ("0", "0x00")
            assert row["mbrtu.crc16.status"] != "1"
        else:
            frame = ours[offset]
            assert int(row["rtacser.eventtype"], 0) == (2 if frame["direction"] == "response" else 1)
            assert int(row["mbrtu.unit_id"]) == data[0] == frame["unit"]
            assert int(row["modbus.func_code"]) == data[1] & 127 == frame["function"]
            assert row["mbrtu.crc16.status"] == "1"
            if frame["direction"] == "response" and frame["function"] in (3, 4) and frame["exception"] is None:
                assert list(map(int, row["modbus.regval_uint16"].split(","))) == list(frame["registers"])
        offset += len(data)


def test_times_are_those_of_the_line(tmp_path: Path) -> None:
    path = record(tmp_path / "bus.pcap", read(1, 2, 3) + registers(1, 1, 2, 3), size=8)
    times = [float(row["frame.time_epoch"]) for row in tshark(path)]
    assert times == pytest.approx([EPOCH, EPOCH + 16 / 1920], abs=2e-6)


def test_pymodbus_sees_the_same_fields(tmp_path: Path) -> None:
    with open_recording(record(tmp_path / "bus.pcap", b"".join(conversation(8)))) as recording:
        frames = list(Replay(recording.items()))
    assert len(frames) > 50
    for heard in frames:
        ours = document(heard, timed=True)
        theirs = DecodePDU(ours["direction"] == "request").decode(heard.frame.adu[1:-2])
        assert theirs is not None
        if ours["exception"] is not None:
            assert theirs.exception_code == ours["exception"]
            continue
        assert theirs.function_code == ours["function"]
        if ours["function"] in (3, 4) and ours["direction"] == "request":
            assert (theirs.address, theirs.count) == (ours["address"], ours["count"])
        elif ours["registers"] is not None:
            assert list(theirs.registers) == list(ours["registers"])


def foreign(order: str, magic: int, link_type: int, packets: list[tuple[int, int, bytes]]) -> bytes:
    out = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)
    for seconds, fraction, data in packets:
        out += struct.pack(f"{order}IIII", seconds, fraction, len(data), len(data)) + data
    return out


def chunks(path: Path) -> list[tuple[float, bytes]]:
    with open_recording(path) as recording:
        assert recording.kind is Kind.PCAP
        return [(chunk.t, chunk.data) for chunk in recording]


class TestFilesOfOthers:
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize(("magic", "unit"), [(0xA1B2C3D4, 1_000_000), (0xA1B23C4D, 1_000_000_000)])
    @pytest.mark.parametrize("link_type", [147, 250])
    def test_every_way_to_write_one(self, tmp_path: Path, order: str, magic: int, unit: int, link_type: int) -> None:
        before = bytes(12) if link_type == 250 else b""
        data = foreign(
            order,
            magic,
            link_type,
            [(100, 0, before + read(1, 2, 3)), (101, unit // 4, before + registers(1, 1, 2, 3))],
        )
        (tmp_path / "x").write_bytes(data)
        assert chunks(tmp_path / "x") == [(0.0, read(1, 2, 3)), (pytest.approx(1.25), registers(1, 1, 2, 3))]

    def test_a_link_type_of_something_else(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(foreign("<", 0xA1B2C3D4, 105, []))
        with pytest.raises(CaptureError, match="link type 105: allowed are 147") as caught:
            open_recording(tmp_path / "x")
        assert caught.value.why is Why.LINK_TYPE

    def test_traffic_of_a_network_where_a_line_is_wanted(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(foreign("<", 0xA1B2C3D4, 1, []))
        with pytest.raises(CaptureError, match=r"not of an RS-485 line.*\[\[modbus_tap\]\]") as caught:
            open_recording(tmp_path / "x")
        assert caught.value.why is Why.NETWORK
        with open_recording(tmp_path / "x", network=True) as recording:
            assert recording.kind is Kind.NETWORK

    def test_pcapng(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"\x0a\x0d\x0d\x0a" + bytes(100))
        with pytest.raises(CaptureError, match="editcap -F pcap") as caught:
            open_recording(tmp_path / "x")
        assert caught.value.why is Why.PCAPNG

    def test_damage(self, tmp_path: Path) -> None:
        good = (1, 0, read(1, 2, 3))
        cases = {
            "the last one cut": foreign("<", 0xA1B2C3D4, 147, [good, good])[:-3],
            "a head cut": foreign("<", 0xA1B2C3D4, 147, [good, good]) + b"\1\2\3",
            "a length that cannot be": foreign("<", 0xA1B2C3D4, 147, [good, good]) + b"\xff" * 32,
        }
        for name, data in cases.items():
            (tmp_path / "x").write_bytes(data)
            with open_recording(tmp_path / "x") as recording:
                assert len(list(recording)) == 2, name
                assert recording.faults.damaged == 1, name

    def test_times_that_go_back(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(foreign("<", 0xA1B2C3D4, 147, [(5, 0, b"ab"), (4, 0, b"cd"), (6, 0, b"ef")]))
        assert chunks(tmp_path / "x") == [(0.0, b"ab"), (0.0, b"cd"), (1.0, b"ef")]

    def test_empty_packets(self, tmp_path: Path) -> None:
        packets = [(5, 0, bytes(12)), (5, 0, bytes(7)), (5, 0, bytes(12) + b"x")]
        (tmp_path / "x").write_bytes(foreign("<", 0xA1B2C3D4, 250, packets))
        assert chunks(tmp_path / "x") == [(0.0, b"x")]

    def test_no_packet_at_all(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(pcap.header())
        assert chunks(tmp_path / "x") == []


def test_frames_that_a_wireshark_capture_cut_in_packets_are_found(tmp_path: Path) -> None:
    stream = b"".join(conversation(9))
    pieces = [stream[at : at + 11] for at in range(0, len(stream), 11)]
    (tmp_path / "x").write_bytes(foreign(">", 0xA1B2C3D4, 147, [(100, n, piece) for n, piece in enumerate(pieces)]))
    with open_recording(tmp_path / "x") as recording:
        found = [heard.frame for heard in Replay(recording.items())]
    assert found
    assert all(stream[one.offset : one.offset + len(one.adu)] == one.adu for one in found)
    whole = [piece for piece in conversation(9) if piece[:1] != b"\xff"]
    assert [one.adu for one in found] == whole


def test_no_time_breaks_a_packet() -> None:
    for when in (-5.0, 0.0, 1.9999999, 2**32 + 5.5):
        data = pcap.packet(when, 1, b"x")
        assert len(data) == 16 + 12 + 1
        form = pcap.form(pcap.header())
        assert form is not None
        ((back, payload),) = pcap.packets(io.BytesIO(data), form, pcap.Faults())
        assert payload == b"x"
        assert back == pytest.approx(max(0.0, when) % 2**32, abs=1e-6)


def test_an_adu_of_256_bytes(tmp_path: Path) -> None:
    frame = adu(5, 100, bytes(252))
    assert len(frame) == 256
    path = record(tmp_path / "bus.pcap", read(1, 2, 3) + registers(1, 1, 2, 3) + frame + read(1, 2, 3), size=9)
    assert frame in path.read_bytes()
