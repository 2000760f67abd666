"""One unit that is asked: what to read of it, and how it goes. Nothing is read here."""

from __future__ import annotations

import math
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
from pvsmqtt.sources.modbus_master.refusal import Refused
from pvsmqtt.sources.modbus_master.survey import Unit

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
    doubtful: list[tuple[Plan, Span]] = field(default_factory=list)
    """What it could not tell, though it may be there: left out until the next look at it."""
    _failures: int = 0

    def plan(self, table: Table, spans: Iterable[Span], walls: Iterable[int], learned: object) -> Plan:
        """The plan for these spans; a new one goes on with what the old one, or an earlier run, has ``learned``."""
        found = Plan(spans, walls)
        old = self.plans.get(table)
        if old is not None and old.same(found):
            return old
        found.restore(old.document() if old is not None else learned)
        self.plans[table] = found
        return found

    def admit_again(self) -> None:
        """What it could not tell is asked for again."""
        for plan, span in self.doubtful:
            plan.admit(span)
        self.doubtful = []

    def good(self, now: float) -> None:
        """All was told."""
        self.told, self.trouble, self._failures, self.rest_until = now, None, 0, -math.inf

    def bad(self, refused: Refused, now: float) -> None:
        """It did not answer: it is left alone for a while, longer each time."""
        self.trouble = refused
        self.rest_until = now + min(LONGEST_REST, FIRST_REST * 2.0 ** min(self._failures, 10))
        self._failures += 1

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
