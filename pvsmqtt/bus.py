"""Fan-out: what the house knows goes to every sink. The bus knows nothing of what it carries.

On a `Bus` every event has a key, and only the latest event of a key counts: a sink that is slow or away never makes
anybody wait, and memory stays bounded by the number of keys. In a `Flow` every event counts (readings with a
journal): nobody is waited for either, so who does not take them loses the oldest, and is told how many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar


class Keyed(Protocol):
    """Anything that says where it stands."""

    @property
    def key(self) -> str: ...  # noqa: D102


E = TypeVar("E", bound=Keyed)
T = TypeVar("T")


class Subscription(Generic[E]):
    """One sink's view: events that it has not taken yet, the latest of each key, in order of their arrival."""

    def __init__(self, pending: dict[str, E]) -> None:
        self._pending = pending
        self._news = asyncio.Event()
        if pending:
            self._news.set()

    def put(self, event: E) -> None:
        """Take an event into the view (the bus calls this)."""
        self._pending.pop(event.key, None)
        self._pending[event.key] = event
        self._news.set()

    async def changes(self) -> list[E]:
        """Wait until there is something new, then take all of it."""
        await self._news.wait()
        self._news.clear()
        taken = list(self._pending.values())
        self._pending.clear()
        return taken


class Bus(Generic[E]):
    """Keeps the latest event of each key and hands every new one to all subscriptions."""

    def __init__(self) -> None:
        self._latest: dict[str, E] = {}
        self._subscriptions: list[Subscription[E]] = []

    def publish(self, event: E) -> None:
        """Hand an event to everybody. Never waits."""
        self._latest[event.key] = event
        for subscription in self._subscriptions:
            subscription.put(event)

    def latest(self) -> list[E]:
        """The latest event of each key, in the order in which the keys first appeared."""
        return list(self._latest.values())

    def subscribe(self) -> Subscription[E]:
        """A view that begins with everything that is known."""
        subscription: Subscription[E] = Subscription(dict(self._latest))
        self._subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription[E]) -> None:
        """End a view."""
        self._subscriptions.remove(subscription)


class Stream(Generic[T]):
    """One sink's view of a flow: events that it has not taken yet, ``most`` at a time."""

    def __init__(self, most: int) -> None:
        self._waiting: deque[T] = deque()
        self._most = most
        self._missed = 0
        self._news = asyncio.Event()

    def put(self, events: Sequence[T]) -> None:
        """Take events into the view (the flow calls this)."""
        self._waiting.extend(events)
        while len(self._waiting) > self._most:
            self._waiting.popleft()
            self._missed += 1
        if self._waiting:
            self._news.set()

    @property
    def waiting(self) -> int:
        """How many events can be taken."""
        return len(self._waiting)

    async def arrival(self) -> None:
        """Wait until there is something to take."""
        await self._news.wait()

    def take(self) -> tuple[int, list[T]]:
        """How many events were lost before those that are here, and all of these."""
        missed, self._missed = self._missed, 0
        taken = list(self._waiting)
        self._waiting.clear()
        self._news.clear()
        return missed, taken


class Flow(Generic[T]):
    """Hands every event to all streams. Keeps nothing: a stream begins with what comes next."""

    def __init__(self) -> None:
        self._streams: list[Stream[T]] = []

    def publish(self, events: Sequence[T]) -> None:
        """Hand events to everybody. Never waits."""
        for stream in self._streams:
            stream.put(events)

    def subscribe(self, most: int) -> Stream[T]:
        """A view that holds at most so many events that were not taken."""
        stream: Stream[T] = Stream(most)
        self._streams.append(stream)
        return stream

    def unsubscribe(self, stream: Stream[T]) -> None:
        """End a view."""
        self._streams.remove(stream)
