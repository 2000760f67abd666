"""What the commands of all equipment share: arguments, and how a process ends."""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime


def number(kind: Callable[[str], float], least: float, most: float) -> Callable[[str], float]:
    """A number within limits; argparse names it in its message."""

    def number(text: str) -> float:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g}")
        return value

    return number


def time(text: str) -> datetime:
    """A time; UTC where no zone is given."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-06-21T18:00") from None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when


def add_house(
    parser: argparse.ArgumentParser, slowest: float = 0.0, about_speed: str = "how fast the simulated time runs"
) -> None:
    """Options of the simulated house and of its clock: ``panels``, ``seed``, ``speed`` and ``start``."""
    add = parser.add_argument
    add("--panels", type=number(int, 1, 400), default=12, help="1 to 400 (default: %(default)s)")
    add("--seed", type=int, default=1, help="another number is another house (default: %(default)s)")
    add(
        "--speed",
        type=number(float, slowest, 1e6),
        default=1.0,
        metavar="FACTOR",
        help=f"{about_speed} (default: 1)",
    )
    add("--start", type=time, metavar="TIME", help="simulated time (UTC) at first, such as 2026-06-21T18:00")


def interrupted() -> asyncio.Event:
    """Set by SIGINT or SIGTERM."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, ended.set)
    return ended


def fail(reason: str) -> int:
    """One line on stderr, and the exit status."""
    sys.stderr.write(f"pvsmqtt simulate: {reason}\n")
    return 1


def reason(error: OSError) -> str:
    """In words, without the address."""
    return os.strerror(error.errno) if error.errno and error.errno in errno.errorcode else str(error)
