"""The reply to a scrape: families of house, service and process in the format that was asked for."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from prometheus_client import ProcessCollector
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from pvsmqtt import __version__
from pvsmqtt.model.reading import DeviceState
from pvsmqtt.model.report import Info
from pvsmqtt.sinks.prometheus import house, service
from pvsmqtt.sinks.prometheus.names import PREFIX

BUILD = (f"{PREFIX}_build", "What runs")
STARTED = (f"{PREFIX}_start_time_seconds", "When the service was started")


def page(events: Sequence[object], health: Mapping[str, Any], accept: str = "") -> tuple[bytes, str]:
    """Metrics, and their content type.

    Args:
        events: what stands on the bus: states of devices, and what runs.
        health: the health document, with ``broker``.
        accept: the header of whoever asks; OpenMetrics for those who want it.
    """
    encode, content_type = choose_encoder(accept)
    return encode(_Snapshot(events, health)), content_type


class _Snapshot(Collector):
    """A registry of its own for one reply; the library's global one is not used."""

    def __init__(self, events: Sequence[object], health: Mapping[str, Any]) -> None:
        self._events = events
        self._health = health
        self._process = ProcessCollector(registry=None)

    def collect(self) -> Iterator[Metric]:
        build = InfoMetricFamily(*BUILD)
        build.add_metric([], {"version": __version__, "python": platform.python_version()})
        yield build
        for event in self._events:
            if isinstance(event, Info):
                started = datetime.fromisoformat(event.document["started_at"])
                yield GaugeMetricFamily(*STARTED, value=started.timestamp())
        yield from service.families(self._health)
        yield from self._process.collect()
        yield from house.families(event for event in self._events if isinstance(event, DeviceState))
