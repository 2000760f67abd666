"""Who answers behind a door, and in which language. One question after the other; every answer is remembered by the
caller, so that this is done once, and again when something has changed.

A unit speaks SunSpec when ``"SunS"`` stands at one of three addresses. Behind the native port of a Conext Gateway a
unit tells its product id (FGA number) at 0x000A instead. A port speaks one language: what the first unit shows is not
doubted for the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from pvsmqtt.modbus.plan import Span
from pvsmqtt.modbus.sunspec.asking import next_header
from pvsmqtt.modbus.sunspec.chain import BASES, LONGEST_CHAIN, MARK
from pvsmqtt.modbus.values import decode
from pvsmqtt.sources.modbus_master.patient import Patient
from pvsmqtt.sources.modbus_master.refusal import FINAL, Refusal, Refused

PRODUCT_ID = Span(0x000A, 8)
"""Of Conext equipment: text. Of a gateway it has 8 registers, of an inverter 10, of which these suffice."""

_PRODUCT = re.compile(r"[0-9A-Z][0-9A-Z.\- ]{2,19}")
_NOT_HERE = frozenset({Refusal.ADDRESS, Refusal.VALUE, Refusal.FAILURE, Refusal.OTHER, Refusal.FUNCTION})
"""An answer all the same: the unit is there."""


class Language(StrEnum):
    """What a unit speaks."""

    SUNSPEC = "sunspec"
    NATIVE = "native"


class Unit(NamedTuple):
    """A unit that answered: ``base`` is where ``"SunS"`` stands, ``product`` what a native one calls itself."""

    number: int
    language: Language
    base: int = 0
    product: str | None = None

    @property
    def row(self) -> list[Any]:
        """Fit for JSON."""
        return [self.number, self.language.value, self.base, self.product]

    @classmethod
    def of_row(cls, row: object) -> Unit | None:
        """A unit that was remembered, if it is one."""
        if not isinstance(row, list) or len(row) != 4:
            return None
        number, language, base, product = row
        known = isinstance(language, str) and language in list(Language) and type(base) is int and base in (0, *BASES)
        if not known or type(number) is not int or not 0 < number < 256:
            return None
        return cls(number, Language(language), base, product if isinstance(product, str) else None)


class Read(NamedTuple):
    """Registers that were read on the way."""

    address: int
    registers: tuple[int, ...]


async def look(patient: Patient, unit: int, languages: Sequence[Language]) -> Unit | None:
    """What this unit speaks, of these languages; None: it answers, but in none of them.

    Raises:
        Refused: it does not answer.
    """
    if Language.SUNSPEC in languages:
        for base in BASES:
            if await _told(patient, unit, Span(base, 2)) == MARK:
                return Unit(unit, Language.SUNSPEC, base)
    if Language.NATIVE in languages:
        registers = await _told(patient, unit, PRODUCT_ID)
        text = decode("string", registers) if registers else None
        if isinstance(text, str) and _PRODUCT.fullmatch(text.strip().upper()):
            return Unit(unit, Language.NATIVE, product=text.strip())
    return None


async def walk(patient: Patient, unit: Unit) -> tuple[list[Read], bool]:
    """The chain of a unit whose mark was just read, header by header, and whether it was seen to its end: a unit that
    does not have the registers of a header ends its chain there, one that fails to tell them may have more.

    Raises:
        Refused: somebody stopped answering on the way.
    """
    told: dict[int, int] = dict(enumerate(MARK, unit.base))
    found = [Read(unit.base, MARK)]
    for _ in range(LONGEST_CHAIN):
        at = next_header(told.get, unit.base)
        if at is None:
            break
        try:
            registers = await patient.read(unit.number, Span(at, 2))
        except Refused as refused:
            if refused.reason not in _NOT_HERE:
                raise
            return found, refused.reason in FINAL
        told.update(enumerate(registers, at))
        found.append(Read(at, registers))
    return found, True


async def _told(patient: Patient, unit: int, span: Span) -> tuple[int, ...] | None:
    """The registers; None where the unit has none there."""
    try:
        return await patient.read(unit, span)
    except Refused as refused:
        if refused.reason not in _NOT_HERE:
            raise
        return None
