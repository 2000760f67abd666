"""The keyboard of a terminal, key by key. What was typed is not shown; Ctrl-C stays a signal."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

KEYS = {
    "\x1b[A": "up",
    "\x1bOA": "up",
    "k": "up",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "j": "down",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    " ": "page down",
    "\x1b[H": "home",
    "\x1bOH": "home",
    "\x1b[1~": "home",
    "\x1b[F": "end",
    "\x1bOF": "end",
    "\x1b[4~": "end",
    "\t": "next",
    "\x1b[C": "next",
    "\x1bOC": "next",
    "\x1b[Z": "previous",
    "\x1b[D": "previous",
    "\x1bOD": "previous",
    "q": "quit",
    "Q": "quit",
}
"""What terminals send, and what it means here."""

_ONE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1bO.|\x1b|.", re.DOTALL)


def keys(data: bytes) -> list[str]:
    """The meaning of each key; others are passed over."""
    return [KEYS[one] for one in _ONE.findall(data.decode("utf-8", "replace")) if one in KEYS]


@contextmanager
def keyboard(file: int, on_key: Callable[[str], None]) -> Iterator[None]:
    """Hear the keys of a terminal; where there is none, none are heard. The terminal is left as it was.

    Ctrl-Z does nothing meanwhile: it would leave the screen half drawn to the shell.
    """
    if not os.isatty(file):
        yield
        return
    import termios

    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(file)
    after = termios.tcgetattr(file)
    after[3] &= ~(termios.ICANON | termios.ECHO)
    after[6][termios.VSUSP] = b"\0"

    def heard() -> None:
        try:
            data = os.read(file, 1024)
        except OSError:
            data = b""
        if not data:
            loop.remove_reader(file)
        for key in keys(data):
            on_key(key)

    termios.tcsetattr(file, termios.TCSADRAIN, after)
    loop.add_reader(file, heard)
    try:
        yield
    finally:
        loop.remove_reader(file)
        termios.tcsetattr(file, termios.TCSADRAIN, before)
