"""The journal's file: SQLite, one row for each batch. Synchronous; one thread at a time.

One table, so that steady work changes one page: a batch comes in, those that were acknowledged go out.

    position 0      the notes: ``stream`` the id of the stream on disk, ``first`` the next number that it gives when
                    no row says so, ``at`` the journal's clock
    position 1, 2…  a batch (`Batch`)

``application_id`` says that the file is ours, ``user_version`` in which schema. The file is locked as long as it is
open (``locking_mode=EXCLUSIVE``), which also spares the shared memory file of WAL. Pages are small (1 kB): most
batches are a few hundred bytes, and a commit writes whole pages.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pvsmqtt.sinks.mqtt.journal.batch import Batch
from pvsmqtt.sinks.mqtt.journal.trouble import Unusable, sorted_out

APPLICATION = 0x70766A31
SCHEMA = 1
PAGE = 1024
CHECKPOINT = 1000
"""Pages in the write-ahead log after which it is taken over into the file."""

LEAST_DROPPED = 16
"""Batches that are dropped at a time when there are too many."""

_CREATE = """
CREATE TABLE journal (
    position INTEGER PRIMARY KEY, stream TEXT NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,
    at REAL NOT NULL, body BLOB NOT NULL
)"""
_SUM = "SELECT coalesce(sum(count), 0), min(at) FROM journal WHERE position > 0"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes that the batches may take, and seconds of the journal's clock that they may be kept."""

    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds: the stream and its next number, the last position, readings, when the oldest of them came,
    and the journal's clock."""

    stream: str
    following: int
    last: int
    readings: int
    oldest: float | None
    clock: float


@dataclass(frozen=True, slots=True)
class Written:
    """What a write came to: readings dropped by reason, the last position that is gone, when the oldest batch came,
    and bytes in use."""

    dropped: Counter[str]
    gone: int
    oldest: float | None
    bytes: int


class Store:
    """An open journal file.

    Raises, from every method:
        Trouble: the disk does not want to; nothing was changed.
        Unusable: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        """Open or create it, and check it.

        Raises:
            Trouble: it cannot be opened now.
            Unusable: it is damaged, of a newer version, or none of ours.
        """
        with sorted_out():
            path.parent.mkdir(parents=True, exist_ok=True)
            # For its owner alone, as every file of the state directory.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._db = sqlite3.connect(path, timeout=0.2, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def _prepare(self) -> None:
        db = self._db
        db.execute(f"PRAGMA page_size={PAGE}")
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        ours, schema = self._number("application_id"), self._number("user_version")
        empty = not ours and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not empty and (ours, schema) != (APPLICATION, SCHEMA):
            what = f"schema {schema} in place of {SCHEMA}" if ours == APPLICATION else "it is no journal of ours"
            raise Unusable(what)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT}")
        db.execute(f"PRAGMA journal_size_limit={2 * CHECKPOINT * PAGE}")
        db.execute("PRAGMA cache_size=-256")
        with self._transaction():
            if empty:
                db.execute(f"PRAGMA application_id={APPLICATION}")
                db.execute(f"PRAGMA user_version={SCHEMA}")
                db.execute(_CREATE)
                db.execute("INSERT INTO journal VALUES (0, ?, 1, 0, 0, x'')", (os.urandom(6).hex(),))
        found = db.execute("PRAGMA quick_check(1)").fetchone()
        if found != ("ok",) or db.execute("SELECT count(*) FROM journal WHERE position = 0").fetchone() != (1,):
            raise Unusable(str(found and found[0]))

    def contents(self) -> Contents:
        """What is in it."""
        with sorted_out():
            stream, noted, clock = self._db.execute(
                "SELECT stream, first, at FROM journal WHERE position = 0"
            ).fetchone()
            (used,) = self._db.execute(
                "SELECT max(first + count) FROM journal WHERE position > 0 AND stream = ?", (stream,)
            ).fetchone()
            last, latest = self._db.execute("SELECT max(position), max(at) FROM journal").fetchone()
            readings, oldest = self._db.execute(_SUM).fetchone()
        return Contents(stream, max(noted, used or 0), last, readings, oldest, max(clock, latest))

    def read(self, after: int, most: int) -> list[Batch]:
        """The first batches behind a position."""
        with sorted_out():
            rows = self._db.execute(
                "SELECT position, stream, first, count, at, body FROM journal WHERE position > ? AND position > 0 "
                "ORDER BY position LIMIT ?",
                (after, most),
            ).fetchall()
        return [Batch(*row) for row in rows]

    def write(self, batches: Sequence[Batch], done: int, following: int, clock: float, limits: Limits) -> Written:
        """Write batches, remove those up to the position ``done``, and keep within the limits: all or nothing.

        ``following`` is the next number of the stream on disk, ``clock`` is now. Writing the same batches again
        changes nothing: it is not always known whether a write that was interrupted took place.
        """
        db, dropped = self._db, Counter[str]()
        with sorted_out(), self._transaction():
            if batches:
                db.execute("DELETE FROM journal WHERE position >= ? AND position > 0", (batches[0].position,))
            removed = db.execute("DELETE FROM journal WHERE position BETWEEN 1 AND ?", (done,)).rowcount
            db.executemany(
                "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)",
                [(b.position, b.stream, b.first, b.count, b.at, b.body) for b in batches],
            )
            gone, oldest_at = 0, self._oldest()
            if oldest_at is not None and oldest_at < clock - limits.seconds:  # else no need to look at all of them
                gone = self._drop("position > 0 AND at < ?", clock - limits.seconds, "age", dropped)
            while self._bytes() > limits.bytes:
                oldest = "SELECT position FROM journal WHERE position > 0 ORDER BY position LIMIT ?"
                through = self._drop(f"position IN ({oldest})", LEAST_DROPPED, "size", dropped)
                if not through:
                    break
                gone = max(gone, through)
            if removed or gone:
                db.execute("UPDATE journal SET first = ?, at = ? WHERE position = 0", (following, clock))
            oldest_at, used = self._oldest(), self._bytes()
        return Written(dropped, gone, oldest_at, used)

    def close(self) -> None:
        """Take the write-ahead log over and let go of the file."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    def _drop(self, which: str, value: float, reason: str, dropped: Counter[str]) -> int:
        """Drop batches unsent; the last position of them."""
        readings, last = self._db.execute(
            f"SELECT coalesce(sum(count), 0), coalesce(max(position), 0) FROM journal WHERE {which}",  # noqa: S608
            (value,),
        ).fetchone()
        if last:
            self._db.execute(f"DELETE FROM journal WHERE {which}", (value,))  # noqa: S608
            dropped[reason] += readings
        return int(last)

    def _oldest(self) -> float | None:
        """When the first batch came."""
        row = self._db.execute("SELECT at FROM journal WHERE position > 0 ORDER BY position LIMIT 1").fetchone()
        return None if row is None else float(row[0])

    def _bytes(self) -> int:
        return (self._number("page_count") - self._number("freelist_count")) * self._number("page_size")

    def _number(self, pragma: str) -> int:
        return int(self._db.execute(f"PRAGMA {pragma}").fetchone()[0])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise
