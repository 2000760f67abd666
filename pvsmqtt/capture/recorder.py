"""Bytes of a line in, a recording out: raw or pcap, anonymised or as they were.

Bytes wait until it is decided to which frame they belong, because a frame in which something is blanked needs another
CRC. A raw recording keeps the chunks as they were received, with their times; only then is it written.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from pvsmqtt.capture import pcap, raw
from pvsmqtt.capture.anonymise import Anonymiser
from pvsmqtt.capture.items import IDLE, Event
from pvsmqtt.capture.rotate import RotatingFile
from pvsmqtt.capture.segments import Segment, Segmenter
from pvsmqtt.modbus.framer import Counters


class Form(Protocol):
    """How it is written."""

    file: RotatingFile

    def heard(self, data: bytes, t: float) -> None:
        """A chunk came; its bytes will come as segments."""

    def take(self, segment: Segment, now: float) -> None:
        """The next bytes of the stream."""

    def happened(self, event: Event) -> None:
        """Something happened to the line; everything heard before was taken."""


class Raw:
    """JSON lines: segments become chunks again."""

    def __init__(self, file: RotatingFile) -> None:
        self.file = file
        self._chunks: deque[tuple[float, int]] = deque()
        self._bytes = bytearray()

    def heard(self, data: bytes, t: float) -> None:
        """See `Form`."""
        self._chunks.append((t, len(data)))

    def take(self, segment: Segment, now: float) -> None:
        """See `Form`."""
        self._bytes += segment.data
        while self._chunks and len(self._bytes) >= self._chunks[0][1]:
            t, length = self._chunks.popleft()
            self.file.write(raw.chunk(t, bytes(self._bytes[:length])), now)
            del self._bytes[:length]

    def happened(self, event: Event) -> None:
        """See `Form`."""
        self.file.write(raw.event(event), event.t)


class Packets:
    """Packets of link type 250, one segment each; ``epoch`` is the moment of ``t`` = 0 in seconds since 1970."""

    def __init__(self, file: RotatingFile, epoch: float) -> None:
        self.file = file
        self._epoch = epoch

    def heard(self, data: bytes, t: float) -> None:
        """See `Form`; chunks are not kept."""

    def happened(self, event: Event) -> None:
        """See `Form`; there is no packet for it."""

    def take(self, segment: Segment, now: float) -> None:
        """See `Form`."""
        kind = pcap.NO_FRAME
        if segment.frame:
            kind = pcap.RESPONSE if segment.frame.is_response else pcap.REQUEST
        self.file.write(pcap.packet(self._epoch + segment.when, kind, segment.data), now)


@dataclass(slots=True)
class Recorded:
    """What was recorded so far."""

    bytes: int = 0
    chunks: int = 0
    events: int = 0
    last: float | None = None
    """Time of the latest chunk."""


class Recorder:
    """Takes what is heard; every time ``t`` is in seconds since the recording began, and never goes back.

    Every method raises OSError when the file cannot be written.
    """

    def __init__(self, form: Form, *, anonymise: bool = True) -> None:
        self.recorded = Recorded()
        self.anonymiser = Anonymiser() if anonymise else None
        self._form = form
        self._segmenter = Segmenter()

    @property
    def counters(self) -> Counters:
        """What the bytes were."""
        return self._segmenter.framer.counters

    @property
    def file(self) -> RotatingFile:
        """Where it is written."""
        return self._form.file

    def bytes(self, data: bytes, t: float) -> None:
        """A chunk of the line."""
        if not data:
            return
        self.idle(t)
        self.recorded.bytes += len(data)
        self.recorded.chunks += 1
        self.recorded.last = t
        self._form.heard(data, t)
        self._take(self._segmenter.feed(data, t), t)

    def event(self, event: Event, *, lost: bool = False) -> None:
        """Something happened to the line; ``lost``: bytes were lost, the next ones begin anew."""
        self._take((self._segmenter.reset if lost else self._segmenter.flush)(event.t), event.t)
        self.recorded.events += 1
        self._form.happened(event)

    def idle(self, t: float) -> None:
        """Time goes by: call it now and then while nothing is heard."""
        if self.recorded.last is not None and t - self.recorded.last > IDLE:
            self._take(self._segmenter.flush(t), t)
        self.file.tick(t)

    def close(self, t: float) -> None:
        """Write everything and end the file."""
        try:
            self._take(self._segmenter.flush(t), t)
        finally:
            self.file.close()

    def _take(self, segments: list[Segment], now: float) -> None:
        for segment in segments:
            self._form.take(self.anonymiser.rewrite(segment) if self.anonymiser else segment, now)
