"""A stream in order and complete: frames, and the bytes between them that belong to no frame.

A framer tells of a frame when its last byte is there, and may look back a little; so bytes wait here until they are
part of a frame, lie before one, or are too old for any. What comes out, put together, is what went in.

::

    in   …7f 00 dc 03 00 00 00 0c 5d 32 dc 03 18…
    out       [junk: 7f 00] [frame: dc 03 00 00 00 0c 5d 32]        (dc 03 18 waits)
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.framer import PassiveFramer

HOLD = 2048
"""Bytes that wait: so far back no framer looks."""
PIECE = 1024
"""Bytes of junk at most in one segment."""
CONTEXT = 64
"""Bytes of the same junk that a segment shows of what is before and behind it."""


class Segment(NamedTuple):
    """Consecutive bytes of the stream: one frame, or a piece of junk."""

    offset: int
    """Of its first byte, counted from the beginning of the stream."""
    data: bytes
    when: float
    """When its last byte arrived."""
    frame: Frame | None
    before: bytes = b""
    """What junk went before junk, up to `CONTEXT` bytes."""
    after: bytes = b""
    """What follows junk, up to `CONTEXT` bytes, as far as it is there; it may still turn out to be a frame."""


class Segmenter:
    """Cuts a stream into segments. Offsets count from its beginning, also across `reset`."""

    def __init__(self) -> None:
        self.framer = PassiveFramer()
        self._base = 0
        """Offset in the stream of the framer's offset 0."""
        self._start = 0
        """Offset of the first byte that waits."""
        self._waiting = bytearray()
        self._times: deque[tuple[int, float]] = deque()
        """Where each chunk that waits ends, and when it arrived."""
        self._before = b""

    @property
    def end(self) -> int:
        """Bytes of the stream so far."""
        return self._start + len(self._waiting)

    @property
    def settled(self) -> int:
        """Offset before which everything has come out."""
        return self._start

    def feed(self, data: bytes, when: float) -> list[Segment]:
        """What is decided with these bytes; ``when`` they arrived, in seconds."""
        self._waiting += data
        self._times.append((self.end, when))
        done = self._frames(self.framer.feed(data, when))
        if len(self._waiting) > HOLD + PIECE:
            self._junk(self.end - HOLD, done)
        return done

    def flush(self, when: float) -> list[Segment]:
        """The line is idle: everything that waits is decided."""
        done = self._frames(self.framer.flush(when))
        self._junk(self.end, done)
        return done

    def reset(self, when: float) -> list[Segment]:
        """Bytes were lost: what comes next begins anew."""
        done = self.flush(when)
        self.framer.reset()
        self._base = self.end
        return done

    def _frames(self, frames: list[Frame]) -> list[Segment]:
        done: list[Segment] = []
        for frame in sorted(frames, key=lambda one: one.offset):
            offset = self._base + frame.offset
            if offset < self._start:
                continue
            self._junk(offset, done)
            self._before = b""
            when = self._when(offset + len(frame.adu))
            done.append(Segment(offset, self._take(len(frame.adu)), when, frame._replace(offset=offset)))
        return done

    def _junk(self, end: int, done: list[Segment]) -> None:
        """Everything before ``end`` is junk."""
        while self._start < end:
            offset, when = self._start, self._when(min(end, self._start + PIECE))
            data = self._take(min(end - offset, PIECE))
            done.append(Segment(offset, data, when, None, self._before, bytes(self._waiting[:CONTEXT])))
            self._before = (self._before + data)[-CONTEXT:]

    def _take(self, count: int) -> bytes:
        taken = bytes(self._waiting[:count])
        del self._waiting[:count]
        self._start += count
        while self._times and self._times[0][0] <= self._start:
            self._times.popleft()
        return taken

    def _when(self, end: int) -> float:
        return next((when for until, when in self._times if until >= end), 0.0)
