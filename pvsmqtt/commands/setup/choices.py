"""What setup decides on, and the file that comes of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from pvsmqtt.broker.finding import PORT
from pvsmqtt.settings import Settings, SettingsError, settings_class
from pvsmqtt.settings.errors import Origins, explain
from pvsmqtt.settings.example import example
from pvsmqtt.sinks.mqtt.options import EMBEDDED

HEAD = """\
# The configuration of pvsmqtt, written by: pvsmqtt setup
# What is commented out is the default, or an example where it says so.
# After changes: pvsmqtt check, then sudo systemctl reload pvsmqtt.
"""

INSTANCE = "home"
OFF = "off"
ANSWERED = "what was answered"

MANAGED: dict[str, frozenset[str]] = {
    "mqtt": frozenset({"host", "port", "username", "password"}),
    "pvs": frozenset({"host"}),
    "rs485": frozenset({"line"}),
    "modbus_tcp": frozenset({"host"}),
    "web": frozenset({"listen"}),
}
"""What setup asks for, by table; and ``instance``. A file that has more is not rewritten."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are at the broker; both are None where it does not ask."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Choices:
    """Everything that setup asks for. ``port`` is that of the broker, ``listen`` where the status page listens."""

    host: str = ""
    port: int = PORT
    login: Login = Login()
    pvs: list[str] = field(default_factory=list)
    instance: str = INSTANCE
    lines: list[str] = field(default_factory=list)
    gateways: list[str] = field(default_factory=list)
    listen: str | None = None

    @property
    def broker(self) -> str:
        """As it is typed: ``host`` or ``host:port``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.host if self.port == PORT or self.host == EMBEDDED else f"{host}:{self.port}"

    def document(self) -> dict[str, Any]:
        """As the file will be read; without the password, which is kept in a file of its own."""
        mqtt: dict[str, Any] = {"host": self.host}
        if self.port != PORT:
            mqtt["port"] = self.port
        if self.login.username is not None:
            mqtt["username"] = self.login.username
        tables: dict[str, list[dict[str, Any]]] = {
            "pvs": [{"host": host} for host in self.pvs],
            "rs485": [
                {"line": line, **({"name": line_name(place)} if place else {})}
                for place, line in enumerate(self.lines)
            ],
            "modbus_tcp": [{"host": host} for host in self.gateways],
        }
        return {
            **({} if self.instance == INSTANCE else {"instance": self.instance}),
            "mqtt": mqtt,
            **{name: table for name, table in tables.items() if table},
            **({} if self.listen is None else {"web": {"listen": self.listen}}),
        }

    def text(self) -> str:
        """The file: what was chosen, and everything else in comments."""
        return example(self.document(), HEAD)

    def settings(self) -> Settings:
        """What the file and the password will be loaded as.

        Raises:
            SettingsError: naming everything that is wrong.
        """
        return settings_of(tomllib.loads(self.text()), self.login.password)


def line_name(place: int) -> str:
    """The name of the RS-485 line at this place of the list; each needs one of its own."""
    return "rs485" if place == 0 else f"rs485_{place + 1}"


def settings_of(document: Mapping[str, Any], password: str | None = None) -> Settings:
    """Settings out of a document, which need not have a source yet.

    Raises:
        SettingsError: naming everything that is wrong.
    """
    model = settings_class()
    values = {key: dict(value) if isinstance(value, dict) else value for key, value in document.items()}
    if password is not None and isinstance(values.get("mqtt"), dict):
        values["mqtt"]["password"] = password
    try:
        return model(**values)
    except ValidationError as error:
        origins = Origins(ANSWERED)
        raise origins.error(explain(model, error, origins)) from None


def problem(document: Mapping[str, Any], password: str | None = None) -> str | None:
    """What is wrong with a part of the settings, for people."""
    try:
        settings_of({"mqtt": {"host": "localhost"}, **document}, password)
    except SettingsError as error:
        return "; ".join(text.removeprefix(f"{ANSWERED}: ").split("`: ", 1)[-1] for text in error.problems)
    return None
