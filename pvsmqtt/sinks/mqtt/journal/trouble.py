"""What a disk may do to a journal: a typed reason for each error of SQLite and of the operating system."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the disk does not take readings: ``key`` for programs, what it is and what to do for people."""

    key: str
    text: str
    advice: str


FULL = Reason("disk_full", "the disk is full", "make room on it")
READ_ONLY = Reason("read_only", "it cannot be written", "make the folder writable for this service")
IN_USE = Reason(
    "in_use",
    "another process uses it",
    "is pvsmqtt running twice? End the other one, or give this one a state_dir of its own",
)
FAILING = Reason("disk_fails", "the disk fails", "check the disk; an SD card may be worn out")

_BY_CODE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_BUSY: IN_USE,
    sqlite3.SQLITE_LOCKED: IN_USE,
}
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BY_ERRNO = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EIO: FAILING}


class Trouble(Exception):
    """The disk does not take or give readings now."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason.text} ({detail})")
        self.reason = reason


class Unusable(Exception):
    """The file is damaged, or none of ours: it has to be set aside."""


@contextmanager
def sorted_out() -> Iterator[None]:
    """Errors of the disk as `Trouble` or `Unusable`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGE or (not code and not isinstance(error, sqlite3.OperationalError)):
            raise Unusable(str(error)) from None
        if code == sqlite3.SQLITE_ERROR:  # a table that is not there, or has other columns
            raise Unusable(str(error)) from None
        raise Trouble(_BY_CODE.get(code, FAILING), str(error)) from None
    except OSError as error:
        reason = _BY_ERRNO.get(error.errno or 0, READ_ONLY)
        raise Trouble(reason, error.strerror or str(error)) from None
