"""Where the models of a unit stand: the chain, learned by listening.

A SunSpec device holds ``"SunS"``, then models in a row, each behind a header of two registers (model, length), then
0xFFFF. A master that walks the chain reads the headers once, at its start; afterwards it reads what it wants out of
the middle. So the chain is put together from whatever was heard, best evidence first (`learn`):

1. From ``"SunS"`` on, header by header, as far as they are known: confirmed.
2. Two headers that lead from one to the other, or one that leads to the end, each of a known model with a length that
   this model can have, and not across a few registers only: confirmed. (Measurements can look like headers.)
3. A model that is expected (remembered, or pinned by a profile) and whose header was heard: confirmed.
   A model that was expected where another header stands is dropped; with one that was remembered goes all that was
   remembered, for then it is another device. Unheard: provisional (remembered) or profile (pinned).
4. One header alone, when its model is not a tiny one and somebody read the whole model, or the two registers of a
   header whose length says something by itself: provisional.

Without the mark a length has to be one that a model can have, and not beyond all reason (`LONGEST_MODEL`): many a
model may have any number of groups, so 5 and 0x8000 side by side would be a header too.

From every header that counts, the walk goes on. Where claims overlap, the better evidence wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple, Protocol

from pvsmqtt.modbus.sunspec.definitions import COMMON, HEADER, known, shape

MARK = (0x5375, 0x6E53)
"""``"SunS"``."""
BASES = (40000, 0, 50000)
"""Where the standard puts the mark; elsewhere it may be a text that happens to begin so."""
END = 0xFFFF
LONGEST_CHAIN = 200
LONGEST_MODEL = 2000
"""Registers of a model that is believed without the mark: more than any definition asks for, fewer than the numbers
that say "not implemented"."""
_TINY = 20
"""What is shorter proves nothing: small numbers are everywhere, and so is 0xFFFF."""
_LAST = 0xFFFF
_FEWEST_STEP = 8
_MOST_GROUPS = 32
"""A header says something by itself when its length is one of few: whole groups of so many registers, at most so many
of them."""


class Basis(StrEnum):
    """How it is known that a model stands where its values are read."""

    CONFIRMED = "confirmed"
    PROVISIONAL = "provisional"
    PROFILE = "profile"


class ModelAt(NamedTuple):
    """A model whose header stands at ``address``; ``length`` registers follow the header."""

    model: int
    address: int
    length: int
    basis: Basis

    @property
    def end(self) -> int:
        """The address after it: where the next header stands."""
        return self.address + HEADER + self.length


class Registers(Protocol):
    """What the chain asks of an image."""

    def get(self, address: int) -> int | None:
        """A register, None while it is not known."""

    def polled(self, address: int, count: int) -> bool:
        """Whether exactly these registers were ever read at once."""


class Learned(NamedTuple):
    """The chain by address, what was expected in vain, and whether the end of it was seen."""

    chain: tuple[ModelAt, ...]
    contradicted: tuple[ModelAt, ...]
    complete: bool


def is_candidate(get: Callable[[int], int | None], address: int) -> bool:
    """Whether a header of a known model, with a length that it can have, may stand here."""
    model, length = get(address), get(address + 1)
    if model is None or length is None or length > LONGEST_MODEL or model not in known():
        return False
    found = shape(model)
    return found is not None and found.fits(length) and address + HEADER + length <= _LAST


def is_mark(get: Callable[[int], int | None], address: int) -> bool:
    """Whether ``"SunS"`` stands here, and not by chance."""
    if (get(address), get(address + 1)) != MARK:
        return False
    return address in BASES or (get(address + 2) == COMMON and is_candidate(get, address + 2))


def learn(
    registers: Registers,
    marks: Iterable[int],
    candidates: Iterable[int],
    remembered: Iterable[ModelAt] = (),
    pinned: Iterable[ModelAt] = (),
) -> Learned:
    """Put the chain together. ``marks`` and ``candidates`` are addresses, see `is_mark` and `is_candidate`."""
    chain = _Chain(registers)
    spots = sorted(candidates)
    for mark in sorted(marks, key=lambda at: (at not in BASES, at)):
        chain.walk(mark + 2, Basis.CONFIRMED)
    for spot in spots:
        if _is_linked(registers, spot):
            chain.walk(spot, Basis.CONFIRMED)
    old, pins = tuple(remembered), tuple(pinned)
    wrong = [model for model in (*old, *pins) if chain.contradicts(model)]
    if any(model in wrong for model in old):
        wrong += [model for model in old if model not in wrong]
    right = [model for model in (*old, *pins) if model not in wrong]
    for model in right:
        if chain.header(model.address) is not None:
            chain.walk(model.address, Basis.CONFIRMED)
    for model in right:
        chain.claim(model)
    for spot in spots:
        if _is_read_alone(registers, spot):
            chain.walk(spot, Basis.PROVISIONAL)
    return Learned(tuple(chain), tuple(wrong), chain.complete)


def _is_linked(registers: Registers, address: int) -> bool:
    """Whether this header leads to another one, or to the end, and not just across a few registers."""
    length = registers.get(address + 1) or 0
    following = address + HEADER + length
    if registers.get(following) == END and registers.get(following + 1) == 0:
        return length >= _TINY
    return is_candidate(registers.get, following) and length + (registers.get(following + 1) or 0) >= _TINY


def _is_read_alone(registers: Registers, address: int) -> bool:
    """Whether somebody read this header, or the whole model, as one who knows where it stands."""
    model, length = registers.get(address), registers.get(address + 1) or 0
    size = None if model is None else shape(model)
    if size is None or size.nested or length < _TINY:  # nested: nearly every length is possible
        return False
    if registers.polled(address, length + HEADER):
        return True
    few = size.step >= _FEWEST_STEP and length <= size.fixed + _MOST_GROUPS * size.step
    return (few or length == size.fixed) and registers.polled(address, HEADER)


class _Chain:
    """Models that claim their registers one after the other; nobody gets what another one has."""

    def __init__(self, registers: Registers) -> None:
        self._registers = registers
        self._models: dict[int, ModelAt] = {}
        self.complete = False

    def __iter__(self) -> Iterator[ModelAt]:
        return iter(sorted(self._models.values(), key=lambda model: model.address))

    def header(self, address: int) -> tuple[int, int] | None:
        model, length = self._registers.get(address), self._registers.get(address + 1)
        return None if model is None or length is None else (model, length)

    def walk(self, address: int, basis: Basis) -> None:
        """Claim the model here and those after it, until a header is not known."""
        while (header := self.header(address)) is not None and len(self._models) < LONGEST_CHAIN:
            if header[0] == END:
                self.complete = self.complete or basis is Basis.CONFIRMED
                return
            found = ModelAt(header[0], address, header[1], basis)
            if not self.claim(found):
                return
            address = found.end

    def claim(self, model: ModelAt) -> bool:
        """Take it in unless it overlaps; False when it is not new, or does not fit in."""
        if model.end - 1 > _LAST or self._overlaps(model) or len(self._models) >= LONGEST_CHAIN:
            return False
        self._models[model.address] = model
        return True

    def contradicts(self, model: ModelAt) -> bool:
        """Whether what was heard rules out an expected model: another header there, or a model across it."""
        header = self.header(model.address)
        if header is not None:
            return header[0] != model.model
        return self._overlaps(model)

    def _overlaps(self, model: ModelAt) -> bool:
        return any(model.address < other.end and other.address < model.end for other in self._models.values())
