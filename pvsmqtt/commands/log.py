"""Where log lines go: standard error, in the journal's own form under systemd."""

from __future__ import annotations

import logging
import sys

from pvsmqtt import systemd

_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))
_LIBRARIES = ("asyncio", "aiohttp", "amqtt", "transitions")


class _Journal(logging.Formatter):
    """``<4>pvsmqtt.mqtt: text``: the journal adds time and level by itself."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        return systemd.marked(super().format(record), priority)


def set_up(level: str, shown: str | None = None) -> None:
    """Log to standard error from ``level`` (``debug``, ``info``, ``warning``, ``error``) on, or only what is
    ``shown`` of it."""
    handler = logging.StreamHandler(sys.stderr)
    if shown is not None:
        handler.setLevel(shown.upper())
    if systemd.in_journal(sys.stderr):
        handler.setFormatter(_Journal("%(name)s: %(message)s"))
    else:
        handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
        )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("pvsmqtt").setLevel(level.upper())
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    # It calls every lost connection an error; whoever has the connection says that, in better words.
    logging.getLogger("pvsmqtt.paho").setLevel(logging.CRITICAL)
