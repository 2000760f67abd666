"""A quantity with few values (a relay, a fan, a word of bits): which raw value of which register goes with which?

A state that never changes proves nothing, and neither does a register that happens to be the same all the time. What
counts are changes of the API value: did the register change along, from a raw value that goes with the old state to
one that goes with the new? A word that the PVS passes on as it is (``event_history``) is tried first; otherwise each
raw value goes with the state that it was seen with most, for the register as a whole and for each of its bits alone.

Then a change counts only if it was foretold: the new raw value had been seen with that state before. Where each raw
value is seen once, any register would do.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from pvsmqtt.commands.learn import evidence
from pvsmqtt.commands.learn.evidence import Candidate, Meaning, Strength
from pvsmqtt.commands.learn.numbers import Column
from pvsmqtt.model.reading import Value

MOST_RAW = 32
"""Raw values that the code of a state can have."""

Windows = Sequence[Sequence[int]]


def candidates(values: Sequence[Value], columns: Sequence[Column]) -> list[Candidate]:
    """Every register, or bit of one, that followed the changes; in no order."""
    single = [column for column in columns if column.length == 1]
    bits = {id(column): _changing_bits(column) for column in single}
    spent = evidence.spent(sum(1 + len(found) for found in bits.values()))
    found = []
    for column in single:
        windows: Windows = column.windows  # type: ignore[assignment]
        tried = [_weighed(values, column, windows, None, spent)]
        if len(bits[id(column)]) > 1:  # of a single bit the register itself tells
            for bit in bits[id(column)]:
                one = [sorted({raw >> bit & 1 for raw in window}) for window in windows]
                tried.append(_weighed(values, column, one, bit, spent))
        found += [candidate for candidate in tried if candidate is not None]
    return found


def _weighed(
    values: Sequence[Value], column: Column, windows: Windows, bit: int | None, spent: float
) -> Candidate | None:
    raws = {raw for window in windows for raw in window}
    if len(raws) < 2:
        return None
    mapping, same = _same(values, windows, raws) if bit is None else {}, True
    if not mapping:
        mapping, same = _seen_with(values, windows), False
    if len(set(mapping.values())) < 2:
        return None
    said = [_said(window, mapping) for window in windows]
    heard = [i for i, one in enumerate(said) if one is not None]
    if 2 * len(heard) < sum(map(bool, windows)):
        return None  # it changes all the time: no state does
    known = [True] * len(values) if same else _known_before(values, windows, heard)
    changes = [(i, j) for i, j in pairwise(heard) if values[i] != values[j] and known[j]]
    followed = [(i, j) for i, j in changes if said[i] == values[i] and said[j] == values[j]]
    states = len(set(mapping.values()))
    effort = 0 if same else 2 if bit is not None else 1 if len(mapping) == states else 3
    texts = () if same else tuple(sorted((raw, str(value)) for raw, value in mapping.items()))
    meaning = Meaning(column.place, "uint16", texts=texts, bit=bit, effort=effort)
    agrees = [None if one is None else one == value for one, value in zip(said, values, strict=True)]
    candidate = Candidate(meaning, agrees, changes=len(followed))
    if not followed or candidate.share < evidence.WEAK_SHARE or len(followed) < evidence.WEAK_SHARE * len(changes):
        return None
    candidate.chance = _chance(values, said, heard, changes)
    candidate.bits = evidence.surprise(len(followed) / len(changes), candidate.chance, len(followed), spent)
    needed, missed = evidence.STRONG_CHANGES, len(changes) - len(followed)
    doubts = {
        f"only {len(followed)} changes, {needed} are needed": len(followed) < needed,
        candidate.disagreement: candidate.share < evidence.STRONG_SHARE,
        f"{missed} of {len(changes)} changes were not followed": missed > (1 - evidence.STRONG_SHARE) * len(changes),
        "it may be chance": candidate.bits < evidence.STATE_BITS,
    }
    candidate.doubts = [text for text, true in doubts.items() if true]
    candidate.strength = Strength.WEAK if candidate.doubts else Strength.STRONG
    return candidate


def _same(values: Sequence[Value], windows: Windows, raws: Collection[int]) -> dict[int, Value]:
    """Each raw value for itself, where the PVS seems to pass the register on as it is; else nothing."""
    heard = [value in window for value, window in zip(values, windows, strict=True) if window]
    numbers = all(isinstance(value, int | float) for value in values)
    return {raw: raw for raw in raws} if numbers and sum(heard) >= evidence.STRONG_SHARE * len(heard) else {}


def _seen_with(values: Sequence[Value], windows: Windows) -> dict[int, Value]:
    """Raw value to the state that it was seen with most, of the windows in which the register did not change."""
    votes: dict[int, Counter[Value]] = defaultdict(Counter)
    for value, window in zip(values, windows, strict=True):
        if len(window) == 1:
            votes[window[0]][value] += 1
    if len(votes) > MOST_RAW:
        return {}
    return {raw: seen.most_common(1)[0][0] for raw, seen in votes.items()}


def _known_before(values: Sequence[Value], windows: Windows, heard: Sequence[int]) -> list[bool]:
    """For each API value, whether all raw values in its window had been seen in an earlier one."""
    known = [False] * len(values)
    seen: set[int] = set()
    for i in heard:
        known[i] = seen.issuperset(windows[i])
        seen.update(windows[i])
    return known


def _said(window: Sequence[int], mapping: Mapping[int, Value]) -> Value:
    """The state that the register tells in a window; None where it was not heard, or changed just then."""
    told = {mapping.get(raw) for raw in window}
    return told.pop() if len(told) == 1 else None


def _chance(
    values: Sequence[Value], said: Sequence[Value], heard: Sequence[int], changes: Sequence[tuple[int, int]]
) -> float:
    """The share of the changes that would have been followed at other times."""
    position = {i: number for number, i in enumerate(heard)}
    count = len(heard)
    tried = hits = 0
    for n in range(evidence.SHIFTS):
        shift = round(count * (n + 1) / (evidence.SHIFTS + 1)) % count
        if shift:
            for old, new in changes:
                then, after = (heard[(position[i] + shift) % count] for i in (old, new))
                tried += 1
                hits += said[then] == values[old] and said[after] == values[new]
    return max(hits, 0.5) / tried if tried else 1.0


def _changing_bits(column: Column) -> list[int]:
    raws = [raw for window in column.windows for raw in window if isinstance(raw, int)]
    changing = 0
    for raw in raws:
        changing |= raw ^ raws[0]
    return [bit for bit in range(16) if changing >> bit & 1]
