"""Takes everything retained that one instance owns off a broker, and nothing else.

What it owns: the topics below ``{base}/{instance}/``, and the discovery payloads that bear our origin and point to
states below that root.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiomqtt

from pvsmqtt.sinks.mqtt.connection import Session
from pvsmqtt.sinks.mqtt.discovery import ORIGIN
from pvsmqtt.sinks.mqtt.topics import ONLINE, Message, Topics

QUIET = 1.0
"""Seconds without another retained message after which all have come."""


class InUse(Exception):
    """The service is running: what is taken away would come back at once."""


async def purge(session: Session, topics: Topics) -> list[str]:
    """Clear the topics and return their names.

    Raises:
        InUse: when the broker says that the instance is online.
        aiomqtt.MqttError: when the connection is lost.
    """
    await session.client.subscribe([(f"{topics.root}/#", 1), (f"{topics.prefix}/device/+/config", 1)])
    found = {str(message.topic): bytes(message.payload) async for message in _retained(session.client)}
    if found.get(topics.status) == ONLINE.encode():
        raise InUse
    owned = sorted(
        topic for topic, payload in found.items() if topic.startswith(f"{topics.root}/") or _is_ours(payload, topics)
    )
    for topic in owned:
        await session.publish(Message(topic, "", qos=1))
    return owned


async def _retained(client: aiomqtt.Client) -> AsyncIterator[aiomqtt.Message]:
    messages = aiter(client.messages)
    while True:
        try:
            message = await asyncio.wait_for(anext(messages), QUIET)
        except TimeoutError:
            return
        if message.retain and message.payload:
            yield message


def _is_ours(payload: bytes, topics: Topics) -> bool:
    try:
        document = json.loads(payload)
        return bool(document["origin"]["name"] == ORIGIN and document["state_topic"].startswith(f"{topics.root}/"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
