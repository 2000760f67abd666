"""What people write about a broker, and where that leads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from pvsmqtt.options import Options

Protocol = Literal["auto", "5", "3.1.1"]
Transport = Literal["tcp", "websockets"]

TLS_PORT = 8883
OF_TLS = ("ca_file", "fingerprint", "certificate_file", "key_file", "key_password", "key_password_file")


@dataclass(frozen=True, slots=True)
class Tls:
    """How TLS is spoken. ``fingerprint``: SHA-256 of the one certificate that counts, 64 lower-case hexadecimal
    digits."""

    ca_file: Path | None = None
    fingerprint: str | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker as it is reached. ``table`` is where people change that: ``[mqtt]``; ``embedded``: it runs inside the
    service. ``tls`` is None for plain text, ``path`` is that of WebSocket, None for TCP."""

    host: str
    port: int = 1883
    username: str | None = None
    password: SecretStr | None = None
    protocol: Protocol = "auto"
    keepalive: int = 30
    table: str = "[mqtt]"
    embedded: bool = False
    tls: Tls | None = None
    path: str | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """``mqtts://broker:8883``, ``ws://broker:9001/mqtt``."""
        scheme = "mqtt" if self.path is None else "ws"
        return f"{scheme}{'s' if self.tls else ''}://{self}{self.path or ''}"


class BrokerOptions(Options):
    """How a broker is reached."""

    host: str | None = Field(default=None, min_length=1)
    """Host name or address of the broker."""
    port: int = Field(default=1883, ge=0, le=65535)
    """Port of the broker; with tls it is 8883 unless set."""
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
    tls: bool = False
    """Whether the connection is encrypted. Who vouches for the broker's certificate: the authorities that this
    machine trusts, or ca_file, or its fingerprint. Files are read for every connection."""
    ca_file: Path | None = Field(default=None, examples=["/etc/pvsmqtt/ca.crt"])
    """Certificate (PEM) of the authority that signed the broker's certificate, where it is one of your own."""
    fingerprint: str | None = Field(default=None, examples=["3a7d…"])
    """SHA-256 fingerprint of the broker's certificate (64 hexadecimal digits, colons allowed): this one and no other,
    whoever signed it and whatever its name and date. "pvsmqtt check" tells it."""
    certificate_file: Path | None = Field(default=None, examples=["/etc/pvsmqtt/client.crt"])
    """Certificate (PEM) by which the broker knows us, if it wants one."""
    key_file: Path | None = Field(default=None, examples=["/etc/pvsmqtt/client.key"])
    """Its key (PEM), if it is not in the same file."""
    key_password: SecretStr | None = Field(default=None, examples=["…"])
    """Password of the key, if it is encrypted; better kept in a file of its own, see key_password_file."""
    key_password_file: Path | None = None
    """File that holds nothing but the password of the key."""
    transport: Transport = "tcp"
    """"websockets" for a broker behind a web server or with a listener for WebSocket; it needs port."""
    path: str = "/mqtt"
    """Path of the WebSocket."""

    @property
    def door(self) -> int:
        """The port that counts."""
        return TLS_PORT if self.tls and "port" not in self.model_fields_set else self.port

    def reached(self, host: str, table: str) -> Broker:
        """The broker that these options describe, at this host."""
        tls = Tls(self.ca_file, self.fingerprint, self.certificate_file, self.key_file, self.key_password)
        return Broker(
            host,
            self.door,
            self.username,
            self.password,
            self.protocol,
            self.keepalive,
            table,
            tls=tls if self.tls else None,
            path=self.path if self.transport == "websockets" else None,
        )

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

    @field_validator("fingerprint")
    @classmethod
    def _a_fingerprint(cls, value: str | None) -> str | None:
        if value is None:
            return None
        plain = value.rpartition("=")[2].replace(":", "").strip().lower()
        if not re.fullmatch("[0-9a-f]{64}", plain):
            raise ValueError(
                f"{value!r} is no SHA-256 fingerprint: it has 64 hexadecimal digits, with or without colons, as "
                "`pvsmqtt check` and `openssl x509 -noout -sha256 -fingerprint` tell it"
            )
        return plain

    @field_validator("path")
    @classmethod
    def _a_path(cls, value: str) -> str:
        if not re.fullmatch(r"/[!-~]*", value):
            raise ValueError(f'{value!r} is no path of a WebSocket: it begins with a slash, such as "/mqtt"')
        return value

    @model_validator(mode="after")
    def _tls_fits(self) -> Self:
        given = [key for key in OF_TLS if getattr(self, key) is not None]
        if given and not self.tls:
            raise ValueError(f"{' and '.join(given)} without tls: write tls = true, or take the rest out")
        if self.ca_file is not None and self.fingerprint is not None:
            raise ValueError("ca_file and fingerprint: only one of them can say which certificate counts; remove one")
        if self.certificate_file is None and (keys := [key for key in given if key.startswith("key_")]):
            raise ValueError(
                f"{' and '.join(keys)} without the certificate that belongs to it: write certificate_file"
            )
        return self

    @model_validator(mode="after")
    def _websockets_fit(self) -> Self:
        if self.transport == "tcp" and self.path != type(self).model_fields["path"].default:
            raise ValueError('path without WebSocket: write transport = "websockets", or take path out')
        if self.transport == "websockets" and "port" not in self.model_fields_set:
            raise ValueError(
                "no port is usual for WebSocket: write the one that your broker has for it "
                "(often 9001, Home Assistant's Mosquitto 1884 and with tls 8884, behind a web server 443)"
            )
        return self
