"""Serial servers on the network, in transparent mode: they pass on the bytes of the bus, and all they receive.

So sockets here are received from, and never sent to. What a serial server adds by itself (registration and heartbeat
bytes) is noise to the framer. Each socket is read by its descriptor, without the streams of asyncio, which can write.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

from pvsmqtt.sources.rs485.lost import LineLost, of_network
from pvsmqtt.sources.rs485.readable import DATAGRAM, readable
from pvsmqtt.sources.rs485.sockets import bound, connect, keep_alive, received
from pvsmqtt.sources.rs485.url import LineUrl

HOLD = 60.0
"""Seconds of silence after which another sender of datagrams is listened to."""


class _Sockets:
    """What all three have in common: ``first`` connects or listens, and is closed with the line."""

    clock: Callable[[], float] | None = None

    def __init__(self, url: LineUrl, first: socket.socket) -> None:
        self.name = str(url)
        self._first = first

    def errors(self) -> dict[str, int]:
        """See `Line.errors`: nothing here knows of the bus."""
        return {}

    def note(self) -> str:
        """See `Line.note`."""
        return ""

    async def close(self) -> None:
        """See `Line.close`."""
        self._first.close()


class TcpLine(_Sockets):
    """We connect to the serial server."""

    @classmethod
    async def open(cls, url: LineUrl) -> TcpLine:
        """Connect to the first address of the host that answers.

        Raises:
            LineLost: as the last of them was refused.
        """
        return cls(url, await connect(url))

    async def read(self, patience: float) -> bytes:
        """See `Line.read`."""
        while True:
            data = received(self._first, self.name)
            if data is not None:
                return data
            if not await readable(patience, self._first.fileno()):
                return b""


class ListeningLine(_Sockets):
    """The serial server connects to us. A newer connection takes the place of the older: after a restart the older
    one is dead, and nobody has told us."""

    def __init__(self, url: LineUrl, first: socket.socket) -> None:
        super().__init__(url, first)
        self._gateway: socket.socket | None = None
        self._who = ""
        self._broken_off = False
        self.connections = 0

    @classmethod
    async def open(cls, url: LineUrl) -> ListeningLine:
        """Listen; it does not wait for the serial server.

        Raises:
            LineLost: when one cannot listen there.
        """
        listener = await bound(url, socket.SOCK_STREAM)
        listener.listen(4)
        return cls(url, listener)

    async def read(self, patience: float) -> bytes:
        """See `Line.read`."""
        if self._broken_off:
            self._broken_off = False
            return b""
        while True:
            newer = self._accepted()
            data = self._told()
            if newer is not None:
                self._hang_up()
                self._gateway, self._broken_off = newer, bool(data)
            if data is not None or newer is not None:
                return data or b""
            waiting = [one.fileno() for one in (self._first, self._gateway) if one is not None]
            if not await readable(patience, *waiting):
                return b""

    def note(self) -> str:
        """Who is connected, if nobody is."""
        if self._gateway is not None:
            return ""
        return f"{self._who} hung up" if self._who else "no serial server has connected"

    async def close(self) -> None:
        """See `Line.close`."""
        self._hang_up()
        await super().close()

    def _accepted(self) -> socket.socket | None:
        """A newer connection, if there is one."""
        try:
            gateway, address = self._first.accept()
        except BlockingIOError:
            return None
        except OSError as error:
            raise of_network(error, self.name) from None
        gateway.setblocking(False)
        keep_alive(gateway)
        self._who = str(address[0])
        self.connections += 1
        return gateway

    def _told(self) -> bytes | None:
        """What the connected one has sent; empty when it hung up."""
        if self._gateway is None:
            return None
        try:
            return received(self._gateway, self.name)
        except LineLost:
            self._hang_up()
            return b""

    def _hang_up(self) -> None:
        if self._gateway is not None:
            self._gateway.close()
            self._gateway = None


class DatagramLine(_Sockets):
    """The serial server sends datagrams, taken in the order in which they arrive. Who sent first is listened to,
    until it is silent for `HOLD` seconds; datagrams of others are counted."""

    def __init__(self, url: LineUrl, first: socket.socket, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(url, first)
        self._monotonic = monotonic
        self._sender: Any = None
        self._heard = 0.0
        self._kept = b""
        self.foreign = 0

    @classmethod
    async def open(cls, url: LineUrl) -> DatagramLine:
        """Listen; it does not wait for the serial server.

        Raises:
            LineLost: when one cannot listen there.
        """
        return cls(url, await bound(url, socket.SOCK_DGRAM))

    async def read(self, patience: float) -> bytes:
        """See `Line.read`."""
        if self._kept:
            data, self._kept = self._kept, b""
            return data
        deadline = self._monotonic() + patience
        while True:
            arrived = self._datagram()
            now = self._monotonic()
            if arrived is None:
                if now >= deadline or not await readable(deadline - now, self._first.fileno()):
                    return b""
                continue
            data, sender = arrived
            before, self._sender = self._sender, self._sender or sender
            if sender != self._sender and now - self._heard < HOLD:
                self.foreign += 1
                await asyncio.sleep(0)
                continue
            self._sender, self._heard = sender, now
            if before not in (None, sender):
                self._kept = data
                return b""
            if data:
                return data

    def errors(self) -> dict[str, int]:
        """``foreign``: datagrams of other senders, if there were any."""
        return {"foreign": self.foreign} if self.foreign else {}

    def note(self) -> str:
        """Whether anybody has sent."""
        return "" if self._sender is not None else "no serial server has sent anything"

    def _datagram(self) -> tuple[bytes, Any] | None:
        try:
            return self._first.recvfrom(DATAGRAM)
        except BlockingIOError:
            return None
        except OSError as error:
            raise of_network(error, self.name) from None
