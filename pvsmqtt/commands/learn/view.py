"""An analysis for people: candidates with their evidence, and what is still unknown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pvsmqtt.commands.learn.analysis import Analysis, Result
from pvsmqtt.commands.learn.evidence import Candidate, Strength
from pvsmqtt.model.device import LABELS

MOST_REGISTERS = 12
_INDENT = " " * 10


def lines(analysis: Analysis) -> Iterator[str]:
    """The whole of it, a line each."""
    if not analysis.results:
        yield "The PVS told of no device on the bus (MIO, PV disconnect, HUB+): there is nothing to compare with."
    subject = None
    for result in sorted(analysis.results, key=lambda one: (one.subject.id, one.best is None, one.key)):
        if result.subject is not subject:
            subject = result.subject
            yield f"{LABELS[subject.kind]} {subject.id}"
        yield from of_result(result)
    if analysis.unexplained:
        most = [
            f"unit {place.unit} {place.table} {place.address} ({count})"
            for place, count in analysis.unexplained.most_common(MOST_REGISTERS)
        ]
        yield f"{len(analysis.unexplained)} registers changed and explain nothing; most often (changes):"
        yield f"  {', '.join(most)}"
    if any(result.best is not None and result.best.strength is Strength.WEAK for result in analysis.results):
        yield "Weak evidence grows: go on another time with the same --history."
    if analysis.constant:
        yield f"{analysis.constant} registers never changed: nothing can be said about them yet."


def of_result(result: Result) -> Iterator[str]:
    """One quantity."""
    best = result.best
    if best is None:
        yield f"  {'?':<7} {result.key:<24} {result.why} ({result.values} values, {result.distinct} different)"
        return
    yield f"  {best.strength:<7} {result.key:<24} {best.meaning}"
    yield _INDENT + evidence(best)
    for doubt in best.doubts:
        yield f"{_INDENT}but {doubt}"
    for twin in best.twins[:3]:
        yield f"{_INDENT}the same in {twin}"
    for rival in best.rivals:
        yield f"{_INDENT}or {rival.meaning}: {rival.agreeing} of {rival.compared} values agree"


def evidence(best: Candidate) -> str:
    """``48 of 48 values agree, 33 different, correlation 0.997; 5 % would by chance``."""
    text = f"{best.agreeing} of {best.compared} values agree"
    text += f", {best.distinct} different" if best.distinct else f", {best.changes} changes followed"
    text += f", correlation {best.correlation:.3f}" if best.correlation is not None else ""
    return f"{text}; {best.chance * 100:.0f} % would by chance"


def question(result: Result, best: Candidate) -> str:
    """What is asked before a candidate is accepted."""
    doubt = "" if best.strength is Strength.STRONG else " (weak)"
    return f"accept {result.key} of {result.subject.id} = {best.meaning}{doubt}? [y/N] "


def document(analysis: Analysis) -> dict[str, Any]:
    """The same for machines."""
    return {
        "quantities": [
            {
                "device": result.subject.id,
                "kind": result.subject.kind,
                "quantity": result.key,
                "values": result.values,
                "distinct": result.distinct,
                "why": result.why or None,
                "candidate": None if result.best is None else _candidate(result.best),
                "rivals": [] if result.best is None else [_candidate(rival) for rival in result.best.rivals],
            }
            for result in analysis.results
        ],
        "unexplained": [
            {"unit": place.unit, "table": place.table, "address": place.address, "changes": count}
            for place, count in analysis.unexplained.most_common()
        ],
        "constant": analysis.constant,
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    meaning = one.meaning
    return {
        "strength": one.strength,
        "unit": meaning.place.unit,
        "table": meaning.place.table,
        "address": meaning.place.address,
        "type": meaning.type,
        "word_order": meaning.word_order,
        "scale": meaning.scale,
        "offset": meaning.offset,
        "bit": meaning.bit,
        "texts": {str(raw): text for raw, text in meaning.texts},
        "agreeing": one.agreeing,
        "compared": one.compared,
        "distinct": one.distinct,
        "changes": one.changes,
        "correlation": one.correlation,
        "chance": one.chance,
        "bits": round(one.bits, 1),
        "doubts": one.doubts,
        "twins": [str(twin) for twin in one.twins],
    }
