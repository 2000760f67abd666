"""The MQTT sink: keeps a broker told, whatever happens to it.

States are rebuilt from the latest ones on each connection; none is queued while the broker is away. On connection
the order is: info and inventory, discovery (bridge first, then down the tree), device statuses, states, and `online`
last, each step acknowledged before the next, so that nobody sees a device as available that has no values yet. Home
Assistant's birth message brings the same again. Single readings are queued (`journal`): they go when all that has
been told, beside what changes and never before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiomqtt

from pvsmqtt.broker import reasons
from pvsmqtt.broker.connection import Ended, Refused, Session, connect, default_client_id
from pvsmqtt.broker.message import Message
from pvsmqtt.broker.pace import Pace
from pvsmqtt.broker.pauses import STABLE, Pauses, Wait
from pvsmqtt.broker.versions import Versions
from pvsmqtt.bus import Bus, Subscription
from pvsmqtt.model.device import Device
from pvsmqtt.model.reading import DeviceGone, DeviceState
from pvsmqtt.model.report import HealthReport, Info
from pvsmqtt.model.times import iso
from pvsmqtt.pulse import Heartbeat
from pvsmqtt.sinks.mqtt.announced import Announced
from pvsmqtt.sinks.mqtt.births import Births
from pvsmqtt.sinks.mqtt.options import HomeAssistantOptions, MqttOptions
from pvsmqtt.sinks.mqtt.publisher import Publisher
from pvsmqtt.sinks.mqtt.topics import DENIED_ADVICE, OFFLINE, Topics

if TYPE_CHECKING:
    from pvsmqtt.sinks.mqtt.journal.sender import Sender

Event = DeviceState | DeviceGone | Info | HealthReport

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
SAY_AGAIN = 3600.0
"""Seconds after which a trouble that comes and goes is worth another line in the log."""

LONG = 10.0
"""Seconds of an announcement that are worth a line in the log: somebody waits for the devices to appear."""

LONGEST_STEP = 300.0
"""Seconds within which something happens while nothing hangs: a message is due every minute, with a time-out."""

OFTEN = 3
"""Connections in a row that were cut short before it is worth a guess."""

_AGAIN_AND_AGAIN = (
    "the broker ends our connection again and again: another client may be using our client id. "
    f"{reasons.SAME_CLIENT_ID.format(table='[mqtt]')}"
)

GOODBYE = 2.0
"""Seconds that saying `offline` may take."""


class MqttSink:
    """Publishes what is on the bus."""

    def __init__(
        self,
        options: MqttOptions,
        home_assistant: HomeAssistantOptions,
        instance: str,
        bus: Bus[Any],
        announced: Announced,
        readings: Sender | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.heartbeat = Heartbeat()
        """What the watchdog of systemd feels: a broker that is away, or frozen, does not stop it."""
        self._readings = readings
        self._brokers = options.brokers
        self._broker = self._brokers[0]
        self._home_assistant = home_assistant
        self._topics = Topics(options.base_topic, instance, home_assistant.discovery_prefix)
        self._bus = bus
        self._announced = announced
        self._client_id = options.client_id or default_client_id(self._topics.root)
        self._versions = Versions(self._broker.protocol)
        self._session_now: Session | None = None
        self._denied_in: Session | None = None
        self._log = logging.getLogger("pvsmqtt.mqtt")
        self._sleep = sleep
        self._births = Births(home_assistant.birth_topic, self._log, sleep)
        self._pace = Pace(options.max_rate)
        self._held_back = 0.0
        self._announcement: dict[str, Any] | None = None
        self._trouble: str | None = None
        self._reason: str | None = None
        self._said: dict[str, float] = {}
        self._next_try: float | None = None
        self._connected_at: float | None = None
        self._away_since = time.monotonic()
        self._connects = 0
        self._cut_short = 0
        self._published = 0

    def report(self, now: float) -> dict[str, Any]:
        """The broker's part of the health topic."""
        connected = self._connected_at is not None
        return {
            "address": self._broker.url,
            "connected": connected,
            "connected_for": round(now - self._connected_at) if self._connected_at is not None else None,
            "away_for": None if connected else max(0, round(now - self._away_since)),
            "protocol": self._session_now.version if self._session_now else None,
            "connects": self._connects,
            "published": self._published,
            "denied": self._session_now.denied if self._session_now else None,
            "reason": self._reason,
            "message": self._trouble,
            "next_try_in": None if connected or self._next_try is None else max(0, round(self._next_try - now)),
            "tls": self._tls(),
            "max_rate": self._pace.rate,
            "held_back": round(self._held_back, 1),
            "announcement": self._announcement,
        }

    def told(self) -> dict[str, Any]:
        """What Home Assistant was told: how many devices and entities, and under which topics."""
        components = self._announced.components
        return {
            "discovery": self._home_assistant.discovery,
            "prefix": self._home_assistant.discovery_prefix,
            "devices": len(components),
            "entities": sum(map(len, components.values())),
            "topics": sorted(components),
        }

    def state_topic(self, device: Device) -> str:
        """Where the values of a device are published."""
        return self._topics.state(device)

    def _tls(self) -> dict[str, Any] | None:
        handshake = self._session_now.tls if self._session_now else None
        if handshake is None:
            return None
        certificate = handshake.certificate
        expires = iso(certificate.not_after) if certificate else None
        return {"version": handshake.version, "cipher": handshake.cipher, "expires": expires}

    async def run(self) -> None:
        """Publish until cancelled; a broker that is absent or goes away is waited for."""
        pauses = Pauses(FIRST_PAUSE, LONGEST_PAUSE)
        while True:
            began, wait, stay = self._alive(), None, False
            try:
                await self._session()
            except Refused as refused:
                self._say(refused.reason, str(refused))
                self._versions.refused(refused)
                wait, stay = refused.wait, refused.other_version
            except Ended as ended:
                self._say(ended.reason, str(ended))
                wait = ended.wait
            except (aiomqtt.MqttError, OSError) as error:
                short = self._connected_at is not None and time.monotonic() - self._connected_at < STABLE
                self._cut_short = self._cut_short + 1 if short else 0
                if self._cut_short >= OFTEN:
                    self._say("cut", _AGAIN_AND_AGAIN)
                else:
                    self._say("lost", f"connection to the broker lost ({error}); trying again")
            finally:
                if self._connected_at is not None:
                    self._away_since = time.monotonic()
                self._connected_at = self._session_now = None
            if not stay:
                self._move_on()
            await self._pause(pauses, time.monotonic() - began, wait)

    def _alive(self, pause: float = 0.0) -> float:
        """A sign of life, before work or a ``pause``; the time."""
        now = time.monotonic()
        self.heartbeat.promise(now, pause + LONGEST_STEP)
        return now

    def _move_on(self) -> None:
        """Where there are several nodes of a cluster, the next one is tried next."""
        self._broker = self._brokers[(self._brokers.index(self._broker) + 1) % len(self._brokers)]

    async def _pause(self, pauses: Pauses, lasted: float, wait: Wait | None) -> None:
        pause = pauses.after(lasted, wait)
        self._next_try = self._alive(pause) + pause
        await self._sleep(pause)

    def _say(self, reason: str, message: str) -> None:
        """Log a trouble when it begins or becomes another one, not on every try; what comes and goes once an hour."""
        now = time.monotonic()
        if reason != self._reason and now - self._said.get(reason, -SAY_AGAIN) >= SAY_AGAIN:
            self._said[reason] = now
            self._log.warning("%s", message)
        self._reason, self._trouble = reason, message

    async def _session(self) -> None:
        will = Message(self._topics.status, OFFLINE, qos=1)
        async with connect(self._broker, self._client_id, self._versions.next, will) as session:
            self._connected_at, self._session_now = time.monotonic(), session
            self._connects += 1
            self._versions.accepted(session.version)
            self._log.info("connected to the broker at %s with MQTT %s", self._broker, session.version)
            for warning in session.tls.warnings(datetime.now(UTC)) if session.tls else ():
                self._log.warning("%s", warning)
            self._trouble = self._reason = None
            self._said = {reason: at for reason, at in self._said.items() if reason in reasons.RECURRING}
            try:
                await self._serve(session)
            except asyncio.CancelledError:
                with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                    async with asyncio.timeout(GOODBYE):
                        await session.publish(will)
                        await self._announced.save(last=True)
                raise

    async def _serve(self, session: Session) -> None:
        publisher = Publisher(
            self._topics, self._home_assistant.discovery, self._announced, self._paced(session), self.report
        )
        with self._view() as view:
            # Who listens learns at once that the connection ended; a message on its way would wait for its time-out.
            parts = await self._births.parts(session, lambda: self._announce(publisher))
            parts.append(self._tell(publisher, view))
            if self._readings is not None:
                parts.append(self._send_readings(self._readings, self._counted(session)))
            tasks = [asyncio.create_task(part) for part in parts]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    @contextlib.contextmanager
    def _view(self) -> Iterator[Subscription[Event]]:
        view: Subscription[Event] = self._bus.subscribe()
        try:
            yield view
        finally:
            self._bus.unsubscribe(view)

    def _paced(self, session: Session) -> Callable[[Message], Awaitable[None]]:
        """States and announcements share the rate of bursts; readings have one of their own."""
        counted = self._counted(session)

        async def publish(message: Message) -> None:
            delay = self._pace.delay(time.monotonic())
            if delay > 0:
                self._held_back += delay
                self._alive(delay)
                await self._sleep(delay)
            await counted(message)
            self._alive()

        return publish

    def _counted(self, session: Session) -> Callable[[Message], Awaitable[None]]:
        async def publish(message: Message) -> None:
            await session.publish(message)
            self._published += 1
            if session.denied is not None and self._denied_in is not session:
                self._denied_in = session
                self._log.warning("the broker throws away what we publish (%s): %s", session.denied, DENIED_ADVICE)

        return publish

    async def _send_readings(self, readings: Sender, publish: Callable[[Message], Awaitable[None]]) -> None:
        while True:
            try:
                await readings.run(self._topics.readings, publish)
            except (aiomqtt.MqttError, OSError):
                raise
            except Exception:
                self._log.exception("publishing readings failed; it is tried again. Please report this")
            await asyncio.sleep(LONGEST_PAUSE)

    async def _tell(self, publisher: Publisher, view: Subscription[Event]) -> None:
        await self._announce(publisher)
        while True:
            await publisher.changes(await view.changes(), time.monotonic())

    async def _announce(self, publisher: Publisher) -> None:
        """Tell everything, and how long that took."""
        began, published = time.monotonic(), self._published
        await publisher.everything(self._bus.latest(), time.monotonic())
        took, number = time.monotonic() - began, self._published - published
        self._announcement = {"messages": number, "seconds": round(took, 1)}
        if took > LONG:
            self._log.info(
                "telling the broker everything took %.0f s for %d messages; max_rate in [mqtt] is %g a second",
                took,
                number,
                self._pace.rate,
            )
