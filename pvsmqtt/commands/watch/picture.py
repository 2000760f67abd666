"""What is known at one moment, as a display needs it. Pure.

Ages: `measured_at` is by the clock of the equipment; how far that is off is what the service says of its source. The
clock of this machine is compared with that of the service, whenever that tells the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pvsmqtt.commands.watch.documents import count, mapping, moment, number, text, total
from pvsmqtt.commands.watch.seen import Said, Seen
from pvsmqtt.commands.watch.words import DIRECTIONS, NOT_HEARD, UNKNOWN
from pvsmqtt.model.device import LABELS, SITE_ID, Kind
from pvsmqtt.model.reading import root

METERS = (Kind.PRODUCTION_METER, Kind.CONSUMPTION_METER, Kind.METER)
STORAGE = (Kind.ESS, Kind.STORAGE_INVERTER, Kind.BATTERY, Kind.BMS, Kind.GATEWAY, Kind.HUB_PLUS)
KINDS = frozenset(kind.value for kind in Kind)
ORDER = (Kind.SITE, Kind.SUPERVISOR, *METERS, *STORAGE)
"""In which devices are listed; the others come behind, inverters after them, lines and this service last."""
LAST = (Kind.INVERTER, Kind.BUS, Kind.BRIDGE)
DROWSY = ("stale", "asleep", "lost")


@dataclass(frozen=True, slots=True)
class Thing:
    """One device: what it is, what it tells, how old that is (seconds; ``None`` unknown)."""

    id: str
    kind: Kind
    name: str
    site: str
    values: Mapping[str, Any]
    state: str
    """``live``, ``stale``, ``asleep``, ``lost``, ``offline``, or ``old`` while the service itself is away."""
    age: float | None
    entry: Mapping[str, Any]

    def number(self, key: str) -> float | None:
        """The value of a quantity."""
        return number(self.values.get(key))

    def text(self, key: str) -> str:
        """The same of one that is a text."""
        return text(self.values.get(key))

    @property
    def word(self) -> str:
        """Its state as it is shown. A house is online with any of its devices, which makes no power known; what
        nobody has told of since the service was started is not silent, but not heard yet."""
        if self.kind is Kind.SITE and self.state == "live" and all(self.number(key) is None for key in DIRECTIONS):
            return UNKNOWN
        heard = self.age is not None or self.entry.get("sources") or self.kind is Kind.INVERTER
        return NOT_HEARD if self.state == "offline" and not heard else self.state

    @property
    def label(self) -> str:
        """``Production meter``, in place of a long name with its serial number."""
        return LABELS[self.kind] if self.name.startswith(LABELS[self.kind]) else self.name

    @property
    def via(self) -> str:
        """The device it hangs on."""
        return text(self.entry.get("via"))

    @property
    def tail(self) -> str:
        """What tells it from its like: the end of its serial number."""
        return text(self.entry.get("serial") or self.id)[-4:]


@dataclass(frozen=True, slots=True)
class Source:
    """A way in."""

    name: str
    state: str
    """``ok``, ``failing``, ``starting``."""
    age: float | None
    """Seconds since it last worked."""
    trouble: str
    message: str
    refused: Mapping[str, int]
    cycles: int
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything, at one moment."""

    instance: str
    online: bool | None
    """Whether the service is there; ``None``: there never was one."""
    others: Mapping[str, bool]
    """Further instances, and whether they are online."""
    version: str
    uptime: float | None
    things: tuple[Thing, ...]
    sources: tuple[Source, ...]
    health: Mapping[str, Any]
    health_age: float | None
    at: datetime

    def of(self, *kinds: Kind) -> list[Thing]:
        """The devices of these kinds."""
        return [thing for kind in kinds for thing in self.things if thing.kind is kind]

    @property
    def failing(self) -> list[Source]:
        """What does not work."""
        return [source for source in self.sources if source.state == "failing"]

    def panels(self, site: str) -> list[Thing]:
        """Those of one house, as they lie where that is known of all: row by row from above."""
        found = [thing for thing in self.of(Kind.INVERTER) if thing.site == site]
        if all(thing.number("panel_x") is not None and thing.number("panel_y") is not None for thing in found):
            found.sort(key=lambda one: (-(one.number("panel_y") or 0.0), one.number("panel_x") or 0.0))
        return found


def bests(inverters: Iterable[Thing]) -> dict[str, float]:
    """The most that one of those gives that hang on the same device, W; none of one that hangs there alone."""
    powers: dict[str, list[float]] = {}
    for one in inverters:
        powers.setdefault(one.via, []).append(one.number("power") or 0.0)
    return {via: max(of) for via, of in powers.items() if len(of) > 1}


def picture(seen: Seen, now: datetime) -> Picture:
    """What is known now, by the clock of this machine."""
    there = now.timestamp() - seen.ahead
    told = moment(seen.health.get("time"))
    since = None if told is None else max(0.0, there - told.timestamp())
    sources = tuple(_source(one, since) for one in _list(seen.health.get("sources")))
    listed = {source.name for source in sources}
    waiting = tuple(
        Source(name, "starting", None, "", "", {}, 0, {})
        for one in _list(seen.info.get("sources"))
        if (name := text(one.get("name"))) and name not in listed
    )
    clocks = {text(one.get("name")): number(one.get("clock_ahead")) for one in _list(seen.health.get("sources"))}
    things = [_thing(entry, seen, there, clocks) for entry in seen.inventory or ()]
    things.sort(key=lambda one: _rank(one.kind))
    started = moment(seen.info.get("started_at"))
    return Picture(
        seen.instance,
        seen.online,
        {text(name): on for name, on in seen.instances.items() if name != seen.instance},
        text(seen.info.get("version")),
        None if started is None else max(0.0, there - started.timestamp()),
        tuple(things),
        sources + waiting,
        seen.health,
        since,
        now,
    )


def _rank(kind: Kind) -> int:
    if kind in ORDER:
        return ORDER.index(kind)
    return len(ORDER) + (1 + LAST.index(kind) if kind in LAST else 0)


def _thing(entry: Mapping[str, Any], seen: Seen, there: float, clocks: Mapping[str, float | None]) -> Thing:
    key = str(entry["id"])
    said = seen.said.get(key, Said())
    named = entry.get("kind")
    kind = Kind(named) if isinstance(named, str) and named in KINDS else Kind.OTHER
    online = seen.online if kind is Kind.BRIDGE else said.online
    word = text(said.values.get("availability"))
    if not seen.online:
        word = "old"
    elif not word or (word == "live" and not online):
        word = "live" if online else "offline"
    measured = moment(said.values.get("measured_at"))
    aheads = {clocks.get(one) or 0.0 for one in _names(entry)} or {0.0}
    aged = None if measured is None else _age(there - measured.timestamp(), aheads)
    return Thing(
        text(key),
        kind,
        text(entry.get("name")) or text(key),
        text(entry.get("site")) or SITE_ID,
        said.values,
        word,
        aged,
        entry,
    )


def _age(seconds: float, aheads: Iterable[float]) -> float:
    """The age of what was measured so long ago by one of several clocks: whichever makes it the most recent."""
    return max(0.0, min((seconds + ahead for ahead in aheads), key=abs))


def _names(entry: Mapping[str, Any]) -> Iterable[str]:
    """The sources of a device; of the house those of its quantities, several with a comma between them."""
    names = entry.get("sources")
    of_quantities = (text(mapping(row).get("source")) for row in mapping(entry.get("quantities")).values())
    for name in names if isinstance(names, list) and names else of_quantities:
        yield from (root(part) for part in text(name).split(", "))


def _source(one: Mapping[str, Any], since: float | None) -> Source:
    aged = number(one.get("age"))
    return Source(
        text(one.get("name")),
        text(one.get("state")),
        None if aged is None or since is None else aged + since,
        text(one.get("trouble")),
        text(one.get("message") or one.get("advice")),
        {text(reason): count(times) for reason, times in mapping(one.get("refused")).items()},
        count(one.get("cycles")),
        one,
    )


def _list(value: object) -> list[Mapping[str, Any]]:
    return [mapping(one) for one in value] if isinstance(value, list) else []


def dropped(journal: Mapping[str, Any]) -> int:
    """Readings that the journal had to drop."""
    return total(journal.get("dropped"))
