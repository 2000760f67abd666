"""Any recording: raw, pcap or bare bytes. The first bytes say which it is, never the name.

What is neither raw nor pcap is bare bytes of a line, without times: they get those that a line of 19200 baud without
a pause would have. Nothing is kept: a file may be larger than the memory.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from pvsmqtt.capture import pcap, raw
from pvsmqtt.capture.items import CaptureError, Chunk, Event, Faults, Header, Stream, Why
from pvsmqtt.capture.link import LINKS

PIECE = 64
"""Bytes of a chunk of a file that has no chunks."""
RATE = 1920.0
"""Bytes in a second of a file that has no times."""
STANDARD_INPUT = Path("-")
_HEAD = max(len(raw.MAGIC), pcap.HEAD)
_WHYS = {errno.ENOENT: Why.MISSING, errno.EACCES: Why.DENIED, errno.EPERM: Why.DENIED, errno.EISDIR: Why.NO_FILE}
_TEXTS = {
    Why.MISSING: "there is no such file",
    Why.DENIED: "this user may not read it",
    Why.NO_FILE: "it is a directory: name one file of it",
}


NO_LINE = (
    "it has link type {link_type}: that is traffic of a network (Modbus TCP), not of an RS-485 line. Look at it with "
    "pvsmqtt replay FILE, or have it decoded by a [[modbus_tap]] table"
)

_GZIP = b"\x1f\x8b\x08"
"""Then flags below 0x20. Bytes of a line could begin so with an exception of unit 31, whose CRC would be 27 30."""


class Kind(StrEnum):
    """What kind of file it is."""

    RAW = "raw"
    BYTES = "bytes"
    PCAP = "pcap"
    NETWORK = "network"
    """pcap too, but packets of a network."""


class _Ahead:
    """A stream of which the first bytes can be looked at before they are read, also when it is a pipe."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.head = stream.read(_HEAD)
        """Those of the first bytes that were not read yet."""
        self.taken = 0
        """Bytes read by whoever wanted them."""

    def read(self, count: int) -> bytes:
        taken, self.head = self.head[:count], self.head[count:]
        if len(taken) < count:
            taken += self._stream.read(count - len(taken))
        self.taken += len(taken)
        return taken

    def readline(self, limit: int) -> bytes:
        end = self.head.find(b"\n") + 1
        if end:
            return self.read(min(end, limit))
        taken, self.head = self.head, b""
        taken += self._stream.readline(limit - len(taken))
        self.taken += len(taken)
        return taken

    def close(self) -> None:
        self._stream.close()


class Recording(AbstractContextManager["Recording"]):
    """An open recording. ``kind`` and ``header`` are known at once; the rest is read as it is iterated, once."""

    def __init__(self, stream: Stream, name: str, network: bool = False) -> None:
        """``network``: traffic of a network is wanted as well; its packets are in `records`.

        Raises:
            CaptureError: it cannot be read.
        """
        self.name = name
        self.faults = Faults()
        self.header = Header()
        self.kind = Kind.BYTES
        self.timed = True
        """Whether the times are recorded ones."""
        self.link_type: int | None = None
        """Of a pcap file."""
        self.records: Iterator[pcap.Record] = iter(())
        """Of traffic of a network, the packets."""
        self._stream = _Ahead(stream)
        head = self._stream.head
        if head.startswith(raw.MAGIC):
            self.kind = Kind.RAW
            self.header = raw.read_header(self._stream.readline(raw.LONGEST))
            self._items: Iterator[Chunk | Event] = raw.items(self._stream, self.faults)
        elif how := pcap.form(head):
            self.kind = Kind.PCAP
            self.link_type = how.link_type
            if how.link_type in LINKS:
                if not network:
                    raise CaptureError(Why.NETWORK, NO_LINE.format(link_type=how.link_type))
                self.kind = Kind.NETWORK
            self._stream.read(pcap.HEAD)
            if self.kind is Kind.NETWORK:
                self.records = pcap.records(self._stream, how, self.faults)
                self._items = iter(())
                return
            packets = pcap.packets(self._stream, how, self.faults)
            if first := next(packets, None):
                # it is the beginning: a pcap file tells no other
                self.header = Header(started_at=datetime.fromtimestamp(first[0], UTC))
                self._items = self._packets(first, packets)
            else:
                self._items = iter(())
        elif head.startswith(_GZIP) and head[3:4] < b"\x20":
            raise CaptureError(Why.COMPRESSED, "it is compressed: unpack it first, or  zcat FILE | pvsmqtt replay -")
        else:
            self.timed = False
            self._items = self._pieces()

    @property
    def position(self) -> int:
        """Bytes of the file that were read so far."""
        return self._stream.taken

    def __iter__(self) -> Iterator[Chunk]:
        """The chunks in order.

        Raises:
            CaptureError: when the file cannot be read any further.
        """
        return (item for item in self.items() if isinstance(item, Chunk))

    def items(self) -> Iterator[Chunk | Event]:
        """Chunks and events in order.

        Raises:
            CaptureError: when the file cannot be read any further.
        """
        try:
            yield from self._items
        except OSError as error:
            raise _unreadable(self.name, error) from None

    def _pieces(self) -> Iterator[Chunk]:
        offset = 0
        while data := self._stream.read(PIECE):
            offset += len(data)
            yield Chunk(offset / RATE, data)

    def _packets(self, first: tuple[float, bytes], rest: Iterator[tuple[float, bytes]]) -> Iterator[Chunk]:
        start, latest = first[0], 0.0
        for when, data in chain((first,), rest):
            if when - start < latest:
                self.faults.backwards += 1
            latest = max(latest, when - start)
            yield Chunk(latest, data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._stream.close()


def read(path: Path, network: bool = False) -> Recording:
    """Open a recording; ``-`` is standard input. Close it, or use it in a ``with`` statement. ``network``: see
    `Recording`.

    Raises:
        CaptureError: when there is none, or none that can be read.
    """
    stream: BinaryIO | None = None
    try:
        stream = sys.stdin.buffer if path == STANDARD_INPUT else path.open("rb")
        return Recording(stream, str(path), network)
    except (OSError, CaptureError) as error:
        if stream is not None:
            stream.close()
        if isinstance(error, OSError):
            raise _unreadable(str(path), error) from None
        raise CaptureError(error.why, f"{path}: {error}") from None


def _unreadable(name: str, error: OSError) -> CaptureError:
    why = _WHYS.get(error.errno or 0, Why.UNREADABLE)
    return CaptureError(why, f"{name}: {_TEXTS.get(why, error.strerror or str(error))}")
