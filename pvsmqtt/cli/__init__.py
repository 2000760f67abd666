"""The command line: tables of commands; each one is parsed here and handed over to a function elsewhere."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pvsmqtt import __version__, systemd
from pvsmqtt.cli import of_line, of_service, output

SIMULATE = "simulate"
"""The command whose arguments are parsed by the simulators themselves."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 good, 1 it did not work (the reason on standard error), 2 wrong usage or configuration."""
    argv = sys.argv[1:] if argv is None else list(argv)
    args = _parser(simulates=argv[:1] == [SIMULATE]).parse_args(argv)
    from pvsmqtt.settings import SettingsError

    try:
        status = int(args.run(args))
        sys.stdout.flush()
        return status
    except SettingsError as error:
        _complain(f"pvsmqtt: the configuration has errors:\n{error}")
        return 2
    except OSError as error:
        if not output.is_of_output(error):
            raise
        return output.given_up(error)
    except KeyboardInterrupt:
        print("pvsmqtt: interrupted", file=sys.stderr)  # noqa: T201
        return 1


def _complain(text: str) -> None:
    """Tell why it did not work; in the journal of systemd as an error."""
    print(systemd.marked(text, 3) if systemd.in_journal(sys.stderr) else text, file=sys.stderr)  # noqa: T201


def _parser(simulates: bool) -> argparse.ArgumentParser:
    """``simulates``: the simulators are asked for; else they are not imported, which saves the service memory."""
    parser = argparse.ArgumentParser(
        prog="pvsmqtt",
        description="Reads a SunPower / SunStrong PVS5 or PVS6 and publishes everything it knows to MQTT.",
        epilog="example: pvsmqtt check --config pvsmqtt.toml && pvsmqtt run --config pvsmqtt.toml",
    )
    parser.add_argument("--version", action="version", version=f"pvsmqtt {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (*of_service.COMMANDS, *of_line.COMMANDS):
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

    if simulates:
        from pvsmqtt.simulator.command import add_parser as add_simulate

        add_simulate(commands)
    else:
        commands.add_parser(SIMULATE, help="simulate equipment")
    return parser
