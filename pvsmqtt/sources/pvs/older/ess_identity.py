"""Which device an entry of the storage report speaks of.

The serial numbers of the report need not be those of the DeviceList (smcneece/ha-esunpower#5), and may be empty,
but one device must stay one. In this order, and each known device once:

1. the same serial number, as slugs;
2. for an ESS, whose serial number is a concatenation that may be cut: one begins with the other, and no third does;
3. the only entry of its kind is the only known device of that kind, whatever its serial number says;
4. batteries without serial numbers, when as many are known as are listed: those left over, in their order.

What is left is a device of its own, if it has a serial number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pvsmqtt.model.device import BRIDGE_ID, SITE_ID, Device, Kind, default_name, slug
from pvsmqtt.sources.pvs.older.device_types import TYPES

_BY_BEGINNING = frozenset({Kind.ESS})
_BY_POSITION = frozenset({Kind.BATTERY})

_SHORTEST_BEGINNING = 6
"""Characters of a slug from which on a common beginning proves something."""

_MAKERS = {type_.kind: type_.maker for type_ in TYPES.values()}


def match(kind: Kind, serials: Sequence[str], known: Iterable[Device]) -> list[Device | None]:
    """The known device of this kind for each entry, ``None`` where it is none of them.

    ``serials`` are those of all entries of the kind, as slugs, empty where there is none; none comes twice.
    """
    candidates = {device.id: device for device in known if device.kind is kind}
    alone = len(serials) == 1 and len(candidates) == 1
    as_many = len(serials) == len(candidates)
    slugs = {device.id: slug(device.serial or "") for device in candidates.values()}
    free = dict(slugs)
    found: dict[int, str] = {}

    def take(position: int, device_id: str) -> None:
        found[position] = device_id
        del free[device_id]

    for position, serial in enumerate(serials):
        same = next((device_id for device_id, other in free.items() if serial and other == serial), None)
        if same is not None:
            take(position, same)
    if kind in _BY_BEGINNING:
        for position, device_id in _beginnings(serials, found, free):
            take(position, device_id)
    if alone and not found:
        take(0, next(iter(free)))
    if kind in _BY_POSITION and as_many:
        nameless = [position for position, serial in enumerate(serials) if not serial and position not in found]
        if len(nameless) == len(free):
            for position, device_id in zip(nameless, list(free), strict=True):
                take(position, device_id)
    return [candidates[found[position]] if position in found else None for position in range(len(serials))]


def _beginnings(serials: Sequence[str], found: dict[int, str], free: dict[str, str]) -> list[tuple[int, str]]:
    """Pairs of which one begins with the other, when neither begins like a third."""
    pairs = [
        (position, device_id)
        for position, serial in enumerate(serials)
        for device_id, other in free.items()
        if position not in found
        and min(len(serial), len(other)) >= _SHORTEST_BEGINNING
        and (serial.startswith(other) or other.startswith(serial))
    ]
    positions = [position for position, _ in pairs]
    devices = [device_id for _, device_id in pairs]
    return [pair for pair in pairs if positions.count(pair[0]) == 1 and devices.count(pair[1]) == 1]


def new_device(kind: Kind, serial: str, taken: Iterable[str], via: str | None, site: str) -> Device:
    """A device that no list has named. Where its slug is an id already, its kind is appended."""
    device_id, ids = slug(serial), {SITE_ID, BRIDGE_ID, *taken}
    while device_id in ids:
        device_id = f"{device_id}_{kind.value}"
    return Device(device_id, kind, default_name(kind, serial), serial, manufacturer=_MAKERS[kind], via=via, site=site)
