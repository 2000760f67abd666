"""What may still stand for the present. Time is a parameter: seconds of a clock that only goes forward.

Every value has a moment at which it stops being news. A value that `holds` (a counter, a nameplate) is then still
true; any other becomes unknown. A device is online as long as one of its sources measures it.

Each source has a word of its own on a quantity; which one counts, `precedence` says, and `counting` for energies. The
time of measurement follows the measurements: one that arrives late does not turn it back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pvsmqtt.model.device import Device
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import Reading, Value, root
from pvsmqtt.site.capability import Capability
from pvsmqtt.site.counters import COUNTED, Counters, Fall, Last, Moment
from pvsmqtt.site.counting import Counting
from pvsmqtt.site.precedence import Held, Precedence, Rank, chosen


@dataclass(slots=True)
class _Word:
    """The latest value of each quantity that one source tells; ``direct``: of the device itself, not of another."""

    source: str
    direct: bool = False
    values: dict[str, Held] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)

    def take(self, reading: Reading, now: float, can: Capability) -> tuple[Mapping[str, Value], list[Fall]]:
        """One errand of a source always corrects itself; it corrects another one only with fresher values.
        Gives the values as they passed, and energies that fell."""
        lasts = max(reading.valid_for, reading.lasts)
        until, moment = now + lasts, now - (reading.age or 0.0)
        device = reading.device
        when = Moment(moment, can.most(device), can.least(device), reading.valid_for > 0)
        values, falls = self.counters.passed(reading.values, reading.measured_at, when)
        for key, value in values.items():
            held = self.values.get(key)
            if held is None:
                self.values[key] = Held(value, until, reading.source, lasts, moment)
            elif held.source == reading.source or until >= held.until:
                self.values[key] = Held(value, until, reading.source, max(lasts, held.lasts), moment)
        return values, falls

    def rank(self, key: str, order: Precedence) -> Rank:
        """Where it stands among the words on a quantity."""
        return order.rank(self.source, self.direct, self.values[key].lasts)

    def forget(self, key: str) -> None:
        """What it told of a quantity is of the past."""
        self.values.pop(key, None)
        self.counters.forget(key)


@dataclass(slots=True)
class Latest:
    """The latest value of each quantity of one device."""

    order: Precedence = field(default_factory=Precedence)
    measured_at: datetime | None = None
    passed: Mapping[str, Value] = field(default_factory=dict)
    """The values of the last reading, as they were taken."""
    _measured_by: str | None = None
    _moment: float = -math.inf
    _words: dict[str, _Word] = field(default_factory=dict)
    _counting: Counting = field(default_factory=Counting)
    _alive: dict[str, float] = field(default_factory=dict)
    _can: Capability = field(default_factory=Capability)
    _next: float = -math.inf
    """When something will be too old; before that, and while nothing is told, nothing changes."""
    _shown: tuple[tuple[object, ...], dict[str, Value], dict[str, str]] | None = None

    def accept(self, reading: Reading, now: float, heard: bool = False) -> list[Fall]:
        """Take a reading; ``heard``: of the device itself. Tells of lifetime energies that fell."""
        self._next, self._shown = -math.inf, None
        source = root(reading.source)
        word = self._words.setdefault(source, _Word(source))
        word.direct = heard
        self._can.note(reading.values)
        self.passed, falls = word.take(reading, now, self._can)
        for fall in falls:
            if fall.real and not fall.jump:
                for other in self._counting.anew(fall.key, source, self._words):
                    self._words[other].forget(fall.key)
        for key in COUNTED & reading.values.keys():
            self._counting.heed(key, self._words, self.order, now)
        self._take_time(reading, now)
        self._alive[reading.source] = now + reading.valid_for
        return falls

    def recall(self, source: str, known: Mapping[str, Last]) -> None:
        """What a source had counted when this service was last at work."""
        self._words.setdefault(source, _Word(source)).counters.recall(known)

    def counted(self) -> dict[str, dict[str, Last]]:
        """What each source has counted, to `recall` after the next start."""
        found = {source: word.counters.known() for source, word in self._words.items()}
        return {source: known for source, known in found.items() if known}

    def most(self, device: Device) -> float:
        """The power that it cannot exceed for long, kW (`capability`)."""
        return self._can.most(device)

    def take_over(self, other: Latest) -> None:
        """Go on with what was known of the same device under another id; what is known here comes first."""
        self._next, self._shown = -math.inf, None
        for source, its in other._words.items():
            mine = self._words.setdefault(source, _Word(source, its.direct))
            mine.values = {**its.values, **mine.values}
            mine.counters.take_over(its.counters)
        self._counting.take_over(other._counting)
        self._alive = {**other._alive, **self._alive}
        if other._moment > self._moment or self.measured_at is None:
            self.measured_at, self._measured_by, self._moment = (
                other.measured_at,
                other._measured_by,
                other._moment,
            )

    def _take_time(self, reading: Reading, now: float) -> None:
        """A source corrects its own clock; the time of another one counts when it is later, or when that one is gone
        and this was measured after it."""
        if reading.measured_at is None:
            return
        moment = now - (reading.age or 0.0)
        gone = self._measured_by is not None and self._alive.get(self._measured_by, -math.inf) <= now
        if (
            self.measured_at is None
            or self._measured_by == reading.source
            or reading.measured_at >= self.measured_at
            or (gone and reading.age is not None and reading.valid_for > 0 and moment > self._moment)
        ):
            self.measured_at, self._measured_by, self._moment = reading.measured_at, reading.source, moment

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that have told of it."""
        return tuple(sorted(self._alive))

    def online(self, now: float) -> bool:
        """Whether a source measures it."""
        return any(until > now for until in self._alive.values())

    def shown(self, keys: Iterable[str], now: float) -> tuple[dict[str, Value], dict[str, str]]:
        """The value of each of these quantities, ``None`` where it is unknown or too old, and the source that tells
        it, or told it last."""
        keys = tuple(keys)
        asked = (keys, self.order.changes, self.next_change(now))
        if self._shown is not None and self._shown[0] == asked:
            return self._shown[1:]
        values: dict[str, Value] = dict.fromkeys(keys)
        feeds: dict[str, str] = {}
        for key in values:
            held = self._chosen(key, now)
            if held is None or held.value is None:
                continue
            feeds[key] = root(held.source)
            if held.until > now or QUANTITIES[key].holds:
                values[key] = held.value
        self._shown = (asked, values, feeds)
        return values, feeds

    def values(self, keys: Iterable[str], now: float) -> dict[str, Value]:
        """The values alone."""
        return self.shown(keys, now)[0]

    def feeds(self, keys: Iterable[str], now: float) -> dict[str, str]:
        """The sources alone."""
        return self.shown(keys, now)[1]

    def measured(self, key: str, now: float) -> Held | None:
        """The word on a quantity that is fresh and known."""
        held = self._chosen(key, now)
        return held if held is not None and held.until > now and held.value is not None else None

    def fresh(self, now: float) -> dict[str, Held]:
        """The words that are known and stand for the present."""
        return {key: held for key, held in self._all(now) if held.until > now and held.value is not None}

    def lasting(self, now: float) -> dict[str, Held]:
        """The last words that stay true, whatever their age."""
        return {key: held for key, held in self._all(now) if QUANTITIES[key].holds and held.value is not None}

    def next_change(self, now: float) -> float:
        """When the first of what stands for the present now will be too old; infinity when nothing will."""
        if now >= self._next:
            held = (one for word in self._words.values() for one in word.values.values())
            until = [*self._alive.values(), *(one.until for one in held)]
            self._next = min((moment for moment in until if moment > now), default=math.inf)
        return self._next

    def _chosen(self, key: str, now: float) -> Held | None:
        if key in COUNTED:
            return self._counting.chosen(key, self._words, self.order, now)
        words = [word for word in self._words.values() if key in word.values]
        if len(words) == 1:
            return words[0].values[key]
        return chosen([(word.rank(key, self.order), word.values[key]) for word in words], now)

    def _all(self, now: float) -> Iterable[tuple[str, Held]]:
        for key in dict.fromkeys(key for word in self._words.values() for key in word.values):
            held = self._chosen(key, now)
            if held is not None and key in QUANTITIES:
                yield key, held
