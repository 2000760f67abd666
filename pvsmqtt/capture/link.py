"""Packets of a network as a capture has them: what stands before the IP packet, for each link type.

========  ==================  ==============================================================================
type      is                  layout
========  ==================  ==============================================================================
1         Ethernet            to 6 | from 6 | ethertype u16 | IP…
113       ``-i any``, v1      kind u16 | hardware u16 | length u16 | address 8 | ethertype u16 | IP…
276       ``-i any``, v2      ethertype u16 | 0 u16 | interface u32 | hardware u16 | kind, length | address 8 | IP…
0, 108    loopback            address family u32, in the byte order of whoever wrote it (108: big-endian) | IP…
12, 101   bare IP             IP…; 228 and 229 only version 4 and version 6
========  ==================  ==============================================================================

After an ethertype of a VLAN (802.1Q and 802.1ad) two bytes and another ethertype follow.

Source: https://www.tcpdump.org/linktypes.html; IEEE 802.1Q.
"""

from __future__ import annotations

from collections.abc import Callable

IPV4, IPV6 = 0x0800, 0x86DD
VLANS = frozenset({0x8100, 0x88A8, 0x9100})
MOST_TAGS = 4
FAMILIES = {2: IPV4, 10: IPV6, 24: IPV6, 28: IPV6, 30: IPV6}
"""Address families: IP version 6 has another number in each system."""

Unwrap = Callable[[bytes], bytes | None]
"""A packet of the link -> the IP packet in it; None: there is none."""


def _behind_ethertype(at: int, packet: bytes, payload: int) -> bytes | None:
    for _ in range(MOST_TAGS):
        found = int.from_bytes(packet[at : at + 2], "big")
        if found not in VLANS:
            return packet[payload:] if found in (IPV4, IPV6) else None
        at, payload = payload + 2, payload + 4
    return None


def _ethernet(packet: bytes) -> bytes | None:
    return _behind_ethertype(12, packet, 14)


def _cooked(packet: bytes) -> bytes | None:
    return _behind_ethertype(14, packet, 16)


def _cooked_2(packet: bytes) -> bytes | None:
    return _behind_ethertype(0, packet, 20)


def _family(packet: bytes) -> bytes | None:
    head = packet[:4]
    known = int.from_bytes(head, "little") in FAMILIES or int.from_bytes(head, "big") in FAMILIES
    return packet[4:] if known else None


def _bare(packet: bytes) -> bytes | None:
    return packet if packet[:1] and packet[0] >> 4 in (4, 6) else None


LINKS: dict[int, Unwrap] = {
    1: _ethernet,
    113: _cooked,
    276: _cooked_2,
    **dict.fromkeys((0, 108), _family),
    **dict.fromkeys((12, 101, 228, 229), _bare),
}
