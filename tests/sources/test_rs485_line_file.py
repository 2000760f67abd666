"""Recordings as lines: their pace, their silence, their end."""

import json

import pytest

from pvsmqtt.capture.items import Chunk, Event
from pvsmqtt.sources.rs485.file_line import FileLine
from pvsmqtt.sources.rs485.line import LineLost, open_line, parse


class Time:
    def __init__(self):
        self.now = 500.0
        self.slept = []

    async def sleep(self, seconds):
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds


def line_of(items, speed, time):
    return FileLine("recording", iter(items), speed, time.sleep, lambda: time.now)


async def heard(line, patience=0.3):
    """(recorded time, bytes) until it ends."""
    found = []
    try:
        while True:
            data = await line.read(patience)
            found.append((round(line.clock(), 6), data))
    except LineLost as lost:
        ended = lost.reason
    assert ended == "ended"
    return found


CHUNKS = [Chunk(0.0, b"a"), Chunk(0.2, b"b"), Chunk(1.0, b"c")]
HEARD = [(0.0, b"a"), (0.2, b"b"), (0.5, b""), (0.8, b""), (1.0, b"c")]


@pytest.mark.parametrize(("speed", "took"), [(1, 1.0), (10, 0.1), (0.5, 2.0), (0, 0.0)])
async def test_pace_and_silence(speed, took):
    time = Time()
    assert await heard(line_of(CHUNKS, speed, time)) == HEARD
    assert time.now - 500.0 == pytest.approx(took)


async def test_a_slow_reader_is_not_waited_for():
    time = Time()
    line = line_of(CHUNKS, 1, time)
    await line.read(9)
    time.now += 5
    await line.read(9)
    assert time.slept[-1] == 0
    assert line.clock() == 0.2


async def test_interruptions_and_times_that_go_back():
    items = [Chunk(1.0, b"a"), Event(1.1, "lost"), Event(2.0, "note"), Chunk(0.5, b"b")]
    assert await heard(line_of(items, 0, Time()), 9) == [(1.0, b"a"), (1.1, b""), (1.1, b"b")]


async def test_a_file(tmp_path):
    file = tmp_path / "a.jsonl"
    lines = [{"format": "pvsmqtt-capture/1", "line": "x", "setting": "9600 8E1", "anonymised": False}]
    lines += [{"t": 0.0, "hex": "dc03"}, {"t": 0.5, "event": "lost"}, {"t": 3.0, "hex": "00"}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    line = await open_line(parse(f"file://{file}?speed=0"))
    assert await heard(line, 1.0) == [(0, b"\xdc\x03"), (0.5, b""), (1.5, b""), (2.5, b""), (3.0, b"\x00")]
    assert (line.errors(), line.note()) == ({}, "")
    await line.close()
    await line.close()
    with pytest.raises(LineLost):
        await line.read(1)


async def test_no_file(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(LineLost) as lost:
            await open_line(parse(f"file://{path}"))
        assert lost.value.reason == "recording"
        assert str(path) in str(lost.value)
