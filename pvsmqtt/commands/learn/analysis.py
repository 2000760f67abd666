"""All quantities of all devices: which registers of the device's own unit explain them, and what stays unknown.

A device sits on the unit that the PVS tells (``modbus_unit`` on the RTU bus), else on the one of its kind where it is
the only one. Of two registers that explain a quantity equally well neither is strong: the user has to know more than
the data do. The same for one register that explains two quantities.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from pvsmqtt.commands.learn import evidence, numbers, states
from pvsmqtt.commands.learn.evidence import Candidate, Strength
from pvsmqtt.commands.learn.history import UNITS, History, Subject, Told
from pvsmqtt.commands.learn.numbers import Column, Word
from pvsmqtt.commands.learn.series import Place, Series, together
from pvsmqtt.model.quantity import QUANTITIES

WINDOW = 15.0
"""Seconds around the time of an API value within which a register counts."""

MOST_RIVALS = 4

SIGNED_UNITS = frozenset({"°C", "W", "var", "A"})

NOT_ON_THE_LINE = frozenset({"state", "availability"})
"""What the supervisor says of a device, not the device itself."""

Progress = Callable[[str], None]


@dataclass(slots=True)
class Result:
    """What was found out about one quantity of one device."""

    subject: Subject
    key: str
    values: int
    distinct: int
    best: Candidate | None = None
    why: str = ""
    """Why there is no candidate, for people."""


@dataclass(slots=True)
class Analysis:
    """Everything that a history gives away."""

    results: list[Result] = field(default_factory=list)
    unexplained: Counter[Place] = field(default_factory=Counter)
    """Registers that changed and explain nothing, with their number of changes."""
    constant: int = 0
    """Registers that never changed: nothing can be said about them."""


def analyse(history: History, window: float = WINDOW, progress: Progress | None = None) -> Analysis:
    """Look for every quantity. Pure; takes seconds to minutes for a long history."""
    found = Analysis()
    for subject in history.subjects.values():
        told = {
            key: values
            for (device, key), values in history.told.items()
            if device == subject.id and key in QUANTITIES and key not in NOT_ON_THE_LINE
        }
        unit = unit_of(subject, history.subjects)
        registers = {place: series for place, series in history.registers.items() if place.unit == unit}
        results = []
        columns: dict[tuple[float, ...], list[Column]] = {}
        for key, values in told.items():
            if progress is not None:
                progress(f"{subject.id} {key}")
            result = Result(subject, key, len(values.values), len(set(values.values)))
            result.why = _hopeless(unit, registers, result)
            if not result.why:
                times = tuple(values.times)
                if times not in columns:
                    columns[times] = _columns(registers, times, window)
                _search(result, values, columns[times])
            results.append(result)
        _one_register_one_quantity([result for result in results if result.best is not None])
        found.results += results
    used = {
        (result.best.meaning.place.unit, result.best.meaning.place.table, address)
        for result in found.results
        if result.best is not None
        for address in result.best.meaning.addresses
    }
    for place, series in history.registers.items():
        if series.constant():
            found.constant += 1
        elif tuple(place) not in used:
            found.unexplained[place] = series.changes()
    return found


def unit_of(subject: Subject, subjects: Mapping[str, Subject]) -> int | None:
    """The unit on the line that a device is; None when that cannot be told."""
    if subject.modbus_unit is not None and _on_the_bus(subject.interface):
        return subject.modbus_unit
    alone = sum(other.kind is subject.kind for other in subjects.values()) == 1
    return UNITS.get(subject.kind) if alone else None


def _on_the_bus(interface: str | None) -> bool:
    """A PVS calls its RS-485 port ``ttymxc5``."""
    return interface is not None and (interface == "rtu" or interface.startswith("ttymxc"))


def _hopeless(unit: int | None, registers: Mapping[Place, Series[int]], result: Result) -> str:
    if unit is None:
        return "it cannot be told which unit of the line this device is"
    if not registers:
        return f"unit {unit} was not heard"
    if result.distinct < 2:
        return "it did not change: a constant proves nothing" if result.values > 1 else "the PVS told it only once"
    if all(series.constant() for series in registers.values()):
        return f"no register of unit {unit} changed"
    return ""


def _columns(registers: Mapping[Place, Series[int]], times: Sequence[float], window: float) -> list[Column]:
    """The registers that changed, and the pairs of which one did, around each time."""
    columns = []
    for place, series in sorted(registers.items()):
        changes = not series.constant()
        if changes:
            columns.append(Column(place, 1, _windows(series, times, window)))
        follower = registers.get(place._replace(address=place.address + 1))
        if follower is not None and (changes or not follower.constant()):
            columns.append(Column(place, 2, _windows(together(series, follower), times, window)))
    return columns


def _windows(
    series: Series[int] | Series[tuple[int, int]], times: Sequence[float], window: float
) -> list[list[Word]]:
    return [list(dict.fromkeys(series.within(time - window, time + window))) for time in times]


def _search(result: Result, told: Told, columns: Sequence[Column]) -> None:
    quantity = QUANTITIES[result.key]
    plain = [value for value in told.values if isinstance(value, int | float)]
    numeric = len(plain) == len(told.values)
    measured = quantity.unit is not None or result.distinct >= evidence.STRONG_DISTINCT
    if numeric and measured:
        found = numbers.candidates(plain, columns, quantity.unit in SIGNED_UNITS)
    else:
        found = states.candidates(told.values, columns)
    result.best = choose(found)
    if result.best is None:
        heard = any(any(column.windows) for column in columns)
        result.why = "nothing fits" if heard else "the line and the PVS were never heard at the same time"


def choose(found: Sequence[Candidate]) -> Candidate | None:
    """The best one, which knows its twins and rivals and is strong only when it beats them clearly."""
    ranked = sorted(found, key=lambda one: (one.strength is not Strength.STRONG, -_worth(one), _plainness(one)))
    if not ranked:
        return None
    best = ranked[0]
    for other in ranked[1:]:
        ours, theirs = evidence.against(best, other)
        same_place = best.meaning.shares(other.meaning)
        if not ours and not theirs:
            if not same_place:
                best.twins.append(other.meaning)
                _doubt_twin(best, other)
        elif not same_place and not evidence.clearly(ours, theirs):
            best.rivals.append(other)
    if best.rivals:
        _doubt(best, f"{best.rivals[0].meaning} explains nearly as much")
    del best.rivals[MOST_RIVALS:]
    return best


def _worth(candidate: Candidate) -> float:
    """The share that agrees, in steps that matter."""
    return round(candidate.share, 3)


def _plainness(candidate: Candidate) -> tuple[float, ...]:
    meaning = candidate.meaning
    return (meaning.effort, -candidate.changes, meaning.place.table == "input", meaning.place.address)


def _doubt_twin(best: Candidate, other: Candidate) -> None:
    """A register that is always twice another is another way to send the same. One that was always the same may be
    a copy, or another quantity that has not differed yet: a voltage on the other side of a closed relay."""
    mine, its = best.meaning, other.meaning
    mirrored = (mine.place.unit, mine.place.address) == (its.place.unit, its.place.address)
    if not mirrored and (its.effort == mine.effort and its.scale == mine.scale):
        _doubt(best, f"{its} cannot be told from it")


def _doubt(candidate: Candidate, text: str) -> None:
    candidate.strength = Strength.WEAK
    candidate.doubts.append(text)


def _one_register_one_quantity(results: Sequence[Result]) -> None:
    for one, two in combinations(results, 2):
        if one.best is None or two.best is None or not one.best.meaning.shares(two.best.meaning):
            continue
        ours, theirs = _of_both(one.best, two.best)
        if not evidence.clearly(ours, theirs):
            _doubt(one.best, f"{two.key} is explained by the same register")
        if not evidence.clearly(theirs, ours):
            _doubt(two.best, f"{one.key} is explained by the same register")


def _of_both(one: Candidate, two: Candidate) -> tuple[int, int]:
    """How many values each leaves unexplained: the other's, then the first's."""
    return two.compared - two.agreeing, one.compared - one.agreeing
