"""The service: builds sources, house and sinks from the settings, runs them, and stops them in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pvsmqtt import __version__, self_report, systemd
from pvsmqtt.bus import Bus, Flow
from pvsmqtt.clock import Clock
from pvsmqtt.kept import Kept
from pvsmqtt.model.accepted import Accepted
from pvsmqtt.model.reading import DeviceGone, DeviceState, Reading
from pvsmqtt.model.report import HealthReport, Info
from pvsmqtt.options import Options
from pvsmqtt.pulse import Heartbeat, Pulse
from pvsmqtt.settings import Settings, SettingsError
from pvsmqtt.sinks.mqtt.journal.keeping import Keeping
from pvsmqtt.sinks.mqtt.options import EMBEDDED
from pvsmqtt.sources.base import Source
from pvsmqtt.status_line import status_line
from pvsmqtt.status_page import StatusPage
from pvsmqtt.supervision import Supervisor

if TYPE_CHECKING:
    from pvsmqtt.sinks.mqtt.sink import MqttSink

TICK = 5.0
"""Seconds between two looks at what has become too old, and at whether everything makes progress."""

HEALTH_EVERY = 60.0
STOP_WITHIN = 3.0

_log = logging.getLogger("pvsmqtt")

Event = DeviceState | DeviceGone | Info | HealthReport


class Service:
    """One run of pvsmqtt. ``reload`` reads the settings again (it raises `SettingsError` when they are bad).
    ``clock`` is that of the house."""

    def __init__(
        self,
        settings: Settings,
        reload: Callable[[], Settings] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._reload = reload
        self._clock = clock = clock or Clock()
        self._started_at = datetime.now(UTC).replace(microsecond=0)
        self._started = time.monotonic()
        self._bus: Bus[Event] = Bus()
        self._readings: Flow[Accepted] = Flow()
        self._journal = Keeping(settings.state_dir, self._readings)
        self._supervisor = Supervisor()
        self._kept = Kept(settings.state_dir, settings.instance, settings.zone, self._started, clock.day)
        self._house = self._kept.house
        self._sources: dict[str, tuple[Options, str, Source]] = {}
        self._sink: MqttSink | None = None
        self._pulse = Pulse(clock.tick or TICK, _log)
        self._census = self_report.Census()
        self._bridge_said: DeviceState | None = None
        self._status_said = ""
        self._page = StatusPage(
            settings.instance, self._started_at, self._bus, self._supervisor, self._health, self._registers, clock.day
        )
        self._stop = asyncio.Event()
        self._hangup = asyncio.Event()

    async def run(self) -> None:
        """Run until `stop` is called or SIGTERM or SIGINT comes; SIGHUP reads the configuration again."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._hangup.set)
        try:
            self._configure_house()
            self._tell_bridge()
            await self._start_journal()
            self._start_broker_and_sink()
            await self._page.apply(self._settings)
            self._start_sources()
            self._supervisor.start("housekeeping", self._housekeeping)
            systemd.notify("READY=1")
            _log.info("pvsmqtt %s runs, %d sources", __version__, len(self._sources))
            await self._until_stopped()
        finally:
            systemd.notify("STOPPING=1")
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)
            await self._shut_down()

    def stop(self) -> None:
        """End `run` soon."""
        self._stop.set()

    async def _until_stopped(self) -> None:
        stopped = asyncio.create_task(self._stop.wait())
        while not self._stop.is_set():
            hangup = asyncio.create_task(self._hangup.wait())
            await asyncio.wait({stopped, hangup}, return_when=asyncio.FIRST_COMPLETED)
            hangup.cancel()
            if self._hangup.is_set():
                self._hangup.clear()
                change = asyncio.create_task(self._take_up_configuration())
                await asyncio.wait({stopped, change}, return_when=asyncio.FIRST_COMPLETED)
                change.cancel()

    async def _take_up_configuration(self) -> None:
        """Read the configuration again. A bad one changes nothing."""
        try:
            if self._reload is not None:
                await self._apply(self._reload())
        except SettingsError as error:
            _log.error("the new configuration is not used, the old one stays in force:\n%s", error)
        except Exception:
            _log.exception("the new configuration could not be taken up completely; restart the service")

    async def _apply(self, settings: Settings) -> None:
        old = self._settings
        for key in ("instance", "state_dir"):
            if getattr(settings, key) != getattr(old, key):
                _log.warning("a new %s takes effect when the service is started again", key)
        self._settings = settings = settings.model_copy(update={"instance": old.instance, "state_dir": old.state_dir})
        logging.getLogger("pvsmqtt").setLevel(settings.log_level.upper())
        self._kept.ledger.days.zone = settings.zone
        wanted = {name: options for name, _, options in _tables(settings)}
        gone = [name for name, (options, _, _) in self._sources.items() if wanted.get(name) != options]
        await self._supervisor.stop(*gone)
        for name in gone:
            del self._sources[name]
        self._configure_house()
        of_sink = [(s.mqtt, s.home_assistant, s.journal) for s in (settings, old)]
        if of_sink[0] != of_sink[1]:
            await self._supervisor.stop("mqtt")
            await self._supervisor.stop("broker")
            if settings.journal != old.journal:
                await self._supervisor.stop("journal")
                await self._start_journal()
            self._start_broker_and_sink()
        await self._page.apply(settings)
        self._start_sources()
        self._tell_bridge()
        _log.info("the new configuration is in force")

    def _configure_house(self) -> None:
        settings = self._settings
        self._publish(
            self._house.configure(
                settings.names,
                settings.ignore,
                self._clock.now(),
                settings.precedence,
                retire=settings.retire,
                lost_after=settings.lost_after,
            )
        )

    def _start_sources(self) -> None:
        for name, kind, options in _tables(self._settings):
            if name not in self._sources:
                source = kind.build(options, self._settings.state_dir)
                self._sources[name] = (options, name.split(" ")[0], source)
                self._supervisor.start(name, partial(source.run, self._deliver))
        running = self._running()
        kinds = self._settings.kinds
        measuring = {s.name: s.site for kind, s in running if kinds[kind].measures_site}
        single = {s.name for kind, s in running if not kinds[kind].tells_meters}
        self._publish(self._house.expect(measuring, [source.name for _, source in running], single))
        self._bus.publish(self_report.info(self._settings.instance, self._started_at, self._running()))

    async def _start_journal(self) -> None:
        """What a source tells from now on is kept."""
        run = await self._journal.begin(self._settings.journal)
        if run is not None:
            self._supervisor.start("journal", run)

    def _start_broker_and_sink(self) -> None:
        from pvsmqtt.sinks.mqtt import embedded
        from pvsmqtt.sinks.mqtt.announced import Announced
        from pvsmqtt.sinks.mqtt.sink import MqttSink

        settings = self._settings
        options = settings.mqtt
        broker = None
        if options.host == EMBEDDED:
            broker = embedded.EmbeddedBroker(options)
            self._supervisor.start("broker", broker.run)
        announced = Announced(settings.state_dir / "announced.json")
        sink = self._sink = MqttSink(
            options, settings.home_assistant, settings.instance, self._bus, announced, self._journal.sender
        )
        self._page.broker_is(sink)

        async def publish() -> None:
            if broker is not None:
                await broker.listening.wait()  # until then somebody else may have the port
            await sink.run()

        self._supervisor.start("mqtt", publish)

    def _deliver(self, readings: Sequence[Reading]) -> None:
        states = self._house.accept(self._clock.there(readings), self._clock.now())
        self._readings.publish(self._house.taken(datetime.now(UTC)))
        self._publish(states)
        self._tell_bridge()

    def _publish(self, events: Sequence[DeviceState | DeviceGone]) -> None:
        for event in events:
            self._census.take(event)
            self._bus.publish(event)

    async def _housekeeping(self) -> None:
        tick, health_every = self._clock.tick or TICK, self._clock.tick or HEALTH_EVERY
        next_health = time.monotonic() + tick  # when the broker and the first poll have had their chance
        while True:
            now = time.monotonic()
            self._publish(self._house.tick(self._clock.now()))
            self._tell_bridge()
            await self._kept.save(now)
            if now >= next_health:
                next_health = now + health_every
                self._bus.publish(self._health())
            self._tell_systemd(time.monotonic())
            await asyncio.sleep(tick)

    def _health(self) -> HealthReport:
        """How everything does at this moment."""
        return self_report.health(
            datetime.now(UTC),
            time.monotonic(),
            self._started,
            self._running(),
            self._supervisor.restarts,
            journal=self._journal.report(),
            energy=self._kept.ledger.report(),
            refused_values=self._house.refused_values,
            unstable=self._supervisor.unstable(),
            web=self._page.report(),
        )

    def _registers(self) -> dict[str, Any]:
        return self_report.registers(self._running(), self._house.registry.heard_at)

    def _tell_bridge(self) -> None:
        state = self_report.bridge(self._settings.instance, self._started_at, self._census)
        if state != self._bridge_said:
            self._bridge_said = state
            self._bus.publish(state)

    def _tell_systemd(self, now: float) -> None:
        """Feed the watchdog while everything makes progress, and say how it goes when that is news."""
        parts: dict[str, Heartbeat] = {name: one.health.heartbeat for name, (_, _, one) in self._sources.items()}
        broker = None
        if self._sink is not None:
            parts["mqtt"] = self._sink.heartbeat
            broker = self._sink.report(now)["reason"]
        if self._pulse.beats(now, parts, self._supervisor.restarts, self._supervisor.where):
            systemd.notify("WATCHDOG=1")
        states = [event for event in self._bus.latest() if isinstance(event, DeviceState)]
        said = status_line(states, [source for _, source in self._running()], broker)
        if said != self._status_said:
            self._status_said = said
            systemd.notify(f"STATUS={said}")

    def _running(self) -> list[tuple[str, Source]]:
        return [(kind, source) for _, kind, source in self._sources.values()]

    async def _shut_down(self) -> None:
        try:
            async with asyncio.timeout(STOP_WITHIN):
                # First what must not be lost; what is counted from here on is caught up with after the next start.
                await self._kept.save_totals(time.monotonic(), last=True)
                await self._supervisor.stop(*self._sources, "housekeeping", "journal", "web", "curves")
                await self._journal.flush()
                await self._kept.save(time.monotonic(), last=True)
                await self._supervisor.stop("mqtt")
                await self._supervisor.stop("broker")
                await self._journal.end()
        except TimeoutError:
            _log.warning("stopped without a clean end: something did not let go in %g s", STOP_WITHIN)


def _tables(settings: Settings) -> list[tuple[str, Any, Options]]:
    """The sources that are wanted, each with a name of its own: ``pvs 172.27.153.1``."""
    found: list[tuple[str, Any, Options]] = []
    for number, (table, kind, options) in enumerate(settings.sources()):
        found.append((f"{table} {options.subject or number}", kind, options))
    return found
