"""What every listener does alike: it says news once, and a bug costs what it was about and nothing else."""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from pvsmqtt.sources.base import SAY_AGAIN, Health

MOST_SAID = 50

EVERY = 6
"""Intervals after which a listener itself is told of: its counters change all the time, and nobody looks so often."""


class Listening:
    """Of one source. ``monotonic`` tells when it was said."""

    def __init__(self, health: Health, monotonic: Callable[[], float]) -> None:
        self._health = health
        self._monotonic = monotonic
        self._said: dict[str, float] = {}

    def say(self, text: str) -> None:
        """In the log, but what comes and goes once an hour."""
        self._health.log.log(logging.INFO if self._is_news(text) else logging.DEBUG, "%s", text)

    @contextmanager
    def whatever_happens(self) -> Iterator[None]:
        """A bug in what is made of the line costs what it was about, not the listening nor the other units."""
        try:
            yield
        except Exception as error:
            self._health.refused["bug"] += 1
            place = traceback.extract_tb(error.__traceback__)[-1]
            if self._is_news(f"{type(error).__name__} {place.filename} {place.lineno}"):
                self._health.log.exception(
                    "something that was heard could not be told (%s); the listening goes on. Please report this",
                    type(error).__name__,
                )

    async def keep_telling(
        self,
        judge: Callable[[], None],
        state: Callable[[], str],
        tell: Callable[[], None],
        pause: Callable[[], Awaitable[None]],
    ) -> None:
        """How the listener itself does, also while nothing is heard: judged after every ``pause``, told of now and
        then, and when its ``state`` is another one. Ends when it is cancelled."""
        told = ""
        while True:
            for turn in range(EVERY):
                with self.whatever_happens():
                    judge()
                    if not turn or state() != told:
                        told = state()
                        tell()
                await pause()

    def _is_news(self, text: str) -> bool:
        """Whether it was not said in the last hour."""
        now = self._monotonic()
        if now - self._said.get(text, -math.inf) < SAY_AGAIN:
            return False
        if len(self._said) >= MOST_SAID:
            self._said.clear()
        self._said[text] = now
        return True
