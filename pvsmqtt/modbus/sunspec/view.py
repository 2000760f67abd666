"""One SunSpec unit as it is heard: its chain of models, and the values in them.

Idea: the view owns nothing but what it concluded. The image has every register; `SunSpecView.refresh` looks at those
that changed, keeps a short list of addresses where a header or the mark may stand, and has the chain put together
anew (`chain.learn`) only when something on that list, or what was read there, is different.

What is told apart: a chain that was learned (`SunSpecView.chain`, with the basis of each model), and mere guesses
(`SunSpecView.guesses`), whose values are never told until somebody pins them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from pvsmqtt.modbus.sunspec import chain as chains
from pvsmqtt.modbus.sunspec.chain import Basis, Learned, ModelAt
from pvsmqtt.modbus.sunspec.definitions import COMMON, HEADER, known, shape
from pvsmqtt.modbus.sunspec.fingerprint import Guess, guesses
from pvsmqtt.modbus.sunspec.points import Image, Point, Scales, points

_FORMAT = 1
_SERIAL_LENGTH = 16
"""Registers of a serial number in model 1."""
_MARKS_AT_MOST = 8
"""Marks that are kept outside the places that the standard knows; a unit has one."""
_SPOTS_AT_MOST = 100
"""Places where a header may stand that are kept; a chain has some ten."""


class Registers(Image, Protocol):
    """What the view asks of an image (`pvsmqtt.modbus.image.RegisterImage` has it)."""

    ranges: Counter[tuple[int, int]]

    def __iter__(self) -> Iterator[int]: ...

    def __len__(self) -> int: ...


class Identity(NamedTuple):
    """Who a device says it is (model 1); None where it says nothing."""

    manufacturer: str | None
    model: str | None
    version: str | None
    serial: str | None
    options: str | None = None


class SunSpecView:
    """What a SunSpec unit tells, learned from one of its tables (holding registers, as a rule).

    Args:
        image: the table. The view reads it and never changes it.
        pins: models that are known to stand somewhere, from a profile (`profiles.profile`) or a configuration.
    """

    def __init__(self, image: Registers, pins: Iterable[ModelAt] = ()) -> None:
        self._image = image
        self._scales = Scales(image)
        self._pins = tuple(pin._replace(basis=Basis.PROFILE) for pin in pins)
        self._remembered: tuple[ModelAt, ...] = ()
        self._remembered_serial: str | None = None
        self._marks: set[int] = set()
        self._spots: set[int] = set()
        self._looked: object = None
        self._heads: frozenset[int] = frozenset()
        self._ranges = 0
        self._learned = Learned((), (), complete=False)
        self._identity: Identity | None = None

    @property
    def chain(self) -> tuple[ModelAt, ...]:
        """The models by address. Those without a definition are in it, for they tell where others stand."""
        return self._learned.chain

    @property
    def complete(self) -> bool:
        """Whether the end of the chain was seen."""
        return self._learned.complete

    @property
    def contradicted(self) -> tuple[ModelAt, ...]:
        """Models that were pinned, and that are not there."""
        return tuple(model for model in self._learned.contradicted if model.basis is Basis.PROFILE)

    @property
    def identity(self) -> Identity | None:
        """Who it is; None until model 1 told anything."""
        return self._identity

    @property
    def guesses(self) -> tuple[Guess, ...]:
        """Models that the polled ranges and their values look like, the likeliest first. Costly: ask on demand."""
        return guesses(self._image, self.chain)

    def refresh(self, now: float, changed: Iterable[int] | None = None) -> bool:
        """Learn from what was heard.

        Args:
            now: the time; what contradicts the chain without a time of its own counts as heard now.
            changed: the addresses that changed or are new, as `RegisterImage.put` returns them; None: look at all.

        Returns:
            Whether the chain is another one than before.
        """
        addresses = tuple(self._image if changed is None else changed)
        self._scales.changed(addresses)
        near = {address - back for address in addresses for back in (0, 1, 2, 3)}
        news = self._look(near) or not near.isdisjoint(self._heads) or len(self._image.ranges) != self._ranges
        before = self.chain
        if (news or self._looked is None) and self._state() != self._looked:
            self._learn()
            self._notice_exchange(before, now)
        common = next((model for model in self.chain if model.model == COMMON), None)
        if common is None:
            self._identity = None
        elif self._identity is None or any(common.address <= address < common.end for address in addresses):
            self._notice_identity(common)
        return self.chain != before

    def reset(self, when: float) -> None:
        """It is another device from here on, or the same one after a restart: older values do not count."""
        self._scales.reset(when)
        self._identity = None

    def points(self, now: float = math.inf, within: float = math.inf) -> Iterator[Point]:
        """Every point that was heard, model by model.

        Args:
            now: the time, on the clock of the image.
            within: leave out what is older than that, in seconds.
        """
        for model in self.chain:
            for point in points(self._image, self._scales, model):
                if within == math.inf or now - point.when <= within:
                    yield point

    def addresses(self) -> frozenset[int]:
        """Registers whose meaning is known: marks, headers and everything in models that have a definition."""
        found = {at + half for at in self._marks for half in (0, 1)}
        for model in self.chain:
            explained = shape(model.model) is not None
            end = model.end if explained else model.address + HEADER
            found.update(range(model.address, end))
        return frozenset(found)

    def document(self) -> dict[str, Any]:
        """What to remember across restarts, fit for JSON: what headers told, and whose it is."""
        headers = [model for model in self.chain if model.basis is Basis.CONFIRMED or model in self._remembered]
        serial = self._identity.serial if self._identity else None
        return {
            "format": _FORMAT,
            "serial": serial or self._remembered_serial,
            "models": [[model.model, model.address, model.length] for model in headers],
        }

    def restore(self, document: object) -> None:
        """Remember what `document` gave. It stands as provisional until a header is heard; what cannot be used is
        ignored."""
        if not isinstance(document, Mapping) or document.get("format") != _FORMAT:
            return
        rows, serial = document.get("models"), document.get("serial")
        rows = rows if isinstance(rows, list) else []
        models = (_model(row) for row in rows[: chains.LONGEST_CHAIN])
        self._remembered = tuple(model for model in models if model is not None)
        self._remembered_serial = serial if isinstance(serial, str) else None
        self._looked = None

    def _look(self, addresses: Iterable[int]) -> bool:
        """Where headers and marks may stand now, among these registers. Returns whether that is something new."""
        get, models = self._image.get, known()
        spots, marks = set(self._spots), set(self._marks)
        for address in addresses:
            value = get(address)
            if value in models and chains.is_candidate(get, address):
                if len(spots) < _SPOTS_AT_MOST:
                    spots.add(address)
            else:
                spots.discard(address)
            if value == chains.MARK[0] and chains.is_mark(get, address):
                if len(marks) < _MARKS_AT_MOST or address in chains.BASES:
                    marks.add(address)
            else:
                marks.discard(address)
        news = (spots, marks) != (self._spots, self._marks)
        self._spots, self._marks = spots, marks
        return news

    def _state(self) -> object:
        """Everything that the chain depends on, to see whether it can have changed."""
        self._ranges = len(self._image.ranges)
        get = self._image.get
        heads = {*self._spots, *(at + 2 for at in self._marks)}
        for model in (*self.chain, *self._remembered, *self._pins):
            heads |= {model.address, model.end}
        for spot in self._spots:
            heads.add(spot + HEADER + (get(spot + 1) or 0))
        read = tuple(self.polled(at, HEADER) or self.polled(at, HEADER + (get(at + 1) or 0)) for at in self._spots)
        self._heads = frozenset(heads)
        return frozenset(self._marks), tuple((at, get(at), get(at + 1)) for at in sorted(heads)), read

    def get(self, address: int) -> int | None:
        """A register of the image."""
        return self._image.get(address)

    def polled(self, address: int, count: int) -> bool:
        """Whether exactly these registers were ever read at once."""
        return (address, count) in self._image.ranges

    def _learn(self) -> None:
        """Put the chain together from all that is known now."""
        self._learned = chains.learn(self, self._marks, self._spots, self._remembered, self._pins)
        if any(model in self._learned.contradicted for model in self._remembered):
            self._forget()
        self._looked = self._state()
        self._scales.watch(self.chain)

    def _forget(self) -> None:
        """What was remembered was of another device."""
        self._remembered, self._remembered_serial = (), None

    def _notice_exchange(self, before: tuple[ModelAt, ...], now: float) -> None:
        """Headers that say something else than they did: it is another device since then."""
        times = [
            self._image.when(model.address)
            for model in before
            if model.basis is Basis.CONFIRMED
            and (self._image.get(model.address), self._image.get(model.address + 1)) != (model.model, model.length)
        ]
        if times:
            self.reset(min((when for when in times if when is not None), default=now))

    def _notice_identity(self, common: ModelAt) -> None:
        """Model 1: with another serial number it is another device, and what was remembered is not of this one."""
        found = {point.name: point for point in points(self._image, self._scales, common)}
        texts = {name: str(point.value) for name, point in found.items() if point.value is not None}
        identity = Identity(*(texts.get(name) for name in ("Mn", "Md", "Vr", "SN", "Opt")))
        before = self._identity.serial if self._identity else None
        if identity.serial is not None:
            if before not in (None, identity.serial):
                self.reset(self._newest(found["SN"]))
            if self._remembered_serial not in (None, identity.serial):
                self._forget()
                self._learn()
        self._identity = identity if any(identity) else None

    def _newest(self, serial: Point) -> float:
        """When the last of the registers of the serial number was heard: with it came what is new of it."""
        times = (self._image.when(serial.address + at) for at in range(_SERIAL_LENGTH))
        return max((when for when in times if when is not None), default=serial.when)


def _model(row: object) -> ModelAt | None:
    """Model, address and length, if these are numbers that can be."""
    if not isinstance(row, list) or len(row) != 3 or not all(type(number) is int for number in row):
        return None
    found = ModelAt(row[0], row[1], row[2], Basis.PROVISIONAL)
    return found if min(row) >= 0 and row[0] < chains.END and found.end <= 0x10000 else None
