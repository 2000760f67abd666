"""Home Assistant's births: it says on a topic that it has started, and wants to be told everything again then.

Who publishes can do without, so a broker that refuses the subscription is no reason to stop: it is asked again. A
cluster that has lost a node refuses for a while, other brokers until somebody allows it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import aiomqtt

from pvsmqtt.broker.connection import SUBSCRIPTION_REFUSED, Session
from pvsmqtt.sinks.mqtt.topics import ONLINE

DELAY = (2.0, 8.0)
"""Seconds after a birth message: Home Assistant asks for some random delay, and the announcement of a fresh
connection must not be repeated within two seconds."""

ASK_AGAIN = 60.0
"""Seconds until a subscription that was refused is tried again."""


class Births:
    """Hears them, over one connection after another."""

    def __init__(self, topic: str, log: logging.Logger, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._topic, self._log, self._sleep = topic, log, sleep
        self._refused_said = False

    async def parts(
        self, session: Session, announce: Callable[[], Awaitable[None]]
    ) -> list[Coroutine[Any, Any, None]]:
        """Subscribe; what is to be run then as long as the connection lasts, so that each birth is followed by
        ``announce``.

        Raises:
            aiomqtt.MqttError: when the connection is lost or the broker does not answer.
        """
        born = asyncio.Event()
        parts = [self._listen(session, born), self._answer(born, announce)]
        return parts if await self._subscribe(session) else [*parts, self._subscribe_later(session)]

    async def _subscribe(self, session: Session) -> bool:
        """Whether the broker lets us."""
        return all(code < SUBSCRIPTION_REFUSED for code in await session.subscribe(self._topic))

    async def _subscribe_later(self, session: Session) -> None:
        if not self._refused_said:
            self._refused_said = True
            self._log.warning(
                "the broker does not let us subscribe to %s, so that all is not announced again when Home Assistant "
                "has started; it is asked again every %g s. If that lasts, allow this user to read the topic",
                self._topic,
                ASK_AGAIN,
            )
        await self._sleep(ASK_AGAIN)
        while not await self._subscribe(session):
            await self._sleep(ASK_AGAIN)
        self._refused_said = False
        self._log.info("the broker lets us subscribe to %s now", self._topic)
        await asyncio.Event().wait()  # a part that ends, ends the connection

    async def _listen(self, session: Session, born: asyncio.Event) -> None:
        messages: AsyncIterator[aiomqtt.Message] = session.client.messages
        async for message in messages:
            # A retained birth is no birth: it was said to somebody else, and all is announced on connection anyway.
            if message.payload == ONLINE.encode() and not message.retain:
                born.set()

    async def _answer(self, born: asyncio.Event, announce: Callable[[], Awaitable[None]]) -> None:
        while True:
            await born.wait()
            await asyncio.sleep(random.uniform(*DELAY))
            born.clear()
            self._log.info("Home Assistant has started: announcing everything again")
            await announce()
