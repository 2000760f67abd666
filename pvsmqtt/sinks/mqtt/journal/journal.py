"""Numbers what comes, writes it ahead, hands it out in order, and forgets what was acknowledged.

All work on the disk is done by one thread, in the order in which it was asked for; the event loop alone touches the
`Queue`. A batch is handed out when it is on disk. Only while the disk refuses it is handed out from memory, with
numbers of another stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from pvsmqtt.bus import Stream
from pvsmqtt.model.accepted import Accepted
from pvsmqtt.sinks.mqtt.journal.batch import MOST, Batch, pack
from pvsmqtt.sinks.mqtt.journal.file import open_store, set_aside
from pvsmqtt.sinks.mqtt.journal.numbers import Numbers
from pvsmqtt.sinks.mqtt.journal.options import JournalOptions
from pvsmqtt.sinks.mqtt.journal.queue import Place, Queue
from pvsmqtt.sinks.mqtt.journal.store import Limits, Store
from pvsmqtt.sinks.mqtt.journal.trouble import Reason, Trouble, Unusable

FILE = "journal.db"

COLLECT = 1.0
"""Seconds between two writes: what comes meanwhile is written together."""

REMOVE_AFTER = 60.0
"""Seconds after which what was acknowledged is removed though nothing new came that it could be removed with."""

RETRY = 10.0
"""Seconds between two tries of a disk that refuses."""

MOST_WAITING = 20_000
"""Readings that may wait for one write."""

READ_AHEAD = 16
"""Batches that are read from the disk at a time."""

_log = logging.getLogger("pvsmqtt.journal")
T = TypeVar("T")


class Journal:
    """The journal in a state directory. ``clock`` only goes forward, in seconds."""

    def __init__(
        self,
        folder: Path,
        options: JournalOptions,
        arriving: Stream[Accepted],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = folder / FILE
        self._limits = Limits(options.most_bytes, options.most_seconds)
        self._arriving = arriving
        self._clock = clock
        self._began = clock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._store: Store | None = None
        self._on_disk: Numbers | None = None
        self._in_memory = Numbers()
        self._queue = Queue()
        self._ahead: deque[Batch] = deque()
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._wrote_at = self._tried_at = self._began
        self._removed = 0
        self._trouble: Reason | None = None
        self._written = self._set_aside = self._bytes = 0
        self._oldest: float | None = None
        self._over = self._closed = False
        self.replaying = False
        """Whether what had to wait is being published (`Sender` says so)."""

    async def open(self) -> None:
        """Open the file, or say why not: everything goes on in memory then."""
        async with self._turn:
            await self._open()

    async def run(self) -> None:
        """Write what comes, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(RETRY, REMOVE_AFTER)):
                    await self._arriving.arrival()
            await self.flush(self._due())
            await asyncio.sleep(COLLECT)

    async def flush(self, disk: bool = True) -> None:
        """Take what has come, and write it unless ``disk`` is to be left alone."""
        async with self._turn:
            self._collect()
            if disk:
                await self._write()
            if self._queue.bound() and not self._over:
                self._over = True
                _log.error("the disk has refused for too long: the oldest readings in memory are dropped")
            self._wake()

    async def close(self) -> None:
        """Write what is left, and let go of the file. It is over then."""
        if self._closed:
            return
        await self.flush()
        async with self._turn:
            self._closed = True
            if self._store is not None:
                await self._do(self._store.close)
                self._store = None
            self._thread.shutdown(wait=False)

    def _due(self) -> bool:
        now = self._clock()
        if self._trouble is not None:
            return now - self._tried_at >= RETRY
        return bool(self._arriving.waiting or self._queue.held) or now - self._wrote_at >= REMOVE_AFTER

    def _collect(self) -> None:
        missed, readings = self._arriving.take()
        numbers = self._in_memory if self._trouble or self._on_disk is None else self._on_disk
        if missed:
            numbers.take(missed)
            self._queue.dropped["overrun"] += missed
        for start in range(0, len(readings), MOST):
            some = readings[start : start + MOST]
            self._queue.add(numbers, len(some), self._now(), pack(some))

    async def _write(self) -> None:
        self._tried_at = self._clock()
        if self._store is None:
            await self._open()
        if self._store is None or self._on_disk is None:
            return
        queue = self._queue
        batches, done = queue.unwritten(), queue.done
        if not batches and done <= self._removed and not queue.pending and self._trouble is None:
            return
        following = self._on_disk.following
        try:
            result = await self._do(self._store.write, batches, done, following, self._now(), self._limits)
        except Trouble as trouble:
            self._bad(trouble)
            return
        except Unusable as damage:
            await self._replace(damage)
            return
        self._good()
        self._wrote_at, self._removed = self._clock(), done
        self._written += sum(batch.count for batch in batches)
        self._oldest, self._bytes = result.oldest, result.bytes
        for reason in result.dropped:
            if not queue.dropped[reason]:
                _log.error("readings could not be published: the oldest are dropped, see max_%s in [journal]", reason)
        if batches:
            _log.debug("written up to %s/%d", batches[-1].stream, batches[-1].first + batches[-1].count - 1)
        queue.wrote(batches)
        if result.dropped:
            queue.gone(result.gone, result.dropped)
            self._ahead.clear()

    # What the sender asks for.

    @property
    def place(self) -> Place:
        """Where to begin: behind everything that was acknowledged."""
        return self._queue.place

    def acknowledged(self, batch: Batch) -> int:
        """How many readings of this batch were acknowledged."""
        return self._queue.acknowledged(batch)

    def waited(self, batch: Batch) -> float:
        """For how many seconds a batch has been here."""
        return self._now() - batch.at

    async def following(self, place: Place) -> Batch | None:
        """The first batch behind a place; waits until there is one. ``None``: places are others now, begin again."""
        while place.epoch == self._queue.epoch:
            news = self._news
            behind = max(place.position, self._queue.done)
            batch = self._find(behind) or await self._read(behind)
            if place.epoch != self._queue.epoch:
                break
            if batch is not None:
                return batch
            await news.wait()
        return None

    def acknowledge(self, place: Place, batch: Batch, count: int) -> None:
        """The broker has the first ``count`` readings of a batch that was found behind this place."""
        if place.epoch == self._queue.epoch:
            self._queue.acknowledge(batch, count)

    def unreadable(self, place: Place, batch: Batch) -> None:
        """A batch is not what was written."""
        if place.epoch == self._queue.epoch:
            _log.error("%d readings in %s are damaged and left out: check the disk", batch.count, self._path)
            self._queue.acknowledge(batch, batch.count, arrived=False)

    def _find(self, position: int) -> Batch | None:
        if self._ahead and self._ahead[0].position - 1 <= position < self._ahead[-1].position:
            return next(batch for batch in self._ahead if batch.position > position)
        return self._queue.find(position, unwritten_too=self._trouble is not None)

    async def _read(self, position: int) -> Batch | None:
        """The first batch behind a position that is on disk, and those after it into memory."""
        queue, epoch = self._queue, self._queue.epoch
        if self._store is None or position >= queue.written:
            return None
        try:
            batches = await self._do(self._store.read, position, READ_AHEAD)
        except Trouble as trouble:
            async with self._turn:
                self._bad(trouble)
            await asyncio.sleep(RETRY)
            return None
        except Unusable as damage:
            async with self._turn:
                if epoch == queue.epoch:
                    await self._replace(damage)
            return None
        if epoch != queue.epoch:
            return None
        if not batches:
            return next((batch for batch in queue.recent if batch.position > position), None)
        self._ahead = deque(batches)
        self._oldest = batches[0].at
        return batches[0]

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    # The file.

    async def _open(self) -> None:
        try:
            opened = await self._do(open_store, self._path)
        except Trouble as trouble:
            self._bad(trouble)
            return
        store, contents = opened.store, opened.contents
        self._set_aside += opened.set_aside
        self._store, self._on_disk = store, Numbers(contents.stream, contents.following)
        ahead = max(contents.clock - self._now(), 0.0)
        self._began -= ahead
        self._queue.later(ahead)
        self._queue.move_behind(contents.last, contents.readings)
        self._begin_anew()
        self._oldest = contents.oldest

    async def _replace(self, damage: Unusable) -> None:
        """Begin a new file with what of the old one is in memory."""
        store, self._store, self._on_disk = self._store, None, None
        self._queue.lose_file()
        self._begin_anew()
        try:
            if store is not None:
                await self._do(store.close)
            await self._do(set_aside, self._path, damage)
            self._set_aside += 1
        except Trouble as trouble:
            self._bad(trouble)
            return
        await self._write()

    def _begin_anew(self) -> None:
        self._removed = 0
        self._oldest = None
        self._ahead.clear()
        self._wake()

    async def _do(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    # How it does.

    def _bad(self, trouble: Trouble) -> None:
        if self._on_disk is not None:
            self._queue.relabel(self._on_disk, self._in_memory)
        if trouble.reason != self._trouble:
            _log.error(
                "readings cannot be kept in %s: %s. They are kept in memory as far as it goes, all else goes on; %s",
                self._path,
                trouble,
                trouble.reason.advice,
            )
        self._trouble = trouble.reason
        self._wake()

    def _good(self) -> None:
        if self._trouble is not None:
            _log.info("readings are kept in %s again (it was: %s)", self._path, self._trouble.text)
        self._trouble, self._over = None, False

    def _now(self) -> float:
        return self._clock() - self._began

    def report(self) -> dict[str, Any]:
        """The journal's part of the health topic."""
        queue, trouble = self._queue, self._trouble
        oldest = queue.oldest()
        if oldest is None:
            oldest = self._oldest
        return {
            "state": trouble.key if trouble else "ok",
            "stream": (self._in_memory if trouble or self._on_disk is None else self._on_disk).stream,
            "pending": queue.pending,
            "oldest_age": round(self._now() - oldest) if queue.pending and oldest is not None else None,
            "bytes": self._bytes,
            "written": self._written,
            "published": queue.published,
            "dropped": {reason: count for reason, count in queue.dropped.items() if count},
            "set_aside": self._set_aside,
            "replaying": self.replaying and queue.pending > 0,
            "message": f"{trouble.text}; {trouble.advice}" if trouble else None,
        }
