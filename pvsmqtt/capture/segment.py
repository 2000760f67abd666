"""An IP packet -> the TCP segment in it, or why there is none.

::

    4x TOS length u16 | id u16 | flags, fragment u16 | TTL protocol checksum u16 | from 4 | to 4 | options…      (v4)
    6x class, label | length u16 | next header, hops | from 16 | to 16                                           (v6)
    from port u16 | to port u16 | sequence u32 | acknowledged u32 | words, flags u16 | window, checksum, urgent  (TCP)

Checksums are not looked at: where a machine captures its own packets they are not filled in yet. Fragments are
skipped: no Modbus packet is that long. Version 6 is read without extension headers.

Source: RFC 791, RFC 8200, RFC 9293.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import NamedTuple

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
_TCP = 6
_PORTS = struct.Struct(">HHIIHHHH")


class Passed(StrEnum):
    """Why a packet says nothing."""

    OTHER = "other"
    """No IP, or no TCP in it."""
    FRAGMENT = "fragment"
    EXTENSION = "extension"
    """IP version 6 with extension headers."""
    CUT = "cut"
    """So little of it was recorded that its headers are not whole."""
    BROKEN = "broken"
    """Its lengths contradict each other."""


class Segment(NamedTuple):
    """A TCP segment. Addresses are the bytes of the packet, 4 or 16."""

    source: tuple[bytes, int]
    """Address and port."""
    target: tuple[bytes, int]
    sequence: int
    acknowledged: int
    flags: int
    data: bytes
    """As much of it as was recorded."""
    length: int
    """As much as it had."""


_EXTENSIONS = frozenset({0, 43, 44, 51, 60, 135})


def segment_of(packet: bytes) -> Segment | Passed:
    """The segment in an IP packet."""
    version = packet[0] >> 4 if packet else 0
    if version == 4:
        return _version_4(packet)
    return _version_6(packet) if version == 6 else Passed.OTHER


def _version_4(packet: bytes) -> Segment | Passed:
    head = (packet[0] & 0x0F) * 4
    if len(packet) < 20:
        return Passed.CUT
    if packet[9] != _TCP:
        return Passed.OTHER
    if (packet[6] << 8 | packet[7]) & 0x3FFF:
        return Passed.FRAGMENT
    # a packet that the network card is going to cut has no length yet
    length = (packet[2] << 8 | packet[3]) or len(packet)
    if head < 20 or length < head:
        return Passed.BROKEN
    return _tcp(packet, head, length, packet[12:16], packet[16:20])


def _version_6(packet: bytes) -> Segment | Passed:
    if len(packet) < 40:
        return Passed.CUT
    if packet[6] in _EXTENSIONS:
        return Passed.EXTENSION
    if packet[6] != _TCP:
        return Passed.OTHER
    length = 40 + (packet[4] << 8 | packet[5] or len(packet) - 40)
    return _tcp(packet, 40, length, packet[8:24], packet[24:40])


def _tcp(packet: bytes, at: int, end: int, source: bytes, target: bytes) -> Segment | Passed:
    if len(packet) < at + _PORTS.size:
        return Passed.CUT
    from_port, to_port, sequence, acknowledged, flags, *_ = _PORTS.unpack_from(packet, at)
    begin = at + (flags >> 12) * 4
    if begin < at + _PORTS.size or begin > end:
        return Passed.BROKEN
    data = packet[begin:end]
    return Segment((source, from_port), (target, to_port), sequence, acknowledged, flags & 0x3F, data, end - begin)
