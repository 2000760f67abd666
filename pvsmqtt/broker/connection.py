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

from pvsmqtt.broker.message import Message
from pvsmqtt.broker.options import Broker

UNSUPPORTED_VERSION = 132
_REFUSALS: dict[int, tuple[str, str]] = {
    128: ("refused the connection", "look into the broker's log"),
    UNSUPPORTED_VERSION: ("does not speak this MQTT version", 'set protocol = "3.1.1" in {table}'),
    133: ("refused the client id", "set another client_id in {table}"),
    134: ("refused user name or password", "check username and password in {table}"),
    135: ("refused this user", "check username and password in {table}, and the broker's access list"),
    136: ("is not available now", "no action needed unless it lasts"),
    137: ("is busy", "no action needed unless it lasts"),
    138: ("has banned this client", "look into the broker's log"),
}
"""CONNACK reason codes (MQTT 5.0, 3.2.2.2; paho translates those of 3.1.1): what the broker does, and what to do."""

_VERSIONS = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}
_TIMEOUT = 10.0
_GOODBYE = 2.0
_MOST_IN_FLIGHT = 20


class Refused(Exception):
    """The broker cannot be used now; ``advice`` says what to do. ``other_version`` says that it wants another
    version of MQTT; some brokers fall ``silent`` instead, and so does one that is frozen or far away."""

    def __init__(self, text: str, advice: str, other_version: bool = False, silent: bool = False) -> None:
        super().__init__(f"{text}: {advice}")
        self.text, self.advice, self.other_version, self.silent = text, advice, other_version, silent


@dataclass(slots=True)
class Session:
    """An open connection. ``denied`` holds the reason of the first message that the broker took and threw away."""

    client: aiomqtt.Client
    version: str
    denied: str | None = None

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
        """Subscribe with QoS 1; the reason code of each filter, below 128 where it was granted.

        Raises:
            aiomqtt.MqttError: when the connection is lost or the broker does not answer.
        """
        granted = await self.client.subscribe([(one, 1) for one in filters])
        _heed_cancellation()
        return [code if isinstance(code, int) else int(code.value) for code in granted]

    def watch(self) -> None:
        """Notice refusals of single messages, which MQTT 5 tells and aiomqtt does not look at."""
        paho = self.client._client
        inner = paho.on_publish

        def on_publish(client: Any, userdata: Any, mid: int, code: Any, properties: Any) -> None:
            if getattr(code, "is_failure", False):
                self.denied = self.denied or str(code)
            if inner is not None:
                inner(client, userdata, mid, code, properties)  # type: ignore[call-arg]

        paho.on_publish = on_publish


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
    """
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
        max_queued_incoming_messages=most_waiting or None,
        max_concurrent_outgoing_calls=_MOST_IN_FLIGHT,
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        logger=logging.getLogger("pvsmqtt.paho"),
    )
    client.pending_calls_threshold = 10 * _MOST_IN_FLIGHT
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
        code = error.rc if isinstance(error.rc, int) else int(getattr(error.rc, "value", 128))
        text, advice = _REFUSALS.get(code, (f"refused the connection with reason {code}", "look into its log"))
        advice = advice.format(table=broker.table)
        raise Refused(f"the broker at {broker} {text}", advice, code == UNSUPPORTED_VERSION) from None
    except aiomqtt.MqttError as error:
        _hang_up(client)
        raise Refused(
            f"no broker answers at {broker} ({error})",
            f"check host and port in {broker.table}, that the broker runs, and that it listens on the network",
            # aiomqtt's words for a connection that was made and not answered; TCP has its own for one not made.
            silent=str(error) == "Operation timed out",
        ) from None
    try:
        yield session
    finally:
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await client.__aexit__(None, None, None)


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
