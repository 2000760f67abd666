"""A broker that does what a test says: refuses, ends connections with a reason, asks for another place."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14
SERVER_REFERENCE = 0x1C


class ScriptedBroker:
    """Speaks MQTT 5 as far as a publisher needs. ``connack`` is the reason code of its answers (0: welcome), ``end``
    the one with which it ends a connection as soon as something is published, ``end_on_subscribe`` when it is
    subscribed to; None: it does not."""

    def __init__(
        self, connack: int = 0, end: int | None = None, end_on_subscribe: int | None = None, reference: str = ""
    ) -> None:
        self.connack, self.end, self.end_on_subscribe = connack, end, end_on_subscribe
        self._properties = b""
        if reference:
            text = reference.encode()
            self._properties = bytes([SERVER_REFERENCE]) + len(text).to_bytes(2, "big") + text
        self.connects = 0
        self.on_connect: Callable[[ScriptedBroker], None] = lambda _: None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """It listens; its port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head, body = await _packet(reader)
                kind = head >> 4
                if kind == CONNECT:
                    self.connects += 1
                    self.on_connect(self)
                    writer.write(_made(CONNACK, bytes([0, self.connack]), self._properties))
                    if self.connack:
                        break
                elif kind == SUBSCRIBE:
                    writer.write(_made(SUBACK, body[:2], b"", b"\x01"))
                    if self.end_on_subscribe is not None:
                        writer.write(_made(DISCONNECT, bytes([self.end_on_subscribe]), b""))
                        break
                elif kind == PUBLISH and self.end is not None:
                    writer.write(_made(DISCONNECT, bytes([self.end]), self._properties))
                    break
                elif kind == PUBLISH and head & 6:
                    at = 2 + int.from_bytes(body[:2], "big")
                    writer.write(_made(PUBACK, body[at : at + 2] + b"\x00", b""))
                elif kind == PINGREQ:
                    writer.write(bytes([PINGRESP << 4, 0]))
                elif kind == DISCONNECT:
                    break
        writer.close()


def _made(kind: int, head: bytes, properties: bytes, rest: bytes = b"") -> bytes:
    body = head + bytes([len(properties)]) + properties + rest
    return bytes([kind << 4, len(body)]) + body


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head, length, shift = (await reader.readexactly(1))[0], 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return head, await reader.readexactly(length)
