"""What the page shows of the devices: events of the bus become the documents of ``api/state``. Pure.

A device::

    {"id", "kind", "label", "name", "model", "serial", "panel", "via", "site", "sw_version", "topic", "online",
     "measured_at", "received_at", "sources",
     "values": [{"key", "name", "unit", "value", "source", "digits", "category", "mark"}, …]}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pvsmqtt.model.device import LABELS, Device, Kind
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import DeviceGone, DeviceState
from pvsmqtt.model.times import iso

ORDER = (
    Kind.SITE,
    Kind.SUPERVISOR,
    Kind.PRODUCTION_METER,
    Kind.CONSUMPTION_METER,
    Kind.METER,
    Kind.ESS,
    Kind.BATTERY,
    Kind.BMS,
    Kind.STORAGE_INVERTER,
    Kind.GATEWAY,
    Kind.HUB_PLUS,
    Kind.MIO,
    Kind.PV_DISCONNECT,
    Kind.MET_STATION,
    Kind.GROUND_CURRENT_MONITOR,
    Kind.OTHER,
    Kind.INVERTER,
    Kind.BUS,
    Kind.BRIDGE,
)
"""In which order the kinds are shown; devices of one kind stand as they became known."""

_RANK = {kind: rank for rank, kind in enumerate(ORDER)}

Topic = Callable[[Device], str]
"""The state topic of a device."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is new of one device: the name of the event, its id, and what to say."""

    event: str
    id: str
    document: dict[str, Any]


class View:
    """The devices as they are now, and when each was heard of last; times are handed in."""

    def __init__(self) -> None:
        self._states: dict[str, DeviceState] = {}
        self._received: dict[str, datetime] = {}

    def take(self, event: object, at: datetime, topic: Topic) -> Change | None:
        """Take an event of the bus; what is not about a device is none of our business."""
        if isinstance(event, DeviceState):
            if self._states.get(event.key) != event:  # who begins to listen anew is told what is known already
                self._received[event.key] = at
            self._states[event.key] = event
            return Change("device", event.key, describe(event, self._received[event.key], topic))
        if isinstance(event, DeviceGone):
            self._received.pop(event.key, None)
            if self._states.pop(event.key, None) is not None:
                return Change("gone", event.key, {"id": event.key})
        return None

    def devices(self, topic: Topic) -> list[dict[str, Any]]:
        """All of them, in `ORDER`."""
        states = sorted(self._states.values(), key=lambda state: _RANK[state.device.kind])
        return [describe(state, self._received[state.key], topic) for state in states]


def describe(state: DeviceState, received_at: datetime, topic: Topic) -> dict[str, Any]:
    """A device and its values."""
    device = state.device
    return {
        "id": device.id,
        "kind": device.kind.value,
        "label": LABELS[device.kind],
        "name": device.name,
        "model": device.model,
        "serial": device.serial,
        "panel": device.panel,
        "via": device.via,
        "site": device.site,
        "sw_version": device.sw_version,
        "topic": topic(device),
        "online": state.online,
        "measured_at": iso(state.measured_at),
        "received_at": iso(received_at.replace(microsecond=0)),
        "sources": list(state.sources),
        "values": [_value(state, key) for key in state.values],
    }


def _value(state: DeviceState, key: str) -> dict[str, Any]:
    row, mark = QUANTITIES[key], state.marks.get(key)
    return {
        "key": key,
        "name": row.name,
        "unit": row.unit,
        "value": state.values[key],
        "source": state.feeds.get(key),
        "digits": row.precision,
        "category": "diagnostic" if row.diagnostic else None,
        "mark": dict(mark) if mark else None,
    }
