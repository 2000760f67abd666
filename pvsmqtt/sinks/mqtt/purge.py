"""Takes everything retained that one instance owns off a broker, and nothing else.

What it owns: its four topics directly below ``{base}/{instance}/``, state and status of the devices in its inventory,
the discovery payloads that bear our origin and point to a state below that root, with the topics they name, and what
its list of announced topics says. Whatever else lies below the root belongs to somebody else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import aiomqtt

from pvsmqtt.broker.connection import Session
from pvsmqtt.broker.message import Message
from pvsmqtt.sinks.mqtt.discovery import ORIGIN
from pvsmqtt.sinks.mqtt.topics import ONLINE, Topics

QUIET = 1.0
"""Seconds without another retained message after which all have come."""


class InUse(Exception):
    """The service is running: what is taken away would come back at once."""


async def purge(session: Session, topics: Topics, remembered: Iterable[str] = (), force: bool = False) -> list[str]:
    """Clear the topics and return their names. ``remembered`` are topics that are ours by our own notes.

    Raises:
        InUse: when the broker says that the instance is online, unless ``force``.
        aiomqtt.MqttError: when the connection is lost.
    """
    await session.subscribe(f"{topics.root}/#", f"{topics.prefix}/device/+/config")
    found = {str(message.topic): bytes(message.payload) async for message in _retained(session.client)}
    if found.get(topics.status) == ONLINE.encode() and not force:
        raise InUse
    owned = sorted(found.keys() & owned_topics(topics, found, remembered))
    for topic in owned:
        await session.publish(Message(topic, "", qos=1))
    return owned


def owned_topics(topics: Topics, found: Mapping[str, bytes], remembered: Iterable[str] = ()) -> set[str]:
    """Which topics are ours, by what the retained payloads in ``found`` say."""
    owned = {topics.status, topics.info, topics.devices, topics.health, *remembered}
    inventory = _json(found.get(topics.devices, b""))
    for entry in inventory if isinstance(inventory, list) else []:
        if isinstance(entry, dict):
            owned |= _below(topics, entry.get("state_topic"), entry.get("status_topic"))
    for topic, payload in found.items():
        document = _json(payload) if topic.startswith(f"{topics.prefix}/device/") else None
        if not isinstance(document, dict) or not isinstance(document.get("origin"), dict):
            continue
        state = _below(topics, document.get("state_topic"))
        if document["origin"].get("name") == ORIGIN and state:
            owned |= {topic, *state, *(name.removesuffix("/state") + "/status" for name in state)}
    return owned


def _below(topics: Topics, *names: object) -> set[str]:
    return {name for name in names if isinstance(name, str) and name.startswith(f"{topics.root}/")}


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None


async def _retained(client: aiomqtt.Client) -> AsyncIterator[aiomqtt.Message]:
    messages = aiter(client.messages)
    while True:
        try:
            message = await asyncio.wait_for(anext(messages), QUIET)
        except TimeoutError:
            return
        if message.retain and message.payload:
            yield message
