"""What has to be published, and in which order. Knows no network: messages go to a function that is handed in.

Removing something takes two steps at Home Assistant: a component is first named by its platform alone, then left
out; a device ends with an empty retained payload.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
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


SHORT_INVENTORY, INVENTORY_PACE = 1_000_000, 100_000
"""Bytes of an inventory that is published again at once, and of what is beyond that in a second: 250 devices take 1
MB, and of 3,000 it goes every two minutes at most."""


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
        self._sent: dict[str, int] = {}
        """By topic, the hash of what the broker has: what it was is no use, and would take much memory."""
        self._told_at: dict[str, float] = {}
        """By device, when its state was published: the oldest first."""
        self._inventory_old = False
        self._inventory_not_before = -math.inf
        self._turn = asyncio.Lock()

    async def everything(self, events: Iterable[Event], now: float) -> None:
        """Tell all there is, as on a new connection; `online` comes last."""
        async with self._turn:
            self._sent.clear()
            self._told_at.clear()
            self._inventory_not_before = -math.inf
            self._devices.clear()
            self._described.clear()
            events = list(events)
            await self._tell([e for e in events if isinstance(e, Info)], now)
            await self._tidy({self._topics.discovery(e.device) for e in events if isinstance(e, DeviceState)})
            await self._tell(events, now)
            await self._send(Message(self._topics.status, ONLINE, qos=1))
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
                await self._send(Message(self._topics.info, dumps(event.document), qos=1))
        changed = self._take(events)
        await self._list(now)
        for event in events:
            if isinstance(event, DeviceGone):
                await self._remove(event)
        states = _by_depth([self._devices[key] for key in changed if key in self._devices], self._devices)
        for state in states:
            if self._grows(state):  # a new entity is given the retained state at once: it has to be in there by then
                await self._send_state(state, now)
        for state in states:
            await self._describe(state)
        await self._gather(
            [topics.device_status(self._topics, s) for s in states if s.device.kind is not Kind.BRIDGE]
        )
        for state in states:
            await self._send_state(state, now)
        for event in events:
            if isinstance(event, HealthReport):
                document = {**event.document, "broker": self._broker(now)}
                await self._send(Message(self._topics.health, dumps(document), expiry=HEALTH_EXPIRY))

    def _take(self, events: Sequence[Event]) -> list[str]:
        """Take in what is told of devices: those of which something is."""
        changed: dict[str, None] = {}
        for event in events:
            if isinstance(event, DeviceGone):
                self._inventory_old |= self._devices.pop(event.key, None) is not None
            elif isinstance(event, DeviceState):
                before = self._devices.get(event.key)
                self._inventory_old |= before is None or _listed(before) != _listed(event)
                self._devices[event.key] = event
                changed[event.key] = None
        return list(changed)

    async def _list(self, now: float) -> None:
        """Publish the inventory if it changed. That of a fleet is long, and does not go again for each device."""
        if not self._inventory_old or now < self._inventory_not_before:
            return
        self._inventory_old = False
        message = topics.inventory(self._topics, _by_depth(self._devices.values(), self._devices))
        self._inventory_not_before = now + max(0, len(message.payload) - SHORT_INVENTORY) / INVENTORY_PACE
        await self._send(message)

    def _grows(self, state: DeviceState) -> bool:
        """Whether a device that was announced on this connection has something new to be announced."""
        return state.key in self._described and self._described[state.key] != _described(state)

    async def _describe(self, state: DeviceState) -> None:
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
        await self._send(message, wanted)
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
        for key in list(itertools.takewhile(lambda key: now - self._told_at[key] >= RENEW, self._told_at)):
            state = self._devices.get(key)
            if state is None:
                del self._told_at[key]
                continue
            self._sent.pop(self._topics.state(state.device), None)
            await self._send_state(state, now)

    async def _send_state(self, state: DeviceState, now: float) -> None:
        if await self._send(topics.state(self._topics, state)):
            self._told_at.pop(state.key, None)
            self._told_at[state.key] = now

    async def _gather(self, messages: Iterable[Message]) -> None:
        await asyncio.gather(*(self._send(message) for message in messages))

    async def _send(self, message: Message, components: dict[str, str] | None = None) -> bool:
        """Publish a message unless the broker has it already; whether that was so."""
        print_of = hash(message)
        if self._sent.get(message.topic) == print_of:
            return False
        await self._publish(message)
        self._sent[message.topic] = print_of
        self._announced.add(message.topic, components)
        return True


def _described(state: DeviceState) -> tuple[object, ...]:
    return state.device, *state.values


def _listed(state: DeviceState) -> tuple[object, ...]:
    return *_described(state), state.sources, *(state.feeds.get(key) for key in state.values)


def _by_depth(some: Iterable[DeviceState], known: Mapping[str, DeviceState]) -> list[DeviceState]:
    """Parents before their children: Home Assistant makes a nameless stub for a parent it has not met."""

    def depth(state: DeviceState) -> int:
        steps, via = 0, state.device.via
        while via is not None and via in known and steps < len(known):
            steps, via = steps + 1, known[via].device.via
        return steps

    return sorted(some, key=depth)
