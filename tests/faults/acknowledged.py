"""What a broker has acknowledged, overheard on the line between a publisher and a real broker.

A subscriber would lose what comes while it is away itself: when the broker is killed. The acknowledgement is what the
publisher relies on, and it stands on the line. MQTT 5, PUBLISH (3.3) and PUBACK (3.4).
"""

from __future__ import annotations

import json
from typing import Any

from harness.basics import Feed

PUBLISH, PUBACK = 3, 4


class Acknowledged:
    """Messages on one topic, in the order in which the broker acknowledged them."""

    def __init__(self, topic: str) -> None:
        self._topic = topic.encode()
        self._rest: dict[tuple[int, bool], bytes] = {}
        self._flying: dict[tuple[int, int], dict[str, Any]] = {}
        self.feed: Feed[dict[str, Any]] = Feed()

    def __call__(self, connection: int, to_broker: bool, data: bytes) -> None:
        """Bytes on the line."""
        rest = self._rest.get((connection, to_broker), b"") + data
        while (packet := _packet(rest)) is not None:
            head, body, rest = packet
            if to_broker and head >> 4 == PUBLISH:
                self._published(connection, head, body)
            elif not to_broker and head >> 4 == PUBACK:
                known = self._flying.pop((connection, int.from_bytes(body[:2])), None)
                if known is not None and (len(body) < 3 or body[2] < 128):
                    self.feed.add(known)
        self._rest[connection, to_broker] = rest

    def _published(self, connection: int, head: int, body: bytes) -> None:
        length = int.from_bytes(body[:2])
        topic, rest = body[2 : 2 + length], body[2 + length :]
        if topic != self._topic or not head & 6:
            return
        number, rest = int.from_bytes(rest[:2]), rest[2:]
        properties, start = _length(rest) or (0, 0)
        self._flying[connection, number] = json.loads(rest[start + properties :])


def _packet(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Head, body and what follows; ``None`` when it is not complete."""
    found = _length(data[1:]) if data else None
    if found is None:
        return None
    length, size = found
    end = 1 + size + length
    return None if len(data) < end else (data[0], data[1 + size : end], data[end:])


def _length(data: bytes) -> tuple[int, int] | None:
    """A variable byte integer and its own size."""
    value = 0
    for index, byte in enumerate(data[:4]):
        value |= (byte & 127) << 7 * index
        if byte < 128:
            return value, index + 1
    return None
