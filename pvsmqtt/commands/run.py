"""``pvsmqtt run``: the service in the foreground, as systemd wants it."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import sys
from pathlib import Path

from pvsmqtt.commands import log
from pvsmqtt.settings import load
from pvsmqtt.sinks.mqtt import embedded
from pvsmqtt.sinks.mqtt.options import EMBEDDED


def run(config: Path | None) -> int:
    """Run until a signal ends it; does not return then.

    Raises:
        SettingsError: when the configuration is bad at the start.
    """
    settings = load(config)
    log.set_up(settings.log_level)
    faulthandler.enable()  # where it hung, when the watchdog of systemd ends it: places in the code, no values
    if settings.mqtt.host == EMBEDDED and not embedded.available():
        print("pvsmqtt: the embedded broker is not installed: pip install 'pvsmqtt[embedded]'", file=sys.stderr)  # noqa: T201
        return 1
    from pvsmqtt.service import Service

    async def main() -> None:
        await Service(settings, lambda: load(config)).run()

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(main())
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # All is said and saved: a thread that still waits for a dead name server must not hold up the stop.
    os._exit(0)
