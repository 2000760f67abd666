"""What every listener does alike: it says news once, and a bug costs what it was about and nothing else."""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pvsmqtt.sources.base import SAY_AGAIN, Health

MOST_SAID = 50


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

    def _is_news(self, text: str) -> bool:
        """Whether it was not said in the last hour."""
        now = self._monotonic()
        if now - self._said.get(text, -math.inf) < SAY_AGAIN:
            return False
        if len(self._said) >= MOST_SAID:
            self._said.clear()
        self._said[text] = now
        return True
