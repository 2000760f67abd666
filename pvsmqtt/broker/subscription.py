"""Listens to topics at a broker and keeps listening, whatever happens to the broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

import aiomqtt

from pvsmqtt.broker import reasons
from pvsmqtt.broker.connection import SUBSCRIPTION_REFUSED, Ended, Refused, Session, connect
from pvsmqtt.broker.options import Broker
from pvsmqtt.broker.pauses import STABLE, Pauses
from pvsmqtt.broker.versions import Versions

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
QUIET = 30.0
"""Seconds without a message after which it looks round."""
LONGEST_STEP = 300.0
"""Seconds that connecting, or a look round, can take at most, beside the pause meant."""
OFTEN = 3
"""Connections in a row that were cut short before it is worth a guess."""

MOST_WAITING = 1000
"""Messages that may wait here; a flood loses its own."""


class Hear(Protocol):
    """Whoever is told."""

    def on_message(self, topic: str, payload: bytes, retained: bool) -> None:
        """A message came."""

    def on_connected(self, version: str) -> None:
        """The broker is there, and everything is subscribed to."""

    def on_lost(self, reason: str, message: str, first_tries: bool) -> None:
        """There is no connection; said at every failure. ``first_tries``: it may only not be there yet."""

    def on_alive(self, within: float) -> None:
        """It is at work, whether or not anything comes; it says so again within so many seconds."""


class Denied(Exception):
    """The broker lets us in but not listen."""


class Subscription:
    """Topic filters at one broker. ``sleep`` is a parameter for the tests."""

    EARLY = 6
    """Failures from the start that a broker that starts with us may need."""

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        filters: Sequence[str],
        hear: Hear,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._broker, self._client_id, self._filters, self._hear = broker, client_id, filters, hear
        self._sleep, self._most_waiting = sleep, most_waiting
        self._versions = Versions(broker.protocol)
        self._connected_at: float | None = None
        self._connects = 0
        self._cut_short = 0

    async def run(self) -> None:
        """Listen until cancelled; a broker that is absent or goes away is waited for."""
        pauses, tries = Pauses(FIRST_PAUSE, LONGEST_PAUSE), 0
        while True:
            began, wait = time.monotonic(), None
            self._hear.on_alive(LONGEST_STEP)
            early = tries < self.EARLY and not self._connects
            tries += 1
            try:
                await self._listen()
            except Refused as refused:
                self._versions.refused(refused)
                self._hear.on_lost(refused.reason, str(refused), early)
                wait = refused.wait
            except Ended as ended:
                self._hear.on_lost(ended.reason, str(ended), False)
                wait = ended.wait
            except Denied as denied:
                self._hear.on_lost("denied", str(denied), False)
            except (aiomqtt.MqttError, OSError) as error:
                self._lost(error)
            finally:
                self._connected_at = None
            pause = pauses.after(time.monotonic() - began, wait)
            self._hear.on_alive(pause + LONGEST_STEP)
            await self._sleep(pause)

    async def _listen(self) -> None:
        version = self._versions.next
        async with connect(self._broker, self._client_id, version, most_waiting=self._most_waiting) as session:
            self._versions.accepted(session.version)
            await subscribe(session, self._filters, self._broker)
            self._connected_at = time.monotonic()
            self._connects += 1
            self._hear.on_connected(session.version)
            async for message in self._messages(session):
                payload = message.payload if isinstance(message.payload, bytes | bytearray) else b""
                self._hear.on_message(str(message.topic), bytes(payload), message.retain)

    async def _messages(self, session: Session) -> AsyncIterator[aiomqtt.Message]:
        messages = aiter(session.client.messages)
        coming: asyncio.Future[aiomqtt.Message] | None = None
        try:
            while True:
                self._hear.on_alive(QUIET + LONGEST_STEP)
                coming = coming or asyncio.ensure_future(anext(messages))
                if (await asyncio.wait({coming}, timeout=QUIET))[0]:
                    message, coming = coming.result(), None
                    yield message
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    def _lost(self, error: Exception) -> None:
        short = self._connected_at is not None and time.monotonic() - self._connected_at < STABLE
        self._cut_short = self._cut_short + 1 if short else 0
        if self._cut_short >= OFTEN:
            self._hear.on_lost(
                "cut",
                f"the broker at {self._broker} ends our connection again and again: another client may be using our "
                f"client id. {reasons.SAME_CLIENT_ID.format(table=self._broker.table)}",
                False,
            )
        else:
            self._hear.on_lost(
                "lost", f"connection to the broker at {self._broker} lost ({error}); trying again", False
            )


async def subscribe(session: Session, filters: Sequence[str], broker: Broker) -> None:
    """Subscribe to what the broker lets us have of these.

    Raises:
        Denied: when that is nothing; says what to do.
        aiomqtt.MqttError: when the connection is lost.
    """
    if all(code >= SUBSCRIPTION_REFUSED for code in await session.subscribe(*filters)):
        user = f"user {broker.username!r} of {broker.table}" if broker.username else "clients without a login"
        raise Denied(
            f"the broker at {broker} does not let us subscribe to {' and '.join(filters)}: let {user} read them in "
            "its access list"
        )
