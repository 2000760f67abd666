"""What was accepted, as a register map: one entry for each quantity, each with the evidence as its source."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from pvsmqtt.commands.learn.analysis import Result
from pvsmqtt.commands.learn.evidence import Candidate, Meaning, Strength
from pvsmqtt.modbus.mapfile import Entry, RegisterMap, dump
from pvsmqtt.model.quantity import QUANTITIES


def register_map(accepted: Iterable[Result], day: date) -> RegisterMap:
    """The map. What shares a register stays side by side: who accepted both knows why."""
    entries = [_entry(result, result.best, day) for result in accepted if result.best is not None]
    entries.sort(key=lambda entry: (entry.units, entry.table, entry.address, entry.bit or 0))
    source = "pvsmqtt learn: registers whose history agrees with what the PVS told of the same device"
    return RegisterMap(f"learned on {day}", source, tuple(entries))


def text(accepted: Iterable[Result], day: date) -> str:
    """The map as the text of a file."""
    return dump(register_map(accepted, day))


def _entry(result: Result, best: Candidate, day: date) -> Entry:
    meaning = best.meaning
    quantity = QUANTITIES[result.key]
    return Entry(
        units=(meaning.place.unit,),
        table=meaning.place.table,
        address=meaning.place.address,
        type="uint16" if meaning.bit is None and meaning.texts else "bool" if meaning.texts else meaning.type,
        name=result.key,
        length=meaning.length,
        word_order="little" if meaning.word_order == "little" else "big",
        scale=_number(meaning.scale),
        offset=_number(meaning.offset),
        unit=quantity.unit,
        enum=dict(meaning.texts),
        bit=meaning.bit if meaning.texts else None,
        quantity=result.key,
        kind=result.subject.kind,
        source=_source(best, day),
    )


def _source(best: Candidate, day: date) -> str:
    seen = f"{best.changes} changes" if best.changes else f"{best.distinct} distinct values"
    told = f"learned on {day} from {seen} ({best.agreeing} of {best.compared} agree)"
    if best.strength is Strength.WEAK:
        told += f"; weak evidence: {'; '.join(best.doubts)}"
    return f"{told}; the same in {_listed(best.twins)}" if best.twins else told


def _listed(meanings: Iterable[Meaning]) -> str:
    """Registers, for people."""
    return ", ".join(map(str, list(meanings)[:3]))


def _number(value: float) -> int | float:
    """Six digits are enough for a scale; whole numbers are written so."""
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() else rounded
