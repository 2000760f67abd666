"""Fan-out: what the house knows goes to every sink. The bus knows nothing of what it carries.

Every event has a key, and only the latest event of a key counts: a sink that is slow or away never makes anybody
wait, and memory stays bounded by the number of keys. A stream in which every event counts (readings with a
journal) is another kind of subscription and has its place here.
"""

from __future__ import annotations

import asyncio
from typing import Generic, Protocol, TypeVar


class Keyed(Protocol):
    """Anything that says where it stands."""

    @property
    def key(self) -> str: ...  # noqa: D102


E = TypeVar("E", bound=Keyed)


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
