"""A subscriber that notes everything, and a look at what a broker retains."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiomqtt
import pytest
from paho.mqtt.subscribeoptions import SubscribeOptions

from harness.basics import PATIENCE, ROOT, Feed

R = TypeVar("R")


@dataclass(frozen=True)
class Seen:
    """One message as it arrived. ``retain`` is the flag with which it was published."""

    topic: str
    payload: bytes
    retain: bool
    qos: int
    properties: Mapping[str, Any]
    at: float = field(default_factory=time.monotonic)

    @property
    def text(self) -> str:
        return self.payload.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.payload)

    def __str__(self) -> str:
        return f"{self.topic} {self.text[:200]!r}"


def is_online(message: Seen) -> bool:
    return message.text == "online"


def is_offline(message: Seen) -> bool:
    return message.text == "offline"


class Recorder:
    """A subscriber that keeps every message, over MQTT 5. It ends when its broker does.

    ``old``: over MQTT 3.1.1, where only what was there before we came bears the flag ``retain``."""

    def __init__(
        self, port: int, *filters: str, user: str | None = None, password: str | None = None, old: bool = False
    ) -> None:
        version = aiomqtt.ProtocolVersion.V311 if old else aiomqtt.ProtocolVersion.V5
        self._client = aiomqtt.Client("127.0.0.1", port, username=user, password=password, protocol=version)
        # The flag says how a message was published, not merely whether it was there before we came.
        self._how: Any = 1 if old else SubscribeOptions(qos=1, retainAsPublished=True)
        self._filters = filters or ("#",)
        self._stack = AsyncExitStack()
        self._task: asyncio.Task[None] | None = None
        self.feed: Feed[Seen] = Feed()

    @property
    def messages(self) -> list[Seen]:
        return self.feed.items

    async def start(self) -> None:
        self._client = await self._stack.enter_async_context(self._client)
        self._client.pending_calls_threshold = 1000
        self._task = asyncio.create_task(self._listen())
        granted = await self._client.subscribe([(topic, self._how) for topic in self._filters])
        refused = [str(code) for code in granted if getattr(code, "value", code) >= 128]
        assert not refused, f"the broker refuses {refused}: nothing would come"

    async def _listen(self) -> None:
        with contextlib.suppress(aiomqtt.MqttError):
            async for message in self._client.messages:
                properties = dict(message.properties.json()) if message.properties else {}
                payload = bytes(message.payload or b"")  # type: ignore[arg-type]
                self.feed.add(Seen(str(message.topic), payload, message.retain, message.qos, properties))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(aiomqtt.MqttError):
            await self._stack.aclose()

    async def publish(self, topic: str, payload: str | bytes, retain: bool = False) -> None:
        await self._client.publish(topic, payload, qos=1, retain=retain)

    def mark(self) -> int:
        """Here and now, for ``since``."""
        return len(self.messages)

    def on(self, topic: str, since: int = 0) -> list[Seen]:
        return [message for message in self.messages[since:] if message.topic == topic]

    def last(self, topic: str) -> Seen:
        return self.on(topic)[-1]

    async def wait(
        self,
        topic: str,
        satisfying: Callable[[Seen], object] = lambda _: True,
        since: int = 0,
        timeout: float = PATIENCE,
    ) -> Seen:
        """The first message on a topic that satisfies a condition."""
        return await self.feed.until(
            lambda: next((m for m in self.on(topic, since) if satisfying(m)), None),
            f"fitting message on {topic}",
            timeout,
        )

    async def fence(self) -> None:
        """Wait until everything that the broker has by now has arrived here."""
        topic = f"test/fence/{time.monotonic_ns()}"
        if not any(_matches(pattern, topic) for pattern in self._filters):
            await self._client.subscribe([(topic, self._how)])
        await self.publish(topic, "here")
        await self.wait(topic)

    async def silence(self, satisfying: Callable[[Seen], bool], seconds: float, since: int) -> None:
        """Nothing of the kind comes for so long."""
        with contextlib.suppress(AssertionError):
            found = await self.feed.until(
                lambda: next((m for m in self.messages[since:] if satisfying(m)), None), "message", seconds
            )
            pytest.fail(f"there should have been no {found}")

    async def have(self, *devices: str, root: str = ROOT, since: int = 0) -> dict[str, Any]:
        """Wait until the service and all these devices are online with a state; the states."""
        if not since:
            await self.wait(f"{root}/status", is_online)
        for device in devices:
            await self.wait(f"{root}/{device}/status", is_online, since)
        return {device: (await self.wait(f"{root}/{device}/state", since=since)).json for device in devices}


def _matches(pattern: str, topic: str) -> bool:
    return bool(aiomqtt.Topic(topic).matches(pattern))


async def retained(
    port: int, *filters: str, user: str | None = None, password: str | None = None, old: bool = False
) -> dict[str, str]:
    """What the broker keeps, by topic."""
    recorder = Recorder(port, *(filters or ("#",)), user=user, password=password, old=old)
    await recorder.start()
    try:
        await recorder.fence()
        return {m.topic: m.text for m in recorder.messages if m.retain and m.payload}
    finally:
        await recorder.stop()
