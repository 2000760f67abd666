"""The line to hear: named on the command line, else the first of the configuration; with its speed."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from pvsmqtt.sources.rs485 import search
from pvsmqtt.sources.rs485.memory import Memory
from pvsmqtt.sources.rs485.options import Rs485Options
from pvsmqtt.sources.rs485.tap import Tap
from pvsmqtt.sources.rs485.url import LineUrl

TABLE = "rs485"
EXAMPLE = "pvsmqtt sniff /dev/serial/by-id/usb-…"

STOP_THE_SERVICE = "only one program can hear a line: stop the service first (systemctl stop pvsmqtt)"


def options_of(
    line: LineUrl | None, baudrate: str | int | None, parity: str | None, config: Path | None
) -> tuple[Rs485Options, Path | None]:
    """The options of the line, and the folder in which its speed is remembered (None for a line that is named).

    Raises:
        SettingsError: when the configuration is needed and bad, or has no line; or when what is named is none.
    """
    from pvsmqtt.settings import SettingsError, load

    given = {key: value for key, value in (("baudrate", baudrate), ("parity", parity)) if value is not None}
    if line is not None:
        try:
            return Rs485Options.model_validate({"line": str(line), **given}), None
        except ValidationError as error:
            raise SettingsError([text.removeprefix("Value error, ") for text in _texts(error)]) from None
    try:
        settings = load(config)
    except SettingsError as error:
        raise SettingsError([*error.problems, f"or name a line: {EXAMPLE}"]) from None
    first = next((options for name, _, options in settings.sources() if name == TABLE), None)
    if not isinstance(first, Rs485Options):
        raise SettingsError([f"no [[{TABLE}]] table: name a line: {EXAMPLE}"])
    return first.model_copy(update=given), settings.state_dir


def tap_of(options: Rs485Options, folder: Path | None) -> Tap:
    """A tap as the service has it; what it learns of the speed is not written down."""
    return search.tap_of(options, Memory(folder, options.name, writable=False))


def _texts(error: ValidationError) -> list[str]:
    return [str(one["msg"]) for one in error.errors(include_url=False)]
