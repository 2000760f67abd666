"""Recordings of our own and bare bytes, also damaged ones: what can be read is read, the rest is counted."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers_modbus import read as read_request
from helpers_modbus import registers
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.capture import CaptureError, Chunk, Event, raw, read
from pvsmqtt.capture.items import Header, Why
from pvsmqtt.capture.reading import Kind
from pvsmqtt.capture.replaying import Replay

HEADER = Header("tcp://h:1", "19200 8N1", datetime(2026, 6, 21, 18, tzinfo=UTC), True, "note")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    lines = [raw.header(HEADER), raw.event(Event(0.0, "opened", {"setting": "9600 8E1"}))]
    lines += [
        raw.chunk(1.25, b"\0\xff"),
        raw.event(Event(2.0, "lost", {"reason": "unplugged"})),
        raw.chunk(3.5, b"x"),
    ]
    (tmp_path / "x").write_bytes(b"".join(lines))
    with read(tmp_path / "x") as recording:
        assert recording.kind is Kind.RAW
        assert recording.timed
        assert recording.header == HEADER
        assert list(recording.items()) == [
            Event(0.0, "opened", {"setting": "9600 8E1"}),
            Chunk(1.25, b"\0\xff"),
            Event(2.0, "lost", {"reason": "unplugged"}),
            Chunk(3.5, b"x"),
        ]
        assert recording.faults.damaged == 0


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"5",
        b'{"t": 1}',
        b'{"hex": "00"}',
        b'{"t": NaN, "hex": "00"}',
        b'{"t": 1e999, "hex": "00"}',
        b'{"t": true, "hex": "00"}',
        b'{"t": null, "hex": "00"}',
        b'{"t": [], "hex": "00"}',
        b'{"t": 1, "hex": "0"}',
        b'{"t": 1, "hex": "zz"}',
        b'{"t": 1, "hex": 5}',
        b'{"t": 1, "event": 5}',
        b'{"t": ' + b"9" * 5000 + b', "hex": "00"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"t": 1, "hex": "' + b"00" * raw.LONGEST + b'"}',
    ],
)
def test_damaged_lines_are_counted(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "x").write_bytes(raw.header(HEADER) + raw.chunk(1.0, b"a") + line + b"\n" + raw.chunk(2.0, b"b"))
    with read(tmp_path / "x") as recording:
        assert [chunk.data for chunk in recording] == [b"a", b"b"]
        assert recording.faults.damaged == 1
        assert "line 3" in recording.faults.examples[0]


def test_the_power_failed(tmp_path: Path) -> None:
    whole = raw.header(HEADER) + raw.chunk(1.0, b"abc") + raw.chunk(2.0, b"def")
    for end in range(len(raw.header(HEADER)), len(whole)):
        (tmp_path / "x").write_bytes(whole[:end])
        with read(tmp_path / "x") as recording:
            assert [chunk.data for chunk in recording] in ([], [b"abc"], [b"abc", b"def"])


def test_times_never_go_back(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(raw.header(HEADER) + b"".join(raw.chunk(t, b"a") for t in (3.0, 1.0, 2.0, 4.0)))
    with read(tmp_path / "x") as recording:
        assert [chunk.t for chunk in recording] == [3.0, 3.0, 3.0, 4.0]
        assert recording.faults.backwards == 2


def test_a_later_version(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b'{"format": "pvsmqtt-capture/2"}\n')
    with pytest.raises(CaptureError, match="update pvsmqtt") as caught:
        read(tmp_path / "x")
    assert caught.value.why is Why.NEWER


@pytest.mark.parametrize("rest", [b"", b"1", b'1"', b'1"\n'])
def test_a_damaged_header(tmp_path: Path, rest: bytes) -> None:
    (tmp_path / "x").write_bytes(raw.MAGIC + rest)
    with pytest.raises(CaptureError, match="first line is damaged"):
        read(tmp_path / "x")


def test_a_header_with_other_things(tmp_path: Path) -> None:
    document = {"format": raw.FORMAT, "line": 5, "started_at": "soon", "anonymised": "yes", "more": 1}
    (tmp_path / "x").write_text(json.dumps(document) + "\n")
    with read(tmp_path / "x") as recording:
        assert recording.header == Header()


def test_none(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none", Why.MISSING), (tmp_path, Why.NO_FILE)):
        with pytest.raises(CaptureError, match=str(path)) as caught:
            read(path)
        assert caught.value.why is why


def test_bare_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * 3 + b"x"
    (tmp_path / "x").write_bytes(data)
    with read(tmp_path / "x") as recording:
        assert recording.kind is Kind.BYTES
        assert not recording.timed
        found = list(recording)
    assert b"".join(chunk.data for chunk in found) == data
    assert [chunk.t for chunk in found] == sorted({chunk.t for chunk in found})


@given(data=st.binary(max_size=600), head=st.sampled_from((b"", raw.MAGIC, raw.header(HEADER), b"\xd4\xc3\xb2\xa1")))
def test_nothing_else_is_raised(tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes) -> None:
    path = tmp_path_factory.mktemp("reading") / "x"
    path.write_bytes(head + data)
    try:
        with read(path) as recording:
            for _ in Replay(recording.items()):
                pass
    except CaptureError:
        pass


class TestReplay:
    def test_offsets_go_on_when_the_line_was_lost(self) -> None:
        first, second = read_request(1, 2, 3), read_request(1, 9, 3)
        items = [
            Event(0.0, "opened", {"setting": "19200 8N1"}),
            Chunk(0.0, first + registers(1, 1, 2, 3)[:5]),
            Event(1.0, "lost"),
            Event(2.0, "opened", {"setting": "9600 8N1"}),
            Chunk(3.0, second + registers(1, 4, 5, 6)),
        ]
        replay = Replay(items)
        found = list(replay)
        assert [heard.frame.offset for heard in found] == [0, 13, 21]
        assert [heard.request and heard.request.offset for heard in found] == [None, None, 13]
        assert replay.settings == ["19200 8N1", "9600 8N1"]
        ((_, image),) = replay.images.items()
        assert list(image) == [9, 10, 11]

    def test_bytes_of_before_the_loss_make_no_frame_with_those_behind_it(self) -> None:
        frame = registers(1, 4, 5, 6)
        items = [Chunk(0.0, frame[:5]), Event(0.1, "lost"), Event(0.1, "opened"), Chunk(0.1, frame[5:])]
        assert list(Replay(items)) == []

    def test_silence_ends_the_waiting(self) -> None:
        """What looks like the head of a long frame holds up the next one, until the line is idle."""
        chunks = [Chunk(0.0, b"\x01\x03\xf0" + read_request(1, 2, 3)), Chunk(5.0, read_request(1, 2, 4))]
        found = list(Replay(chunks))
        assert [(heard.frame.offset, heard.frame.when) for heard in found] == [(3, 0.0), (11, 5.0)]
