"""Links and IPv4 addresses, as the kernel tells everybody who asks (rtnetlink); nothing can be changed by it.

A dump is a row of messages, each (man 7 netlink, rtnetlink):

    LLLL TTTT-FFFF SSSSSSSS PPPPPPPP   length, type and flags, sequence, port: 16 bytes
    body                               ifinfomsg (16 bytes) or ifaddrmsg (8 bytes)
    attributes                         each: length (2), type (2), value, filled up to 4 bytes
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface

from pvsmqtt.commands.network.snapshot import Address

_GETLINK, _GETADDR, _NEWLINK, _NEWADDR, _ERROR, _DONE = 18, 22, 16, 20, 2, 3
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_IFNAME, _PARENT, _MASTER, _ELSEWHERE = 3, 5, 10, 37  # IFLA_IFNAME, _LINK, _MASTER, _LINK_NETNSID
_LOCAL, _FLAGS = 2, 8  # IFA_LOCAL, IFA_FLAGS
_UP, _LOWER_UP, _PERMANENT = 0x1, 0x10000, 0x80

ETHERNET = 1
"""ARPHRD_ETHER."""

PATIENCE = 5.0
"""Seconds; the kernel answers at once."""


@dataclass(frozen=True, slots=True)
class Link:
    """An interface as the kernel knows it."""

    index: int
    name: str
    up: bool
    carrier: bool
    ethernet: bool
    carries: bool = False
    """It is part of a bridge or a bond, or has VLANs: its addresses are theirs."""


def links(dump: bytes) -> list[Link]:
    """Every interface in a dump of links."""
    found: list[Link] = []
    parents = set()
    for kind, body in _messages(dump):
        if kind == _NEWLINK and len(body) >= _LINK.size:
            _, hardware, index, flags, _ = _LINK.unpack_from(body)
            told = _attributes(body[_LINK.size :])
            name = told.get(_IFNAME, b"").rstrip(b"\0").decode(errors="replace")
            if _PARENT in told and _ELSEWHERE not in told:
                parents.add(_number(told[_PARENT]))
            up, carrier, part = bool(flags & _UP), bool(flags & _LOWER_UP), _MASTER in told
            found.append(Link(index, name, up, carrier, hardware == ETHERNET, part))
    return [replace(link, carries=link.carries or link.index in parents) for link in found]


def addresses(dump: bytes) -> dict[int, list[Address]]:
    """The IPv4 addresses in a dump of addresses, by the index of their interface."""
    found: dict[int, list[Address]] = {}
    for kind, body in _messages(dump):
        if kind != _NEWADDR or len(body) < _ADDRESS.size:
            continue
        family, prefix, flags, _, index = _ADDRESS.unpack_from(body)
        attributes = _attributes(body[_ADDRESS.size :])
        if family == socket.AF_INET and len(local := attributes.get(_LOCAL, b"")) == 4:
            if _FLAGS in attributes:
                flags = _number(attributes[_FLAGS])
            at = IPv4Interface((IPv4Address(local), prefix))
            found.setdefault(index, []).append(Address(at, bool(flags & _PERMANENT)))
    return found


def dump_links() -> bytes:
    """Ask the kernel for its links.

    Raises:
        OSError: when it does not answer.
    """
    return _dump(_GETLINK, bytes(_LINK.size))


def dump_addresses() -> bytes:
    """Ask the kernel for its IPv4 addresses.

    Raises:
        OSError: when it does not answer.
    """
    return _dump(_GETADDR, _ADDRESS.pack(socket.AF_INET, 0, 0, 0, 0))


def _dump(kind: int, body: bytes) -> bytes:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(PATIENCE)
        kernel.send(_HEADER.pack(_HEADER.size + len(body), kind, _DUMP, 1, 0) + body)
        told = b""
        while True:
            part = kernel.recv(1 << 18)
            told += part
            if not part or any(kind in (_DONE, _ERROR) for kind, _ in _messages(part)):
                return told


def _number(value: bytes) -> int:
    return int.from_bytes(value, sys.byteorder)


def _messages(dump: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEADER.size <= len(dump):
        length, kind, *_ = _HEADER.unpack_from(dump, at)
        if length < _HEADER.size or at + length > len(dump):
            return
        yield kind, dump[at + _HEADER.size : at + length]
        at += length + -length % 4


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind] = data[at + _ATTRIBUTE.size : at + length]
        at += length + -length % 4
    return found
