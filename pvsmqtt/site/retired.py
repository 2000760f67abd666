"""Devices that are gone for good: their owner says so, or it is found out.

An inverter that breaks is exchanged for one with another serial number; the old one is silent for ever. It is found
to be retired when, since it spoke last, most other inverters of its supervisor have spoken on `DAYS` days and a new
one has come. It keeps its history and its place in the totals, but nothing waits for it any more. When it speaks, it
is back.

`look` is given the states of a house; the days are days of UTC, for it only counts them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime

from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import DeviceState
from pvsmqtt.site.registry import Registry
from pvsmqtt.site.wishes import Wishes

RETIRED, FIRST, LAST = "retired", "first day", "last day"
"""Facts: since when it is gone, as found out; the days on which an inverter spoke for the first and the last time."""

DAYS = 3
"""Days on which the others spoke, after the last one of the device."""

FIRST_YEAR = 2020

_log = logging.getLogger(__name__)


class Retirement:
    """Finds out who is gone. What it knows stands in the registry."""

    def __init__(self, registry: Registry, wishes: Wishes) -> None:
        self._registry, self._wishes = registry, wishes
        self._days: dict[str, date] = {}

    def look(self, site: str, states: Sequence[DeviceState], wall: datetime) -> set[str]:
        """The devices of a house that are gone, by id."""
        panels = [state for state in states if state.device.kind is Kind.INVERTER]
        today = wall.date()
        if today.year >= FIRST_YEAR:
            for state in panels:
                if state.online:
                    self._spoke(state, today)
            if self._days.get(site) != today:
                self._days[site] = today
                self._find(panels, today)
        return {s.key for s in panels if RETIRED in self._registry[s.key].facts or self._wishes.retires(s.device)}

    def _spoke(self, state: DeviceState, today: date) -> None:
        facts = self._registry[state.key].facts
        self._registry.learn(state.key, LAST, today.isoformat())
        if FIRST not in facts:
            self._registry.learn(state.key, FIRST, today.isoformat())
        if RETIRED in facts:
            self._registry.unlearn(state.key, RETIRED)
            _log.warning("%s speaks again: it is not retired", state.device.name)

    def _new_since(self, state: DeviceState, day: date) -> bool:
        """Whether an inverter spoke for the first time on this day or later."""
        first = _day(self._registry[state.key].facts.get(FIRST))
        return first is not None and first >= day

    def _find(self, panels: Sequence[DeviceState], today: date) -> None:
        for state in panels:
            facts = self._registry[state.key].facts
            last = _day(facts.get(LAST))
            if last is None or RETIRED in facts or state.online or (today - last).days <= DAYS:
                continue
            others = [s for s in panels if s is not state and s.device.via == state.device.via]
            spoken = [day for s in others if (day := _day(self._registry[s.key].facts.get(LAST))) is not None]
            there = sum((day - last).days >= DAYS for day in spoken)
            heir = next((s for s in others if self._new_since(s, last)), None)
            if 2 * there >= len(others) > 0 and heir is not None:
                self._registry.learn(state.key, RETIRED, today.isoformat())
                _log.warning(
                    "%s has been silent since %s while the others spoke, and %s is new: it is taken for replaced. "
                    "Its energy stays in the totals, and nothing waits for it any more",
                    state.device.name,
                    last,
                    heir.device.name,
                )


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        return None
