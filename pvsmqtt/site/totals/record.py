"""What is known of the count of one flow, what of it may be told, and how it is kept over restarts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from pvsmqtt.model.times import iso
from pvsmqtt.site.totals.suspect import Suspect

MOST_EVENTS = 20

Anchor = tuple[float, float]
"""kWh, and the second (Unix time) at which it was measured."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the owner should know of the making of a total."""

    at: datetime
    what: str
    good: bool = False
    """Nothing is wrong: it is only to be known."""


@dataclass(slots=True)
class Record:
    """The count of one flow, whoever counts it (`account`)."""

    total: float | None = None
    basis: str | None = None
    text: str = ""
    measured: bool = True
    since: datetime | None = None
    at: datetime | None = None
    """When something was counted last."""
    seen: datetime | None = None
    """When it was looked at last while all that it is counted by was there."""
    ceiling: float | None = None
    """The most that may be published before it is saved again; ``None``: no limit."""
    floor: float = 0.0
    """The least that may be published: as much may have been published before a kill."""
    floor_saved: float = 0.0
    """The floor that is on the disk."""
    events: list[Event] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    confirmed: bool = False
    """Whether a look since the start has agreed with what was known."""
    _anchors: dict[str, dict[str, Anchor]] = field(default_factory=dict)
    _waiting: float | None = None
    _saved_ceiling: float | None = None
    _sample: tuple[float, float] | None = None
    _suspects: dict[str, Suspect] = field(default_factory=dict)
    _joint: dict[str, tuple[object, ...]] = field(default_factory=dict)
    _proof: dict[str, tuple[float, int]] = field(default_factory=dict)
    _first: dict[str, object] = field(default_factory=dict)
    """The measurements with which it began."""
    _agreed: set[str] = field(default_factory=set)
    """The parts that went on in the last look."""
    _absent: float | None = None

    def published(self, bounded: bool) -> float | None:
        """What may be told of it; ``None``: not known yet. ``bounded``: a kill must not make it fall."""
        if self.total is None or not self.confirmed:
            return None
        if bounded and self.floor > self.floor_saved:
            return None  # told before it is saved, it would fall after the next kill
        value = max(self.total, self.floor)
        return value if not bounded or self.ceiling is None else min(value, max(self.ceiling, self.floor))

    @property
    def untold(self) -> bool:
        """Nothing was told of it yet, in this run or before: it may still begin with something else."""
        return not self.confirmed and self._saved_ceiling is None and not self.floor

    @property
    def told_at_most(self) -> float:
        """What may have been told beyond the total before a kill."""
        return max(self.floor, self._saved_ceiling or 0.0)

    def note(self, wall: datetime, kind: str, what: str, good: bool = False) -> None:
        """Something happened that the owner should know."""
        self.counts[kind] += 1
        self.events = [*self.events, Event(wall, what, good)][-MOST_EVENTS:]

    def _settle_floor(self) -> None:
        """What was counted after it was saved cannot be caught up with (yet): it must not be told less."""
        if self._saved_ceiling is not None:
            self.floor, self._saved_ceiling = max(self.floor, self._saved_ceiling), None

    def document(self, ceiling: float | None) -> dict[str, Any]:
        """Ready for JSON, with the most that may be published until the next one."""
        return {
            "total": _round(self.total),
            "ceiling": _round(ceiling),
            "floor": _round(self.floor),
            "basis": self.basis,
            "text": self.text,
            "measured": self.measured,
            "since": iso(self.since),
            "at": iso(self.at),
            "seen": iso(self.seen),
            "waiting": self._waiting,
            "anchors": {
                basis: {name: [_round(value), int(when)] for name, (value, when) in anchors.items()}
                for basis, anchors in self._anchors.items()
            },
            "counts": dict(self.counts),
            "events": [[iso(event.at), event.what] for event in self.events],
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The account that `document` described, after a restart.

        Raises:
            ValueError, KeyError, TypeError: when the document is none of ours.
        """
        total, ceiling = _number(document["total"]), _number(document["ceiling"])
        measured, floor = bool(document["measured"]), float(document["floor"])
        floor = floor if measured or ceiling is None else max(floor, ceiling)
        return cls(
            total=total,
            basis=None if document["basis"] is None else str(document["basis"]),
            text=str(document["text"]),
            measured=measured,
            since=_moment(document["since"]),
            at=_moment(document["at"]),
            seen=_moment(document["seen"]),
            ceiling=ceiling,
            floor=floor,
            floor_saved=floor,
            events=[
                Event(_moment(at) or datetime.min.replace(tzinfo=UTC), str(what)) for at, what in document["events"]
            ],
            counts=Counter({str(kind): int(count) for kind, count in document["counts"].items()}),
            _anchors={
                str(basis): {str(name): (float(value), float(when)) for name, (value, when) in anchors.items()}
                for basis, anchors in document["anchors"].items()
            },
            _waiting=_number(document["waiting"]),
            _saved_ceiling=ceiling,
        )


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _moment(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
