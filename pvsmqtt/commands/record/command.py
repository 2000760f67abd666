"""``pvsmqtt record``: checks, files, signals, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from pvsmqtt import __version__
from pvsmqtt.capture import CaptureError, pcap, raw, read
from pvsmqtt.capture.anonymise import HOW
from pvsmqtt.capture.items import Header
from pvsmqtt.capture.recorder import Packets, Raw, Recorder
from pvsmqtt.capture.rotate import STANDARD_OUTPUT, Exists, RotatingFile
from pvsmqtt.commands import log
from pvsmqtt.commands.record.hearing import NotHeard, NotWritten, Writing
from pvsmqtt.commands.record.progress import Progress, text
from pvsmqtt.commands.until import until_ended
from pvsmqtt.modbus.setting import Parity, Setting
from pvsmqtt.sources.rs485.tap import Tap
from pvsmqtt.sources.rs485.url import LineKind, LineUrl

MEGABYTE = 1_000_000
TICK = 1.0
"""Seconds between two looks at the progress."""


def record(
    line: LineUrl,
    output: Path,
    as_pcap: bool,
    anonymise: bool,
    baudrate: int | None,
    parity: Parity,
    stopbits: int,
    seconds: float | None,
    size: int | None,
    keep: int,
) -> int:
    """Record until Ctrl-C, SIGTERM, the end of ``seconds`` or of the line. ``size`` in MB. Exit status 1 when the
    line cannot be heard or the file not be written; what was heard until then is in it."""
    log.set_up("error")
    setting = None if baudrate is None else Setting(baudrate, parity, stopbits)
    header = _header(line, setting, anonymise)
    limit = size * MEGABYTE if size else None
    try:
        file = RotatingFile(output, pcap.header() if as_pcap else raw.header(header), limit=limit, keep=keep)
    except Exists as error:
        return _failed(f"{error}: a recording is not overwritten; give another name or remove it")
    except BrokenPipeError:
        return 0
    except OSError as error:
        return _failed(f"{output} cannot be written: {(error.strerror or str(error)).lower()}")
    recorder = Recorder(Packets(file, _epoch(header)) if as_pcap else Raw(file), anonymise=anonymise)
    progress = Progress()
    begun = time.monotonic()
    try:
        asyncio.run(_record(Tap(line, setting), recorder, progress, seconds))
    except NotHeard as error:
        progress.end()
        if output != STANDARD_OUTPUT and output.is_file():
            output.unlink(missing_ok=True)
        return _failed(str(error))
    except NotWritten as error:
        progress.end()
        if isinstance(error.error, BrokenPipeError):
            return 0
        why = (error.error.strerror or str(error.error)).lower()
        until = text(recorder, time.monotonic() - begun)
        return _failed(f"{output} cannot be written any further: {why}. Heard until then: {until}")
    progress.end()
    print(f"{output}: {text(recorder, time.monotonic() - begun)}", file=sys.stderr)  # noqa: T201
    if anonymise and recorder.anonymiser and recorder.anonymiser.changed:
        print(f"places where serial numbers were blanked: {recorder.anonymiser.changed}", file=sys.stderr)  # noqa: T201
    return 0


def _header(line: LineUrl, setting: Setting | None, anonymise: bool) -> Header:
    """What the recording says of itself. One of a recording says what that said. An anonymised one does not name the
    line: an adapter's name has its serial number, a path its owner's."""
    old = Header()
    if line.kind is LineKind.FILE:
        with contextlib.suppress(CaptureError), read(Path(line.path)) as recording:
            old = recording.header
    return Header(
        line=f"{line.kind}://" if anonymise else old.line or str(line),
        setting=str(setting) if setting else old.setting,
        started_at=old.started_at or datetime.now(UTC),
        anonymised=anonymise or bool(old.anonymised),
        note=f"pvsmqtt {__version__}" + (f"; {HOW}" if anonymise else ""),
    )


def _epoch(header: Header) -> float:
    return header.started_at.timestamp() if header.started_at else 0.0


def _failed(why: str) -> int:
    print(f"pvsmqtt: {why}", file=sys.stderr)  # noqa: T201
    return 1


async def _record(tap: Tap, recorder: Recorder, progress: Progress, seconds: float | None) -> None:
    """Returns when it is over; what is held back is written then, also when something fails."""
    writing = Writing(recorder, lambda: tap.now, lambda: tap.setting, tap.url.kind is LineKind.FILE)
    try:
        await until_ended(seconds, tap.run(writing), _watch(writing, recorder, progress))
    finally:
        writing.close()


async def _watch(writing: Writing, recorder: Recorder, progress: Progress) -> None:
    begun = time.monotonic()
    while True:
        await asyncio.sleep(TICK)
        writing.tick()
        progress.show(text(recorder, time.monotonic() - begun))
