"""Ids of devices, the same whichever way a PVS is read: entities hang on them for ever."""

from __future__ import annotations

from collections.abc import Iterable

from pvsmqtt.model.device import BRIDGE_ID, SITE_ID, Kind, slug

Key = tuple[Kind, str]
"""Kind and slug of the serial number."""

LONGEST_SERIAL = 128


def no_serial(serial: str | None) -> bool:
    """Whether this names nobody: nothing, only zeros, or more than any serial number has. A ghost inverter has such
    one (``n/a``: ha-esunpower 2026.08.1)."""
    return serial is None or not slug(serial).replace("_", "").strip("0") or len(serial) > LONGEST_SERIAL


def ids(keys: Iterable[Key], taken: Iterable[str] = ()) -> dict[Key, str]:
    """An id for each device: the slug of its serial number. Two kinds of device may bear one serial: the first keeps
    the plain slug, the others append their kind. ``taken`` are ids that others have."""
    found: dict[Key, str] = {}
    used = {SITE_ID, BRIDGE_ID, *taken}
    for kind, serial in keys:
        name = serial
        while name in used:
            name = f"{name}_{kind.value}"
        found[kind, serial] = name
        used.add(name)
    return found
