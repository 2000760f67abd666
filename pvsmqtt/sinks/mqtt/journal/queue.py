"""Batches in their order: which are on disk, which are done, which is next. Pure; what is on disk only is counted.

    done … written … last     positions: acknowledged, on disk, given out
    recent                    batches on disk that were written last: who is up to date reads nothing from the disk
    held                      batches that are not on disk (yet): while a write runs, and while the disk refuses
    partly                    how many readings of the batch behind ``done`` are acknowledged

When a file is opened late or replaced, what is held gets positions behind what stands in it: the ``epoch`` says that
positions are others now.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pvsmqtt.sinks.mqtt.journal.batch import Batch
from pvsmqtt.sinks.mqtt.journal.numbers import Numbers

MOST_HELD = 4_000_000
"""Bytes of packed readings in memory while the disk refuses: some 50,000 readings."""

MOST_RECENT = 100_000
"""Bytes of packed readings on disk that are in memory as well."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody reads: behind this position, in this epoch."""

    epoch: int
    position: int


class Queue:
    """What is between the house and the broker."""

    def __init__(self) -> None:
        self.epoch = self.last = self.written = self.done = 0
        self.pending = self.published = 0
        self.dropped: Counter[str] = Counter()
        self.held: deque[Batch] = deque()
        self.recent: deque[Batch] = deque()
        self._partly: tuple[int, int] = (0, 0)

    def add(self, numbers: Numbers, count: int, at: float, body: bytes) -> None:
        """A batch that has come."""
        self.last += 1
        self.held.append(Batch(self.last, numbers.stream, numbers.take(count), count, at, body))
        self.pending += count

    def unwritten(self) -> list[Batch]:
        """What has to go to the disk."""
        return [batch for batch in self.held if batch.position > self.done]

    def wrote(self, batches: Sequence[Batch]) -> None:
        """They are on disk."""
        if batches:
            self.written = batches[-1].position
        while self.held and self.held[0].position <= self.written:
            self.held.popleft()
        self.recent.extend(batches)
        self._trim()

    def gone(self, through: int, dropped: Counter[str]) -> None:
        """Batches up to a position were dropped from the disk unsent, so many readings for these reasons."""
        if self.done < self._partly[0] <= through:
            self.pending += self._partly[1]  # these were not dropped, they had arrived
            self._partly = (0, 0)
        self.dropped += dropped
        self.pending -= sum(dropped.values())
        self.done = max(self.done, through)
        self._trim()

    def bound(self) -> bool:
        """Keep what is held within its bound; whether something had to go."""
        size = sum(len(batch.body) for batch in self.held)
        full = size > MOST_HELD
        while size > MOST_HELD:
            batch = self.held.popleft()
            size -= len(batch.body)
            if batch.position > self.done:
                self.pending -= batch.count - self.acknowledged(batch)
                self.dropped["memory"] += batch.count - self.acknowledged(batch)
        return full

    @property
    def place(self) -> Place:
        """Where to begin: behind everything that was acknowledged."""
        return Place(self.epoch, self.done)

    def acknowledged(self, batch: Batch) -> int:
        """How many readings of this batch were acknowledged."""
        position, count = self._partly
        return count if position == batch.position else 0

    def acknowledge(self, batch: Batch, count: int, arrived: bool = True) -> None:
        """The first ``count`` readings of a batch and all before it need not be sent again: they have ``arrived``, or
        never can."""
        if batch.position <= self.done or self._is_dropped(batch.position):
            return
        new = count - self.acknowledged(batch)
        self.pending -= new
        if arrived:
            self.published += new
        else:
            self.dropped["damaged"] += new
        if count < batch.count:
            self._partly = (batch.position, count)
            return
        self._partly = (0, 0)
        self.done = batch.position
        self._trim()

    def find(self, position: int, unwritten_too: bool) -> Batch | None:
        """The first batch behind a position, if it is in memory; of those that are not on disk only on demand."""
        if self.recent and self.recent[0].position - 1 <= position < self.recent[-1].position:
            return next(batch for batch in self.recent if batch.position > position)
        if unwritten_too and position >= self.written:
            return next((batch for batch in self.held if batch.position > position), None)
        return None

    def relabel(self, numbers: Numbers, to: Numbers) -> None:
        """What is held, and was shown to nobody, becomes part of another stream."""
        self.held = deque(numbers.move(self.held, to))

    def later(self, seconds: float) -> None:
        """The journal's clock turned out to be ahead."""
        self.held = deque(replace(batch, at=batch.at + seconds) for batch in self.held)

    def lose_file(self) -> None:
        """The file is no more: what of it is in memory is held again, the rest is lost."""
        known = [batch for batch in (*self.recent, *self.held) if batch.position > self.done]
        left = sum(batch.count - self.acknowledged(batch) for batch in known)
        self.dropped["damaged"] += max(self.pending - left, 0)
        self.pending = left
        self.held = deque(known)
        self.move_behind(0, 0)

    def move_behind(self, last: int, readings: int) -> None:
        """Give what is held places behind what stands in a file: so many readings, nothing of which is done."""
        held = self.unwritten()
        self.held = deque(replace(batch, position=last + number) for number, batch in enumerate(held, 1))
        self.pending = readings + sum(batch.count for batch in held)
        self.epoch += 1
        self.last, self.written, self.done = last + len(held), last, 0
        self._partly = (0, 0)
        self.recent.clear()

    def oldest(self) -> float | None:
        """When the first batch that is not done came; ``None`` where that stands on disk only, or nowhere."""
        waiting: Iterable[Batch] = (*self.recent, *self.held)
        first = next((batch for batch in waiting if batch.position > self.done), None)
        return first.at if first is not None and (first.position > self.written or first in self.recent) else None

    def _is_dropped(self, position: int) -> bool:
        """Whether a batch that was held is not there any more."""
        return self.written < position < (self.held[0].position if self.held else self.last + 1)

    def _trim(self) -> None:
        """Forget what is done, and what is on disk and too much to be in memory as well."""
        size = sum(len(batch.body) for batch in self.recent)
        while self.recent and (size > MOST_RECENT or self.recent[0].position <= self.done):
            size -= len(self.recent.popleft().body)
