"""An asyncio loop whose hours take seconds: its clock stands still while there is work, and jumps when there is none.

When nothing is ready and a timer is due later, the loop looks for network events once more, for ``GRACE`` real
seconds, and then puts its clock to that timer. Callbacks take no time at all, so counts come out the same every time.

What it can do: whatever sleeps and times out by the loop, client and server alike, over real sockets of this machine
and with real TLS, as long as all of it lives in this one loop. Work in threads of ``run_in_executor`` (and so
``getaddrinfo``) is waited for in real time.

What it cannot do: wait for anybody outside, be it another process, another machine or a thread started otherwise: its
clock runs away. It says nothing about latency or CPU time. And who asks another clock gets another answer: hand
``loop.time`` and `wall` to everything that takes a clock. aiohttp asks the system how old an idle connection is:
`run` lets it ask the loop.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Any, TypeVar
from unittest import mock

import aiohttp.connector

GRACE = 0.001
"""Real seconds in which the kernel hands over what was sent within this machine: it does so almost at once."""

T = TypeVar("T")
Events = list[tuple[selectors.SelectorKey, int]]


class JumpingSelector(selectors.BaseSelector):
    """A selector that moves its clock forward in place of waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        self.outside = 0
        """How much is under way in threads: while there is any, real time passes and the clock stands still."""
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> Events:
        found = self._real.select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        if timeout is None or self.outside:
            return self._real.select(None)
        found = self._real.select(GRACE)
        if not found:
            self.now += timeout
        return found

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop. Its time begins at 0."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._jumping.outside += 1
        future.add_done_callback(self._back)
        return future

    def _back(self, _future: asyncio.Future[Any]) -> None:
        self._jumping.outside -= 1


def wall(begin: datetime) -> datetime:
    """The wall clock of the running loop, when it showed ``begin`` at its start."""
    return begin + timedelta(seconds=asyncio.get_running_loop().time())


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run this in a loop of its own until it ends."""

    def monotonic() -> float:
        return asyncio.get_running_loop().time()

    with (
        asyncio.Runner(loop_factory=VirtualTimeLoop) as runner,
        mock.patch.object(aiohttp.connector, "monotonic", monotonic),
    ):
        return runner.run(main)
