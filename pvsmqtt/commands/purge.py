"""``pvsmqtt purge``: takes everything that this instance left on the broker away again."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pvsmqtt.commands import log
from pvsmqtt.settings import Settings, load
from pvsmqtt.sinks.mqtt.options import EMBEDDED


def purge(config: Path | None) -> int:
    """Exit status 0 when nothing of ours is left, 1 with the reason on standard error when it did not work."""
    log.set_up("error")
    return asyncio.run(_purge(load(config)))


async def _purge(settings: Settings) -> int:
    import aiomqtt

    from pvsmqtt.sinks.mqtt import purge
    from pvsmqtt.sinks.mqtt.connection import Refused, connect
    from pvsmqtt.sinks.mqtt.topics import Topics

    options = settings.mqtt
    topics = Topics(options.base_topic, settings.instance, settings.home_assistant.discovery_prefix)
    if options.host == EMBEDDED:
        return _no("an embedded broker keeps nothing: when the service is stopped, all is gone")
    refused: Exception | None = None
    for version in ("5", "3.1.1") if options.protocol == "auto" else (options.protocol,):
        client_id = f"pvsmqtt-purge-{settings.instance}"
        try:
            async with connect(options, options.host, options.port, client_id, None, version) as session:
                cleared = await purge.purge(session, topics)
        except purge.InUse:
            return _no(f"{settings.instance} is online: stop the service first, or all comes back at once")
        except Refused as error:
            refused = error
            if not error.other_version:
                break
        except aiomqtt.MqttError as error:
            return _no(f"the connection to the broker was lost ({error}): try again")
        else:
            (settings.state_dir / "announced.json").unlink(missing_ok=True)
            print(f"{len(cleared)} retained topics of {topics.root} removed")  # noqa: T201
            return 0
    return _no(str(refused))


def _no(reason: str) -> int:
    print(f"pvsmqtt: {reason}", file=sys.stderr)  # noqa: T201
    return 1
