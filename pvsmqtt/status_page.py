"""The status page as a part of the service: built from its options, and handed what it shows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from pvsmqtt import __version__
from pvsmqtt.bus import Bus
from pvsmqtt.model.device import Device
from pvsmqtt.model.report import HealthReport
from pvsmqtt.sinks.web.options import WebOptions
from pvsmqtt.supervision import Supervisor

if TYPE_CHECKING:
    from pvsmqtt.sinks.web.log_tail import LogTail
    from pvsmqtt.sinks.web.sink import WebSink
    from pvsmqtt.sinks.web.view import View

PART = "web"
FRESH = 1.0
"""Seconds for which a report of health may be shown again, whoever asks."""


class Broker(Protocol):
    """What the MQTT sink tells of itself."""

    def report(self, now: float) -> Mapping[str, Any]:
        """How its broker does."""

    def told(self) -> Mapping[str, Any]:
        """What Home Assistant was told."""

    def state_topic(self, device: Device) -> str:
        """Where the values of a device are published."""


class StatusPage:
    """The page: there or not, as the options say. What it shows is asked of the service when somebody looks."""

    def __init__(
        self,
        instance: str,
        started_at: datetime,
        bus: Bus[Any],
        supervisor: Supervisor,
        health: Callable[[], HealthReport],
    ) -> None:
        self._instance, self._started_at, self._bus = instance, started_at, bus
        self._supervisor, self._make_health = supervisor, health
        self._broker: Broker | None = None
        self._options = WebOptions()
        self._sink: WebSink | None = None
        self._kept: tuple[View, LogTail] | None = None
        self._health: tuple[float, dict[str, Any]] | None = None

    def broker_is(self, broker: Broker) -> None:
        """Another connection to the broker tells from now on; topics may have changed."""
        self._broker, self._health = broker, None
        if self._sink is not None:
            self._sink.renew()

    def report(self) -> dict[str, Any] | None:
        """The page's part of the health topic; ``None``: it is off."""
        return None if self._sink is None else self._sink.report()

    async def apply(self, options: WebOptions) -> None:
        """Start it, end it, or take up other options."""
        if options == self._options:
            return
        self._options = options
        await self._supervisor.stop(PART)
        self._sink = None
        log = logging.getLogger("pvsmqtt")
        if options.listen is None:
            if self._kept is not None:
                log.removeHandler(self._kept[1])
                self._kept = None
            return
        from pvsmqtt.sinks.web.log_tail import LogTail
        from pvsmqtt.sinks.web.parts import Known, Parts
        from pvsmqtt.sinks.web.sink import WebSink
        from pvsmqtt.sinks.web.view import View

        if self._kept is None:
            self._kept = View(), LogTail()
            log.addHandler(self._kept[1])
        known = Known(
            __version__, self._instance, self._started_at, self.health, self._home_assistant, self._state_topic
        )
        self._sink = WebSink(options, known, Parts(), self._bus, *self._kept)
        self._supervisor.start(PART, self._sink.run)

    def health(self) -> dict[str, Any]:
        """The document of the health topic, made at this moment; at most once a second."""
        now = time.monotonic()
        if self._health is None or now - self._health[0] >= FRESH:
            broker = None if self._broker is None else dict(self._broker.report(now))
            self._health = now, {**self._make_health().document, "broker": broker}
        return self._health[1]

    def _home_assistant(self) -> Mapping[str, Any]:
        return {} if self._broker is None else self._broker.told()

    def _state_topic(self, device: Device) -> str:
        return "" if self._broker is None else self._broker.state_topic(device)
