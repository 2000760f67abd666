"""How long to wait before a broker is tried again.

A broker that is away is tried soon and then less and less often, up to half a minute or so. One that answers and does
not want us gets the time that its reason calls for: a login that is refused every second looks like an attack, and
programs such as fail2ban then shut out this machine altogether (five refusals in ten minutes is a usual limit; the
sink and a source may both have the same wrong password).
"""

from __future__ import annotations

import random
from typing import Literal

Wait = Literal["login", "taken_over", "busy", "banned", "elsewhere", "quota"]
"""What is waited for, where it is more than the return of a broker that is away."""

LADDERS: dict[str, tuple[float, ...]] = {
    "login": (300.0,),
    "taken_over": (60.0, 120.0, 240.0, 480.0, 900.0),
    "busy": (30.0, 60.0),
    "banned": (900.0,),
    "elsewhere": (300.0,),
    "quota": (120.0, 300.0),
}
"""Seconds, the first time and each further time; the last one for ever."""

STABLE = 60.0
"""Seconds after which a connection counts as good, and the next loss starts with a short pause again."""

CALM = 1800.0
"""Seconds after which a connection shows that what was waited for is over."""


class Pauses:
    """The pauses of one connection, growing from ``first`` to ``longest`` seconds while a broker is away."""

    def __init__(self, first: float, longest: float) -> None:
        self._first, self._longest = first, longest
        self._failures = 0
        self._climbed: dict[str, int] = {}

    def after(self, lasted: float, wait: Wait | None = None) -> float:
        """Seconds to wait after a try or a connection that lasted so long, with jitter, so that many who lost the
        same broker do not come back together."""
        if lasted > CALM:
            self._climbed.clear()
        self._failures = 0 if lasted > STABLE else self._failures + 1
        if wait is None:
            ceiling = min(self._longest, self._first * 2.0 ** min(max(self._failures - 1, 0), 10))
            return ceiling * random.uniform(0.5, 1.0)
        ladder = LADDERS[wait]
        step = self._climbed.get(wait, 0)
        self._climbed[wait] = step + 1
        return ladder[min(step, len(ladder) - 1)] * random.uniform(1.0, 1.3)
