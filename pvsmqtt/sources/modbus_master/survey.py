"""Who answers behind a door, and in which language. One question after the other; every answer is remembered by the
caller, so that this is done once, and again when something has changed.

A unit speaks SunSpec when ``"SunS"`` stands at one of three addresses. Behind the native port of a Conext Gateway a
unit tells its product id (FGA number) at 0x000A instead. A port speaks one language: what the first unit shows is not
doubted for the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from pvsmqtt.modbus.plan import Span
from pvsmqtt.modbus.sunspec.asking import next_header
from pvsmqtt.modbus.sunspec.chain import BASES, LONGEST_CHAIN, MARK
from pvsmqtt.modbus.values import decode
from pvsmqtt.sources.modbus_master.patient import Patient
from pvsmqtt.sources.modbus_master.refusal import Refusal, Refused

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


async def walk(patient: Patient, unit: Unit) -> list[Read]:
    """The chain of a unit, header by header, from its mark to its end.

    Raises:
        Refused: somebody stopped answering on the way. A unit that refuses a header ends its chain there.
    """
    told: dict[int, int] = dict(enumerate(MARK, unit.base))
    found = [Read(unit.base, MARK)]
    for _ in range(LONGEST_CHAIN):
        at = next_header(told.get, unit.base)
        if at is None:
            break
        registers = await _told(patient, unit.number, Span(at, 2))
        if registers is None:
            break
        told.update(enumerate(registers, at))
        found.append(Read(at, registers))
    return found


async def _told(patient: Patient, unit: int, span: Span) -> tuple[int, ...] | None:
    """The registers; None where the unit has none there."""
    try:
        return await patient.read(unit, span)
    except Refused as refused:
        if refused.reason not in _NOT_HERE:
            raise
        return None


def candidates(wanted: Sequence[int], usual: Sequence[int], known: Iterator[int]) -> list[int]:
    """Units to look for: those that are ordered, else those that were there before and then the usual ones."""
    return list(dict.fromkeys(wanted or (*known, *usual)))
