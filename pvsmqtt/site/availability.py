"""What is shown of panels that are silent: as `freshness` has settled it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import DERIVED, DeviceState, Value

KEYS = ("availability", "problem")
"""What a panel has beside what it tells."""

FEEDS = dict.fromkeys(KEYS, DERIVED)


class Freshness(StrEnum):
    """The texts of ``availability``."""

    LIVE = "live"
    STALE = "stale"
    ASLEEP = "asleep"
    LOST = "lost"


def shown(at: Freshness, online: bool, values: Mapping[str, Value], counts: bool) -> tuple[bool, dict[str, Value]]:
    """Whether a panel is shown as online, and its values. One that does not count (any more) is no problem."""
    found = dict(values)
    if at is Freshness.ASLEEP:
        online = True
        found.update((key, 0.0) for key in values if _rests(key))
    problem = at is Freshness.LOST and counts
    return online, {**found, "availability": at.value, "problem": "on" if problem else "off"}


def counts(states: Iterable[DeviceState]) -> dict[str, Value]:
    """How many devices of a house have live data, and how it is with its panels, if it has any."""
    states = list(states)
    found: dict[str, Value] = {"devices_online": sum(state.live for state in states)}
    panels = [state.values for state in states if state.device.kind is Kind.INVERTER]
    if panels:
        for what in (Freshness.LIVE, Freshness.ASLEEP):
            found[f"panels_{what}"] = sum(values.get("availability") == what.value for values in panels)
        found["panels_lost"] = sum(values.get("problem") == "on" for values in panels)  # nobody looks for the others
    return found


def _rests(key: str) -> bool:
    """Whether it is 0 while a panel sleeps."""
    row = QUANTITIES[key]
    return row.device_class in ("power", "current") and not row.diagnostic
