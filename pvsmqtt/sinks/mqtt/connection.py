"""A connection to the broker: MQTT 5 or 3.1.1, the will, properties where the version has them, refusals in words.

Messages with QoS 1 are awaited: a call returns when the broker has the message. Nothing is queued while there is no
connection; a call then fails.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from pvsmqtt.sinks.mqtt.options import MqttOptions
from pvsmqtt.sinks.mqtt.topics import Message

UNSUPPORTED_VERSION = 132
_REFUSALS: dict[int, tuple[str, str]] = {
    128: ("refused the connection", "look into the broker's log"),
    UNSUPPORTED_VERSION: ("does not speak this MQTT version", 'set protocol = "3.1.1" in [mqtt]'),
    133: ("refused the client id", "set another client_id in [mqtt]"),
    134: ("refused user name or password", "check username and password in [mqtt]"),
    135: ("refused this user", "check username and password in [mqtt], and the broker's access list"),
    136: ("is not available now", "no action needed unless it lasts"),
    137: ("is busy", "no action needed unless it lasts"),
    138: ("has banned this client", "look into the broker's log"),
}
"""CONNACK reason codes (MQTT 5.0, 3.2.2.2; paho translates those of 3.1.1)."""

_VERSIONS = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}
_TIMEOUT = 10.0
_MOST_IN_FLIGHT = 20


class Refused(Exception):
    """The broker cannot be used now; ``advice`` says what to do. ``other_version`` says that it might be with
    another version of MQTT: some brokers say so, others fall silent."""

    def __init__(self, text: str, advice: str, other_version: bool = False) -> None:
        super().__init__(f"{text}: {advice}")
        self.text, self.advice, self.other_version = text, advice, other_version


@dataclass(frozen=True, slots=True)
class Session:
    """An open connection."""

    client: aiomqtt.Client
    version: str

    async def publish(self, message: Message) -> None:
        """Publish; with QoS 1 wait until the broker has it.

        Raises:
            aiomqtt.MqttError: when the connection is lost or the broker does not answer.
        """
        properties = _properties(message.is_json, message.expiry) if self.version == "5" and message.payload else None
        await self.client.publish(
            message.topic, message.payload, qos=message.qos, retain=message.retain, properties=properties
        )


@asynccontextmanager
async def connect(
    options: MqttOptions, host: str, port: int, client_id: str, will: Message | None, version: str
) -> AsyncIterator[Session]:
    """Connect with one version of MQTT.

    Raises:
        Refused: when there is no broker, or it does not want us.
    """
    client = aiomqtt.Client(
        host,
        port,
        username=options.username,
        password=options.password.get_secret_value() if options.password else None,
        identifier=client_id,
        protocol=_VERSIONS[version],
        will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain) if will else None,
        clean_session=None if version == "5" else True,
        clean_start=True if version == "5" else MQTT_CLEAN_START_FIRST_ONLY,
        keepalive=options.keepalive,
        timeout=_TIMEOUT,
        max_concurrent_outgoing_calls=_MOST_IN_FLIGHT,
        logger=logging.getLogger("pvsmqtt.paho"),
    )
    client.pending_calls_threshold = 10 * _MOST_IN_FLIGHT
    try:
        await client.__aenter__()
    except MqttConnectError as error:
        code = error.rc if isinstance(error.rc, int) else int(getattr(error.rc, "value", 128))
        text, advice = _REFUSALS.get(code, (f"refused the connection with reason {code}", "look into its log"))
        raise Refused(f"the broker at {host}:{port} {text}", advice, code == UNSUPPORTED_VERSION) from None
    except aiomqtt.MqttError as error:
        raise Refused(
            f"no broker answers at {host}:{port} ({error})",
            "check host and port in [mqtt], that the broker runs, and that it listens on the network",
            other_version="timed out" in str(error),
        ) from None
    try:
        yield Session(client, version)
    finally:
        with contextlib.suppress(aiomqtt.MqttError):
            await client.__aexit__(None, None, None)


@lru_cache(maxsize=16)
def _properties(is_json: bool, expiry: int | None) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.PayloadFormatIndicator = 1
    properties.ContentType = "application/json" if is_json else "text/plain"
    if expiry is not None:
        properties.MessageExpiryInterval = expiry
    return properties


def default_client_id(instance: str) -> str:
    """``pvsmqtt-home-3f9c21ab``: the same after every start, another one on every machine."""
    try:
        machine = Path("/etc/machine-id").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = socket.gethostname()
    return f"pvsmqtt-{instance}-{hashlib.sha256(f'{machine}/{instance}'.encode()).hexdigest()[:8]}"
