"""The broker to watch: named on the command line, else that of the configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from pvsmqtt.broker.options import Broker
from pvsmqtt.sinks.mqtt.options import MqttOptions
from pvsmqtt.site.sites import DEFAULT_INSTANCE

EXAMPLE = "pvsmqtt watch --broker mqtt://user@192.168.1.10"
SCHEMES: Mapping[str, Mapping[str, Any]] = {
    "mqtt": {},
    "mqtts": {"tls": True},
    "ws": {"transport": "websockets", "port": 80},
    "wss": {"transport": "websockets", "tls": True, "port": 443},
}
PASSWORD = "PVSMQTT_MQTT__PASSWORD"  # noqa: S105  the name of a variable
NOT_HERE = (
    "a password does not belong on the command line, where everybody on this machine can read it: "
    f"--password-file FILE, or {PASSWORD} in the environment"
)


@dataclass(frozen=True, slots=True)
class Watched:
    """Where to look."""

    broker: Broker
    base: str
    instance: str


def watched(
    url: str | None,
    base: str | None,
    instance: str | None,
    password_file: Path | None,
    config: Path | None,
    environ: Mapping[str, str] | None = None,
) -> Watched:
    """What is named counts; the rest comes from the configuration, or where a broker is named, from the environment.

    Raises:
        SettingsError: when something is wrong with it.
    """
    from pvsmqtt.settings import SettingsError, load

    environ = os.environ if environ is None else environ
    name = instance or DEFAULT_INSTANCE
    if url is not None:
        options = _options(url, base, password_file, environ)
    else:
        try:
            settings = load(config, environ)
        except SettingsError as error:
            raise SettingsError([*error.problems, f"or name a broker: {EXAMPLE}"]) from None
        options, name = settings.mqtt, instance or settings.instance
        base = base or options.base_topic
    if not re.fullmatch(r"[^+#/\0]+", name):
        raise SettingsError([f"--instance {name!r} cannot be part of a topic; allowed: text without +, # and /"])
    broker = options.broker if url is None else replace(options.broker, table="--broker")
    return Watched(broker, base or options.base_topic, name)


def _options(url: str, base: str | None, password_file: Path | None, environ: Mapping[str, str]) -> MqttOptions:
    from pvsmqtt.settings import SettingsError
    from pvsmqtt.settings.env import variables
    from pvsmqtt.settings.secrets import read_secret

    given: dict[str, Any] = {
        path[1]: environ[name] for path, name in variables(environ).items() if path[0] == "mqtt" and len(path) == 2
    }
    for key in ("host", "port", "listen", "tls", "transport", "path"):
        given.pop(key, None)
    given |= _parts(url)
    if base is not None:
        given["base_topic"] = base
    try:
        file = password_file or given.pop("password_file", None)
        if file is not None:
            given["password"] = read_secret(Path(file))
        return MqttOptions.model_validate(given)
    except ValidationError as error:
        texts = [str(one["msg"]).removeprefix("Value error, ") for one in error.errors(include_url=False)]
        raise SettingsError([f"--broker {url}: {text}" for text in texts]) from None
    except ValueError as error:
        raise SettingsError([str(error)]) from None


def _parts(url: str) -> dict[str, Any]:
    from pvsmqtt.settings import SettingsError

    allowed = "allowed: mqtt://user@host:port, mqtts:// with TLS, ws:// and wss:// with a path"
    try:
        parts = urlsplit(url if "://" in url else f"mqtt://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise SettingsError([f"--broker: that is no address of a broker; {allowed}"]) from None
    if parts.password is not None:
        raise SettingsError([f"--broker: {NOT_HERE}"])
    if parts.scheme not in SCHEMES or not host or parts.query or parts.fragment:
        raise SettingsError([f"--broker {url}: that is no address of a broker; {allowed}"])
    found: dict[str, Any] = {"host": host, **SCHEMES[parts.scheme]}
    if port is not None:
        found["port"] = port
    if parts.username:
        found["username"] = unquote(parts.username)
    if "transport" in found and parts.path:
        found["path"] = parts.path
    elif parts.path not in ("", "/"):
        raise SettingsError([f"--broker {url}: only ws:// and wss:// have a path; {allowed}"])
    return found
