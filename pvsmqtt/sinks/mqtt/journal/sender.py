"""Publishes what is in the journal, in order, over one connection after the other.

Several readings are in flight at a time, and the next ones follow when all of these are acknowledged: so what is
acknowledged is always everything up to some reading, and a broker gets them in order. They are few, so that a new
state never waits behind more than these.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pvsmqtt.broker.message import Message
from pvsmqtt.sinks.mqtt.journal.batch import Batch, Damaged, payloads
from pvsmqtt.sinks.mqtt.journal.journal import Journal
from pvsmqtt.sinks.mqtt.journal.queue import Place

IN_FLIGHT = 8
FRESH = 5.0
"""Seconds that a batch may have been in the journal without counting as one that had to wait."""

_log = logging.getLogger("pvsmqtt.journal")

Publish = Callable[[Message], Awaitable[None]]


class Sender:
    """``rate``: readings a second at most of those that had to wait."""

    def __init__(self, journal: Journal, rate: float) -> None:
        self._journal = journal
        self._rate = rate

    async def run(self, topic: str, publish: Publish) -> None:
        """Publish until cancelled; ``publish`` returns when the broker has a message.

        Raises:
            whatever ``publish`` raises: the connection is lost.
        """
        journal = self._journal
        place = journal.place
        try:
            while True:
                batch = await self._next(place)
                if batch is None:
                    place = journal.place
                    continue
                try:
                    messages = [Message(topic, text, qos=1, retain=False) for text in payloads(batch)]
                except Damaged:
                    journal.unreadable(place, batch)
                else:
                    await self._batch(place, batch, messages, publish)
                place = Place(place.epoch, batch.position)
        finally:
            journal.replaying = False

    async def _next(self, place: Place) -> Batch | None:
        batch = await self._journal.following(place)
        late = batch is not None and self._journal.waited(batch) > FRESH
        if late and not self._journal.replaying:
            _log.info("publishing readings that had to wait")
        self._journal.replaying = late
        return batch

    async def _batch(self, place: Place, batch: Batch, messages: list[Message], publish: Publish) -> None:
        for start in range(self._journal.acknowledged(batch), len(messages), IN_FLIGHT):
            some = messages[start : start + IN_FLIGHT]
            pause = asyncio.create_task(asyncio.sleep(len(some) / self._rate if self._journal.replaying else 0.0))
            try:
                await asyncio.gather(*(publish(message) for message in some))
                self._journal.acknowledge(place, batch, start + len(some))
                await pause
            finally:
                pause.cancel()
