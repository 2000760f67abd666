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

Source: https://www.tcpdump.org/linktypes/LINKTYPE_RTAC_SERIAL.html, draft-ietf-opsawg-pcap.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from pvsmqtt.capture.items import CaptureError, Faults, Stream, Why

HEAD = 24
"""Bytes before the first packet."""
USER0 = 147
RTAC_SERIAL = 250
LONGEST = 2**18
"""Bytes of a packet that are believed. A length above it means that the place in the file is lost."""

_MAGICS = {0xA1B2C3D4: 1e-6, 0xA1B23C4D: 1e-9}
PCAPNG = b"\x0a\x0d\x0d\x0a"
_RTAC = struct.Struct(">IIBBH")
_SKIPPED = {USER0: 0, RTAC_SERIAL: _RTAC.size}

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
            if link_type not in _SKIPPED:
                raise CaptureError(
                    Why.LINK_TYPE, f"it has link type {link_type}: allowed are 147 (USER0) and 250 (RTAC_SERIAL)"
                )
            return Form(order, fraction, link_type)
    return None


def packets(stream: Stream, how: Form, faults: Faults) -> Iterator[tuple[float, bytes]]:
    """What follows the first `HEAD` bytes: seconds since 1970, and bytes of the line."""
    fields = struct.Struct(f"{how.order}IIII")
    skipped = _SKIPPED[how.link_type]
    number = 0
    while head := stream.read(fields.size):
        number += 1
        if len(head) < fields.size:
            faults.damage(f"packet {number} is cut off")
            return
        seconds, fraction, here, length = fields.unpack(head)
        if here > LONGEST:
            faults.damage(f"packet {number} says that it has {here} bytes: what follows it cannot be read")
            return
        data = stream.read(here)
        if len(data) < here:
            faults.damage(f"packet {number} is cut off")
        if length > here:
            faults.cut += 1
        if len(data) <= skipped:
            faults.empty += 1
            continue
        yield seconds + fraction * how.fraction, data[skipped:]
