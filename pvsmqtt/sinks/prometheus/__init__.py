"""What Prometheus reads: every number of the house, and how the service does, on request.

==============  ==================================================================
`names`         which quantity is which metric, in which base unit: one table
`house`         what devices tell, as families of samples
`service`       what the health document tells, likewise
`page`          a reply in the format that whoever asks can read
`reference`     the tables of docs/metrics.md
==============  ==================================================================

A number that is unknown is absent, never 0. prometheus-client is imported when somebody asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["Metrics"]


class Metrics:
    """``latest`` gives what stands on the bus, ``health`` the health document with ``broker``, both as of now."""

    def __init__(self, latest: Callable[[], Sequence[object]], health: Callable[[], Mapping[str, Any]]) -> None:
        self._latest = latest
        self._health = health
        self._turn = asyncio.Lock()

    async def scrape(self, accept: str = "") -> tuple[bytes, str]:
        """The metrics, and their content type for whoever sent this ``Accept`` header. One at a time, and beside the
        event loop: 400 panels are 10,000 lines."""
        from pvsmqtt.sinks.prometheus.page import page

        async with self._turn:
            return await asyncio.to_thread(page, self._latest(), self._health(), accept)
