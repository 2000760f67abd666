"""Numbers of readings: a stream with a random id, in which they rise by one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pvsmqtt.sinks.mqtt.journal.batch import Batch


def random_id() -> str:
    """``9f1c33a07be2``."""
    return os.urandom(6).hex()


@dataclass(slots=True)
class Numbers:
    """Gives out the numbers of one stream."""

    stream: str = field(default_factory=random_id)
    following: int = 1

    def take(self, count: int) -> int:
        """The first of ``count`` numbers that are given away."""
        first, self.following = self.following, self.following + count
        return first

    def move(self, batches: Iterable[Batch], to: Numbers) -> list[Batch]:
        """Batches of this stream, none of which anybody has seen, become part of another one: their numbers are
        free again."""
        moved = []
        for batch in batches:
            if batch.stream == self.stream:
                self.following = min(self.following, batch.first)
                batch = replace(batch, stream=to.stream, first=to.take(batch.count))
            moved.append(batch)
        return moved
