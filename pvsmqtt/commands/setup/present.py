"""What a configuration file says already, and whether setup may rewrite it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pvsmqtt.broker.finding import PORT
from pvsmqtt.commands.setup.choices import INSTANCE, MANAGED, Choices, Login, line_name, problem
from pvsmqtt.settings import SettingsError
from pvsmqtt.settings.errors import key_text
from pvsmqtt.settings.example import HEAD, example

PASSWORD_FILE = "mqtt_password"  # noqa: S105 - the name of a file
"""Beside the configuration: systemd hands it to the service, and `settings.secrets` finds it there."""

FILLED = MANAGED["mqtt"] | {"password_file"}
"""What setup fills in itself of the broker."""


@dataclass(frozen=True, slots=True)
class Present:
    """A file as it is. ``choices`` is None where there is none, or only the example that the installation put there;
    ``more`` are the keys that setup does not manage; ``text`` is what stands there, None where there is no file."""

    path: Path
    document: Mapping[str, Any] = field(default_factory=dict)
    choices: Choices | None = None
    more: tuple[str, ...] = ()
    sound: bool = True

    @property
    def password_path(self) -> Path:
        """Where the password is kept."""
        return self.path.with_name(PASSWORD_FILE)

    def with_the_rest(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The document, with what the file says beside it of the same broker and the same PVSs: to try them by."""
        mqtt, tables = self.document.get("mqtt"), self.document.get("pvs")
        rest = {key: value for key, value in mqtt.items() if key not in FILLED} if isinstance(mqtt, dict) else {}
        by_host = (
            {one.get("host"): one for one in tables if isinstance(one, dict)} if isinstance(tables, list) else {}
        )
        pvs = [{**by_host.get(one["host"], {}), **one} for one in document.get("pvs", ())]
        return {**document, "mqtt": {**rest, **document["mqtt"]}, **({"pvs": pvs} if pvs else {})}


def read(path: Path) -> Present:
    """The file at ``path``.

    Raises:
        SettingsError: when it cannot be understood: it is not touched then.
    """
    try:
        text = path.read_text("utf-8-sig")
        document = tomllib.loads(text)
    except FileNotFoundError:
        return Present(path)
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}; use sudo, or name another file"]) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        advice = "mend it, or move it away and run setup again"
        raise SettingsError([f"{path}: is no valid TOML, and was left as it is ({error}); {advice}"]) from None
    if text.startswith(HEAD.splitlines()[0]) and document == tomllib.loads(example()):
        return Present(path)
    choices = _choices(document, path.with_name(PASSWORD_FILE))
    sound = problem(document, choices.login.password) is None
    return Present(path, document, choices, tuple(_more(document)), sound)


def _more(document: Mapping[str, Any]) -> Iterator[str]:
    for name, value in document.items():
        managed = MANAGED.get(name, frozenset())
        if name == "instance" or value in ({}, []):
            continue
        if isinstance(value, dict) and managed:
            yield from (key_text((name, key)) for key in value if key not in managed)
        elif isinstance(value, list) and managed:
            for place, table in enumerate(value):
                if isinstance(table, dict):
                    yield from (
                        key_text((name, place, key)) for key in table if not _is_ours(name, place, key, table)
                    )
        else:
            yield key_text((name,))


def _is_ours(name: str, place: int, key: str, table: Mapping[str, Any]) -> bool:
    if key == "name":
        return name == "rs485" and table[key] == line_name(place)
    return key in MANAGED[name]


def _choices(document: Mapping[str, Any], password: Path) -> Choices:
    """What it says of what setup asks for; what is not as it should be is asked for again."""
    mqtt = document.get("mqtt")
    mqtt = mqtt if isinstance(mqtt, dict) else {}
    port, web = mqtt.get("port"), document.get("web")
    password = Path(mqtt["password_file"]) if isinstance(mqtt.get("password_file"), str) else password
    instance = _text(document.get("instance"))
    listen = _text(web.get("listen")) if isinstance(web, dict) else None
    return Choices(
        _text(mqtt.get("host")) or "",
        port if isinstance(port, int) else PORT,
        Login(_text(mqtt.get("username")), _text(mqtt.get("password")) or _kept(password)),
        _each(document, "pvs", "host"),
        instance if instance and problem({"instance": instance}) is None else INSTANCE,
        _each(document, "rs485", "line"),
        _each(document, "modbus_tcp", "host"),
        listen if listen and problem({"web": {"listen": listen}}) is None else None,
    )


def _each(document: Mapping[str, Any], name: str, key: str) -> list[str]:
    tables = document.get(name)
    each = [_text(one.get(key)) for one in tables if isinstance(one, dict)] if isinstance(tables, list) else []
    return [one for one in each if one and problem({name: [{key: one}]}) is None]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _kept(path: Path) -> str | None:
    try:
        return path.read_text("utf-8").removesuffix("\n") or None
    except (OSError, UnicodeDecodeError):
        return None
