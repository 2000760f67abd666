"""A quantity with many values: under which type, scale and offset does a register agree with it?

A value agrees when it lies between the smallest and the greatest number that the register told within the window
around its time, give or take half a step of the coarser of both: a PVS may round, or average over some seconds.

Scales are those that firmware uses: powers of ten, binary fractions, halves and fifths of a decimal, and 11 mV, by
which the supply voltages of an MIO step. Any other scale that fits is told too, but never as strong evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pvsmqtt.commands.learn import evidence, typed
from pvsmqtt.commands.learn.evidence import Candidate, Meaning, Strength
from pvsmqtt.commands.learn.series import Place

Word = int | tuple[int, int]
Span = tuple[float, float]

SCALES: tuple[tuple[float, int], ...] = (
    *((scale, 0) for scale in (1.0, 0.1, 0.01, 0.001)),
    *((scale, 1) for scale in (10.0, 100.0, 1000.0, 0.0001)),
    *((scale, 2) for scale in (0.5, 0.05, 0.25, 0.2, 0.02, 0.005, 2.0, 0.011, 0.0011, 0.11)),
    *((2.0**-power, 2) for power in (3, 4, 5, 6, 7, 8, 10)),
)
"""Scale and effort."""

OFFSETS = (-40.0, -50.0, -100.0, -273.15)
"""Of temperatures that are sent without a sign; with the plain scales only."""

HYPOTHESES: tuple[tuple[float, float, int], ...] = (
    *((scale, 0.0, effort) for scale, effort in SCALES),
    *((scale, offset, 3) for offset in OFFSETS for scale in (1.0, 0.1, 0.01)),
)
"""Scale, offset and effort."""

FLOAT_HYPOTHESES = ((1.0, 0.0, 0), (0.001, 0.0, 1), (1000.0, 0.0, 1))
FITTED_EFFORT = 9
FITTED_DISTINCT = 30
PROBES = 7
PROBES_AGREE = 5
_FLOAT_DUST = 1e-5
MOST_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Column:
    """A register (or two that follow each other) as it was around the time of each API value."""

    place: Place
    length: int
    windows: Sequence[Sequence[Word]]
    """For each API value the raw values within its window; none where it was not heard."""


def resolution(values: Sequence[float]) -> float:
    """The step in which values come: 0.1 for 121.3; 0 when they have more than four decimals."""
    for decimals in range(MOST_DECIMALS + 1):
        if all(abs(round(value, decimals) - value) < 1e-9 * max(1.0, abs(value)) for value in values):
            return float(10.0**-decimals)
    return 0.0


def candidates(values: Sequence[float], columns: Sequence[Column], signed: bool = False) -> list[Candidate]:
    """Everything that agrees with most of the values, in no order. ``signed``: the quantity can be negative."""
    step = resolution(values)
    spent = evidence.spent(len(columns) * (len(HYPOTHESES) + 1) * 2)
    found = []
    for column in columns:
        flat = list({word for window in column.windows for word in window})
        if len(flat) < evidence.LEAST_DISTINCT:
            continue
        types = _types(column.length, flat, signed)
        for type_ in types:
            found += _of_type(values, column, type_, step, spent)
    return found


def _types(length: int, words: list[Word], signed: bool) -> list[typed.Type]:
    if length == 1:
        return typed.single([word for word in words if isinstance(word, int)], signed)
    return typed.pairs([word for word in words if isinstance(word, tuple)])


def _of_type(
    values: Sequence[float], column: Column, type_: typed.Type, step: float, spent: float
) -> list[Candidate]:
    spans = [_span(type_, window) for window in column.windows]
    heard = [i for i, span in enumerate(spans) if span is not None]
    by_value = sorted(heard, key=lambda i: values[i])
    count = min(PROBES, len(by_value))
    if count < evidence.LEAST_DISTINCT:
        return []
    probes = [by_value[round(n * (len(by_value) - 1) / (count - 1))] for n in range(count)]
    found: list[Candidate] = []
    hypotheses = HYPOTHESES if type_.integer else FLOAT_HYPOTHESES
    fitted = _fitted(values, spans, step, probes)
    for scale, offset, effort in (*hypotheses, *([(fitted, 0.0, FITTED_EFFORT)] if fitted else [])):
        if effort == FITTED_EFFORT and found:
            break
        agrees = _agreement(values, spans, scale, offset, step, scale if type_.integer else 0.0)
        missed = 0
        for i in probes:
            missed += not agrees(i, i)
            if missed > count - min(PROBES_AGREE, count):
                break
        else:
            if effort == FITTED_EFFORT:
                scale = _fitted(values, spans, step, heard)
                agrees = _agreement(values, spans, scale, offset, step, scale if type_.integer else 0.0)
            meaning = Meaning(
                column.place, type_.name, type_.order, column.length, scale, offset, effort=effort + 10 * type_.words
            )
            candidate = _weighed(values, spans, heard, agrees, meaning, spent)
            if candidate is not None:
                found.append(candidate)
    return found


def _weighed(
    values: Sequence[float],
    spans: Sequence[Span | None],
    heard: Sequence[int],
    agrees: Callable[[int, int], bool],
    meaning: Meaning,
    spent: float,
) -> Candidate | None:
    yes = [i for i in heard if agrees(i, i)]
    raws = [span[0] for i in yes if (span := spans[i]) is not None]
    distinct = min(len({values[i] for i in yes}), len(set(raws)))
    agreed = set(yes)
    candidate = Candidate(meaning, [None if span is None else i in agreed for i, span in enumerate(spans)], distinct)
    if distinct < evidence.LEAST_DISTINCT or candidate.share < evidence.WEAK_SHARE:
        return None
    candidate.chance = evidence.shifted(len(heard), lambda i, j: agrees(heard[i], heard[j]))
    candidate.bits = evidence.surprise(candidate.share, candidate.chance, distinct, spent)
    if candidate.bits < evidence.WEAK_BITS:
        return None
    candidate.correlation = evidence.correlation([values[i] for i in yes], raws)
    plain = meaning.effort % 10 != FITTED_EFFORT
    if not plain and distinct < FITTED_DISTINCT:
        return None
    needed = evidence.STRONG_DISTINCT
    doubts = {
        f"only {distinct} different values, {needed} are needed": distinct < needed,
        candidate.disagreement: candidate.share < evidence.STRONG_SHARE,
        "it may be chance": candidate.bits < evidence.STRONG_BITS,
        "the scale is not a usual one": not plain,
    }
    candidate.doubts = [text for text, true in doubts.items() if true]
    candidate.strength = Strength.WEAK if candidate.doubts else Strength.STRONG
    return candidate


def _span(type_: typed.Type, window: Sequence[Word]) -> Span | None:
    numbers = []
    for word in window:
        number = type_.decode(0, word) if isinstance(word, int) else type_.decode(*typed.ordered(type_, word))
        if number is not None:
            numbers.append(number)
    return (min(numbers), max(numbers)) if numbers else None


def _agreement(
    values: Sequence[float], spans: Sequence[Span | None], scale: float, offset: float, step: float, raw_step: float
) -> Callable[[int, int], bool]:
    """``agrees(value number, window number)``."""
    tolerance = 0.51 * max(step, raw_step)

    def agrees(i: int, j: int) -> bool:
        span, value = spans[j], values[i]
        if span is None:
            return False
        slack = tolerance + _FLOAT_DUST * abs(value)
        return span[0] * scale + offset - slack <= value <= span[1] * scale + offset + slack

    return agrees


def _fitted(values: Sequence[float], spans: Sequence[Span | None], step: float, which: Sequence[int]) -> float:
    """The scale through 0 under which most of the values named lie within their spans; 0 when there is none.

    Each value allows an interval of scales; the middle of where most of them overlap is taken.
    """
    edges: list[tuple[float, int]] = []
    for i in which:
        span = spans[i]
        if span is not None and values[i] > 0 and span[0] > 0:
            edges += [((values[i] - step / 2) / span[1], -1), ((values[i] + step / 2) / span[0], 1)]
    edges.sort()
    depth = most = 0
    low = high = 0.0
    for n, (edge, closes) in enumerate(edges):
        depth -= closes
        if depth > most:
            most, low, high = depth, edge, edges[n + 1][0]
    return (low + high) / 2 if low > 1e-6 and high < 1e6 else 0.0
