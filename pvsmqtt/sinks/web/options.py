"""The options of the ``[web]`` table."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from pydantic import Field, SecretStr, field_validator

from pvsmqtt.options import Options
from pvsmqtt.sinks.web import passwords

ANY_HOST = "*"
"""Stands for every name in ``hosts``."""

_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?", re.IGNORECASE)


class Address(NamedTuple):
    """Where the page listens; ``host`` is ``None`` for every address of this machine."""

    host: str | None
    port: int

    @property
    def here_only(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return self.host is not None and ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = "" if self.host is None else f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def address(text: str) -> Address:
    """``127.0.0.1:8485``, ``[::1]:8485``, ``:8485`` (every address).

    Raises:
        ValueError: when it is none; the message is for people.
    """
    host, colon, port = text.rpartition(":")
    if colon and port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65536:
        if host in ("", "*", "0.0.0.0", "[::]"):  # noqa: S104  the owner's wish
            return Address(None, int(port))
        if (bare := _bare(host)) is not None:
            return Address(bare, int(port))
    raise ValueError(
        f'{text!r} is no address to listen on; allowed: "127.0.0.1:8485" (this machine only), ":8485" (everywhere), '
        '"192.168.1.5:8485" or "[::1]:8485", with a port from 1 to 65535'
    )


def _bare(host: str) -> str | None:
    """The host without brackets, where it is an address or a name."""
    try:
        if host.startswith("[") and host.endswith("]"):
            return str(ipaddress.IPv6Address(host[1:-1]))
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        named = _HOST_NAME.fullmatch(host) and not re.fullmatch(r"[\d.]+", host)
        return host.lower() if named else None


class WebOptions(Options):
    """The status page, and /healthz and /metrics for programs that watch. Off unless listen is set."""

    listen: str | None = Field(default=None, examples=["127.0.0.1:8485"])
    """Where it listens: "127.0.0.1:8485" is for this machine only, ":8485" for the whole network (set a password_hash
    then)."""
    page: bool = True
    """Whether there is a page; false: only /healthz and /metrics."""
    password_hash: SecretStr | None = Field(default=None, examples=["scrypt$…"])
    """What "pvsmqtt web-password" prints for your password. Unset: no password."""
    hosts: list[str] = Field(default=[], examples=[["solar.example.org"]])
    """Names under which a browser may ask, beside addresses, localhost and the name of this machine: that of a proxy,
    for example. "*": any, which is for a proxy that checks names itself."""

    @field_validator("listen")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is not None:
            address(value)
        return value

    @field_validator("password_hash")
    @classmethod
    def _a_hash(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            passwords.parse(value.get_secret_value())
        return value

    @field_validator("hosts")
    @classmethod
    def _names(cls, value: list[str]) -> list[str]:
        for name in value:
            if name != ANY_HOST and not _HOST_NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no host name; allowed: names such as solar.example.org, without port and path, "
                    'and "*" for any'
                )
        return value

    @property
    def address(self) -> Address | None:
        """Where it listens; ``None``: it is off."""
        return None if self.listen is None else address(self.listen)
