"""``pvsmqtt purge``: takes everything that this instance left on the broker away again."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pvsmqtt.commands import log
from pvsmqtt.settings import Settings, load
from pvsmqtt.sinks.mqtt.options import EMBEDDED


def purge(config: Path | None, force: bool) -> int:
    """Exit status 0 when nothing of ours is left, 1 with the reason on standard error when it did not work."""
    log.set_up("error")
    return asyncio.run(_purge(load(config), force))


async def _purge(settings: Settings, force: bool) -> int:
    import aiomqtt

    from pvsmqtt.broker.connection import Refused, connect_any, default_client_id
    from pvsmqtt.sinks.mqtt import purge
    from pvsmqtt.sinks.mqtt.announced import Announced
    from pvsmqtt.sinks.mqtt.topics import Topics

    options = settings.mqtt
    topics = Topics(options.base_topic, settings.instance, settings.home_assistant.discovery_prefix)
    if options.host == EMBEDDED:
        return _no("an embedded broker keeps nothing: when the service is stopped, all is gone")
    notes = settings.state_dir / "announced.json"
    client_id = f"{options.client_id or default_client_id(topics.root)}-purge"
    try:
        async with connect_any(options.broker, client_id) as session:
            cleared = await purge.purge(session, topics, Announced(notes).topics, force)
    except purge.InUse:
        return _no(
            f"{settings.instance} is online: stop the service first, or all comes back at once. "
            "If it is not running and the broker only says so, use --force"
        )
    except Refused as refused:
        return _no(str(refused))
    except aiomqtt.MqttError as error:
        return _no(f"the connection to the broker was lost ({error}): try again")
    try:
        notes.unlink(missing_ok=True)
    except OSError as error:
        print(f"pvsmqtt: {notes} stays ({error}); that does no harm", file=sys.stderr)  # noqa: T201
    print(f"{len(cleared)} retained topics of {topics.root} removed")  # noqa: T201
    return 0


def _no(reason: str) -> int:
    print(f"pvsmqtt: {reason}", file=sys.stderr)  # noqa: T201
    return 1
