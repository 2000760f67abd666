"""How setup asks: on a terminal, or not at all."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

Check = Callable[[str], str]
"""Makes an answer of what was typed; raises ValueError that says what is wrong."""


class Unanswered(Exception):
    """Nobody is there to answer, and there is no default. ``str()`` says which option answers."""


class Talk(Protocol):
    """Questions; each says which option answers it beforehand. ``interactive``: somebody is there."""

    interactive: bool

    def say(self, *lines: str) -> None:
        """Tell something."""

    def ask(self, question: str, default: str | None, check: Check, option: str) -> str:
        """Ask until the answer is good; Enter means ``default``."""

    def yes(self, question: str, default: bool) -> bool:
        """Yes or no."""

    def choose(self, question: str, choices: Mapping[str, str], default: str, silent: str | None = None) -> str:
        """The key of one of the choices; ``silent`` is taken where nobody can be asked, None: the default."""

    def secret(self, question: str) -> str:
        """What is typed is not shown; empty where nobody can be asked."""


class Terminal:
    """Asks whoever sits there."""

    interactive = True

    def say(self, *lines: str) -> None:
        """Print."""
        print(*lines, sep="\n", flush=True)  # noqa: T201

    def ask(self, question: str, default: str | None, check: Check, option: str) -> str:
        """See `Talk`."""
        del option
        shown = f" [{default}]" if default else ""
        while True:
            text = _line(f"{question}{shown}: ").strip() or default or ""
            try:
                return check(_readable(text))
            except ValueError as error:
                self.say(f"  {error}")

    def yes(self, question: str, default: bool) -> bool:
        """See `Talk`."""
        while True:
            text = _line(f"{question} [{'Y/n' if default else 'y/N'}]: ").strip().lower()
            if not text:
                return default
            if text in ("y", "yes", "n", "no"):
                return text.startswith("y")
            self.say("  Please answer y or n.")

    def choose(self, question: str, choices: Mapping[str, str], default: str, silent: str | None = None) -> str:
        """See `Talk`."""
        del silent
        keys: Sequence[str] = list(choices)
        self.say(question, *(f"  {number}  {text}" for number, text in enumerate(choices.values(), 1)))
        usual = str(keys.index(default) + 1)
        while True:
            text = _line(f"Which? [{usual}]: ").strip() or usual
            if text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= len(keys):
                return keys[int(text[:4]) - 1]
            self.say(f"  Please answer with a number from 1 to {len(keys)}.")

    def secret(self, question: str) -> str:
        """See `Talk`."""
        while True:
            try:
                return _readable(_hidden(f"{question}: "))
            except ValueError as error:
                self.say(f"  {error}")


class Silent:
    """Nobody is there: defaults, and what cannot be guessed is an error."""

    interactive = False

    def say(self, *lines: str) -> None:
        """Print."""
        print(*lines, sep="\n", flush=True)  # noqa: T201

    def ask(self, question: str, default: str | None, check: Check, option: str) -> str:
        """See `Talk`."""
        if default is None:
            raise Unanswered(f"{question}? Nobody can be asked: give {option}")
        return check(default)

    def yes(self, question: str, default: bool) -> bool:
        """See `Talk`."""
        del question
        return default

    def choose(self, question: str, choices: Mapping[str, str], default: str, silent: str | None = None) -> str:
        """See `Talk`."""
        del question, choices
        return default if silent is None else silent

    def secret(self, question: str) -> str:
        """See `Talk`."""
        del question
        return ""


def _readable(text: str) -> str:
    if not text.isprintable():
        raise ValueError(
            "That has characters that cannot be seen, such as those of an arrow key. Please type it again."
        )
    return text


def _line(prompt: str) -> str:
    """What is typed after the prompt. Unlike `input`, it is not deaf for a Ctrl-C that comes between the prompt and
    the reading."""
    heard, signalled = os.pipe()
    os.set_blocking(signalled, False)
    before = signal.set_wakeup_fd(signalled)
    try:
        print(prompt, end="", flush=True)  # noqa: T201
        select.select([sys.stdin, heard], [], [])
        line = sys.stdin.readline()
    finally:
        signal.set_wakeup_fd(before)
        os.close(heard)
        os.close(signalled)
    if not line:
        raise EOFError
    return line.removesuffix("\n")


def _hidden(prompt: str) -> str:
    """The same, and the terminal does not show it."""
    before = termios.tcgetattr(sys.stdin)
    quiet = termios.tcgetattr(sys.stdin)
    quiet[3] &= ~termios.ECHO
    try:
        termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, quiet)
        return _line(prompt)
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        print()  # noqa: T201
