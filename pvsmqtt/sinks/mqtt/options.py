"""The options of the ``[mqtt]`` and ``[home_assistant]`` tables."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from pvsmqtt.options import Options

EMBEDDED = "embedded"
"""The broker's host name that asks for a broker inside this process."""


def _no_wildcards(value: str) -> str:
    if not value or any(c in value for c in "+#\0") or value.startswith(("/", "$")) or value.endswith("/"):
        raise ValueError(f"{value!r} cannot be the start of a topic; allowed: text without +, # and outer /")
    return value


class MqttOptions(Options):
    """The MQTT broker to which everything is published."""

    host: str = Field(min_length=1, examples=["192.168.1.10"])
    """Host name or address of the broker; "embedded" runs a broker inside this process
    (needs the extra: pip install 'pvsmqtt[embedded]')."""
    port: int = Field(default=1883, ge=0, le=65535)
    """Port of the broker. An embedded broker listens on it."""
    listen: str = "127.0.0.1"
    """Address on which an embedded broker listens; anything but this machine needs username and password."""
    username: str | None = Field(default=None, examples=["solar"])
    """User name at the broker, if it wants one."""
    password: SecretStr | None = Field(default=None, examples=["…"])
    """Password at the broker; better kept in a file of its own, see password_file."""
    password_file: Path | None = Field(default=None, examples=["/etc/pvsmqtt/mqtt_password"])
    """File that holds nothing but the password. Under systemd the credential "mqtt_password" serves as well."""
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    """MQTT version: "auto" tries 5 and falls back to 3.1.1."""
    client_id: str | None = Field(default=None, min_length=1, max_length=65535, examples=["pvsmqtt-home"])
    """Client id at the broker; unset: made from the id of this machine and the instance."""
    keepalive: int = Field(default=30, ge=5, le=3600)
    """Seconds after which a silent connection is tried, so that a dead broker is noticed."""
    base_topic: str = "pvsmqtt"
    """First part of every topic."""

    _base = field_validator("base_topic")(_no_wildcards)

    @field_validator("host")
    @classmethod
    def _only_a_host(cls, value: str) -> str:
        if "/" in value or (value.count(":") == 1 and value.rpartition(":")[2].isdigit()):
            raise ValueError(f"{value!r} is more than a host name or address; a port goes into `port`")
        return value

    @model_validator(mode="after")
    def _password_of_somebody(self) -> Self:
        if self.password is not None and self.username is None:
            raise ValueError("a password needs a username: a broker asks for both or none; write username = …")
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
