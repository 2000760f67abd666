"""The line and the PVS at work in one process, into a history and its file.

Every line of the file is flushed as it is written: a power cut after hours costs one line. A file that exists is
continued.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from pvsmqtt.commands.learn.history import History, header
from pvsmqtt.commands.sniff.which import STOP_THE_SERVICE
from pvsmqtt.commands.until import until_ended
from pvsmqtt.modbus.block import RegisterBlock
from pvsmqtt.model.reading import Reading
from pvsmqtt.model.times import iso
from pvsmqtt.sources.base import Source
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.tap import Hear, State, Tap

EVERY = 1.0
"""Seconds between two words of progress."""


class Stopped(Exception):
    """It cannot go on; the text says why and what to do."""


class Gathering(Hear):
    """One run: takes from both sides, writes what it takes."""

    def __init__(self, history: History, file: TextIO, tap: Tap | None, say: Callable[[str], None]) -> None:
        self.history = history
        self.tap = tap
        self.said = ""
        """What the line does, for people."""
        self._file = file
        self._say = say
        self._heard: set[str] = set()
        self._in_vain: asyncio.Future[None] | None = None
        self._open = False
        self._ended = asyncio.Event()

    async def run(self, sources: Sequence[Source], seconds: float, progress: Callable[[float], None]) -> None:
        """Gather for so many seconds, until Ctrl-C or SIGTERM, or until a recording that stands in for the line has
        ended.

        Raises:
            Stopped: when another program has the line, or it cannot be opened the first time: hours would be lost.
        """
        self._file.write(header(iso(datetime.now(UTC).replace(microsecond=0)), str(self.tap.url) if self.tap else ""))
        self.history.forget_ranges()
        parts = [source.run(self.deliver) for source in sources]
        if self.tap is not None:
            parts.append(self._hear(self.tap))
        await until_ended(seconds, *parts, self._count(seconds, progress))

    def deliver(self, readings: Sequence[Reading]) -> None:
        """What a source told (see `Source.run`)."""
        now = time.time()
        for reading in readings:
            self._write(self.history.tell(reading, now), "the PVS")

    def on_block(self, block: RegisterBlock, changed: tuple[int, ...]) -> None:  # noqa: ARG002
        """See `Hear`."""
        if self.tap is not None:
            self._write(self.history.take(block, self.tap.moment(block.when).timestamp()), "the line")

    def on_state(self, state: State, said: str, lost: LineLost | None) -> None:
        """See `Hear`."""
        self.said = said if state is not State.LISTENING else ""
        self._open |= state is State.LISTENING
        if lost is None or self._in_vain is None or self._in_vain.done() or lost.reason is Loss.ENDED:
            return
        if lost.reason is Loss.BUSY:
            self._in_vain.set_exception(Stopped(f"{lost.detail}: {STOP_THE_SERVICE}"))
        elif not self._open:
            self._in_vain.set_exception(Stopped(said))

    async def _hear(self, tap: Tap) -> None:
        self._in_vain = asyncio.get_running_loop().create_future()
        hearing = asyncio.ensure_future(tap.run(self))
        try:
            await asyncio.wait({hearing, self._in_vain}, return_when=asyncio.FIRST_COMPLETED)
            if self._in_vain.done():
                self._in_vain.result()
            hearing.result()
        finally:
            hearing.cancel()
            self._in_vain.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    async def _count(self, seconds: float, progress: Callable[[float], None]) -> None:
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            progress(passed)
            await asyncio.sleep(EVERY)

    def _write(self, lines: Sequence[str], of: str) -> None:
        if not lines:
            return
        self._file.write("".join(lines))
        self._file.flush()
        if of not in self._heard:
            self._heard.add(of)
            if len(self._heard) > 1:
                self._say("both the line and the PVS are heard")


def opened(path: Path, history: History) -> TextIO:
    """A history file to go on with; what it says already is taken into ``history``.

    Raises:
        OSError: when it cannot be read or written.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no file", str(path))
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as file:
            history.read(file)
    file = open(path, "a", encoding="utf-8", opener=_private)  # noqa: SIM115
    if file.tell() and not _ends_well(path):
        file.write("\n")  # the last line was cut
    return file


def replayed(path: Path, history: History) -> int:
    """Take the registers of a recording; how many reads it has.

    Raises:
        Stopped: when it is no recording, or one that does not tell when it was made.
    """
    from pvsmqtt.capture.items import CaptureError
    from pvsmqtt.capture.reading import read
    from pvsmqtt.capture.replaying import Replay

    before = history.counters["reads"]
    try:
        with read(path) as recording:
            if (started := recording.header.started_at) is None and recording.timed:
                first = next(iter(recording), None)  # a pcap file tells with its first packet
                started = recording.header.started_at if first else None
            if started is None:
                raise Stopped(f"{path} does not tell when it was recorded, so API values cannot be found for it")
        with read(path) as recording:
            for heard in Replay(recording.items()):
                if heard.block is not None:
                    history.take(heard.block, started.timestamp() + heard.block.when)
    except CaptureError as error:
        raise Stopped(str(error)) from None
    return history.counters["reads"] - before


def _ends_well(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
