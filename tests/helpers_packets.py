"""Packets of a network for tests: a client and a server whose words become TCP segments in a capture."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from ipaddress import ip_address

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
PVS, GATEWAY = "172.27.153.1", "172.27.153.60"
EPOCH = 1_766_000_000.0


def header(link_type: int = 1, order: str = "<", magic: int = 0xA1B2C3D4) -> bytes:
    return struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262144, link_type)


def record(when: float, packet: bytes, snaplen: int = 65535, order: str = "<") -> bytes:
    seconds, micros = divmod(round(when * 1e6), 1_000_000)
    kept = packet[:snaplen]
    return struct.pack(f"{order}IIII", seconds, micros, len(kept), len(packet)) + kept


def tcp(source: int, target: int, sequence: int, acknowledged: int, flags: int, data: bytes = b"") -> bytes:
    options = b"\x02\x04\x05\xb4" if flags & SYN else b""
    words = (20 + len(options)) // 4
    return (
        struct.pack(
            ">HHIIHHHH",
            source,
            target,
            sequence % 2**32,
            acknowledged % 2**32,
            words << 12 | flags,
            64240,
            0,
            0,
        )
        + options
        + data
    )


def ip(source: str, target: str, payload: bytes, protocol: int = 6, fragment: int = 0) -> bytes:
    a, b = ip_address(source), ip_address(target)
    if a.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64) + a.packed + b.packed + payload
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, fragment, 64, protocol, 0)
    return head + a.packed + b.packed + payload


def ethernet(packet: bytes, *tags: int) -> bytes:
    """Padded to the 60 bytes that every frame has; ``tags`` are VLANs."""
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    tagged = b"".join(struct.pack(">HH", 0x8100, tag) for tag in tags)
    return (bytes(12) + tagged + struct.pack(">H", kind) + packet).ljust(60, b"\0")


class Talk:
    """A connection; every method notes a packet as ``(when, IP packet)`` in `packets`."""

    def __init__(
        self,
        port: int = 502,
        client: str = PVS,
        server: str = GATEWAY,
        client_port: int = 40001,
        first: tuple[int, int] = (1000, 2**32 - 30),
        now: float = EPOCH,
    ) -> None:
        self.ends = ((client, client_port), (server, port))
        self.next = list(first)
        self.now = now
        self.packets: list[tuple[float, bytes]] = []

    def segment(self, who: int, flags: int, data: bytes = b"", sequence: int | None = None) -> bytes:
        (source, from_port), (target, to_port) = self.ends[who], self.ends[1 - who]
        number = self.next[who] if sequence is None else sequence
        packet = ip(source, target, tcp(from_port, to_port, number, self.next[1 - who], flags, data))
        self.now += 0.001
        self.packets.append((self.now, packet))
        if sequence is None:
            self.next[who] += len(data) + bool(flags & (SYN | FIN))
        return packet

    def open(self) -> Talk:
        self.segment(0, SYN)
        self.segment(1, SYN | ACK)
        self.segment(0, ACK)
        return self

    def close(self) -> Talk:
        self.segment(0, FIN | ACK)
        self.segment(1, FIN | ACK)
        self.segment(0, ACK)
        return self

    def ask(self, data: bytes) -> Talk:
        self.segment(0, PSH | ACK, data)
        return self

    def answer(self, data: bytes) -> Talk:
        self.now += 0.02
        self.segment(1, PSH | ACK, data)
        return self

    def poll(self, transaction: int, unit: int, address: int, *values: int) -> Talk:
        """A read with its answer."""
        self.ask(read(transaction, unit, address, len(values)))
        return self.answer(registers(transaction, unit, *values))

    def write(self, transaction: int, unit: int, address: int, *values: int) -> Talk:
        self.ask(write_many(transaction, unit, address, *values))
        return self.answer(written(transaction, unit, address, len(values)))

    def wait(self, seconds: float) -> Talk:
        self.now += seconds
        return self


def capture(packets: Iterable[tuple[float, bytes]], snaplen: int = 65535) -> bytes:
    """A pcap file of link type 1."""
    return header() + frames(packets, snaplen)


def frames(packets: Iterable[tuple[float, bytes]], snaplen: int = 65535) -> bytes:
    return b"".join(record(when, ethernet(packet), snaplen) for when, packet in packets)


def adu(transaction: int, unit: int, function: int, data: bytes = b"") -> bytes:
    return struct.pack(">HHHBB", transaction, 0, len(data) + 2, unit, function) + data


def read(transaction: int, unit: int, address: int, count: int, function: int = 3) -> bytes:
    return adu(transaction, unit, function, struct.pack(">HH", address, count))


def registers(transaction: int, unit: int, *values: int, function: int = 3) -> bytes:
    return adu(transaction, unit, function, struct.pack(f">B{len(values)}H", 2 * len(values), *values))


def write_one(transaction: int, unit: int, address: int, value: int) -> bytes:
    return adu(transaction, unit, 6, struct.pack(">HH", address, value))


def write_many(transaction: int, unit: int, address: int, *values: int) -> bytes:
    head = struct.pack(">HHB", address, len(values), 2 * len(values))
    return adu(transaction, unit, 16, head + struct.pack(f">{len(values)}H", *values))


def written(transaction: int, unit: int, address: int, count: int) -> bytes:
    return adu(transaction, unit, 16, struct.pack(">HH", address, count))


def exception(transaction: int, unit: int, function: int, code: int) -> bytes:
    return adu(transaction, unit, function | 0x80, bytes((code,)))
