"""Whether the service makes progress, as the watchdog of systemd is to feel it: by its parts, not by a clock.

A part promises again and again when its next sign of life will come at the latest: before a pause how long that is,
before work how long its time-outs let it take. A refusal is a sign of life, and so is another look at a bus that is
silent; a task that hangs gives none. So a dead network, an absent PVS or a long night never stop the pulse, and only
what a restart can mend does. A part that fails and is started again by the supervisor is no hanging one.

Pure but for the log: time is a parameter, of a clock that only goes forward.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

RESTARTED = 600.0
"""Seconds that a part which was started again has for its first sign of life."""


class Heartbeat:
    """The signs of life of one part. One that never promised anything is not waited for."""

    __slots__ = ("due", "seen")

    def __init__(self) -> None:
        self.due: float | None = None
        """When the next one must have come."""
        self.seen: float | None = None
        """When the last one came."""

    def promise(self, now: float, within: float) -> None:
        """Here is one; the next comes within so many seconds (infinite: there is no more work)."""
        self.seen, self.due = now, now + within


class Pulse:
    """The rule: it beats while no part breaks its promise. A part that stops is said once, and that it goes on.

    ``every`` is the pause between two looks. A process that did not run itself for longer (a machine that slept, or
    was so busy) could keep no promise: that time counts for nobody.
    """

    def __init__(self, every: float, log: logging.Logger) -> None:
        self._every, self._log = every, log
        self._looked: float | None = None
        self._restarts: dict[str, int] = {}
        self._stopped: dict[str, Heartbeat] = {}

    def beats(
        self,
        now: float,
        parts: Mapping[str, Heartbeat],
        restarts: Mapping[str, int],
        where: Callable[[str], str] = lambda _: "",
    ) -> bool:
        """Whether all parts make progress. ``restarts`` counts how often each was started again, ``where`` tells for
        the log what one waits for."""
        slept = 0.0 if self._looked is None else now - self._looked - self._every
        self._looked = now
        for name, part in parts.items():
            if part.due is not None and slept > self._every:
                part.due += slept
            if restarts.get(name, 0) != self._restarts.get(name, 0) and part.due is not None:
                part.due = max(part.due, now + RESTARTED)
        self._restarts = dict(restarts)
        stopped = {name: part for name, part in parts.items() if part.due is not None and now > part.due}
        self._say(now, stopped, where)
        return not stopped

    def _say(self, now: float, stopped: dict[str, Heartbeat], where: Callable[[str], str]) -> None:
        for name, part in stopped.items():
            if self._stopped.get(name) is not part:
                at = where(name)
                self._log.error(
                    "%s hangs: no sign of life for %.0f s%s. The watchdog of systemd is not fed until it goes on, so "
                    "that the service is started again. Please report this",
                    name,
                    now - (part.seen or 0.0),
                    f", it waits in {at}" if at else "",
                )
        for name in self._stopped.keys() - stopped.keys():
            self._log.info("%s does not hang any more", name)
        self._stopped = stopped
