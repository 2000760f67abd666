"""A TCP connection between a Modbus client and its server: both directions, put in order and paired.

Which byte is the first of an ADU is known where the connection was seen to begin, by either of its SYN packets.
A connection that has ended is remembered for `LINGER`, so that a packet that comes once more says nothing again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from pvsmqtt.capture import flow
from pvsmqtt.capture.flow import Bytes, Flow, Piece
from pvsmqtt.capture.segment import ACK, FIN, RST, SYN, Segment
from pvsmqtt.modbus import mbap
from pvsmqtt.modbus.image import Images
from pvsmqtt.modbus.mbap import Adu, MbapStream
from pvsmqtt.modbus.transactions import Tally, Told, Transactions

REQUESTS, RESPONSES = 0, 1
"""Directions: from the client to the server, and back."""
LINGER = 60.0
MOST_HELD = 16


class Endpoint(NamedTuple):
    """One end of a connection. ``str()`` is ``172.27.153.60:502``."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@lru_cache(maxsize=256)
def endpoint(place: tuple[bytes, int]) -> Endpoint:
    """The same in text."""
    return Endpoint(str(ip_address(place[0])), place[1])


@dataclass(eq=False)
class Server:
    """One port of one server: what was heard of it over all connections. Ports have nothing in common."""

    endpoint: Endpoint
    tally: Tally = field(default_factory=Tally)
    images: Images = field(default_factory=Images)
    asked: mbap.Counters = field(default_factory=mbap.Counters)
    told: mbap.Counters = field(default_factory=mbap.Counters)
    flows: flow.Counters = field(default_factory=flow.Counters)
    connections: int = 0
    heard: float | None = None
    """When it answered last."""


class Connection:
    """One connection. What comes out of its methods is what was said, in order."""

    def __init__(self, client: Endpoint, server: Server) -> None:
        self.client = client
        self.server = server
        self.ended: float | None = None
        """When it was closed."""
        self.last = 0.0
        self._first: int | None = None
        """The number of the client's SYN."""
        self._flows = (Flow(server.flows), Flow(server.flows))
        self._streams = (MbapStream(False, counters=server.asked), MbapStream(True, counters=server.told))
        self._transactions = Transactions(server.tally)
        self._held: list[Adu] = []
        """Answers that wait until it is known what was asked before them."""
        self._closing = 0
        server.connections += 1

    def opens(self, segment: Segment) -> bool:
        """Whether this SYN of a client opens another connection than this one."""
        return self._first != segment.sequence

    def lingers(self, now: float) -> bool:
        """Whether it has ended a moment ago: what still comes of it was there before."""
        return self.ended is not None and 0 <= now - self.ended < LINGER

    def take(self, segment: Segment, direction: int, when: float, packet: int) -> Iterator[Told]:
        """The next packet of this connection."""
        self.last = when
        if segment.flags & SYN:
            self._open(segment, direction)
        if segment.flags & ACK:
            other = 1 - direction
            yield from self._said(other, self._flows[other].acknowledged(segment.acknowledged))
        begin = segment.sequence + (1 if segment.flags & SYN else 0)
        pieces = self._flows[direction].segment(begin, segment.data, segment.length, when, packet)
        yield from self._said(direction, pieces)
        if segment.flags & FIN:
            self._closing |= 1 << direction
        if segment.flags & RST or self._closing == 3:
            yield from self.close(when)

    def tick(self, now: float) -> Iterator[Told]:
        """Time goes by."""
        for direction, one in enumerate(self._flows):
            yield from self._said(direction, one.tick(now))
        self._transactions.expire(now)

    def finish(self) -> Iterator[Told]:
        """The capture is at its end."""
        for direction, one in enumerate(self._flows):
            yield from self._said(direction, one.finish())
            yield from self._adus(direction, self._streams[direction].finish())
        yield from self._released()

    def close(self, when: float) -> Iterator[Told]:
        """The connection is at its end."""
        if self.ended is None:
            yield from self.finish()
            self._transactions.close()
            self.ended = when

    def _open(self, segment: Segment, direction: int) -> None:
        """A SYN tells where its direction begins; the server's also where the client's did."""
        self._begin(direction, segment.sequence + 1)
        if direction == REQUESTS:
            self._first = segment.sequence
        elif segment.flags & ACK and self._first is None:
            self._first = (segment.acknowledged - 1) % (1 << 32)
            self._begin(REQUESTS, segment.acknowledged)

    def _begin(self, direction: int, sequence: int) -> None:
        stream = self._streams[direction]
        if not stream.used:
            self._flows[direction].begin(sequence)
            stream.begins()

    def _said(self, direction: int, pieces: Iterable[Piece]) -> Iterator[Told]:
        stream = self._streams[direction]
        for piece in pieces:
            if isinstance(piece, Bytes):
                adus = stream.feed(*piece)
            else:
                adus = stream.missing(piece.bytes)
                if direction == RESPONSES:
                    self._transactions.missed_answers()
            yield from self._adus(direction, adus)

    def _adus(self, direction: int, adus: Iterable[Adu]) -> Iterator[Told]:
        if direction == REQUESTS:
            for adu in adus:
                yield self._transactions.request(adu)
        else:
            self._held += adus
        if not self._streams[REQUESTS].undecided or len(self._held) > MOST_HELD:
            yield from self._released()

    def _released(self) -> Iterator[Told]:
        held, self._held = self._held, []
        for adu in held:
            yield self._transactions.response(adu)
