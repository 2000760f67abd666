"""Packets of a mirrored network -> what Modbus TCP clients asked of their servers, and were told.

The server is the end with one of the ports; where both ends have one, the one that a SYN packet goes to. Everything
streams. Memory is bounded: `MOST_CONNECTIONS`, of which the one that was silent for longest is forgotten, and
`MOST_SERVERS`, beyond which new ones are only counted.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from pvsmqtt.capture.connection import REQUESTS, RESPONSES, Connection, Endpoint, Server, endpoint
from pvsmqtt.capture.link import LINKS
from pvsmqtt.capture.pcap import Record
from pvsmqtt.capture.segment import ACK, SYN, Passed, Segment, segment_of
from pvsmqtt.modbus.transactions import Told

PORTS = (502, 503)
"""SunSpec, and the map of the maker, of a Conext Gateway."""
MOST_CONNECTIONS = 128
MOST_SERVERS = 16
MOST_PORTS = 100
TICK = 0.5
"""Seconds between two looks at what is overdue."""

Place = tuple[bytes, int]


class Spoken(NamedTuple):
    """A request or response, with everything that belongs to it."""

    client: Endpoint
    server: Server
    told: Told
    changed: tuple[int, ...]
    """Addresses of its block whose value is new; the block is in the images already."""


class Mirror:
    """Feed it packets."""

    def __init__(self, ports: Collection[int] = PORTS) -> None:
        self.servers: dict[Endpoint, Server] = {}
        self.packets = 0
        self.segments = 0
        """Of connections with one of the ports."""
        self.directions = [0, 0]
        """Of these, those with data, by direction."""
        self.passed: Counter[str] = Counter()
        """Packets that say nothing, by reason."""
        self.foreign: Counter[int] = Counter()
        """TCP packets of other connections, by the lower of their ports."""
        self.forgotten = 0
        """Connections that were open still."""
        self.refused = 0
        """Packets of servers that are too many."""
        self.bytes = 0
        """Of Modbus connections, without headers of packets."""
        self.span: tuple[float, float] | None = None
        """Times of the first and the last packet."""
        self.ports = frozenset(ports)
        self._connections: OrderedDict[tuple[Place, Place], Connection] = OrderedDict()
        self._ticked = 0.0

    def take(self, packet: Record, link_type: int, when: float | None = None) -> Iterator[Spoken]:
        """What is whole with this packet; iterate it to its end.

        Args:
            packet: as it stands in the capture.
            link_type: of the capture.
            when: it came, in seconds of any clock; the time in the capture, unless told.
        """
        when = packet.when if when is None else when
        self.packets += 1
        self.span = (self.span[0] if self.span else when, when)
        if not 0 <= when - self._ticked < TICK:
            yield from self.tick(when)
        inside = LINKS[link_type](packet.data)
        found = Passed.OTHER if inside is None else segment_of(inside)
        if isinstance(found, Passed):
            self.passed[found.value] += 1
            return
        direction = self._direction(found)
        if direction is None:
            port = min(found.source[1], found.target[1])
            if port in self.foreign or len(self.foreign) < MOST_PORTS:
                self.foreign[port] += 1
            return
        self.segments += 1
        self.bytes += len(found.data)
        self.directions[direction] += found.length > 0
        connection = self._connection(found, direction, when)
        if connection is not None:
            yield from self._spoken(connection, connection.take(found, direction, when, self.packets))

    def tick(self, now: float) -> Iterator[Spoken]:
        """Time goes by, also without packets: what is overdue is missing."""
        self._ticked = now
        for connection in list(self._connections.values()):
            if connection.ended is None:
                yield from self._spoken(connection, connection.tick(now))

    def finish(self) -> Iterator[Spoken]:
        """The capture is at its end, or begins anew: connections are not the same any more."""
        for connection in self._connections.values():
            if connection.ended is None:
                yield from self._spoken(connection, connection.finish())
        self._connections.clear()

    def _direction(self, segment: Segment) -> int | None:
        """Who asks whom."""
        to_server, from_server = segment.target[1] in self.ports, segment.source[1] in self.ports
        if to_server and from_server:
            if segment.flags & SYN:
                return RESPONSES if segment.flags & ACK else REQUESTS
            return RESPONSES if (segment.target, segment.source) in self._connections else REQUESTS
        return REQUESTS if to_server else RESPONSES if from_server else None

    def _connection(self, segment: Segment, direction: int, when: float) -> Connection | None:
        """The connection of a segment: a new one where it opens one, or where the capture joins it."""
        ends = (segment.source, segment.target) if direction == REQUESTS else (segment.target, segment.source)
        known = self._connections.get(ends)
        opens = segment.flags & SYN and direction == REQUESTS
        if known is not None and not (opens and known.opens(segment)):
            if known.ended is None:
                self._connections.move_to_end(ends)
                return known
            if known.lingers(when):
                return None
        if not segment.flags & SYN and not segment.length:
            return None  # it tells nothing, and may be the end of what was never seen
        if known is not None:
            for _ in known.close(when):  # a client that has forgotten it does not hear any more of it
                pass
        server = self._server(endpoint(ends[1]))
        if server is None:
            self.refused += 1
            return None
        self._connections[ends] = made = Connection(endpoint(ends[0]), server)
        self._connections.move_to_end(ends)
        if len(self._connections) > MOST_CONNECTIONS:
            _, oldest = self._connections.popitem(last=False)
            self.forgotten += oldest.ended is None
        return made

    def _server(self, at: Endpoint) -> Server | None:
        if at not in self.servers and len(self.servers) < MOST_SERVERS:
            self.servers[at] = Server(at)
        return self.servers.get(at)

    def _spoken(self, connection: Connection, said: Iterable[Told]) -> Iterator[Spoken]:
        server = connection.server
        for told in said:
            changed: tuple[int, ...] = ()
            if told.frame.is_response:
                server.heard = told.frame.when
            if told.block is not None:
                image = server.images.take(told.block)
                changed = () if image is None else image.changed
            yield Spoken(connection.client, server, told, changed)
