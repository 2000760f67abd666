"""Commands on a pseudo-terminal: one that draws screens, and one that asks questions."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from harness.basics import PATIENCE
from harness.processes import environment

HOME = b"\x1b[H"
"""A screen is drawn from here on."""
STYLES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
CTRL_C, CTRL_D = "\x03", "\x04"


class Pty:
    """A command on a terminal, with all that it has shown."""

    patience = PATIENCE

    def __init__(self, command: Sequence[str], env: Mapping[str, str], width: int = 80, height: int = 24) -> None:
        self.shown = b""
        whole, variables = list(command), dict(env)
        self.pid, self._fd = pty.fork()
        if self.pid == 0:  # as little as possible: other threads of the test do not exist here
            _size(0, width, height)
            os.execve(whole[0], whole, variables)
        os.set_blocking(self._fd, False)
        self.left: list[Any] | None = None
        """How the terminal was set when the command had ended."""
        self._running = True

    @property
    def settings(self) -> list[Any]:
        """How the terminal is set (termios)."""
        return termios.tcgetattr(self._fd)

    def press(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    async def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal and wait for the end; the exit status."""
        os.kill(self.pid, number)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for the end; the exit status."""
        async with asyncio.timeout(self.patience):
            while await self._read():
                pass
        self.left = self.settings
        os.close(self._fd)
        _, status = await asyncio.to_thread(os.waitpid, self.pid, 0)
        self._running = False
        return os.waitstatus_to_exitcode(status)

    async def kill(self) -> None:
        """End it if a test has not."""
        if self._running:
            with contextlib.suppress(ProcessLookupError):
                await self.end(signal.SIGKILL)

    async def _read(self) -> bool:
        """Wait for something to be shown; whether anything can follow."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._fd, ready.set)
        try:
            await ready.wait()
            data = os.read(self._fd, 65536)
        except OSError:  # nobody is at the other end any more
            return False
        finally:
            loop.remove_reader(self._fd)
        self.shown += data
        return bool(data)


class Terminal(Pty):
    """``pvsmqtt …`` on a terminal of 80 × 24, or of another size."""

    def __init__(
        self, *arguments: str, width: int = 80, height: int = 24, env: Mapping[str, str] | None = None
    ) -> None:
        variables = {"TERM": "xterm-256color", "PYTHONUTF8": "1", **(env or {})}
        command = [sys.executable, "-m", "pvsmqtt", *arguments]
        super().__init__(command, {**environment(fast=False), **variables}, width, height)

    @property
    def screen(self) -> str:
        """The last screen that was drawn as a whole, without colours."""
        screens = self.shown.split(HOME)
        whole = screens[-2] if len(screens) > 2 else b""
        return STYLES.sub("", whole.decode(errors="replace")).replace("\r", "")

    def resize(self, width: int, height: int) -> None:
        _size(self._fd, width, height)

    async def until(self, *texts: bytes) -> None:
        """Wait until all of this was shown, ever."""
        async with asyncio.timeout(PATIENCE):
            while not all(text in self.shown for text in texts):
                assert await self._read(), self.shown[-3000:]

    async def sees(self, *texts: str, without: str = "\0") -> str:
        """Wait for a screen with all of this, and without that."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not all(text in self.screen for text in texts) or without in self.screen:
                    assert await self._read(), self.shown[-3000:]
        except TimeoutError:
            raise AssertionError(f"no {texts} without {without!r} on\n{self.screen}") from None
        return self.screen


class Conversation(Pty):
    """A command that asks; each `until` goes on where the last one ended."""

    patience = 60.0
    _read_up_to = 0

    @property
    def text(self) -> str:
        """What was shown, in the order in which it was."""
        return self.shown.decode(errors="replace").replace("\r\n", "\n")

    async def until(self, text: str) -> str:
        """Wait for a text; what was shown before it."""
        try:
            async with asyncio.timeout(self.patience):
                while (at := self.text.find(text, self._read_up_to)) < 0:
                    assert await self._read(), f"it ended without {text!r}:\n{self.text}"
        except TimeoutError:
            raise AssertionError(f"no {text!r} in\n{self.text}") from None
        before, self._read_up_to = self.text[self._read_up_to : at], at + len(text)
        return before

    async def answer(self, question: str, text: str = "") -> str:
        """Wait for a question and answer it; what was shown before it."""
        before = await self.until(question)
        await self.until(": ")
        self.press(f"{text}\n")
        return before


@asynccontextmanager
async def conversation(command: Sequence[str], env: Mapping[str, str] | None) -> AsyncIterator[Conversation]:
    talk = Conversation(command, os.environ if env is None else env)
    try:
        yield talk
    finally:
        await talk.kill()


def _size(file: int, width: int, height: int) -> None:
    fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
