"""What people write about a broker, and where that leads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from pvsmqtt.options import Options

Protocol = Literal["auto", "5", "3.1.1"]


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker as it is reached. ``table`` is where people change that: ``[mqtt]``; ``embedded``: it runs inside the
    service."""

    host: str
    port: int = 1883
    username: str | None = None
    password: SecretStr | None = None
    protocol: Protocol = "auto"
    keepalive: int = 30
    table: str = "[mqtt]"
    embedded: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class BrokerOptions(Options):
    """How a broker is reached."""

    host: str | None = Field(default=None, min_length=1)
    """Host name or address of the broker."""
    port: int = Field(default=1883, ge=0, le=65535)
    """Port of the broker."""
    username: str | None = Field(default=None, examples=["solar"])
    """User name at the broker, if it wants one."""
    password: SecretStr | None = Field(default=None, examples=["…"])
    """Password at the broker; better kept in a file of its own, see password_file."""
    password_file: Path | None = None
    """File that holds nothing but the password."""
    protocol: Protocol = "auto"
    """MQTT version: "auto" tries 5 and falls back to 3.1.1."""
    client_id: str | None = Field(default=None, min_length=1, max_length=65535)
    """Client id at the broker."""
    keepalive: int = Field(default=30, ge=5, le=3600)
    """Seconds after which a silent connection is tried, so that a dead broker is noticed."""

    def reached(self, host: str, table: str) -> Broker:
        """The broker that these options describe, at this host."""
        return Broker(host, self.port, self.username, self.password, self.protocol, self.keepalive, table)

    @field_validator("host")
    @classmethod
    def _only_a_host(cls, value: str | None) -> str | None:
        if value and ("/" in value or (value.count(":") == 1 and value.rpartition(":")[2].isdigit())):
            raise ValueError(f"{value!r} is more than a host name or address; a port goes into `port`")
        return value

    @model_validator(mode="after")
    def _password_of_somebody(self) -> Self:
        if self.password is not None and self.username is None:
            raise ValueError("a password needs a username: a broker asks for both or none; write username = …")
        return self
