"""A connection to the broker: MQTT 5 or 3.1.1, the will, properties where the version has them, refusals in words.

Messages with QoS 1 are awaited: a call returns when the broker has the message. Nothing is queued while there is no
connection; a call then fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from pvsmqtt.broker import reasons, tls
from pvsmqtt.broker.explain import Closed, explain
from pvsmqtt.broker.message import Message
from pvsmqtt.broker.options import Broker
from pvsmqtt.broker.refused import Ended, Refused
from pvsmqtt.broker.tls import Handshake

__all__ = ["Ended", "Refused", "Session", "connect", "connect_any", "default_client_id"]

_VERSIONS = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}
_TIMEOUT = 10.0
_GOODBYE = 2.0
_MOST_IN_FLIGHT = 20


class _Closed(aiomqtt.MqttError, Closed):
    """The connection ended before it was answered; aiomqtt would wait for the answer all the same."""


SUBSCRIPTION_REFUSED = 128
"""What a broker answers to a filter from here on means that nothing of it will come."""


@dataclass(slots=True)
class Session:
    """An open connection. ``denied`` holds the reason of the first message that the broker took and threw away,
    ``end`` the reason code with which it ended the connection (MQTT 5), ``elsewhere`` where it says that we should
    go, ``tls`` what was agreed on for TLS."""

    client: aiomqtt.Client
    version: str
    denied: str | None = None
    end: int | None = None
    elsewhere: str | None = None
    tls: Handshake | None = None

    async def publish(self, message: Message) -> None:
        """Publish; with QoS 1 wait until the broker has it.

        Raises:
            aiomqtt.MqttError: when the connection is lost or the broker does not answer.
        """
        properties = _properties(message.is_json, message.expiry) if self.version == "5" and message.payload else None
        await self.client.publish(
            message.topic, message.payload, qos=message.qos, retain=message.retain, properties=properties
        )
        _heed_cancellation()

    async def subscribe(self, *filters: str) -> list[int]:
        """Subscribe with QoS 1; the reason code of each filter, below `SUBSCRIPTION_REFUSED` where granted.

        Raises:
            aiomqtt.MqttError: when the connection is lost or the broker does not answer.
        """
        granted = await self.client.subscribe([(one, 1) for one in filters])
        _heed_cancellation()
        return [code if isinstance(code, int) else int(code.value) for code in granted]

    def watch(self) -> None:
        """Notice what aiomqtt does not look at: refusals of single messages and why a connection ended, which MQTT 5
        tells, and that it ended before it was answered."""
        paho, connected, loop = self.client._client, self.client._connected, asyncio.get_running_loop()
        published, answered, ended = paho.on_publish, paho.on_connect, paho.on_disconnect

        def close() -> None:
            if not connected.done():
                connected.set_exception(_Closed("closed"))

        def on_publish(client: Any, userdata: Any, mid: int, code: Any, properties: Any) -> None:
            if getattr(code, "is_failure", False):
                self.denied = self.denied or str(code)
            if published is not None:
                published(client, userdata, mid, code, properties)  # type: ignore[call-arg]

        def on_connect(client: Any, userdata: Any, flags: Any, code: Any, properties: Any) -> None:
            self.elsewhere = getattr(properties, "ServerReference", None)
            if answered is not None:
                answered(client, userdata, flags, code, properties)  # type: ignore[call-arg]

        def on_disconnect(client: Any, userdata: Any, flags: Any, code: Any, properties: Any) -> None:
            if flags.is_disconnect_packet_from_server:
                self.end = int(code.value)
                self.elsewhere = getattr(properties, "ServerReference", None)
            # The end may come in the thread that connects.
            loop.call_soon_threadsafe(close)
            if ended is not None:
                ended(client, userdata, flags, code, properties)  # type: ignore[call-arg]

        paho.on_publish, paho.on_connect, paho.on_disconnect = on_publish, on_connect, on_disconnect


def _heed_cancellation() -> None:
    """`asyncio.wait_for`, with which aiomqtt waits for answers, loses a cancellation that comes together with the
    answer (Python before 3.12); whoever cancelled would wait for ever."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@asynccontextmanager
async def connect(
    broker: Broker, client_id: str, version: str, will: Message | None = None, most_waiting: int = 0
) -> AsyncIterator[Session]:
    """Connect with one version of MQTT. ``most_waiting``: messages that may wait to be taken, others are lost;
    0: any number.

    Raises:
        Refused: when there is no broker, or it does not want us.
        Ended: when it ended the connection and said why.
    """
    context = await _context(broker)
    client = _client(broker, client_id, version, will, most_waiting, context)
    session = Session(client, version)
    # How a connection ended is learned from the call that it interrupts; nobody else has to ask this future.
    client._disconnected.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    session.watch()
    entering = asyncio.ensure_future(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        entering.add_done_callback(lambda entered: _hang_up(client, entered))
        raise
    except MqttConnectError as error:
        _hang_up(client)
        raise _refused(broker, error, session.elsewhere) from None
    except aiomqtt.MqttError as error:
        _hang_up(client)
        raise await explain(broker, error, context) from None
    except ValueError as error:  # of the name, which is looked up and compared in a certain spelling
        _hang_up(client)
        text = f"no broker can be called {broker.host!r} ({error})"
        raise Refused(text, f"correct host in {broker.table}", reason="host") from None
    session.tls = context.handshake if context else None
    try:
        yield session
    except aiomqtt.MqttError as error:
        if session.end is None or isinstance(error, Ended):
            raise
        raise _ended(broker, session.end, session.elsewhere) from error
    finally:
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await client.__aexit__(None, None, None)


async def _context(broker: Broker) -> tls.Context | None:
    if broker.tls is None:
        return None
    try:
        return await asyncio.to_thread(tls.context, broker.tls, broker.table)
    except tls.Unusable as unusable:
        raise Refused(unusable.text, unusable.advice, reason="file") from None


def _client(
    broker: Broker, client_id: str, version: str, will: Message | None, most_waiting: int, context: tls.Context | None
) -> aiomqtt.Client:
    client = aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password.get_secret_value() if broker.password else None,
        identifier=client_id,
        protocol=_VERSIONS[version],
        will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain) if will else None,
        clean_session=None if version == "5" else True,
        clean_start=True if version == "5" else MQTT_CLEAN_START_FIRST_ONLY,
        keepalive=broker.keepalive,
        timeout=_TIMEOUT,
        transport="tcp" if broker.path is None else "websockets",
        websocket_path=broker.path,
        tls_context=context,
        max_queued_incoming_messages=most_waiting or None,
        max_concurrent_outgoing_calls=_MOST_IN_FLIGHT,
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        logger=logging.getLogger("pvsmqtt.paho"),
    )
    client.pending_calls_threshold = 10 * _MOST_IN_FLIGHT
    return client


def _refused(broker: Broker, error: MqttConnectError, elsewhere: str | None) -> Refused:
    code = error.rc if isinstance(error.rc, int) else int(getattr(error.rc, "value", 128))
    reason = reasons.connack(code)
    return Refused(
        f"the broker at {broker} {reason.text}{_to(elsewhere)}",
        reason.advice.format(table=broker.table),
        code == reasons.UNSUPPORTED_VERSION,
        reason=reason.key,
        wait=reason.wait,
    )


def _ended(broker: Broker, code: int, elsewhere: str | None) -> Ended:
    reason = reasons.disconnect(code)
    text = f"the broker at {broker} {reason.text}{_to(elsewhere)}"
    return Ended(text, reason.advice.format(table=broker.table), reason.key, reason.wait)


def _to(elsewhere: str | None) -> str:
    """The place that a broker names, which may be anything."""
    return "" if not elsewhere else f" ({''.join(c if c.isprintable() else '?' for c in elsewhere[:100])})"


def _hang_up(client: aiomqtt.Client, entered: asyncio.Future[Any] | None = None) -> None:
    """Close the socket of a connection that never came about: a frozen broker would take it up when it wakes."""
    if entered is not None and not entered.cancelled():
        entered.exception()  # nobody else asks any more
    with contextlib.suppress(Exception):
        client._client.disconnect()


@asynccontextmanager
async def connect_any(broker: Broker, client_id: str) -> AsyncIterator[Session]:
    """Connect once, with whatever version the broker takes.

    Raises:
        Refused: when none does.
    """
    versions = ["5", "3.1.1"] if broker.protocol == "auto" else [broker.protocol]
    async with contextlib.AsyncExitStack() as stack:
        for version in versions:
            try:
                session = await stack.enter_async_context(connect(broker, client_id, version))
                break
            except Refused as refused:
                if version == versions[-1] or not (refused.other_version or refused.silent):
                    raise
        yield session


@lru_cache(maxsize=16)
def _properties(is_json: bool, expiry: int | None) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.PayloadFormatIndicator = 1
    properties.ContentType = "application/json" if is_json else "text/plain"
    if expiry is not None:
        properties.MessageExpiryInterval = expiry
    return properties


def default_client_id(root: str) -> str:
    """``pvsmqtt-3f9c21ab``: the same after every start, another one for every machine and ``root``
    (base topic and instance, or whatever else tells apart who connects)."""
    try:
        machine = Path("/etc/machine-id").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = socket.gethostname()
    return f"pvsmqtt-{hashlib.sha256(f'{machine}/{root}'.encode()).hexdigest()[:8]}"
