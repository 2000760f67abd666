"""An asyncio loop whose hours take seconds: its clock stands still while there is work, and jumps when there is none.

When nothing is ready and a timer is due later, the loop looks for network events once more, for ``GRACE`` real
seconds, and then puts its clock to that timer. Callbacks take no time at all, so counts come out the same every time.

What it can do: whatever sleeps and times out by the loop, client and server alike, over real sockets of this machine
and with real TLS, as long as all of it lives in this one loop. Work in threads of ``run_in_executor`` (and so
``getaddrinfo``) is waited for in real time.

What it cannot do: wait for anybody outside, be it another process, another machine or a thread started otherwise: its
clock runs away, unless it is held (`standing_still`). It says nothing about latency or CPU time. And who asks
another clock gets another answer: hand ``loop.time`` and `wall` to everything that takes a clock, or replace the
clocks of the whole process before anything else is imported (`everywhere`). aiohttp asks the system how old an idle
connection is: `run` lets it ask the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as datetime_module
import os
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor
from datetime import datetime, timedelta, tzinfo
from typing import Any, TypeVar
from unittest import mock

import aiohttp.connector

GRACE = 0.001
"""Real seconds in which the kernel hands over what was sent within this machine: it does so almost at once."""

LONGEST_STAND = 5.0
"""Real seconds without any event after which the loop looks again who is waited for."""

T = TypeVar("T")
Events = list[tuple[selectors.SelectorKey, int]]


class JumpingSelector(selectors.BaseSelector):
    """A selector that moves its clock forward in place of waiting."""

    def __init__(self, grace: float = GRACE) -> None:
        self.now = 0.0
        self._grace = grace
        self.outside = 0
        """How much is under way in threads: while there is any, real time passes and the clock stands still."""
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> Events:
        found = self._real.select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        if timeout is None:
            return self._real.select(None)
        if self.outside:
            return self._real.select(LONGEST_STAND)
        if not self._grace:
            os.sched_yield()
        found = self._real.select(self._grace)
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


_last: VirtualTimeLoop | None = None
"""The latest loop: threads that it waits for ask for its time."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop. Its time begins at 0."""

    def __init__(self, grace: float = GRACE) -> None:
        self._jumping = JumpingSelector(grace)
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._jumping.outside += 1
        future.add_done_callback(self._back)
        return future

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[None]:
        """Meanwhile real time passes for whoever is waited for, and the clock stands still."""
        self._jumping.outside += 1
        try:
            yield
        finally:
            self._jumping.outside -= 1

    def _back(self, _future: asyncio.Future[Any]) -> None:
        self._jumping.outside -= 1


def now() -> float:
    """The clock of the running loop, 0 where there is none."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return _last.time() if _last is not None else 0.0


def wall(begin: datetime) -> datetime:
    """The wall clock of the running loop, when it showed ``begin`` at its start."""
    return begin + timedelta(seconds=now())


def standing_still() -> contextlib.AbstractContextManager[None]:
    """The clock of the running loop stands still for somebody outside."""
    loop = asyncio.get_running_loop()
    return loop.standing_still() if isinstance(loop, VirtualTimeLoop) else contextlib.nullcontext()


def everywhere(begin: datetime) -> None:
    """Let ``time.monotonic``, ``time.time`` and ``datetime.now`` tell the time of the loop. What was imported before
    keeps the clocks of this machine."""

    class Told(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Told:
            return cls.fromtimestamp(wall(begin).timestamp(), tz)

    time.monotonic = now
    time.time = lambda: wall(begin).timestamp()
    datetime_module.datetime = Told  # type: ignore[misc]


def run(main: Coroutine[Any, Any, T], grace: float = GRACE) -> T:
    """Run this in a loop of its own until it ends."""

    def monotonic() -> float:
        return asyncio.get_running_loop().time()

    def loop() -> VirtualTimeLoop:
        global _last
        _last = VirtualTimeLoop(grace)
        return _last

    with (
        asyncio.Runner(loop_factory=loop) as runner,
        mock.patch.object(aiohttp.connector, "monotonic", monotonic),
    ):
        return runner.run(main)
