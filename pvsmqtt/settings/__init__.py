"""Every option of the service: one model, filled from a TOML file and the environment.

The tables of sources are those of the kinds that are installed (entry point group ``pvsmqtt.sources``), so a new
source needs no line here. `load` finds the file, puts the environment over it, fetches secrets, validates, and
reports everything that is wrong at once.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import tzinfo
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, ValidationError, create_model, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pvsmqtt.options import ALLOW_FAST_POLLING, Options
from pvsmqtt.settings.env import CONFIG, FAST_POLLING, Environment, overlay, variables
from pvsmqtt.settings.errors import Origins, Problem, SettingsError, explain
from pvsmqtt.settings.schema import is_list
from pvsmqtt.settings.secrets import fill_secrets
from pvsmqtt.settings.toml_lines import Loc, key_lines
from pvsmqtt.sinks.mqtt.journal.options import JournalOptions
from pvsmqtt.sinks.mqtt.options import HomeAssistantOptions, MqttOptions
from pvsmqtt.sinks.web.options import WebOptions
from pvsmqtt.sources.base import SourceKind

__all__ = ["DEFAULT_PATH", "DEFAULT_STATE_DIR", "Settings", "SettingsError", "load", "settings_class", "source_kinds"]

DEFAULT_PATH = Path("/etc/pvsmqtt/pvsmqtt.toml")
DEFAULT_STATE_DIR = Path("/var/lib/pvsmqtt")
NO_SOURCE = (
    'no source of readings: write for example [[pvs]] and below it host = "172.27.153.1" (kinds of sources: {tables})'
)

ONCE = {
    "host": "each may be read only once",
    "line": "each may be read only once",
    "capture": "each may be read only once",
    "name": "give each one of its own",
}


class Settings(BaseSettings):
    """What does not depend on the sources installed; `settings_class` adds their tables.

    Built from its arguments alone: where values come from is the business of `load`.
    """

    model_config = SettingsConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    kinds: ClassVar[Mapping[str, SourceKind[Any]]] = {}
    """The kinds of sources that have a table, by the name of the table."""

    instance: str = "home"
    """Name of this installation in topics and ids, for several on one broker: lower-case letters, digits, _ and -."""
    state_dir: Path = DEFAULT_STATE_DIR
    """Folder for what is remembered over restarts. Under systemd its StateDirectory= is used unless this is set."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much is logged: "debug", "info", "warning" or "error"."""
    ignore: list[str] = []
    """Serial numbers or ids of devices that are not published.
    What was announced of them is removed from the broker."""
    retire: list[str] = Field(default=[], examples=[["E00122125092032"]])
    """Serial numbers or ids of devices that are gone for good, for example a replaced inverter. Their energy stays in
    the totals and their history in Home Assistant, and nothing waits for them any more."""
    time_zone: str = Field(default="", examples=["America/Los_Angeles"])
    """Where the days of "pvsmqtt energy" begin. By default that of this machine."""
    precedence: list[str] = Field(default=[], examples=[["pvs", "modbus_tcp conext"]])
    """Sources whose values count first where several tell the same quantity of a device, in this order: names as in
    the info topic, such as "modbus_tcp conext", or kinds, such as "pvs". By default, and for all others, a source
    that reads or hears a device itself goes before one that is told of it, then one that is refreshed more often."""
    lost_after: float = Field(default=7200.0, ge=600, le=30 * 86400)
    """Seconds of daylight, in which others produce, after which a silent panel is lost and its "Problem" is on.
    A panel that was asleep gets 75 minutes to wake, however short this is."""
    mqtt: MqttOptions
    """The MQTT broker to which everything is published."""
    home_assistant: HomeAssistantOptions = HomeAssistantOptions()
    """How devices are announced to Home Assistant."""
    journal: JournalOptions = JournalOptions()
    """How readings are kept until the broker has them."""
    web: WebOptions = WebOptions()
    """The status page."""
    names: dict[str, str] = Field(default={}, examples=[{"E00122125092032": "South roof 1"}])
    """Names of devices in Home Assistant, by serial number or device id."""

    def __init__(self, /, **values: Any) -> None:
        super(BaseSettings, self).__init__(**values)  # BaseSettings itself would read os.environ

    @field_validator("instance")
    @classmethod
    def _a_topic_id(cls, value: str) -> str:
        if not re.fullmatch("[a-z0-9_-]+", value):
            raise ValueError(f"{value!r} cannot be part of a topic; allowed: lower-case letters, digits, _ and -")
        return value

    @field_validator("time_zone")
    @classmethod
    def _a_zone(cls, value: str) -> str:
        if value and _zone(value) is None:
            raise ValueError(
                f"{value!r} is no time zone that this machine knows; allowed: America/Denver and the like"
            )
        return value

    @property
    def zone(self) -> tzinfo | None:
        """The time zone of the house; ``None``: that of this machine."""
        return _zone(self.time_zone) if self.time_zone else None

    @model_validator(mode="after")
    def _topics_apart(self) -> Self:
        base, prefix = self.mqtt.base_topic, self.home_assistant.discovery_prefix
        if f"{base}/".startswith(f"{prefix}/"):
            raise ValueError(
                f"mqtt.base_topic {base!r} lies under home_assistant.discovery_prefix {prefix!r}: Home Assistant "
                "would take states for announcements; choose another base_topic"
            )
        return self

    @model_validator(mode="after")
    def _each_source_once(self) -> Self:
        for name in self.kinds:
            seen: set[tuple[str, str]] = set()
            for table in getattr(self, name):
                for key, value in table.distinctions().items():
                    if (key, value) in seen:
                        raise ValueError(
                            f"two [[{name}]] tables have the {key} {value!r}: {ONCE.get(key, ONCE['host'])}"
                        )
                    seen.add((key, value))
        return self

    def sources(self) -> list[tuple[str, SourceKind[Any], Options]]:
        """Every table of a source with its name and kind, in the order of the file (tables of a kind together).

        Those that listen to a broker and name none know that of ``[mqtt]`` then.
        """
        return [
            (name, kind, options.with_broker(self.mqtt))
            for name, kind in self.kinds.items()
            for options in getattr(self, name)
        ]


def _zone(name: str) -> tzinfo | None:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return None


def source_kinds() -> dict[str, SourceKind[Any]]:
    """Every kind of source installed, by the name of its table."""
    return {entry.name: entry.load() for entry in entry_points(group="pvsmqtt.sources")}


def settings_class(order: Iterable[str] = ()) -> type[Settings]:
    """Settings with a list of tables for every kind of source; kinds named in ``order`` come first, in this order."""
    installed = source_kinds()
    kinds = {name: installed[name] for name in (*order, *sorted(installed)) if name in installed}
    tables: dict[str, Any] = {
        name: (list[kind.options], Field(default=[], description=kind.options.__doc__))  # type: ignore[name-defined]
        for name, kind in kinds.items()
    }
    # What is written below the fields of `Settings` is known already; looking for more would parse source text.
    kwargs = {"use_attribute_docstrings": False}
    model = create_model("InstalledSettings", __base__=Settings, __cls_kwargs__=kwargs, **tables)
    model.kinds = kinds
    return model


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from ``path``, else ``$PVSMQTT_CONFIG``, else `DEFAULT_PATH`, with ``environ`` over the file.

    Args:
        path: the file; it must exist. The default file need not where the environment has settings.
        environ: the environment, None for that of this process.

    Raises:
        SettingsError: naming everything that is wrong.
    """
    environ = os.environ if environ is None else environ
    names = variables(environ)
    path = path or (Path(environ[CONFIG]) if environ.get(CONFIG) else None)
    file = _read(path, needed=not names)
    model = settings_class(file.values)
    over = Environment(model, environ)()
    # Lists are there for their entries to be put over, as in PVSMQTT_PVS__0__HOST without a table in the file.
    lists = {
        name: list[Any]() for name, field in model.model_fields.items() if name in over and is_list(field.annotation)
    }
    values: dict[str, Any] = overlay({**lists, **file.values}, over)
    # What the environment replaced as a whole does not stand in the file any more.
    replaced = {name for name, value in over.items() if values[name] is value}
    origins = Origins(file.name, {loc: n for loc, n in file.lines.items() if loc[0] not in replaced}, names)

    problems = [*_set_twice(names), *fill_secrets(model, values, environ, origins, (path or DEFAULT_PATH).parent)]
    if not any(values.get(kind) for kind in model.kinds):
        problems.append(Problem((), NO_SOURCE.format(tables=", ".join(f"[[{kind}]]" for kind in model.kinds))))
    if state_dir := environ.get("STATE_DIRECTORY"):
        values.setdefault("state_dir", state_dir.split(":")[0])
    token = ALLOW_FAST_POLLING.set(environ.get(FAST_POLLING) == "1")
    try:
        settings = model(**values)
    except ValidationError as error:
        problems += explain(model, error, origins)
    finally:
        ALLOW_FAST_POLLING.reset(token)
    if problems:
        raise origins.error(problems)
    return settings


class _File(NamedTuple):
    """A configuration file: how it is named to people, what it says, and on which lines."""

    name: str
    values: dict[str, Any]
    lines: dict[Loc, int]


def _read(path: Path | None, *, needed: bool) -> _File:
    """The file, or the default file where none is given; only that may be missing, unless it is ``needed``.

    Raises:
        SettingsError: when it cannot be read or is not TOML.
    """
    file = path or DEFAULT_PATH
    try:
        text = file.read_text(encoding="utf-8-sig")
        return _File(str(file), tomllib.loads(text), key_lines(text))
    except FileNotFoundError:
        if path is None and not needed:
            return _File(f"{file} (does not exist) and environment", {}, {})
        advice = "write one (config/pvsmqtt.example.toml shows every option) or name another with --config"
        raise SettingsError([f"{file}: there is no such file; {advice}"]) from None
    except PermissionError:
        raise SettingsError(
            [f"{file}: may not be read by this user; give the user that runs pvsmqtt access"]
        ) from None
    except OSError as error:
        raise SettingsError([f"{file}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{file}: is not text in UTF-8; save it in this encoding"]) from None
    except tomllib.TOMLDecodeError as error:
        found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error), re.DOTALL)
        place, what = (f"{file}:{found[2]}", f"{found[1]}, column {found[3]}") if found else (str(file), str(error))
        raise SettingsError([f"{place}: not valid TOML: {what}"]) from None


def _set_twice(names: Mapping[tuple[str, ...], str]) -> list[Problem]:
    """Variables that set a part of what another variable sets as a whole."""
    return [
        Problem(
            tuple(int(step) if step.isdecimal() else step for step in path),
            f"{names[path[:end]]} sets this as a whole and {name} a part of it; use one of them",
        )
        for path, name in names.items()
        for end in range(1, len(path))
        if path[:end] in names
    ]
