"""The options of the ``[mqtt]`` and ``[home_assistant]`` tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from pvsmqtt.broker.options import Broker, BrokerOptions
from pvsmqtt.options import Options

EMBEDDED = "embedded"
"""The broker's host name that asks for a broker inside this process."""

TABLE = "[mqtt]"


def _no_wildcards(value: str) -> str:
    if not value or any(c in value for c in "+#\0") or value.startswith(("/", "$")) or value.endswith("/"):
        raise ValueError(f"{value!r} cannot be the start of a topic; allowed: text without +, # and outer /")
    return value


class MqttOptions(BrokerOptions):
    """The MQTT broker to which everything is published."""

    host: str = Field(min_length=1, examples=["192.168.1.10"])
    """Host name or address of the broker; "embedded" runs a broker inside this process
    (needs the extra: pip install 'pvsmqtt[embedded]')."""
    port: int = Field(default=1883, ge=0, le=65535)
    """Port of the broker; with tls it is 8883 unless set. An embedded broker listens on it."""
    hosts: list[str] = Field(default=[], examples=[["192.168.1.11", "192.168.1.12:1884"]])
    """Other nodes of the same cluster, host or host:port: when one cannot be reached or is lost, the next one is
    tried, after host each of these in turn. Only for brokers that share what is retained."""
    password_file: Path | None = Field(default=None, examples=["/etc/pvsmqtt/mqtt_password"])
    """File that holds nothing but the password. Under systemd the credential "mqtt_password" serves as well."""
    client_id: str | None = Field(default=None, min_length=1, max_length=65535, examples=["pvsmqtt-home"])
    """Client id at the broker; unset: made from the id of this machine and the instance."""
    listen: str = "127.0.0.1"
    """Address on which an embedded broker listens; anything but this machine needs username and password."""
    base_topic: str = "pvsmqtt"
    """First part of every topic."""
    max_rate: float = Field(default=100.0, ge=0, le=100_000)
    """Messages a second, after 200 at once: many come together on connection and when Home Assistant has started.
    0: no limit."""

    _base = field_validator("base_topic")(_no_wildcards)

    @property
    def broker(self) -> Broker:
        """Where this process reaches the broker, also one that runs inside it: amqtt, which speaks MQTT 3.1.1."""
        if self.host != EMBEDDED:
            return self.reached(self.host, TABLE)
        everywhere = self.listen in ("0.0.0.0", "::", "")  # noqa: S104  what is compared, not bound
        here = self.reached("127.0.0.1" if everywhere else self.listen, TABLE)
        return replace(here, protocol="3.1.1", embedded=True)

    @property
    def brokers(self) -> tuple[Broker, ...]:
        """`broker`, and the other nodes of its cluster."""
        first = self.broker
        found = [first]
        for one in self.hosts:
            parts = urlsplit(f"//{one}")
            found.append(replace(first, host=str(parts.hostname), port=parts.port or first.port))
        return tuple(dict.fromkeys(found))

    @field_validator("hosts")
    @classmethod
    def _nodes(cls, value: list[str]) -> list[str]:
        for one in value:
            try:
                parts = urlsplit(f"//{one}")
                whole = parts.hostname and parts.port != 0 and parts.netloc == one and parts.username is None
            except ValueError:
                whole = False
            if not whole or one.endswith(":"):
                raise ValueError(f"{one!r} is no address of a broker; allowed: host, host:port, [IPv6]:port")
        return value

    @model_validator(mode="after")
    def _embedded_is_alone(self) -> Self:
        if self.host == EMBEDDED and self.hosts:
            raise ValueError("an embedded broker is no part of a cluster; take hosts out")
        return self

    @model_validator(mode="after")
    def _embedded_is_plain(self) -> Self:
        if self.host == EMBEDDED and (self.tls or self.transport != "tcp"):
            raise ValueError(
                "an embedded broker speaks plain MQTT only; take tls and transport out, or use a broker such as "
                "mosquitto"
            )
        return self

    @model_validator(mode="after")
    def _no_open_door(self) -> Self:
        if (
            self.host == EMBEDDED
            and self.username is None
            and not self.listen.startswith(("127.", "::1", "localhost"))
        ):
            raise ValueError(
                f"an embedded broker that listens on {self.listen!r} lets in everybody on the network: "
                "give it username and password, or listen on 127.0.0.1"
            )
        return self


class HomeAssistantOptions(Options):
    """Home Assistant finds every device by itself through MQTT discovery (2024.11 and later)."""

    discovery: bool = True
    """Whether devices are announced to Home Assistant."""
    discovery_prefix: str = "homeassistant"
    """The prefix under which Home Assistant listens."""
    birth_topic: str = "homeassistant/status"
    """Where Home Assistant says that it has started; everything is announced again then."""

    _prefix = field_validator("discovery_prefix", "birth_topic")(_no_wildcards)
