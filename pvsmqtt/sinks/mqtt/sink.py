"""The MQTT sink: keeps a broker told, whatever happens to it.

Everything is rebuilt from the latest states on each connection; nothing is queued while the broker is away. On
connection the order is: info and inventory, discovery (bridge first, then down the tree), device statuses, states,
and `online` last, each step acknowledged before the next, so that nobody sees a device as available that has no
values yet. Home Assistant's birth message brings the same again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import aiomqtt

from pvsmqtt.broker.connection import Refused, Session, connect, default_client_id
from pvsmqtt.broker.message import Message
from pvsmqtt.broker.versions import Versions
from pvsmqtt.bus import Bus, Subscription
from pvsmqtt.model.reading import DeviceGone, DeviceState
from pvsmqtt.model.report import HealthReport, Info
from pvsmqtt.sinks.mqtt.announced import Announced
from pvsmqtt.sinks.mqtt.options import HomeAssistantOptions, MqttOptions
from pvsmqtt.sinks.mqtt.publisher import Publisher
from pvsmqtt.sinks.mqtt.topics import DENIED_ADVICE, OFFLINE, ONLINE, Topics

Event = DeviceState | DeviceGone | Info | HealthReport

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
STABLE = 60.0
"""Seconds after which a connection counts as good, and the next loss starts with a short pause again."""

BIRTH_DELAY = (2.0, 8.0)
"""Seconds after a birth message: Home Assistant asks for some random delay, and the announcement of a fresh
connection must not be repeated within two seconds."""

OFTEN = 3
"""Connections in a row that were cut short before it is worth a guess."""

_AGAIN_AND_AGAIN = (
    "the broker ends our connection again and again: another client may be using our client id. Is pvsmqtt running "
    "twice? End the other one, or give this one another client_id in [mqtt]"
)

GOODBYE = 2.0
"""Seconds that saying `offline` may take."""


class MqttSink:
    """Publishes what is on the bus."""

    def __init__(
        self,
        options: MqttOptions,
        home_assistant: HomeAssistantOptions,
        instance: str,
        bus: Bus[Any],
        announced: Announced,
    ) -> None:
        self._broker = options.broker
        self._home_assistant = home_assistant
        self._topics = Topics(options.base_topic, instance, home_assistant.discovery_prefix)
        self._bus = bus
        self._announced = announced
        self._client_id = options.client_id or default_client_id(self._topics.root)
        self._versions = Versions(self._broker.protocol)
        self._session_now: Session | None = None
        self._log = logging.getLogger("pvsmqtt.mqtt")
        self._trouble: str | None = None
        self._connected_at: float | None = None
        self._connects = 0
        self._cut_short = 0
        self._published = 0

    def report(self, now: float) -> dict[str, Any]:
        """The broker's part of the health topic."""
        connected = self._connected_at is not None
        return {
            "connected": connected,
            "connected_for": round(now - self._connected_at) if self._connected_at is not None else None,
            "protocol": self._session_now.version if self._session_now else None,
            "connects": self._connects,
            "published": self._published,
            "denied": self._session_now.denied if self._session_now else None,
            "message": self._trouble,
        }

    async def run(self) -> None:
        """Publish until cancelled; a broker that is absent or goes away is waited for."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._session()
            except Refused as refused:
                self._say(str(refused))
                self._versions.refused(refused)
            except (aiomqtt.MqttError, OSError) as error:
                short = self._connected_at is not None and time.monotonic() - self._connected_at < STABLE
                self._cut_short = self._cut_short + 1 if short else 0
                lost = f"connection to the broker lost ({error}); trying again"
                self._say(_AGAIN_AND_AGAIN if self._cut_short >= OFTEN else lost)
            finally:
                self._connected_at = self._session_now = None
            failures = 0 if time.monotonic() - began > STABLE else failures + 1
            ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 10))
            await asyncio.sleep(ceiling * random.uniform(0.3, 1.0))

    def _say(self, message: str) -> None:
        """Log a trouble when it begins or changes, not on every try."""
        if message != self._trouble:
            self._log.warning("%s", message)
        self._trouble = message

    async def _session(self) -> None:
        will = Message(self._topics.status, OFFLINE, qos=1)
        async with connect(self._broker, self._client_id, self._versions.next, will) as session:
            self._connected_at, self._session_now = time.monotonic(), session
            self._connects += 1
            self._versions.accepted(session.version)
            self._log.info("connected to the broker at %s with MQTT %s", self._broker, session.version)
            self._trouble = None
            try:
                await self._serve(session)
            except asyncio.CancelledError:
                with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                    async with asyncio.timeout(GOODBYE):
                        await session.publish(will)
                raise

    async def _serve(self, session: Session) -> None:
        publisher = Publisher(
            self._topics, self._home_assistant.discovery, self._announced, self._counted(session), self.report
        )
        birth = asyncio.Event()
        with self._view() as view:
            await session.subscribe(self._home_assistant.birth_topic)
            await publisher.everything(self._bus.latest(), time.monotonic())
            tasks = [
                asyncio.create_task(self._listen(session, birth)),
                asyncio.create_task(self._replay(publisher, birth)),
                asyncio.create_task(self._follow(publisher, view)),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    @contextlib.contextmanager
    def _view(self) -> Iterator[Subscription[Event]]:
        view: Subscription[Event] = self._bus.subscribe()
        try:
            yield view
        finally:
            self._bus.unsubscribe(view)

    def _counted(self, session: Session) -> Callable[[Message], Awaitable[None]]:
        async def publish(message: Message) -> None:
            denied = session.denied
            await session.publish(message)
            self._published += 1
            if session.denied != denied:
                self._log.warning("the broker throws away what we publish (%s): %s", session.denied, DENIED_ADVICE)

        return publish

    async def _follow(self, publisher: Publisher, view: Subscription[Event]) -> None:
        while True:
            await publisher.changes(await view.changes(), time.monotonic())

    async def _listen(self, session: Session, birth: asyncio.Event) -> None:
        messages: AsyncIterator[aiomqtt.Message] = session.client.messages
        async for message in messages:
            # A retained birth is no birth: it was said to somebody else, and all is announced on connection anyway.
            if message.payload == ONLINE.encode() and not message.retain:
                birth.set()

    async def _replay(self, publisher: Publisher, birth: asyncio.Event) -> None:
        while True:
            await birth.wait()
            await asyncio.sleep(random.uniform(*BIRTH_DELAY))
            birth.clear()
            self._log.info("Home Assistant has started: announcing everything again")
            await publisher.everything(self._bus.latest(), time.monotonic())
