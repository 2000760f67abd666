"""A recording as a line: its bytes come at their own pace, N times as fast, or at once.

What the recording tells of silence is kept, whatever the pace: where nothing came for as long as the reader is
patient, `read` says so, and ``clock`` tells the recorded time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from pvsmqtt.capture import CaptureError, Chunk, Event, read
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.url import LineUrl

BREAKS = frozenset({"lost", "opened", "setting"})
"""Events between which no frame goes on."""


class FileLine:
    """``items`` are in the order of their times; one that goes back counts as of the time before it."""

    def __init__(
        self,
        name: str,
        items: Iterator[Chunk | Event],
        speed: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._items: Iterator[Chunk | Event] | None = items
        self._speed = speed
        self._sleep = sleep
        self._monotonic = monotonic
        self._next: tuple[float, bytes] | None = None
        self._now = 0.0
        self._shift: float | None = None
        self._close: Callable[[], object] | None = None
        self.clock: Callable[[], float] | None = lambda: self._now

    @classmethod
    def open(cls, url: LineUrl) -> FileLine:
        """Any kind of recording that ``pvsmqtt replay`` reads.

        Raises:
            LineLost: when it is not there or is no recording.
        """
        try:
            recording = read(Path(url.path))
        except CaptureError as error:
            raise LineLost(Loss.RECORDING, str(error)) from None
        line = cls(str(url), recording.items(), url.speed)
        line._close = lambda: recording.__exit__(None, None, None)
        return line

    async def read(self, patience: float) -> bytes:
        """See `Line.read`; ``patience`` are recorded seconds."""
        if self._next is None:
            self._next = self._take()
        when, data = self._next
        if when > self._now + patience:
            await self._until(self._now + patience)
            return b""
        await self._until(when)
        self._next = None
        return data

    def errors(self) -> dict[str, int]:
        """See `Line.errors`."""
        return {}

    def note(self) -> str:
        """See `Line.note`."""
        return ""

    async def close(self) -> None:
        """See `Line.close`."""
        self._items = self._next = None
        close, self._close = self._close, None
        if close is not None:
            close()

    def _take(self) -> tuple[float, bytes]:
        """The next bytes and their time; no bytes where the line was interrupted."""
        try:
            for item in self._items or ():
                if isinstance(item, Chunk):
                    return max(self._now, item.t), item.data
                if item.name in BREAKS:
                    return max(self._now, item.t), b""
        except (CaptureError, OSError) as error:
            raise LineLost(Loss.RECORDING, str(error)) from None
        raise LineLost(Loss.ENDED, f"{self.name} is at its end")

    async def _until(self, recorded: float) -> None:
        if self._speed > 0:
            now = self._monotonic() * self._speed
            if self._shift is None:
                self._shift = self._now - now
            await self._sleep(max(0.0, (recorded - self._shift - now) / self._speed))
        else:
            await self._sleep(0)
        self._now = max(self._now, recorded)
