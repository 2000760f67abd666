"""One unit that is asked: what to read of it, and how it goes. Nothing is read here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.mapfile import RegisterMap
from pvsmqtt.modbus.plan import Plan, Span
from pvsmqtt.modbus.sunspec import ModelAt, asking
from pvsmqtt.modbus.sunspec.definitions import COMMON, HEADER
from pvsmqtt.modbus.sunspec.points import Image
from pvsmqtt.sources import sunspec_readings
from pvsmqtt.sources.modbus_master.refusal import FINAL, Refusal, Refused
from pvsmqtt.sources.modbus_master.survey import Unit

STUBBORN = 3
"""Failures (exception 4 and the like) in succession of one request after which it is left out for a while: an XW+
fails to tell its serial number for ever, others fail while they start."""

_FAILURES = frozenset({Refusal.FAILURE, Refusal.OTHER})

FIRST_REST, LONGEST_REST = 15.0, 300.0
"""Seconds for which a unit that does not answer is left alone, at first and at most."""


@dataclass
class Polled:
    """A unit, its plans by table, and its troubles. Times are of a clock that only goes forward."""

    unit: Unit
    plans: dict[Table, Plan] = field(default_factory=dict)
    surveyed: float = -math.inf
    told: float | None = None
    """When it last told everything that was asked."""
    trouble: Refused | None = None
    rest_until: float = -math.inf
    version: str | None = None
    """Of its firmware, as it told: with another one, what it refuses is found out anew."""
    answers: int = 0
    """To what was asked of it in this cycle."""
    _failures: int = 0
    _failing: Counter[tuple[Table, Span]] = field(default_factory=Counter)

    def plan(self, table: Table, spans: Iterable[Span], walls: Iterable[int], learned: object) -> Plan:
        """The plan for these spans; a new one goes on with what the old one, or an earlier run, has ``learned``."""
        found = Plan(spans, walls)
        old = self.plans.get(table)
        if old is not None and old.same(found):
            return old
        found.restore(old.document() if old is not None else learned)
        self.plans[table] = found
        return found

    def is_final(self, refused: Refused, table: Table, span: Span) -> bool:
        """Whether this request need not be tried again as it is.

        Raises:
            Refused: the one that was given, for it is not about these registers.
        """
        if refused.reason in FINAL:
            return True
        if refused.reason not in _FAILURES:
            raise refused
        self._failing[table, span] += 1
        return self._failing[table, span] >= STUBBORN

    def answered(self, table: Table, span: Span) -> None:
        """This request was answered."""
        self.answers += 1
        if self._failing:
            self._failing.pop((table, span), None)

    def good(self, now: float) -> None:
        """All was told."""
        self.told, self.trouble, self._failures, self.rest_until = now, None, 0, -math.inf

    def bad(self, refused: Refused, now: float) -> None:
        """It did not answer: it is left alone for a while, longer each time."""
        self.trouble = refused
        self.rest_until = now + min(LONGEST_REST, FIRST_REST * 2.0 ** min(self._failures, 10))
        self._failures += 1
        if not self.answers:  # equipment that starts refuses everything: nothing is learned of that
            self.plans.clear()
            self._failing.clear()

    def become(self, unit: Unit) -> None:
        """It is another one since."""
        self.unit, self.version = unit, None
        self.plans.clear()
        self._failing.clear()

    def document(self) -> dict[str, Any]:
        """What was learned of it, fit for JSON."""
        plans = {table.value: plan.document() for table, plan in self.plans.items()}
        return {
            "version": self.version,
            "plans": {table: plan for table, plan in plans.items() if any(plan.values())},
        }


def native_spans(maps: Iterable[RegisterMap], unit: int, everything: bool) -> dict[Table, list[Span]]:
    """What the maps describe of this unit: what is live on equipment, or ``everything``."""
    found: dict[Table, list[Span]] = {}
    for one in maps:
        for entry in one.entries:
            if unit in entry.units and entry.table in _READABLE and (everything or entry.live):
                found.setdefault(entry.table, []).append(Span(entry.address, entry.length))
    return found


def sunspec_spans(image: Image, chain: Iterable[ModelAt]) -> tuple[list[Span], list[int]]:
    """What is published of this chain, and the addresses at which a request ends: that of each model."""
    spans: list[Span] = []
    walls: list[int] = []
    for model in chain:
        walls += (model.address, model.end)
        if sunspec_readings.tells(model.model):
            spans += asking.spans(image, model, partial(sunspec_readings.wants, model.model))
    return spans, walls


def identity_span(chain: Iterable[ModelAt]) -> Span | None:
    """Model 1 as a whole: who it is."""
    return next((Span(m.address, HEADER + m.length) for m in chain if m.model == COMMON and m.length <= 120), None)


_READABLE = frozenset({Table.HOLDING_REGISTERS, Table.INPUT_REGISTERS})
