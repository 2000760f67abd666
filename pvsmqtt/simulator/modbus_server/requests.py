"""The log of what was asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from pvsmqtt.simulator.modbus_server.answers import Asked


@dataclass(slots=True)
class Seen:
    """One request; ``refused`` and ``fault`` are known once it was dealt with."""

    port: str
    """Name of the port: ``sunspec``, ``native``, ``tcp``, ``serial``."""
    connection: int
    """Number of the connection, counted from 1 over all ports."""
    unit: int
    function: int
    address: int
    count: int
    refused: int | None = None
    """The code of the exception that was answered; None is none."""
    fault: str | None = None
    """The fault that it met."""


@dataclass
class Log:
    """Every request since the start, or the numbers alone."""

    keeps: bool = True
    """Whether ``requests`` is kept; else only numbers are."""
    requests: list[Seen] = field(default_factory=list)
    seen: int = 0
    refused: int = 0
    writes: int = 0
    """Requests with any function code but 3 and 4."""
    connections: int = 0
    """Connections that came so far, those that were closed at once too."""

    noise: int = 0
    """Times that bytes on a line were no request."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever anything happens."""

    def note(self, asked: Asked, port: str, connection: int) -> Seen:
        """A request has come."""
        one = Seen(port, connection, asked.unit, asked.function, asked.address, asked.count)
        self.seen += 1
        self.writes += not asked.is_read
        if self.keeps:
            self.requests.append(one)
        self.news.set()
        return one
