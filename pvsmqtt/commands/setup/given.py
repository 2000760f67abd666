"""What was answered beforehand: by options, by a file of answers, by the environment."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pvsmqtt.broker.finding import PORT
from pvsmqtt.commands.setup.choices import OFF, problem
from pvsmqtt.settings import SettingsError

PASSWORD = "PVSMQTT_MQTT__PASSWORD"  # noqa: S105 - the name of a variable
"""The variable that gives the broker's password."""


@dataclass(frozen=True, slots=True)
class Given:
    """Answers; None and empty: not given. ``yes``: nothing is asked, and an existing file may be replaced."""

    broker: str | None = None
    user: str | None = None
    password_file: Path | None = None
    password: str | None = field(default=None, repr=False)
    pvs: tuple[str, ...] = ()
    instance: str | None = None
    rs485: tuple[str, ...] = ()
    gateway: tuple[str, ...] = ()
    web: str | None = None
    yes: bool = False

    @property
    def anything(self) -> bool:
        """Whether there is any answer."""
        return any(getattr(self, one.name) != one.default for one in fields(self) if one.name != "password")

    def put_over(self, other: Given) -> Given:
        """These answers, and where there is none, the other's."""
        mine = {one.name: value for one in fields(self) if (value := getattr(self, one.name)) != one.default}
        return replace(other, **mine)

    def with_password(self, environ: Mapping[str, str]) -> Given:
        """The password out of its file, or out of the environment.

        Raises:
            SettingsError: when the file cannot be read.
        """
        if self.password_file is not None:
            try:
                return replace(self, password=self.password_file.read_text("utf-8").removesuffix("\n"))
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError([f"{self.password_file}: cannot be read: {error}"]) from None
        if self.password is None and environ.get(PASSWORD):
            return replace(self, password=environ[PASSWORD])
        return self

    def refuse_nonsense(self) -> None:
        """Say everything that is wrong with what is given.

        Raises:
            SettingsError: when something is.
        """
        wrong = [
            ("pvs", [problem({"pvs": [{"host": host}]}) for host in self.pvs]),
            ("rs485", [problem({"rs485": [{"line": line}]}) for line in self.rs485]),
            ("gateway", [problem({"modbus_tcp": [{"host": host}]}) for host in self.gateway]),
            ("instance", [problem({"instance": self.instance})] if self.instance else []),
            ("broker", [broker_problem(self.broker)] if self.broker else []),
            ("web", [page_problem(self.web)] if self.web else []),
        ]
        if problems := [f"{name}: {text}" for name, texts in wrong for text in texts if text]:
            raise SettingsError(problems)


def of_file(path: Path) -> Given:
    """Answers out of a TOML file with the names of the options.

    Raises:
        SettingsError: when it cannot be read, or holds something else.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        why = "there is no such file" if gone else f"cannot be read: {error.strerror or error}"
        raise SettingsError([f"{path}: {why}"]) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read as TOML: {error}"]) from None
    if problems := [*_wrong(path, document)]:
        raise SettingsError(problems)
    return Given(**{key: KINDS[key].make(value) for key, value in document.items()})


def _each(value: Any) -> tuple[Any, ...]:
    """One is a list of one."""
    return tuple(value) if isinstance(value, list) else (value,)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of answer: its name for people, whether a value is of it, and what is made of it."""

    name: str
    fits: Callable[[Any], bool]
    make: Callable[[Any], Any]


_TEXT = _Kind("text in quotes", lambda value: isinstance(value, str), str)
_PATH = _Kind("a path in quotes", lambda value: isinstance(value, str), Path)
_LIST = _Kind(
    'text in quotes, or a list ["…"]', lambda value: all(isinstance(one, str) for one in _each(value)), _each
)
_BOOL = _Kind("true or false", lambda value: isinstance(value, bool), bool)

KINDS: dict[str, _Kind] = {
    "broker": _TEXT,
    "user": _TEXT,
    "password": _TEXT,
    "password_file": _PATH,
    "pvs": _LIST,
    "instance": _TEXT,
    "rs485": _LIST,
    "gateway": _LIST,
    "web": _TEXT,
    "yes": _BOOL,
}
"""What a file of answers may hold."""


def _wrong(path: Path, document: Mapping[str, Any]) -> Iterator[str]:
    for key, value in document.items():
        if key not in KINDS:
            yield f"{path}: key `{key}`: unknown. Allowed here: {', '.join(KINDS)}"
        elif not KINDS[key].fits(value):
            yield f"{path}: key `{key}`: expected {KINDS[key].name}"


def split_broker(text: str) -> tuple[str, int]:
    """``host``, ``host:port``, ``[::1]:1883`` or ``mqtt://host:port``.

    Raises:
        ValueError: when it is none of them; says what is allowed.
    """
    plain = text.strip().removeprefix("mqtt://").rstrip("/")
    found = re.fullmatch(r"\[([0-9A-Fa-f:.%\w]+)\](?::(\d{1,5}))?", plain) or re.fullmatch(
        r"([^\s:/@\[\]]+)(?::(\d{1,5}))?", plain
    )
    if found is None and re.fullmatch(r"[0-9A-Fa-f:.]+:[0-9A-Fa-f:.]*", plain):
        return plain, PORT
    if found is None or not plain.isprintable() or not 1 <= int(found[2] or PORT) <= 65535:
        raise ValueError(
            f"{text!r} is no address of a broker; allowed: a host name or address, host:port with a port from 1 to "
            '65535, or "embedded"'
        )
    return found[1], int(found[2] or PORT)


def broker_problem(text: str) -> str | None:
    """What is wrong with the address of a broker."""
    try:
        host, port = split_broker(text)
    except ValueError as error:
        return str(error)
    return problem({"mqtt": {"host": host, "port": port}})


def page_problem(text: str) -> str | None:
    """What is wrong with the place where the status page is to listen."""
    return None if text == OFF else problem({"web": {"listen": text}})
