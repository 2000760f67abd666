"""``pvsmqtt simulate``: equipment to try things with, in a process of its own."""

from __future__ import annotations

import argparse

from pvsmqtt.simulator.command import conext, pvs, rs485, sunspec
from pvsmqtt.simulator.command.pvs import run

__all__ = ["add_parser", "run"]

DESCRIPTION = "Simulate equipment, for trying pvsmqtt without any and for tests."
EPILOG = """\
example:
  pvsmqtt simulate pvs --panels 24
  pvsmqtt simulate rs485 --pty /tmp/bus
  pvsmqtt simulate conext
  pvsmqtt simulate sunspec --kind sma"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``simulate`` and what can be simulated; the parsed arguments carry what to run as ``run``."""
    simulate = subparsers.add_parser(
        "simulate",
        help="simulate equipment",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    equipment = simulate.add_subparsers(dest="equipment", metavar="EQUIPMENT", required=True)
    pvs.add_parser(equipment)
    rs485.add_parser(equipment)
    conext.add_parser(equipment)
    sunspec.add_parser(equipment)
