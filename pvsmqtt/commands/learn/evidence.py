"""What speaks for a candidate, and how surprising that would be if it were none.

Chance is measured, not assumed: the register's history is held against API values of other times (circular shifts),
which keeps what makes two strangers look alike: the same range, the same slowness. The surprise is in bits: how much
rarer such an agreement is by chance, less the bits that were spent by trying so many hypotheses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pvsmqtt.commands.learn.series import Place

SHIFTS = 24

STRONG_SHARE = 0.95
STRONG_DISTINCT = 20
"""Different values of a quantity that must have agreed."""

STRONG_CHANGES = 8
"""Changes of a state that the register must have followed."""

STRONG_BITS = 20.0
STATE_BITS = 10.0
"""Of a state: its changes are few, but each of them counts."""

WEAK_SHARE, WEAK_BITS = 0.8, 6.0
LEAST_DISTINCT = 5


class Strength(StrEnum):
    """How much a candidate is worth."""

    STRONG = "strong"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Meaning:
    """How raw registers become the quantity: a number (scale, offset), or a state (texts by raw value)."""

    place: Place
    type: str
    word_order: str = "big"
    length: int = 1
    scale: float = 1.0
    offset: float = 0.0
    texts: tuple[tuple[int, str], ...] = ()
    bit: int | None = None
    """The raw value is this bit alone."""
    effort: int = 0
    """How far-fetched: of candidates that explain equally much the plainest is taken."""

    @property
    def addresses(self) -> range:
        """The registers it is made of."""
        return range(self.place.address, self.place.address + self.length)

    def shares(self, other: Meaning) -> bool:
        """Whether both say something about the same register."""
        return (
            self.place[:2] == other.place[:2]
            and (self.bit is None or other.bit is None or self.bit == other.bit)
            and self.addresses.start < other.addresses.stop
            and other.addresses.start < self.addresses.stop
        )

    def __str__(self) -> str:
        number = self.place.address
        where = f"{number}" if self.length == 1 else f"{number}-{number + self.length - 1}"
        text = f"unit {self.place.unit} {self.place.table} {where} {self.type}"
        text += " swapped" if self.word_order == "little" else ""
        text += f" bit {self.bit}" if self.bit is not None else ""
        text += f" × {self.scale:.6g}" if self.scale != 1 else ""
        text += f" {'+' if self.offset > 0 else '−'} {abs(self.offset):g}" if self.offset else ""
        if self.texts:
            text += " " + ", ".join(f"{raw} = {said}" for raw, said in self.texts)
        return text


@dataclass(slots=True)
class Candidate:
    """A meaning with its evidence. ``agrees`` says for each API value whether the register agreed (None: it was
    not heard at that time)."""

    meaning: Meaning
    agrees: Sequence[bool | None]
    distinct: int = 0
    """Different values that agreed (numbers)."""
    changes: int = 0
    """Changes that the register followed (states)."""
    correlation: float | None = None
    chance: float = 1.0
    """The share that agrees at random."""
    bits: float = 0.0
    strength: Strength = Strength.WEAK
    doubts: list[str] = field(default_factory=list)
    """Why it is only weak, for people."""
    twins: list[Meaning] = field(default_factory=list)
    """Other meanings that agreed with exactly the same values."""
    rivals: list[Candidate] = field(default_factory=list)
    """Other registers that explain nearly as much."""

    @property
    def compared(self) -> int:
        """API values for which the register was heard."""
        return sum(one is not None for one in self.agrees)

    @property
    def agreeing(self) -> int:
        """Those of them that agreed."""
        return sum(one is True for one in self.agrees)

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.agreeing / self.compared if self.compared else 0.0

    @property
    def disagreement(self) -> str:
        """For people."""
        return f"{self.compared - self.agreeing} of {self.compared} values disagree"


def shifted(count: int, agrees: Callable[[int, int], bool]) -> float:
    """The mean share of ``agrees(value number, window number)`` when windows are those of other times; both of
    ``count``. At least half an agreement is assumed: that nothing agreed at random proves little."""
    shifts = sorted({round(count * (n + 1) / (SHIFTS + 1)) % count for n in range(SHIFTS)} - {0}) if count else []
    if not shifts:
        return 1.0
    found = sum(agrees(i, (i + shift) % count) for shift in shifts for i in range(count))
    return max(found, 0.5) / (len(shifts) * count)


def spent(hypotheses: int) -> float:
    """Bits that so many tries cost."""
    return math.log2(max(hypotheses, 1))


def surprise(share: float, chance: float, independent: int, spent: float) -> float:
    """Bits: how much rarer than by chance, for so many independent observations, less what was spent on trying."""
    if share <= chance or not independent:
        return 0.0
    bits = share * math.log2(share / chance)
    if share < 1:
        bits += (1 - share) * math.log2((1 - share) / (1 - chance))
    return independent * bits - spent


def correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Pearson's; None when one of them does not vary."""
    if len(a) < 2:
        return None
    mean_a, mean_b = math.fsum(a) / len(a), math.fsum(b) / len(b)
    ss_a, ss_b = math.fsum((x - mean_a) ** 2 for x in a), math.fsum((y - mean_b) ** 2 for y in b)
    if ss_a <= 0 or ss_b <= 0:
        return None
    both = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return max(-1.0, min(1.0, both / math.sqrt(ss_a * ss_b)))


def against(best: Candidate, other: Candidate) -> tuple[int, int]:
    """How many API values only the first explains, and how many only the second, where both were heard."""
    ours = theirs = 0
    for one, two in zip(best.agrees, other.agrees, strict=True):
        if one is not None and two is not None:
            ours += one and not two
            theirs += two and not one
    return ours, theirs


def clearly(ours: int, theirs: int) -> bool:
    """Whether that many more are no accident."""
    return ours - theirs >= 5 and ours >= 4 * theirs
