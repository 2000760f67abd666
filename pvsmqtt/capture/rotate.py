"""Files of a limited size, written in batches.

``FILE`` is the one being written. When it is full, ``FILE`` becomes ``FILE.1``, ``FILE.1`` becomes ``FILE.2`` and so
on, and the oldest beyond the number to keep is removed. Each begins with the same preamble, and no record is divided:
each can be read by itself. What a second brings is written together, to spare SD cards. When the disk is full, what
was written of a batch is taken back, so the file ends with a whole record.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path

BATCH = 1.0
"""Seconds for which records are collected."""
LARGEST_BATCH = 64 * 1024
"""Bytes after which they are written all the same."""
STANDARD_OUTPUT = Path("-")
MEMORY_DEVICES = 1
"""Major number of ``/dev/null``, ``/dev/full`` and the like."""


class Exists(OSError):
    """There is such a file already: a recording must not be lost by starting another."""


def may_be_a_line(path: Path) -> bool:
    """Whether this is a device on which somebody else could read what is written: a serial port or a terminal."""
    try:
        found = path.stat()
    except OSError:
        return False
    return stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) != MEMORY_DEVICES


class RotatingFile:
    """Raises OSError out of every method when the file cannot be written; what came before is safe."""

    def __init__(self, path: Path, preamble: bytes, *, limit: int | None = None, keep: int = 1) -> None:
        """Begin the file.

        Args:
            path: Where; ``-`` is standard output. Devices and pipes are written, and never rotated.
            preamble: How every file begins.
            limit: Bytes of a file; None for as many as come.
            keep: Number of full files that are kept besides the one being written.

        Raises:
            OSError: when it cannot be written; `Exists` when there is one already.
        """
        self.path = path
        self.written = 0
        """Bytes in all, preambles included."""
        self.rotations = 0
        self._preamble = preamble
        self._keep = keep
        self._batch = bytearray()
        self._since: float | None = None
        self._size = 0
        self._file = -1
        if path == STANDARD_OUTPUT:
            self._regular = False
            self._file = os.dup(sys.stdout.fileno())
        else:
            self._regular = not path.exists() or stat.S_ISREG(path.stat().st_mode)
            if may_be_a_line(path):
                raise OSError(errno.EINVAL, "what is written to a serial port goes out on its line", str(path))
            if self._regular and (taken := next((p for p in (path, self._numbered(1)) if p.exists()), None)):
                raise Exists(f"{taken} exists already")
            self._file = self._opened()
        self._limit = limit if self._regular else None
        try:
            self._out(preamble)
        except OSError:
            os.close(self._file)
            if self._regular:
                path.unlink(missing_ok=True)
            raise

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if self._regular else 0)
        return os.open(self.path, flags, 0o666)

    def write(self, record: bytes, now: float) -> None:
        """Take a record; ``now`` in seconds of any clock that goes on steadily."""
        if self._limit is not None and self._size + len(self._batch) + len(record) > self._limit:
            self.flush()
            if self._size > len(self._preamble):
                self._rotate()
        self._batch += record
        if self._since is None:
            self._since = now
        if len(self._batch) >= LARGEST_BATCH:
            self.flush()
        else:
            self.tick(now)

    def tick(self, now: float) -> None:
        """Write what was collected if it is time."""
        if self._since is not None and not 0 <= now - self._since < BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what was collected."""
        batch, self._batch, self._since = bytes(self._batch), bytearray(), None
        self._out(batch)

    def close(self) -> None:
        """Write what was collected and end the file."""
        if self._file < 0:
            return
        try:
            self.flush()
        finally:
            os.close(self._file)
            self._file = -1

    def _out(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            if self._regular:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)
        self.written += len(data)

    def _rotate(self) -> None:
        os.close(self._file)
        self._file = -1
        self._numbered(self._keep).unlink(missing_ok=True)
        for number in range(self._keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._numbered(number).rename(self._numbered(number + 1))
        if self._keep:
            self.path.rename(self._numbered(1))
        else:
            self.path.unlink()
        self._file = self._opened()
        self._size = 0
        self.rotations += 1
        self._out(self._preamble)
