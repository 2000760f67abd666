"""What comes out, put together, is what went in; frames are those of the framer."""

from pathlib import Path

import pytest
from helpers_modbus import read, registers
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.capture import Event, pcap
from pvsmqtt.capture.reading import read as open_recording
from pvsmqtt.capture.recorder import Packets, Recorder
from pvsmqtt.capture.rotate import RotatingFile
from pvsmqtt.capture.segments import HOLD, PIECE, Segment, Segmenter
from pvsmqtt.modbus.framer import PassiveFramer

pieces = st.one_of(
    st.binary(max_size=40),
    st.integers(1, 247).map(lambda unit: read(unit, 5, 3) + registers(unit, 1, 2, 3)),
    st.just(b"\x01\x03\xf0"),
    st.just(b"\xff" * 3000),
)


@given(st.lists(st.tuples(pieces, st.sampled_from(("more", "flush", "reset"))), max_size=12), st.integers(1, 500))
def test_everything_comes_out_in_order(parts: list[tuple[bytes, str]], size: int) -> None:
    segmenter, framer = Segmenter(), PassiveFramer()
    done: list[Segment] = []
    frames, base, now = [], 0, 0.0
    for data, then in parts:
        for at in range(0, len(data), size):
            now += 1.0
            done += segmenter.feed(data[at : at + size], now)
            frames += [(base + one.offset, one.adu) for one in framer.feed(data[at : at + size], now)]
            assert segmenter.end - segmenter.settled <= HOLD + PIECE + size
        if then != "more":
            done += segmenter.flush(now) if then == "flush" else segmenter.reset(now)
            frames += [(base + one.offset, one.adu) for one in framer.flush(now)]
            assert segmenter.settled == segmenter.end
        if then == "reset":
            framer.reset()
            base = segmenter.end
    done += segmenter.flush(now)
    frames += [(base + one.offset, one.adu) for one in framer.flush(now)]
    assert b"".join(one.data for one in done) == b"".join(data for data, _ in parts)
    assert [one.offset for one in done] == [sum(len(one.data) for one in done[:n]) for n in range(len(done))]
    ours = [(one.offset, one.data) for one in done if one.frame]
    # what the framer puts together over a silence was given out before
    assert [one for one in frames if one in ours] == ours
    if all(then != "flush" for _, then in parts):
        assert ours == frames
    assert all(one.frame.offset == one.offset and one.frame.adu == one.data for one in done if one.frame)
    assert [one.when for one in done] == sorted(one.when for one in done)
    assert all(len(one.data) <= PIECE for one in done if not one.frame)


def test_a_segment_has_the_time_of_its_last_byte() -> None:
    segmenter, frame = Segmenter(), read(1, 2, 3)
    assert segmenter.feed(frame[:5], 1.0) == []
    first, second = segmenter.feed(frame[5:] + frame, 2.0)
    assert (first.when, second.when) == (2.0, 2.0)
    (third,) = segmenter.feed(frame, 3.0)
    assert (third.offset, third.when) == (16, 3.0)


@pytest.mark.parametrize("lost", [True, False])
def test_halves_around_a_loss_are_no_frame(tmp_path: Path, lost: bool) -> None:
    frame = registers(1, 4, 5, 6)
    recorder = Recorder(Packets(RotatingFile(tmp_path / "x", pcap.header()), 0.0), anonymise=False)
    recorder.bytes(read(1, 2, 3), 0.0)
    recorder.bytes(frame[:5], 0.1)
    if lost:
        recorder.event(Event(0.2, "lost"), lost=True)
    recorder.bytes(frame[5:], 0.3)
    recorder.bytes(read(1, 2, 3), 0.4)
    recorder.close(1.0)
    with open_recording(tmp_path / "x") as recording:
        found = [chunk.data for chunk in recording]
    assert found == [read(1, 2, 3), *((frame[:5], frame[5:]) if lost else (frame,)), read(1, 2, 3)]


def test_a_frame_around_a_silence_was_given_out_already() -> None:
    segmenter, frame = Segmenter(), registers(1, 4, 5, 6)
    done = [*segmenter.feed(frame[:5], 1.0), *segmenter.flush(2.0), *segmenter.feed(frame[5:], 3.0)]
    done += segmenter.feed(read(1, 2, 3), 4.0) + segmenter.flush(5.0)
    assert b"".join(one.data for one in done) == frame + read(1, 2, 3)
    assert [one.offset for one in done if one.frame] == [len(frame)]
