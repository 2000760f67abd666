"""How far a recording is: a line that is written over on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys

from pvsmqtt.capture.recorder import Recorder

_UNITS = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB"))


def size(number: int) -> str:
    """``12.3 kB``"""
    for factor, unit in _UNITS:
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number} bytes"


def text(recorder: Recorder, seconds: float) -> str:
    """What was recorded so far."""
    heard = recorder.counters
    minutes, rest = divmod(int(seconds), 60)
    parts = [
        f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}",
        size(recorder.recorded.bytes),
        f"{heard.frames} frames",
    ]
    if heard.junk_bytes:
        parts.append(f"{size(heard.junk_bytes)} of junk")
    if heard.crc_failures:
        parts.append(f"{heard.crc_failures} damaged")
    if recorder.file.rotations:
        parts.append(f"{recorder.file.rotations + 1} files")
    return ", ".join(parts)


class Progress:
    """The line on the terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._length = 0

    def show(self, what: str) -> None:
        """Write over what is there."""
        if self._shown:
            print("\r" + what.ljust(self._length), end="", file=sys.stderr, flush=True)  # noqa: T201
            self._length = len(what)

    def end(self) -> None:
        """Something else comes on a line of its own."""
        if self._shown and self._length:
            print(file=sys.stderr)  # noqa: T201
            self._length = 0
