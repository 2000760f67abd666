"""What a source is: the protocol between a way in and the service that runs it.

A source is registered under the entry point group ``pvsmqtt.sources``: the name is its table in the
configuration file, the object a `SourceKind`. Options classes must be cheap to import; heavy libraries are
imported when a source is built.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pvsmqtt.model.reading import Reading
from pvsmqtt.model.times import iso
from pvsmqtt.options import Options
from pvsmqtt.pulse import Heartbeat

Deliver = Callable[[Sequence[Reading]], None]
"""Takes the readings of one cycle: what was measured together arrives together."""

SAY_AGAIN = 3600.0
"""Seconds after which a trouble that comes and goes is worth another line in the log."""

LEAST_PATIENCE = 900.0
"""Seconds that a source which asks may stay without news at least."""


def patience(interval: float) -> float:
    """For `Health.patience` of a source that asks so often."""
    return max(LEAST_PATIENCE, 3 * interval)


O = TypeVar("O", bound=Options)  # noqa: E741


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``pvsmqtt check``: what was looked at, whether it is good, and what to do if not. A ``note`` is
    worth a look, and hinders nothing."""

    subject: str
    ok: bool
    text: str
    advice: str = ""
    note: bool = False


class Source(Protocol):
    """A way in while it runs."""

    name: str
    """For people: ``pvs 172.27.153.1``."""

    site: str
    """The site that its devices belong to."""

    health: Health

    async def run(self, deliver: Deliver) -> None:
        """Read until cancelled. What the equipment sends is never an exception; a bug may be."""


@dataclass(frozen=True)
class SourceKind(Generic[O]):
    """A kind of source: the options of its table, how it is built, and how ``pvsmqtt check`` tries it,
    both with a folder for what is remembered over restarts.

    ``measures_site`` says whether it measures a house as a whole, so that the totals wait for it; a source that only
    hears single devices does not. One that measures it by reading its devices one by one, and tells of none of its
    meters, ``tells_meters`` not: what the meters add up to does not wait for it.
    """

    options: type[O]
    build: Callable[[O, Path], Source]
    check: Callable[[O, Path], Awaitable[list[Finding]]]
    measures_site: bool = True
    tells_meters: bool = True


@dataclass(slots=True)
class Health:
    """How a source does. A trouble is logged when it starts, when it becomes another one, and when it ends; one that
    comes and goes, once an hour."""

    log: logging.Logger
    last_success: datetime | None = None
    last_success_at: float | None = None
    cycles: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    trouble: str | None = None
    message: str | None = None
    last_refusal: tuple[str, str, float] | None = None
    """Reason, message, and when it was by the monotonic clock; it stays when all is well again."""
    details: dict[str, Any] = field(default_factory=dict)
    present: Callable[[], dict[str, Any]] = dict
    """More details, as of the moment at which they are asked for."""
    registers: Callable[[], list[dict[str, Any]]] | None = None
    """The registers of its lines, computed when asked for (`register_units.registers`); None: it has none."""
    patience: float | None = None
    """Seconds within which a source that asks has news or a failure; None: that it is silent proves nothing."""
    failing_since: float | None = None
    """When the trouble began, by the monotonic clock; another trouble in its place does not begin anew."""
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    """What the watchdog of systemd feels: the source promises here, again and again, when its next sign of life will
    come, whatever the equipment does. One that promises nothing is not waited for."""
    _said: dict[str, float] = field(default_factory=dict)
    _said_now: bool = False

    def good(self, when: datetime, now: float) -> None:
        """A cycle went well, at ``when`` by the clock of this machine, at ``now`` by its monotonic clock."""
        self.cycles += 1
        self.last_success, self.last_success_at = when, now
        if self._said_now:
            self.log.info("works again (it was: %s)", self.trouble)
        self.trouble = self.message = self.failing_since = None
        self._said_now = False

    def bad(self, reason: str, message: str, now: float) -> None:
        """A cycle was refused for a typed ``reason``; ``message`` tells a person what it is and what to do."""
        self.cycles += 1
        self.refused[reason] += 1
        if self.failing_since is None:
            self.failing_since = now
        if reason != self.trouble and now - self._said.get(reason, -math.inf) >= SAY_AGAIN:
            self._said[reason], self._said_now = now, True
            self.log.warning("%s", message)
        self.trouble, self.message = reason, message
        self.last_refusal = (reason, message, now)

    def report(self, now: float) -> dict[str, Any]:
        """The source's part of the health topic."""
        age = None if self.last_success_at is None else round(now - self.last_success_at, 1)
        return {
            "state": "failing" if self.trouble else "ok" if self.last_success else "starting",
            "last_success": None if self.last_success is None else iso(self.last_success),
            "age": age,
            "cycles": self.cycles,
            "refused": dict(self.refused),
            "trouble": self.trouble,
            "message": self.message,
            "failing_for": None if self.failing_since is None else round(now - self.failing_since, 1),
            "patience": self.patience,
            "last_refusal": self._last_refusal(now),
            **self.details,
            **self.present(),
        }

    def _last_refusal(self, now: float) -> dict[str, Any] | None:
        if self.last_refusal is None:
            return None
        reason, message, when = self.last_refusal
        return {"reason": reason, "message": message, "age": round(now - when, 1)}
