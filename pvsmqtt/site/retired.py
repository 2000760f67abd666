"""Devices that are gone for good: their owner says so, or it is found out.

An inverter that breaks is exchanged for one with another serial number; the old one is silent for ever. It is found
to be retired when it was silent on `DAYS` days on which most other inverters of its supervisor spoke, and a new one
has come since it spoke last. It keeps its history and its place in the totals, but nothing waits for it any more.
When it speaks, it is back.

`look` is given the states of a house; the days are days of UTC, for it only counts them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import DeviceState
from pvsmqtt.site.registry import Known, Registry
from pvsmqtt.site.wishes import Wishes

RETIRED, FIRST, LAST, MISSED = "retired", "first day", "last day", "days missed"
"""Facts: since when it is gone, as found out; the days on which an inverter spoke for the first and the last time; on
how many days since it did not, while the others did."""

DAYS = 3
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
                if state.live:
                    self._spoke(state, today)
            spoken = sum(self._registry[s.key].facts.get(LAST) == today.isoformat() for s in panels)
            if self._days.get(site) != today and 2 * spoken >= len(panels):
                self._days[site] = today
                self._find(panels, today)
        return self.gone(panels)

    def gone(self, states: Iterable[DeviceState]) -> set[str]:
        """Those of them that are known to be gone, by id."""
        return {s.key for s in states if retired(self._registry[s.key], self._wishes)}

    def _spoke(self, state: DeviceState, today: date) -> None:
        facts = self._registry[state.key].facts
        self._registry.learn(state.key, LAST, today.isoformat())
        self._registry.unlearn(state.key, MISSED)
        if FIRST not in facts:
            self._registry.learn(state.key, FIRST, today.isoformat())
        if RETIRED in facts:
            self._registry.unlearn(state.key, RETIRED)
            _log.warning("%s speaks again: it is not retired", state.device.name)

    def _find(self, panels: Sequence[DeviceState], today: date) -> None:
        """Most have spoken on this day: who has not?"""
        for state in panels:
            facts = self._registry[state.key].facts
            last = _day(facts.get(LAST))
            if last is None or RETIRED in facts or last >= today:
                continue
            missed = int(facts.get(MISSED, "0")) + 1
            self._registry.learn(state.key, MISSED, str(missed))
            others = [s for s in panels if s is not state and s.device.via == state.device.via]
            heir = next((s for s in others if self._took_over(s, state, last)), None)
            if missed >= DAYS and heir is not None:
                self._registry.learn(state.key, RETIRED, today.isoformat())
                _log.warning(
                    "%s has been silent since %s while the others spoke, and %s is new: it is taken for replaced. "
                    "Its energy stays in the totals, and nothing waits for it any more",
                    state.device.name,
                    last,
                    heir.device.name,
                )

    def _took_over(self, heir: DeviceState, gone: DeviceState, last: date) -> bool:
        """Whether it spoke for the first time since the other one did for the last, and is newer than that."""
        first, before = (_day(self._registry[s.key].facts.get(FIRST)) for s in (heir, gone))
        return first is not None and first >= last and (before is None or first > before)


def retired(entry: Known, wishes: Wishes) -> bool:
    """Whether a device is gone for good, as its owner says or as was found out."""
    return RETIRED in entry.facts or wishes.retires(entry.device)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        return None
