"""Has somebody published under our instance on this broker already?"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pvsmqtt.settings import Settings

LISTEN = 2.0
"""Seconds for retained topics to come; a broker sends them at once."""


@dataclass(frozen=True, slots=True)
class Published:
    """What stands there: ``online``, and since when it runs."""

    online: bool
    since: str | None


async def published(settings: Settings) -> Published | None:
    """What another pvsmqtt has left on the broker; None: nothing, or it cannot be told."""
    import aiomqtt

    from pvsmqtt.broker.connection import Refused, connect_any, default_client_id
    from pvsmqtt.sinks.mqtt.topics import ONLINE, Topics

    topics = Topics(settings.mqtt.base_topic, settings.instance, settings.home_assistant.discovery_prefix)
    found: dict[str, bytes] = {}
    try:
        async with connect_any(settings.mqtt.broker, f"{default_client_id(topics.root)}-setup") as session:
            await session.subscribe(topics.status, topics.info)
            async with asyncio.timeout(LISTEN):
                async for message in session.client.messages:
                    if message.retain and isinstance(message.payload, bytes) and message.payload:
                        found[str(message.topic)] = message.payload
                    if len(found) == 2:
                        break
    except TimeoutError:
        pass
    except (Refused, aiomqtt.MqttError):
        return None
    if not found:
        return None
    return Published(found.get(topics.status) == ONLINE.encode(), _since(found.get(topics.info, b"")))


def is_ours(settings: Settings) -> bool:
    """Whether the notes of this machine say that it published under this instance."""
    from pvsmqtt.sinks.mqtt.topics import Topics

    topics = Topics(settings.mqtt.base_topic, settings.instance, settings.home_assistant.discovery_prefix)
    try:
        notes = json.loads(Path(settings.state_dir, "announced.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(notes, dict) and notes.get("root") == topics.root


def _since(payload: bytes) -> str | None:
    try:
        document: Any = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    since = document.get("started_at") if isinstance(document, dict) else None
    return since[:40] if isinstance(since, str) and since.isprintable() else None
