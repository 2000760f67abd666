"""What ``simulate conext`` and ``simulate sunspec`` share: the options of the house and of faults, and serving."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pvsmqtt.simulator.command.words import add_house, interrupted, number
from pvsmqtt.simulator.modbus_server.faults import KINDS

if TYPE_CHECKING:
    from pvsmqtt.simulator.modbus_server.control import Control
    from pvsmqtt.simulator.modbus_server.served import Served

FAULTS = """\
faults (--fault NAME[:WHAT=VALUE,...], as often as you like):
{faults}
WHAT is times (how often), share (of the requests), seconds, port, unit, address (a register that is touched).

With --control, a running simulator is switched over http:
  /simulator/fault/NAME[?times=3&unit=10]   one more fault; NAME none: all off
  /simulator/reboot?seconds=10              the ports are closed for a while
  /simulator/word-order/little              32-bit values of the native map of a Conext, low word first (or big)
  /simulator/stats                          what it was asked"""

HOW: dict[str, Callable[[str], Any]] = {
    "times": int,
    "share": float,
    "seconds": float,
    "port": str,
    "unit": lambda text: int(text, 0),
    "address": lambda text: int(text, 0),
}
"""What a fault can be told, and how it is read."""


def faults_help() -> str:
    """For the end of a help text."""
    return FAULTS.format(faults="\n".join(f"  {name:<14}{about}" for name, about in KINDS.items()))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of the house, the clock and the faults."""
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add_house(parser)
    add(
        "--fault",
        type=fault,
        action="append",
        default=[],
        metavar="NAME[:WHAT=VALUE,...]",
        help="start with one of the faults below, such as busy:share=0.1",
    )
    add("--control", type=number(int, 0, 65535), metavar="PORT", help="listen for changes; 0 takes a free port")


def fault(text: str) -> tuple[str, dict[str, Any]]:
    """``busy:share=0.1,unit=10`` as a name and what else `Fault` takes."""
    name, _, rest = text.partition(":")
    if name not in KINDS:
        raise argparse.ArgumentTypeError(f"{name!r} is no fault: {', '.join(KINDS)}")
    try:
        return name, how(dict(part.split("=", 1) for part in rest.split(",") if part))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}; give such as {name}:times=3,unit=10") from None


def how(words: dict[str, str]) -> dict[str, Any]:
    """What a fault is told, read; raises ValueError for anything else."""
    told = {}
    for what, value in words.items():
        if what not in HOW:
            raise ValueError(f"{what} is none of {', '.join(HOW)}")
        told[what] = HOW[what](value)
    return told


async def serve(simulator: Served, args: argparse.Namespace, say: Callable[[], str]) -> None:
    """Until SIGINT or SIGTERM; ``say`` tells what is said once it serves. Raises OSError when it cannot."""
    ended = interrupted()
    for name, told in args.fault:
        simulator.faults.add(name, **told)
    await simulator.start()
    control: Control | None = None
    try:
        sys.stdout.write(say())
        if args.control is not None:
            from pvsmqtt.simulator.modbus_server.control import Control

            control = Control(simulator, args.host, args.control, how)
            await control.start()
            sys.stdout.write(f"control is at {control.url}\n")
        sys.stdout.flush()
        await ended.wait()
    finally:
        if control is not None:
            await control.stop()
        await simulator.stop()


def run(simulator: Served, args: argparse.Namespace, say: Callable[[], str]) -> None:
    """The same in a loop of its own."""
    asyncio.run(serve(simulator, args, say))
