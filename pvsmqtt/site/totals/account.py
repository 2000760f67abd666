"""One flow of energy of one house: a total that only rises. Pure: time is a parameter.

The total belongs to the house; what equipment counts is only looked at for how much it grew. Rules:

* What a counter shows below what it showed, or so much above that the house cannot make it in the time (`MARGIN`),
  counts when it was measured `CONFIRMATIONS` times and goes on from there: then it has started anew, or is another
  one. Nothing is added for the way there; a counter that starts near 0 counts from 0.
* The counters of the other bases are remembered as they were when the one in use last moved. If it stands still while
  they counted `LAG` kWh, in `PATIENCE` or longer, it is dead: another one goes on from there. A measured total never
  becomes an estimated one that way.
* A basis that is better than the one in use takes over when it has counted in three looks.
* What only follows from the other flows waits `LAST_RESORT` for a counter before it begins.
* A counter that joins later counts from its first reading, or from 0 if that is next to nothing, as a new one's is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pvsmqtt.site.totals.basis import Basis, Part
from pvsmqtt.site.totals.record import Anchor, Record
from pvsmqtt.site.totals.suspect import Suspect, allowed, measured, positive_area

CONFIRMATIONS = 3
SPELLING, SPELLING_SHARE = 0.05, 2e-6
"""kWh, and the share of itself, by which a counter may seem to fall through rounding."""

NEW = 5.0
"""kWh up to which a counter that joins is taken for a new one, all of which was counted here."""

LAG, PATIENCE = 5.0, 3 * 3600.0
WAIT = 24 * 3600.0
"""Seconds for which a total waits for counters that are known to be there and have told nothing yet."""

LAST_RESORT = 900.0
"""Seconds for which what follows from the other flows waits for a counter before it begins, at 0: live data come
later than the first poll, and what begins can never jump to what was counted before."""

PROOF = 3
OUTAGE = 3600.0
"""Seconds after which a net counter that comes back is noted as a gap: flows both ways have cancelled in it."""


@dataclass(slots=True)
class Account(Record):
    """The count of one flow."""

    def look(self, bases: Sequence[Basis], wall: datetime, whole: bool = True) -> None:
        """Take what each basis shows now; the best one first. ``whole``: all that there is of the house is among
        them, so that what is missing is gone."""
        present = [basis for basis in bases if basis.parts]
        if self.total is None or (self.untold and self._has_better(present)):
            self._begin(present, wall)
            return
        active = next((basis for basis in present if basis.name == self.basis), None)
        if active is None:
            if whole:
                self._replace(present, wall)
            return
        self._absent = None
        if active.alive:
            self.seen = wall
        gain = self._advance(active, wall, whole)
        self._add(gain, wall)
        others = [basis for basis in present if basis is not active]
        for basis in others:
            if gain > 0 or basis.name not in self._anchors:
                self._remember(basis, wall)
        self._rise(present[: present.index(active)], wall)
        if self.basis == active.name and gain <= 0:
            self._fall(active, others, wall)
        if self.basis == active.name:
            self.text, self.measured = active.text, active.measured

    def _has_better(self, present: Sequence[Basis]) -> bool:
        """Whether there is a counter by now, better than what it began with."""
        return bool(present) and present[0].name != self.basis and present[0].way == "counter" and present[0].complete

    def _begin(self, present: Sequence[Basis], wall: datetime) -> None:
        seconds = wall.timestamp()
        self._waiting = seconds if self._waiting is None else min(self._waiting, seconds)
        waited = seconds - self._waiting
        patient = waited < WAIT
        for basis in present:
            early = basis.way == "crest" and waited < LAST_RESORT
            if (basis.complete and not early) or (basis.known and not patient):
                self._take(basis, wall)
                self.total = sum(basis.known.values()) if basis.way == "counter" else 0.0
                self.since = self.at = self.seen = wall
                self._waiting = None
                self.confirmed = basis.way in ("counter", "crest")
                self.ceiling = None if basis.way == "counter" else 0.0
                self._first = {name: part.stamp for name, part in basis.parts.items()}
                missing = sorted(basis.parts.keys() - basis.known.keys())
                if missing:
                    self.note(wall, "incomplete", f"begins without {', '.join(missing)}, which told nothing in a day")
                break
            if patient:
                break
        for basis in present:
            if basis.name != self.basis:
                self._remember(basis, wall)

    def _take(self, basis: Basis, wall: datetime) -> None:
        """Count by this basis from here on."""
        self.basis, self.text, self.measured = basis.name, basis.text, basis.measured
        self._sample = self._absent = None
        self._suspects.clear()
        self._joint.clear()
        self._proof.clear()
        self._anchors.pop(basis.name, None)
        self._remember(basis, wall)

    def _remember(self, basis: Basis, wall: datetime) -> None:
        if basis.way == "power":
            if basis.name == self.basis and basis.complete:
                self._sample = (basis.moment, sum(basis.known.values()) * basis.sign)
            return
        anchors = self._anchors.setdefault(basis.name, {})
        anchors.update({name: (value, measured(basis.parts[name], wall)) for name, value in basis.known.items()})
        stamps = {name: part.stamp for name, part in basis.parts.items()}
        self._joint.update({name: stamp for name, stamp in stamps.items() if isinstance(stamp, tuple)})

    def _add(self, gain: float, wall: datetime) -> None:
        if gain > 0:
            self.total = (self.total or 0.0) + gain
            self.at = wall

    def _advance(self, basis: Basis, wall: datetime, whole: bool) -> float:
        """How much it has counted since it was looked at."""
        if basis.way == "power":
            return self._integrate(basis, wall)
        anchors = self._anchors.setdefault(basis.name, {})
        gain, before = 0.0, set(anchors)
        self._agreed.clear()
        for name, part in basis.parts.items():
            if part.value is not None and self._moved_together(name, part):
                gain += self._part(anchors, basis, name, part, wall)
        if whole:
            for name in anchors.keys() - basis.parts.keys():
                del anchors[name]
        if self._saved_ceiling is not None and self.confirmed:
            caught_up = self.measured and before <= self._agreed
            self._saved_ceiling = None if caught_up else self._saved_ceiling
            self._settle_floor()
        return gain

    def _moved_together(self, name: str, part: Part) -> bool:
        """What is made of several counters counts when each of them was measured anew: else one runs ahead."""
        if not isinstance(part.stamp, tuple):
            return True
        before = self._joint.get(name)
        if before is not None and any(a == b for a, b in zip(before, part.stamp, strict=False)):
            return False
        self._joint[name] = part.stamp
        return True

    def _part(self, anchors: dict[str, Anchor], basis: Basis, name: str, part: Part, wall: datetime) -> float:
        value, seconds = part.value or 0.0, measured(part, wall)
        if name not in anchors:
            anchors[name] = (value, seconds)
            self.confirmed = True
            return self._joined(basis, name, value, wall)
        before, then = anchors[name]
        change = value - before
        if basis.way == "crest":
            if change > 0:
                anchors[name] = (value, seconds)
            self.confirmed = True
            return max(0.0, change)
        if basis.way == "counter" and -max(SPELLING, SPELLING_SHARE * before) <= change < 0:
            self._agree(name, part)
            return 0.0
        if (change >= 0 or basis.way == "net") and abs(change) <= allowed(seconds - then, basis):
            if basis.way == "net" and change and seconds - then > OUTAGE:
                self.note(
                    wall, "gaps", f"{seconds - then:.0f} s without {name}: its net {change:+.2f} kWh is counted"
                )
            anchors[name] = (value, seconds)
            self._agree(name, part)
            return max(0.0, basis.sign * change) if basis.way == "net" else change
        return self._suspect(anchors, basis, name, part, wall)

    def _agree(self, name: str, part: Part) -> None:
        """It goes on from what was known, which another measurement has told."""
        self._suspects.pop(name, None)
        self._agreed.add(name)
        self.confirmed |= name not in self._first or self._first[name] != part.stamp

    def _suspect(self, anchors: dict[str, Anchor], basis: Basis, name: str, part: Part, wall: datetime) -> float:
        value, (before, _) = part.value or 0.0, anchors[name]
        stamp = part.stamp if part.stamp is not None else value
        seen = self._suspects.get(name)
        if seen is None or not seen.goes_on(value, basis):
            seen = self._suspects[name] = Suspect(value, value)
        seen.last = value
        if stamp not in seen.stamps:
            seen.stamps.append(stamp)
        if len(seen.stamps) < CONFIRMATIONS or value == seen.first:
            return 0.0
        del self._suspects[name]
        anchors[name] = (value, measured(part, wall))
        self.confirmed = True
        self._settle_floor()
        kind = "resets" if value < before and basis.way == "counter" else "jumps"
        self.note(
            wall, kind, f"{name} went from {before:.2f} to {value:.2f} kWh; the total goes on from where it was"
        )
        grown = (value - seen.first) * basis.sign
        return value if kind == "resets" and 0 <= value <= NEW else max(0.0, grown)

    def _joined(self, basis: Basis, name: str, value: float, wall: datetime) -> float:
        if basis.way != "counter":
            return 0.0
        if 0 <= value <= NEW:
            self.note(wall, "joined", f"{name} counts from now on, from the beginning")
            return value
        self.note(wall, "joined", f"{name} counts from now on; the {value:.2f} kWh it had counted before do not")
        return 0.0

    def _integrate(self, basis: Basis, wall: datetime) -> float:
        power = sum(basis.known.values()) * basis.sign if basis.complete else None
        before = self._sample
        if power is None or (before is not None and basis.moment <= before[0]):
            return 0.0
        self._sample = (basis.moment, power)
        if before is None:
            return 0.0
        elapsed = basis.moment - before[0]
        if elapsed > basis.lasts:
            self.note(wall, "gaps", f"{elapsed:.0f} s without power: nothing is counted for them")
            return 0.0
        self.confirmed = True
        return positive_area(before[1], power, elapsed) / 3.6e6

    def _replace(self, present: Sequence[Basis], wall: datetime) -> None:
        """What it was counted by is not there; if that lasts, it is no more."""
        seconds = wall.timestamp()
        self._absent = seconds if self._absent is None else min(self._absent, seconds)
        if seconds - self._absent < PATIENCE:
            return
        heir = next((basis for basis in present if basis.complete), None)
        if heir is not None:
            self._switch(heir, wall, self._behind(heir), "is no more")

    def _fall(self, active: Basis, others: Sequence[Basis], wall: datetime) -> None:
        """Whether the basis in use is dead: another one as good counts, and it does not."""
        still = wall.timestamp() - (self.at or wall).timestamp()
        for basis in others:
            as_good = basis.way == "counter" and basis.measured >= active.measured
            if as_good and still >= PATIENCE and (lag := self._behind(basis)) >= LAG:
                self._switch(basis, wall, lag, f"stood still while {lag:.1f} kWh were counted elsewhere")
                return

    def _rise(self, better: Sequence[Basis], wall: datetime) -> None:
        """Whether a better basis counts; what it did while the one in use stood still is caught up with."""
        for basis in better:
            if not basis.alive or basis.way != "counter":
                self._proof.pop(basis.name, None)
                continue
            shown = sum(basis.known.values())
            last, moves = self._proof.get(basis.name, (shown, 0))
            moves += shown > last
            self._proof[basis.name] = (shown, moves)
            if moves >= PROOF:
                self._switch(basis, wall, self._behind(basis), "is not needed any more", good=True)
                return

    def _switch(self, heir: Basis, wall: datetime, gain: float, why: str, good: bool = False) -> None:
        old = self.text
        self._add(gain, wall)
        self._take(heir, wall)
        self._settle_floor()
        self.confirmed = self.confirmed or heir.way == "counter"
        self.note(wall, "switches", f"counted by {heir.text} from now on: {old} {why}", good)

    def _behind(self, basis: Basis) -> float:
        """What it counted since the one in use moved for the last time."""
        if basis.way not in ("counter", "crest"):
            return 0.0
        anchors = self._anchors.get(basis.name, {})
        return sum(max(0.0, value - anchors[name][0]) for name, value in basis.known.items() if name in anchors)
