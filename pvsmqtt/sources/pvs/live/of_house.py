"""Live data as readings of the house, by whatever way this PVS has."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pvsmqtt.model.device import LABELS, Device, Kind
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import Reading, Value
from pvsmqtt.sources.base import Deliver
from pvsmqtt.sources.pvs.live.feed import LiveFeed
from pvsmqtt.sources.pvs.live.livedata import STALE
from pvsmqtt.sources.pvs.options import PvsOptions

NO_WEBSOCKET = frozenset({"PVS5"})
"""Models on which nothing listens there."""


@dataclass(frozen=True, slots=True)
class Access:
    """How live data is switched on, and how it is polled; ``None`` where that is not needed, or not possible."""

    enable: Callable[[], Awaitable[None]] | None = None
    read: Callable[[], Awaitable[Mapping[str, object]]] | None = None


def live_feed(
    *,
    name: str,
    site: str,
    options: PvsOptions,
    url: str,
    model: str | None,
    access: Access,
    deliver: Deliver,
    log: logging.Logger,
    monotonic: Callable[[], float],
    jitter: Callable[[], float],
) -> LiveFeed | None:
    """The feed of a PVS, or ``None`` where it has no live data or nobody wants it. ``name`` is that of the source."""
    socket = options.live == "auto" and (model not in NO_WEBSOCKET or bool(options.live_url))
    if options.live == "off" or (access.read is None and not socket):
        return None
    house = Device(site, Kind.SITE, LABELS[Kind.SITE], site=site)

    def tell(values: Mapping[str, Value], measured_at: datetime | None) -> None:
        # What was counted stays counted, though at night all live data are null; and nulls are no sign of life.
        told = {key: value for key, value in values.items() if value is not None or not QUANTITIES[key].holds}
        alive = any(value is not None for value in told.values())
        deliver([Reading(house, told, f"{name} live", measured_at, 0.0, STALE if alive else 0.0)])

    return LiveFeed(
        url=url if socket else None,
        enable=access.enable,
        read=access.read,
        deliver=tell,
        every=options.live_interval,
        poll_every=options.live_poll,
        log=log,
        monotonic=monotonic,
        jitter=jitter,
    )
