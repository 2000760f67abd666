"""What has to be published, and in which order. Knows no network: messages go to a function that is handed in.

Removing something takes two steps at Home Assistant: a component is first named by its platform alone, then left
out; a device ends with an empty retained payload.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from pvsmqtt.broker.message import Message
from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import DeviceGone, DeviceState
from pvsmqtt.model.report import HealthReport, Info
from pvsmqtt.sinks.mqtt import discovery, topics
from pvsmqtt.sinks.mqtt.announced import Announced
from pvsmqtt.sinks.mqtt.topics import HEALTH_EXPIRY, ONLINE, Topics, dumps

Publish = Callable[[Message], Awaitable[None]]
Event = DeviceState | DeviceGone | Info | HealthReport

RENEW = 600.0
"""Seconds after which an unchanged state is published again, so that it does not expire on the broker."""


class Publisher:
    """Publishes over one connection; ``publish`` returns when a message with QoS 1 has arrived, ``broker`` gives the
    broker's part of the health topic.

    One call at a time: what the connection needs first and what changes meanwhile must not mix.
    """

    def __init__(
        self, names: Topics, announce: bool, announced: Announced, publish: Publish, broker: Callable[[float], Any]
    ) -> None:
        self._topics = names
        self._announce = announce
        self._announced = announced
        self._publish = publish
        self._broker = broker
        self._devices: dict[str, DeviceState] = {}
        self._described: dict[str, tuple[object, ...]] = {}
        self._sent: dict[str, Message] = {}
        self._sent_at: dict[str, float] = {}
        self._turn = asyncio.Lock()

    async def everything(self, events: Iterable[Event], now: float) -> None:
        """Tell all there is, as on a new connection; `online` comes last."""
        async with self._turn:
            self._sent.clear()
            self._devices.clear()
            self._described.clear()
            events = list(events)
            await self._tell([e for e in events if isinstance(e, Info)], now)
            await self._tidy({self._topics.discovery(e.device) for e in events if isinstance(e, DeviceState)})
            await self._tell(events, now)
            await self._send(Message(self._topics.status, ONLINE, qos=1), now)
            await self._announced.save()

    async def changes(self, events: Sequence[Event], now: float) -> None:
        """Tell what is new."""
        async with self._turn:
            await self._tell(events, now)
            await self._renew(now)
            await self._announced.save()

    async def _tell(self, events: Sequence[Event], now: float) -> None:
        for event in events:
            if isinstance(event, Info):
                await self._send(Message(self._topics.info, dumps(event.document), qos=1), now)
        before = {key: _listed(state) for key, state in self._devices.items()}
        changed = set()
        for event in events:
            if isinstance(event, DeviceGone):
                self._devices.pop(event.key, None)
            elif isinstance(event, DeviceState):
                self._devices[event.key] = event
                changed.add(event.key)
        if before != {key: _listed(state) for key, state in self._devices.items()}:
            await self._send(topics.inventory(self._topics, _by_depth(self._devices)), now)
        for event in events:
            if isinstance(event, DeviceGone):
                await self._remove(event)
        states = [state for state in _by_depth(self._devices) if state.key in changed]
        for state in states:
            if self._grows(state):  # a new entity is given the retained state at once: it has to be in there by then
                await self._send(topics.state(self._topics, state), now)
        for state in states:
            await self._describe(state, now)
        await self._gather(
            [topics.device_status(self._topics, s) for s in states if s.device.kind is not Kind.BRIDGE], now
        )
        for state in states:
            await self._send(topics.state(self._topics, state), now)
        for event in events:
            if isinstance(event, HealthReport):
                document = {**event.document, "broker": self._broker(now)}
                await self._send(Message(self._topics.health, dumps(document), expiry=HEALTH_EXPIRY), now)

    def _grows(self, state: DeviceState) -> bool:
        """Whether a device that was announced on this connection has something new to be announced."""
        return state.key in self._described and self._described[state.key] != _described(state)

    async def _describe(self, state: DeviceState, now: float) -> None:
        """Announce a device to Home Assistant, if there is anything new to say of it."""
        if not self._announce or not state.values or self._described.get(state.key) == _described(state):
            return
        topic = self._topics.discovery(state.device)
        was = self._announced.components.get(topic, {})
        # What was announced before and is not known now (the list of devices was lost) stays announced; only what
        # this version has no row for any more, or has on another platform, is taken away.
        keys = [key for key in QUANTITIES if key in state.values or key in was]
        parent = self._devices.get(state.device.via or "")
        message = discovery.config(self._topics, state.device, keys, parent.device if parent else None)
        wanted = discovery.components(state.device, keys)
        gone = {key: platform for key, platform in was.items() if wanted.get(key) != platform}
        if gone:
            await self._publish(discovery.without(message, gone))
        await self._send(message, now, wanted)
        self._described[state.key] = _described(state)
        # An entity whose availability topic was announced anew waits for it to be published again.
        self._sent.pop(self._topics.device_status(state.device), None)
        self._sent.pop(self._topics.state(state.device), None)

    async def _remove(self, event: DeviceGone) -> None:
        names = self._topics
        device = event.device
        self._described.pop(event.key, None)
        for topic in (names.discovery(device), names.device_status(device), names.state(device)):
            await self._clear(topic)

    async def _tidy(self, wanted: set[str]) -> None:
        """Take off the broker what an earlier configuration left there: another base topic, prefix or instance,
        or announcements that are switched off now. ``wanted`` are the discovery topics of the known devices."""
        names = self._topics
        renamed = self._announced.root not in (None, names.root)
        for topic in sorted(self._announced.topics):
            if topic in self._announced.components:
                ours = self._announce and topic.startswith(f"{names.prefix}/device/")
                keep = ours and (topic in wanted or not renamed)
            else:
                keep = topic.startswith(f"{names.root}/")
            if not keep:
                await self._clear(topic)
        self._announced.root = names.root

    async def _clear(self, topic: str) -> None:
        self._sent.pop(topic, None)
        if topic in self._announced.topics:
            await self._publish(Message(topic, "", qos=1))
            self._announced.forget(topic)

    async def _renew(self, now: float) -> None:
        for state in self._devices.values():
            message = topics.state(self._topics, state)
            if now - self._sent_at.get(message.topic, now) >= RENEW:
                self._sent.pop(message.topic, None)
                await self._send(message, now)

    async def _gather(self, messages: Iterable[Message], now: float) -> None:
        await asyncio.gather(*(self._send(message, now) for message in messages))

    async def _send(self, message: Message, now: float, components: dict[str, str] | None = None) -> None:
        """Publish a message unless the broker has it already."""
        if self._sent.get(message.topic) == message:
            return
        await self._publish(message)
        self._sent[message.topic] = message
        self._sent_at[message.topic] = now
        self._announced.add(message.topic, components)


def _described(state: DeviceState) -> tuple[object, ...]:
    return state.device, *state.values


def _listed(state: DeviceState) -> tuple[object, ...]:
    return *_described(state), state.sources, *(state.feeds.get(key) for key in state.values)


def _by_depth(states: dict[str, DeviceState]) -> list[DeviceState]:
    """Parents before their children: Home Assistant makes a nameless stub for a parent it has not met."""

    def depth(state: DeviceState) -> int:
        steps, via = 0, state.device.via
        while via in states and steps < len(states):
            steps, via = steps + 1, states[via].device.via
        return steps

    return sorted(states.values(), key=depth)
