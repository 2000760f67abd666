"""The capture as bytes that come: a FIFO, standard input, or a file that may grow. Opened for reading only.

Nothing here waits for anybody: a FIFO without a writer opens at once, and what is read is what is there. A FIFO tells
when its writer has gone; it is opened anew then, so that the next writer begins with a header. A file is followed:
what is written to it later comes too, and one that was replaced or cut is begun anew.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Protocol

CHUNK = 16 * 1024
"""Bytes that are read at once: no more than are looked at in a moment."""
LOOK = 0.5
"""Seconds between two looks whether a file has grown."""
STANDARD_INPUT = "-"
_STDIN = 0


class Loss(StrEnum):
    """Why a capture cannot be heard."""

    MISSING = "missing"
    DENIED = "denied"
    NO_FILE = "no_file"
    BUSY = "busy"
    WRITER_GONE = "writer_gone"
    REPLACED = "replaced"
    INPUT_ENDED = "input_ended"
    NO_PCAP = "no_pcap"
    DAMAGED = "damaged"
    FAILED = "failed"


ADVICE = {
    Loss.MISSING: "make it (mkfifo, see docs/modbus-tap.md), or correct `capture`",
    Loss.DENIED: "let the service read it: its user or group needs the right (r) to it and to its folder (x)",
    Loss.NO_FILE: "name a pcap file or a FIFO in `capture`",
    Loss.BUSY: "a FIFO has one reader: stop the other one (systemctl stop pvsmqtt)",
    Loss.WRITER_GONE: "see why tcpdump has ended (systemctl status); it is heard again when it writes again",
    Loss.REPLACED: "it is read from its beginning",
    Loss.INPUT_ENDED: "tcpdump has ended, or nothing is connected to standard input: start both again, or use a FIFO",
    Loss.NO_PCAP: "write a capture of the network with tcpdump -w; a capture of another kind can be converted with "
    "editcap -F pcap",
    Loss.DAMAGED: "start tcpdump again; the file is read again from its beginning",
    Loss.FAILED: "if it lasts, please report it",
}


class CaptureLost(Exception):
    """``detail`` says what happened, ``str()`` also what to do."""

    def __init__(self, reason: Loss, detail: str) -> None:
        super().__init__(f"{detail}: {ADVICE[reason]}")
        self.reason = reason
        self.detail = detail
        self.advice = ADVICE[reason]


class Input(Protocol):
    """An open capture."""

    live: bool
    """Whether its bytes are of now; else the times in it count."""

    async def read(self, patience: float) -> bytes:
        """What came; nothing when nothing came for ``patience`` seconds.

        Raises:
            CaptureLost: when there is nothing more to be heard; then it has to be closed.
        """

    @property
    def ended(self) -> bool:
        """Whether this is a file at whose end nothing is written."""

    def close(self) -> None:
        """Let go of it."""


class Pipe:
    """What can be waited for: a FIFO, a pipe, a terminal. ``path`` None: it is not ours to close or to open anew."""

    live = True
    ended = False

    def __init__(self, descriptor: int, path: str | None) -> None:
        self._descriptor = descriptor
        self._path = path

    async def read(self, patience: float) -> bytes:
        """See `Input`."""
        ready = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._descriptor, ready.set)
        try:
            async with asyncio.timeout(patience):
                await ready.wait()
        except TimeoutError:
            if self._path is not None and not _is_the_same(self._descriptor, self._path):
                raise CaptureLost(Loss.REPLACED, f"{self._path} is another one now") from None
            return b""
        finally:
            loop.remove_reader(self._descriptor)
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise CaptureLost(Loss.FAILED, f"{self._path or 'standard input'}: {error.strerror}") from None
        if not data:
            if self._path is None:
                raise CaptureLost(Loss.INPUT_ENDED, "standard input is at its end")
            raise CaptureLost(Loss.WRITER_GONE, f"nobody writes to {self._path} any more")
        return data

    def close(self) -> None:
        """See `Input`."""
        if self._path is not None:
            os.close(self._descriptor)


class File:
    """A file, followed."""

    live = False

    def __init__(
        self,
        descriptor: int,
        path: str | None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        follow: float = 60.0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """``follow``: seconds after which a file that was not written to has ended."""
        self._descriptor = descriptor
        self._path = path
        self._sleep = sleep
        self._follow = follow
        self._wall = wall
        self._position = 0
        self._at_end = False

    @property
    def ended(self) -> bool:
        """See `Input`."""
        written = os.fstat(self._descriptor).st_mtime
        return self._at_end and (self._path is None or self._wall() - written > self._follow)

    async def read(self, patience: float) -> bytes:
        """See `Input`."""
        try:
            data = os.read(self._descriptor, CHUNK)
        except OSError as error:
            raise CaptureLost(Loss.FAILED, f"{self._path or 'standard input'}: {error.strerror}") from None
        self._at_end = not data
        self._position += len(data)
        if data:
            return data
        if self._path is not None and (
            not _is_the_same(self._descriptor, self._path) or os.fstat(self._descriptor).st_size < self._position
        ):
            raise CaptureLost(Loss.REPLACED, f"{self._path} is another one now")
        await self._sleep(min(LOOK, patience))
        return b""

    def close(self) -> None:
        """See `Input`."""
        if self._path is not None:
            os.close(self._descriptor)


def open_input(capture: str) -> Input:
    """Open what ``capture`` names. Never waits.

    Raises:
        CaptureLost: when it cannot be opened.
    """
    if capture == STANDARD_INPUT:
        return _standard_input()
    try:
        descriptor = os.open(capture, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        raise CaptureLost(Loss.MISSING, f"there is no {capture}") from None
    except PermissionError:
        raise CaptureLost(Loss.DENIED, f"{capture} may not be read") from None
    except OSError as error:
        raise CaptureLost(Loss.FAILED, f"{capture}: {error.strerror}") from None
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind):
        return File(descriptor, capture)
    if stat.S_ISFIFO(kind):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # two readers would take each other's packets
        except OSError:
            os.close(descriptor)
            raise CaptureLost(Loss.BUSY, f"another program reads {capture}") from None
        return Pipe(descriptor, capture)
    os.close(descriptor)
    raise CaptureLost(Loss.NO_FILE, f"{capture} is neither a file nor a FIFO")


def _standard_input() -> Input:
    try:
        kind = os.fstat(_STDIN).st_mode
    except OSError:
        raise CaptureLost(Loss.INPUT_ENDED, "there is no standard input") from None
    if stat.S_ISREG(kind):
        return File(_STDIN, None)
    if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) or os.isatty(_STDIN):
        return Pipe(_STDIN, None)
    raise CaptureLost(Loss.INPUT_ENDED, "nothing is connected to standard input")


def _is_the_same(descriptor: int, path: str) -> bool:
    """Whether the path still names what is open; what was removed is as good as the same until there is another."""
    try:
        found = os.stat(path)  # noqa: PTH116 - compared with what fstat gives
    except OSError:
        return True
    return os.path.samestat(found, os.fstat(descriptor))
