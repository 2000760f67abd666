"""Readings, and a broker that is a function, for the tests of the journal."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from harness import PATIENCE

from pvsmqtt.broker.message import Message
from pvsmqtt.bus import Flow
from pvsmqtt.model.accepted import Accepted
from pvsmqtt.sinks.mqtt.journal.journal import Journal
from pvsmqtt.sinks.mqtt.journal.options import JournalOptions
from pvsmqtt.sinks.mqtt.journal.sender import Sender

BEGAN = datetime(2026, 6, 21, 18, tzinfo=UTC)


def reading(number: int, device: str | None = None, **values: Any) -> Accepted:
    """Reading ``number`` of everything; four devices take turns."""
    at = BEGAN + timedelta(seconds=number)
    return Accepted(device or f"e{number % 4}", "pvs a", at, at, {"power": float(number), **values})


def readings(first: int, count: int) -> list[Accepted]:
    return [reading(number) for number in range(first, first + count)]


class Lost(Exception):
    """The connection is gone."""


class Broker:
    """Takes messages; ``room``: so many, and then the connection is lost."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.room: int | None = None

    @property
    def taken(self) -> list[dict[str, Any]]:
        return [json.loads(message.payload) for message in self.messages]

    async def publish(self, message: Message) -> None:
        if self.room == 0:
            raise Lost
        if self.room is not None:
            self.room -= 1
        await asyncio.sleep(0)
        self.messages.append(message)

    @property
    def numbers(self) -> list[int]:
        return [int(one["values"]["power"]) for one in self.taken]


class Run:
    """A journal in a folder, from its start to its end."""

    def __init__(
        self, folder: Path, broker: Broker, clock: Callable[[], float] = lambda: 0.0, **options: Any
    ) -> None:
        self.options = JournalOptions(**{"replay_rate": 10000, **options})
        self.flow: Flow[Accepted] = Flow()
        self.journal = Journal(folder, self.options, self.flow.subscribe(1000), clock)
        self.sender = Sender(self.journal, self.options.replay_rate)
        self.broker = broker

    async def accept(self, *some: Accepted) -> None:
        """Readings come and are written, as far as the disk wants to."""
        self.flow.publish(some)
        await self.journal.flush()

    async def send(self) -> None:
        """A connection that lasts until all is sent, or the broker has no room."""
        sending = asyncio.create_task(self.sender.run("readings", self.broker.publish))
        with contextlib.suppress(Lost):
            async with asyncio.timeout(PATIENCE):
                while self.pending and not sending.done():  # noqa: ASYNC110  the journal tells nobody
                    await asyncio.sleep(0)
            if sending.done():
                await sending
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    @property
    def report(self) -> dict[str, Any]:
        return self.journal.report()

    @property
    def pending(self) -> int:
        return int(self.report["pending"])
