"""The command line: a table of commands; each one is parsed here and handed over to a function elsewhere."""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pvsmqtt import __version__

if TYPE_CHECKING:
    from pvsmqtt.sources.pvs.finding.wifi import Wifi

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 good, 1 it did not work (the reason on standard error), 2 wrong usage or configuration."""
    args = _parser().parse_args(argv)
    from pvsmqtt.settings import SettingsError

    try:
        return int(args.run(args))
    except SettingsError as error:
        print(f"pvsmqtt: the configuration has errors:\n{error}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        print("pvsmqtt: interrupted", file=sys.stderr)  # noqa: T201
        return 1


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return value


def _number(least: int, most: int) -> Any:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text} is not a number from {least} to {most}")
        return int(text)

    return number


def _host(text: str) -> str:
    from urllib.parse import urlsplit

    from pvsmqtt.sources.pvs.access.address import base_url

    try:
        parts = urlsplit(base_url(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not parts.hostname or parts.username is not None or re.search(r"\s", text):
        raise argparse.ArgumentTypeError(f"{text!r} names no host; allowed: host, host:port or http(s)://host[:port]")
    return text


def _moment(text: str) -> datetime:
    if found := re.fullmatch(r"(\d{1,6})([smhd])", text):
        return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a time such as 2026-06-21T18:00 (UTC) nor a time ago such as 90s, 30m, 2h or 3d"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _filter(text: str) -> tuple[str, str] | re.Pattern[str]:
    if found := re.fullmatch(r"([A-Z_][A-Z0-9_]*)=(.+)", text):
        return found[1], found[2]
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise argparse.ArgumentTypeError(
            rf"{text!r} is not a regular expression: {error}; write \ before a character that stands for itself"
        ) from None


def _wifi(serial: str) -> Wifi:
    from pvsmqtt.sources.pvs.finding.wifi import commissioning

    try:
        return commissioning(serial)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


class _Argument:
    """An argument as argparse takes it; ``dest`` is the parameter of the command's function."""

    def __init__(self, *names: str, **how: Any) -> None:
        self.names = names
        self.how = how


@dataclass(frozen=True, slots=True)
class _Command:
    """A command: what it does, an example, and the function ``module:name`` that gets its arguments."""

    name: str
    text: str
    example: str
    function: str
    arguments: tuple[_Argument, ...]

    def run(self, args: argparse.Namespace) -> int:
        module, name = self.function.split(":")
        values = {key: value for key, value in vars(args).items() if key != "run"}
        return int(getattr(importlib.import_module(f"pvsmqtt.commands.{module}"), name)(**values))


_CONFIG = _Argument(
    "--config",
    type=Path,
    metavar="FILE",
    help="configuration file (default: $PVSMQTT_CONFIG, else /etc/pvsmqtt/pvsmqtt.toml)",
)

_COMMANDS = (
    _Command(
        "run",
        "run the service in the foreground",
        "pvsmqtt run --config pvsmqtt.toml",
        "run:run",
        (_CONFIG,),
    ),
    _Command(
        "check",
        "try configuration, broker and every source",
        "pvsmqtt check --json",
        "check:check",
        (_CONFIG, _Argument("--json", dest="as_json", action="store_true", help="print the findings as JSON")),
    ),
    _Command(
        "discover",
        "find a PVS on the network and write the configuration for it",
        "pvsmqtt discover --host 192.168.1.20",
        "discover:discover",
        (
            _Argument(
                "--seconds", type=_positive, metavar="N", help="listen N seconds for announcements (default: 3)"
            ),
            _Argument(
                "--host",
                dest="hosts",
                action="append",
                default=[],
                type=_host,
                metavar="H",
                help="ask this address in place of the usual ones; may be repeated",
            ),
            _Argument("--json", dest="as_json", action="store_true", help="print what was found as JSON"),
            _Argument(
                "--wifi",
                type=_wifi,
                metavar="SERIAL",
                help="only print name and password of the Wi-Fi network that the PVS with this serial number opens",
            ),
        ),
    ),
    _Command(
        "pvs-log",
        "show the log of a PVS where its firmware allows it (port 19531); secrets are hidden",
        "pvsmqtt pvs-log 172.27.153.1 --since 2h --filter 'error|fail'",
        "pvs_log:pvs_log",
        (
            _Argument(
                "host",
                nargs="?",
                type=_host,
                metavar="HOST",
                help="address of the PVS (default: the first [[pvs]] of the configuration)",
            ),
            _Argument(
                "--since",
                type=_moment,
                metavar="TIME",
                help="from this time (UTC, by the clock of the PVS) or 2h ago",
            ),
            _Argument(
                "--lines",
                type=_number(1, 1_000_000),
                metavar="N",
                help="look at the last N entries (default: 100, with --since all)",
            ),
            _Argument("--follow", action="store_true", help="go on with new entries until Ctrl-C"),
            _Argument(
                "--filter",
                dest="filters",
                action="append",
                default=[],
                type=_filter,
                metavar="F",
                help="show only lines in which this text or regular expression is found, small and capital letters "
                "alike, or entries with FIELD=VALUE (such as _SYSTEMD_UNIT=ssh.service); may be repeated",
            ),
            _Argument("--port", type=_number(1, 65535), metavar="N", help="port of the log (default: 19531)"),
            _CONFIG,
        ),
    ),
    _Command(
        "demo",
        "show everything at work with a simulated PVS and a broker inside the process",
        "pvsmqtt demo --seconds 10",
        "demo:demo",
        (
            _Argument("--seconds", type=_positive, metavar="N", help="end after N seconds (default: at Ctrl-C)"),
            _Argument(
                "--panels", type=_number(1, 400), default=12, metavar="N", help="1 to 400 panels (default: 12)"
            ),
        ),
    ),
    _Command(
        "purge",
        "remove every retained topic that this instance owns from the broker",
        "pvsmqtt purge --config pvsmqtt.toml",
        "purge:purge",
        (
            _CONFIG,
            _Argument("--force", action="store_true", help="also when the broker says that the service is online"),
        ),
    ),
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pvsmqtt",
        description="Reads a SunPower / SunStrong PVS5 or PVS6 and publishes everything it knows to MQTT.",
        epilog="example: pvsmqtt check --config pvsmqtt.toml && pvsmqtt run --config pvsmqtt.toml",
    )
    parser.add_argument("--version", action="version", version=f"pvsmqtt {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        text = command.text
        sub = commands.add_parser(
            command.name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"example: {command.example}",
        )
        for argument in command.arguments:
            sub.add_argument(*argument.names, **argument.how)
        sub.set_defaults(run=command.run)

    from pvsmqtt.simulator.command import add_parser as add_simulate

    add_simulate(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
