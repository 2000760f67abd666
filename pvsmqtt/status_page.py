"""The status page as a part of the service: built from its options, and handed what it shows."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from pvsmqtt import __version__
from pvsmqtt.bus import Bus
from pvsmqtt.model.device import Device
from pvsmqtt.model.reading import DeviceState
from pvsmqtt.model.report import HealthReport, Info
from pvsmqtt.settings import Settings
from pvsmqtt.sinks.web.options import WebOptions
from pvsmqtt.supervision import Supervisor

if TYPE_CHECKING:
    from pvsmqtt.sinks.web.curves import Curves
    from pvsmqtt.sinks.web.log_tail import LogTail
    from pvsmqtt.sinks.web.parts import Parts
    from pvsmqtt.sinks.web.sink import WebSink
    from pvsmqtt.sinks.web.view import View

PART, CURVES = "web", "curves"
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
    """The page: there or not, as the options say. What it shows is asked of the service when somebody looks. ``day``
    is the clock of a house in fast motion, by which its curves go."""

    def __init__(
        self,
        instance: str,
        started_at: datetime,
        bus: Bus[Any],
        supervisor: Supervisor,
        health: Callable[[], HealthReport],
        registers: Callable[[], Mapping[str, Any]],
        day: Callable[[], datetime] | None = None,
    ) -> None:
        self._instance, self._started_at, self._bus = instance, started_at, bus
        self._supervisor, self._make_health, self._registers = supervisor, health, registers
        self._broker: Broker | None = None
        self._options = WebOptions()
        self._names: tuple[str, ...] = ()
        self._sink: WebSink | None = None
        self._kept: tuple[View, LogTail] | None = None
        self._curves: Curves | None = None
        self._wall: Callable[[], datetime] = day or _wall
        self._monotonic: Callable[[], float] = time.monotonic if day is None else lambda: day().timestamp()
        self._health: tuple[float, dict[str, Any]] | None = None

    def broker_is(self, broker: Broker) -> None:
        """Another connection to the broker tells from now on; topics may have changed."""
        self._broker, self._health = broker, None
        if self._sink is not None:
            self._sink.renew()

    def report(self) -> dict[str, Any] | None:
        """The page's part of the health topic; ``None``: it is off."""
        return None if self._sink is None else self._sink.report()

    async def apply(self, settings: Settings) -> None:
        """Start it, end it, or take up other options."""
        self._names = tuple(_names(settings))
        if self._curves is not None:
            self._curves.zone = settings.zone
        options = settings.web
        if options == self._options:
            return
        self._options = options
        await self._supervisor.stop(PART)
        if self._curves is not None and not (options.listen and options.page):
            await self._supervisor.stop(CURVES)
            self._curves = None
        self._sink = None
        if options.listen is None:
            self._forget_log()
            return
        from pvsmqtt.sinks.web.parts import Known
        from pvsmqtt.sinks.web.sink import WebSink

        known = Known(
            __version__, self._instance, self._started_at, self.health, self._home_assistant, self._state_topic
        )
        kept = self._view_and_log()
        curves = self._keep_curves(settings) if options.page else None
        self._sink = WebSink(options, known, self._parts(curves, kept[1]), self._bus, *kept)
        self._supervisor.start(PART, self._sink.run)

    def _view_and_log(self) -> tuple[View, LogTail]:
        from pvsmqtt.sinks.web.log_tail import LogTail
        from pvsmqtt.sinks.web.view import View

        if self._kept is None:
            self._kept = View(), LogTail()
            logging.getLogger("pvsmqtt").addHandler(self._kept[1])
        return self._kept

    def _forget_log(self) -> None:
        if self._kept is not None:
            logging.getLogger("pvsmqtt").removeHandler(self._kept[1])
            self._kept = None

    def _keep_curves(self, settings: Settings) -> Curves:
        from pvsmqtt.sinks.web.curves import Curves
        from pvsmqtt.sinks.web.curves_file import CurvesFile

        if self._curves is None:
            self._curves = curves = Curves(settings.zone)
            file = CurvesFile(settings.state_dir)
            file.load(curves, self._wall(), self._monotonic())
            self._supervisor.start(CURVES, lambda: file.keep(curves, self._bus, self._wall, self._monotonic))
        return self._curves

    def _parts(self, curves: Curves | None, tail: LogTail) -> Parts:
        from pvsmqtt.sinks.prometheus import Metrics
        from pvsmqtt.sinks.web import diagnostics, verdict
        from pvsmqtt.sinks.web.parts import Parts

        def of_device(device: str | None) -> dict[str, Any]:
            return {} if curves is None else curves.document(self._wall(), self._monotonic(), device)

        async def report() -> str:
            info = next((event.document for event in self._bus.latest() if isinstance(event, Info)), {})
            args = (info, self.health(), self._states(), tail.lines(), _wall(), self._names)
            return await asyncio.to_thread(diagnostics.report, *args)

        return Parts(
            curves=of_device,
            metrics=Metrics(self._bus.latest, self.health).scrape,
            verdict=lambda health: verdict.reasons(health, self._states()),
            diagnostics=report,
            registers=self._registers,
        )

    def _states(self) -> list[DeviceState]:
        return [event for event in self._bus.latest() if isinstance(event, DeviceState)]

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


def _wall() -> datetime:
    return datetime.now(UTC)


def _names(settings: Settings) -> Iterator[str]:
    """What is the owner's own, and not to be shown in a report: hosts, user name, names of sites and devices."""
    yield from (broker.host for broker in settings.mqtt.brokers)
    yield from (settings.mqtt.username or "", *settings.names.values())
    for _, _, options in settings.sources():
        yield options.subject or ""
        yield getattr(options, "site", "") or ""
