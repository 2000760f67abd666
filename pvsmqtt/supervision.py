"""Keeps the parts of the service running, each for itself.

A part that ends or fails is started again after a pause that grows with its failures; no part takes another down.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable

_log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
STABLE = 300.0
"""Seconds after which a part counts as running well, and its next failure as its first."""

OFTEN = 3
"""Failures in succession after which a part is not well."""

Sleep = Callable[[float], Awaitable[None]]


class Supervisor:
    """A set of named parts. ``sleep`` is a parameter for the tests."""

    def __init__(self, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.restarts: Counter[str] = Counter()
        self._failing: dict[str, tuple[int, float]] = {}
        """By part: how often in succession, and when it ended last."""

    def start(self, name: str, part: Callable[[], Awaitable[None]]) -> None:
        """Run a part for ever; it is called again whenever it ends."""
        self._tasks[name] = asyncio.create_task(self._keep(name, part), name=name)

    async def stop(self, *names: str) -> None:
        """End parts and wait until they have cleaned up."""
        tasks = [task for name in names if (task := self._tasks.pop(name, None)) is not None]
        for name in names:
            self._failing.pop(name, None)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)  # unlike gather it lets go at once when whoever stops has no more patience

    @property
    def names(self) -> list[str]:
        """The parts that run."""
        return list(self._tasks)

    def unstable(self) -> dict[str, int]:
        """The parts that end again and again, and how often in succession."""
        now = time.monotonic()
        return {name: times for name, (times, at) in self._failing.items() if times >= OFTEN and now - at < STABLE}

    async def _keep(self, name: str, part: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await part()
                _log.error("%s ended unexpectedly; it is started again", name)
            except Exception as error:
                _log.exception("%s failed (%s); it is started again. Please report this", name, type(error).__name__)
            self.restarts[name] += 1
            failures = 1 if time.monotonic() - began > STABLE else failures + 1
            self._failing[name] = failures, time.monotonic()
            ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 10))
            await self._sleep(ceiling * random.uniform(0.5, 1.0))
