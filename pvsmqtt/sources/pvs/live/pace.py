"""When to try the WebSocket again, and when to give way to polling. Pure: ends come in, seconds come out.

A connection without a single message is a failure, and so is none at all. After a few in a row polling stands in,
and the WebSocket is tried again ever more rarely, since every try may cost the PVS a login. While the whole PVS
is away (a restart takes 8 to 10 minutes) a try costs nothing and there is nothing to poll: then it takes more tries,
and they get no rarer.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pvsmqtt.sources.pvs.live.connection import End
from pvsmqtt.sources.pvs.live.livedata import STALE

_NOBODY = frozenset({End.UNREACHABLE, End.NO_ANSWER})


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds, and how many failures in a row are a few. A parameter for the tests."""

    stale: float = STALE
    connect: float = 10.0
    first_retry: float = 2.0
    longest_retry: float = 60.0
    steady: float = 60.0
    """A connection that lasted this long makes the next retry a first one."""
    renew_after: float = 400.0
    first_return: float = 300.0
    longest_return: float = 3600.0
    tick: float = 1.0
    few: int = 3
    few_away: int = 15


class Retries:
    """Counts what became of connections. ``costly``: every try has to be prepared by somebody who is logged in."""

    def __init__(self, pace: Pace, *, costly: bool) -> None:
        self._pace, self._costly = pace, costly
        self._tries = self._returns = 0
        self._failures: Counter[bool] = Counter()  # those because the whole PVS is away are counted for themselves
        self.given_up = False

    def pause(self, end: End, *, spoke: bool, steady: bool) -> float:
        """Seconds until the next try after a connection that ended, spoke or not, and was steady or not."""
        self._tries = 1 if spoke and steady else self._tries + 1
        if spoke or end is End.RENEWED:
            self._failures.clear()
            self._returns, self.given_up = 0, False
            return doubled(self._pace.first_retry, self._tries, self._pace.longest_retry)
        away = end is End.AWAY or (not self._costly and end in _NOBODY)
        self._failures[away] += 1
        self.given_up |= self._failures[away] >= (self._pace.few_away if away else self._pace.few)
        if not self.given_up:
            return doubled(self._pace.first_retry, self._tries, self._pace.longest_retry)
        self._returns += self._costly and not away
        return doubled(self._pace.first_return, self._returns, self._pace.longest_return)


def doubled(first: float, times: int, longest: float) -> float:
    """``first`` the first time, then twice as long each time up to ``longest``."""
    return min(longest, first * 2.0 ** min(max(times - 1, 0), 20))
