"""Devices that took the place of others: nobody says so, but two cannot be there at once.

A supervisor has one meter of a kind, and one device at a unit of its bus: when it lists another one, the old one was
replaced. It counts again when it is listed again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pvsmqtt.model.device import Device, transport
from pvsmqtt.site.energy import METERS
from pvsmqtt.site.registry import Known, Registry

REPLACED = "replaced by"
"""Fact: the device that took its place."""

_log = logging.getLogger(__name__)


def retire(registry: Registry, listed: Sequence[Known]) -> set[str]:
    """Note who was replaced by one of the devices ``listed``, which supervisors told of together; the sites that add
    up to something else now."""
    sites = set()
    for new in listed:
        device, at = new.device, _seat(new.device)
        meter = device.kind in METERS and device.via is not None
        if REPLACED in new.facts:
            registry.unlearn(device.id, REPLACED)
            sites.add(device.site)
        if not meter and at is None:
            continue
        for old in list(registry.hanging_on(device.via)):
            same_meter = meter and old.device.kind is device.kind
            same_seat = at is not None and _seat(old.device) == at
            if (same_meter or same_seat) and old not in listed and REPLACED not in old.facts:
                registry.learn(old.device.id, REPLACED, device.id)
                for place in registry.places(old.device.id):
                    registry.untie(place)
                sites.add(device.site)
                where = "in the totals" if same_meter else "on its bus"
                _log.warning("%s took the place of %s %s", device.name, old.device.name, where)
    return sites


def _seat(device: Device) -> tuple[object, ...] | None:
    """What only one device can be at a time: of a kind, at a unit of a bus, as a supervisor lists it."""
    spoken = transport(device.interface)
    if spoken is None or device.modbus_unit is None or device.place is not None:
        return None
    return device.kind, device.via, device.modbus_unit, spoken
