"""Classic pcap files, as Wireshark and other sniffers write them.

::

    magic u32 | version u16 u16 | zone i32 | accuracy u32 | longest packet u32 | link type u32        (file, 24 bytes)
    seconds u32 | micro- or nanoseconds u32 | bytes here u32 | bytes on the line u32 | bytes            (each packet)

The magic tells byte order and unit of the fraction. Link type 147 (USER0) has the bare bytes of the line; 250
(RTAC_SERIAL) puts 12 bytes before them, big-endian: seconds u32, microseconds u32, event u8, control lines u8, footer
u16. Of its events 1 is what the master sends, 2 what it receives, 0 a change of the control lines. We write one frame
in each packet (1 for a request, 2 for a response), and what is no frame in packets of event 0: Wireshark tries these
as well, ``rtacser.eventtype != 0`` leaves them out. It decodes with
``tshark -r FILE -d rtacser.data,mbrtu -o mbrtu.crc_verification:TRUE``.

Files of a network (`link`) are read too, by the same `Reader`: whole packets, for `mirror`.

A program that writes into a pipe may be started again: its new header is recognised where a packet would begin, for a
packet has no length of zero at the time that the magic would be.

Source: https://www.tcpdump.org/linktypes/LINKTYPE_RTAC_SERIAL.html, draft-ietf-opsawg-pcap.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from pvsmqtt.capture.items import CaptureError, Faults, Stream, Why
from pvsmqtt.capture.link import LINKS

HEAD = 24
"""Bytes before the first packet."""
USER0 = 147
RTAC_SERIAL = 250
LONGEST = 2**18
"""Bytes of a packet that are believed. A length above it means that the place in the file is lost."""

_MAGICS = {0xA1B2C3D4: 1e-6, 0xA1B23C4D: 1e-9}
PCAPNG = b"\x0a\x0d\x0d\x0a"
MAGICS = frozenset({PCAPNG, *(struct.pack(f"{order}I", magic) for order in "<>" for magic in _MAGICS)})
"""How files of packets begin."""
_RTAC = struct.Struct(">IIBBH")
_SKIPPED = {USER0: 0, RTAC_SERIAL: _RTAC.size}
_PIECE = 16 * 1024

REQUEST, RESPONSE, NO_FRAME = 1, 2, 0
"""Events of link type 250: data sent, data received, status changed."""


class Form(NamedTuple):
    """How a file is written."""

    order: str
    """``<`` or ``>``."""
    fraction: float
    """Seconds of one unit of the fraction."""
    link_type: int


def header() -> bytes:
    """The beginning of a file of link type 250 with microseconds."""
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, RTAC_SERIAL)


def packet(when: float, event: int, data: bytes) -> bytes:
    """A packet of link type 250; ``when`` in seconds since 1970 (UTC)."""
    seconds, micros = divmod(max(0, round(when * 1_000_000)), 1_000_000)
    seconds &= 0xFFFFFFFF
    length = _RTAC.size + len(data)
    return struct.pack("<IIII", seconds, micros, length, length) + _RTAC.pack(seconds, micros, event, 0, 0) + data


def form(head: bytes) -> Form | None:
    """How the file with these first `HEAD` bytes is written; None when it is no pcap file.

    Raises:
        CaptureError: pcap, but of a kind that cannot be read.
    """
    if head.startswith(PCAPNG):
        raise CaptureError(Why.PCAPNG, "it is a pcapng file: convert it with  editcap -F pcap FILE NEW.pcap")
    for order in "<>":
        if len(head) >= HEAD and (fraction := _MAGICS.get(struct.unpack(f"{order}I", head[:4])[0])):
            link_type = struct.unpack(f"{order}I", head[20:24])[0] & 0xFFFF
            if link_type not in _SKIPPED and link_type not in LINKS:
                raise CaptureError(
                    Why.LINK_TYPE,
                    f"it has link type {link_type}: allowed are 147 (USER0) and 250 (RTAC_SERIAL) for a line, 1 "
                    "(Ethernet), 113 and 276 (any), 0, 12, 101 and 228 for a network",
                )
            return Form(order, fraction, link_type)
    return None


class Record(NamedTuple):
    """A packet as it stands in the file."""

    when: float
    """Seconds since 1970."""
    data: bytes
    length: int
    """Bytes that it had; of these, some may not have been recorded."""


class Reader:
    """What follows the first `HEAD` bytes, in pieces of any size. Memory: one packet.

    Raises CaptureError out of `feed` where a header comes anew that cannot be read.
    """

    def __init__(self, how: Form, faults: Faults) -> None:
        self.how = how
        self.lost = False
        """The place in the file is lost: nothing more comes out."""
        self._faults = faults
        self._fields = struct.Struct(f"{how.order}IIII")
        self._buffer = bytearray()
        self._number = 1

    def feed(self, data: bytes) -> Iterator[Record]:
        """The packets that are whole now."""
        self._buffer += data
        at, size = 0, self._fields.size
        buffer = self._buffer
        try:
            while not self.lost and len(buffer) >= at + size:
                seconds, fraction, here, length = self._fields.unpack_from(buffer, at)
                if not here and not length and (how := self._anew(at)) is not None:
                    if len(buffer) < at + HEAD:
                        return
                    self.how = how
                    at += HEAD
                    continue
                if here > LONGEST:
                    self.lost = True
                    self._faults.damage(
                        f"packet {self._number} says that it has {here} bytes: what follows it cannot be read"
                    )
                    return
                if len(buffer) < at + size + here:
                    return
                yield self._record(seconds, fraction, bytes(buffer[at + size : at + size + here]), here, length)
                at += size + here
        finally:
            del buffer[: len(buffer) if self.lost else at]

    def end(self) -> Iterator[Record]:
        """The file is at its end: what is left of a packet that was cut off."""
        if self._buffer and not self.lost:
            self._faults.damage(f"packet {self._number} is cut off")
            if len(self._buffer) >= self._fields.size:
                seconds, fraction, here, length = self._fields.unpack_from(self._buffer)
                yield self._record(seconds, fraction, bytes(self._buffer[self._fields.size :]), here, length)
        self._buffer.clear()

    def _record(self, seconds: int, fraction: int, data: bytes, here: int, length: int) -> Record:
        self._number += 1
        self._faults.cut += length > here
        return Record(seconds + fraction * self.how.fraction, data, length)

    def _anew(self, at: int) -> Form | None:
        """The header that begins here; that of a file of the same kind, if not all of it is here yet."""
        head = bytes(self._buffer[at : at + HEAD])
        if struct.unpack_from(f"{self.how.order}I", head)[0] not in _MAGICS:
            return None
        return form(head) if len(head) == HEAD else self.how


def records(stream: Stream, how: Form, faults: Faults) -> Iterator[Record]:
    """What follows the first `HEAD` bytes of a file."""
    reader = Reader(how, faults)
    while not reader.lost and (data := stream.read(_PIECE)):
        yield from reader.feed(data)
    yield from reader.end()


def packets(stream: Stream, how: Form, faults: Faults) -> Iterator[tuple[float, bytes]]:
    """The same of a line: seconds since 1970, and bytes of the line."""
    skipped = _SKIPPED[how.link_type]
    for when, data, _ in records(stream, how, faults):
        if len(data) <= skipped:
            faults.empty += 1
            continue
        yield when, data[skipped:]
