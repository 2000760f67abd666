"""A program on a pseudo-terminal, and somebody who answers its questions."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from harness import Feed

CTRL_C, CTRL_D = "\x03", "\x04"


class Conversation:
    """What is shown, in the order in which it is shown; each `until` goes on where the last one ended."""

    def __init__(self, pid: int, fd: int) -> None:
        self.pid, self._fd = pid, fd
        self.shown = ""
        self._read = 0
        self._feed: Feed[str] = Feed()
        self._ended = False
        asyncio.get_running_loop().add_reader(fd, self._take)

    def _take(self) -> None:
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._fd)
            self._ended = True
        self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        self._feed.wake()

    async def until(self, text: str) -> str:
        """Wait for a text; what was shown before it."""

        def found() -> str | None:
            at = self.shown.find(text, self._read)
            if at < 0:
                assert not self._ended, f"it ended without {text!r}:\n{self.shown}"
                return None
            before, self._read = self.shown[self._read : at], at + len(text)
            return before

        try:
            return await self._feed.until(found, f"{text!r} on the terminal", 60)
        except AssertionError:
            raise AssertionError(f"no {text!r} in\n{self.shown}") from None

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    async def answer(self, question: str, text: str = "") -> str:
        """Wait for a question and answer it; what was shown before it."""
        before = await self.until(question)
        await self.until(": ")
        self.type(f"{text}\n")
        return before

    async def end(self) -> int:
        """Wait for its end; the exit status."""
        await self._feed.until(lambda: self._ended or None, "end", 60)
        _, status = await asyncio.to_thread(os.waitpid, self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    async def close(self) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            await asyncio.to_thread(os.waitpid, self.pid, 0)
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)


@asynccontextmanager
async def conversation(command: Sequence[str], env: Mapping[str, str] | None) -> AsyncIterator[Conversation]:
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(command[0], list(command), dict(env or os.environ))
    talk = Conversation(pid, fd)
    try:
        yield talk
    finally:
        await talk.close()
