"""The command line: parses and hands over."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pvsmqtt import __version__

_CONFIG = "configuration file (default: $PVSMQTT_CONFIG, else /etc/pvsmqtt/pvsmqtt.toml)"


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pvsmqtt",
        description="Reads a SunPower / SunStrong PVS5 or PVS6 and publishes everything it knows to MQTT.",
        epilog="example: pvsmqtt check --config pvsmqtt.toml && pvsmqtt run --config pvsmqtt.toml",
    )
    parser.add_argument("--version", action="version", version=f"pvsmqtt {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = _command(commands, "run", "run the service in the foreground", "pvsmqtt run --config pvsmqtt.toml")
    command.add_argument("--config", type=Path, metavar="FILE", help=_CONFIG)
    command.set_defaults(run=_run)

    command = _command(commands, "check", "try configuration, broker and every source", "pvsmqtt check --json")
    command.add_argument("--config", type=Path, metavar="FILE", help=_CONFIG)
    command.add_argument("--json", action="store_true", help="print the findings as JSON")
    command.set_defaults(run=_check)

    command = _command(
        commands,
        "demo",
        "show everything at work with a simulated PVS and a broker inside the process",
        "pvsmqtt demo --seconds 10",
    )
    command.add_argument("--seconds", type=_positive, metavar="N", help="end after N seconds (default: at Ctrl-C)")
    command.add_argument("--panels", type=_panels, default=12, metavar="N", help="1 to 400 panels (default: 12)")
    command.set_defaults(run=_demo)

    command = _command(
        commands,
        "purge",
        "remove every retained topic that this instance owns from the broker",
        "pvsmqtt purge --config pvsmqtt.toml",
    )
    command.add_argument("--config", type=Path, metavar="FILE", help=_CONFIG)
    command.add_argument("--force", action="store_true", help="also when the broker says that the service is online")
    command.set_defaults(run=_purge)

    from pvsmqtt.simulator.command import add_parser as add_simulate

    add_simulate(commands)
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, example: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=f"example: {example}"
    )


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return value


def _panels(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 400:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to 400")
    return int(text)


def _run(args: argparse.Namespace) -> int:
    from pvsmqtt.commands.run import run

    return run(args.config)


def _check(args: argparse.Namespace) -> int:
    from pvsmqtt.commands.check import check

    return check(args.config, args.json)


def _demo(args: argparse.Namespace) -> int:
    from pvsmqtt.commands.demo import demo

    return demo(args.seconds, args.panels)


def _purge(args: argparse.Namespace) -> int:
    from pvsmqtt.commands.purge import purge

    return purge(args.config, args.force)


if __name__ == "__main__":
    sys.exit(main())
