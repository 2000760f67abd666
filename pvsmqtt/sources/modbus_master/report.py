"""What is told of a connection itself: its device, and the details for the health topic. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import Value
from pvsmqtt.sources.modbus_master.door import Door
from pvsmqtt.sources.modbus_master.reader import Reader
from pvsmqtt.sources.modbus_master.refusal import EXCEPTIONS, Refusal
from pvsmqtt.sources.modbus_master.survey import Language
from pvsmqtt.sources.modbus_master.unit import Polled

_REFUSALS = frozenset({*EXCEPTIONS.values(), Refusal.OTHER})


def device_of(line: str, site: str, label: str, where: str) -> Device:
    """The connection as a device."""
    return Device(line, Kind.BUS, f"{label} {line}", manufacturer="pvsmqtt", model=where, site=site)


def state_of(readers: Iterable[Reader], began: bool) -> str:
    """What the connection does, in the words of the quantity ``line_state``."""
    readers = list(readers)
    units = [polled for reader in readers for polled in reader.units.values()]
    if any(polled.told is not None and polled.trouble is None for polled in units):
        return "connected"
    if not began or not readers:
        return "searching"
    return "lost" if all(reader.shut is not None for reader in readers) else "silent"


def values_of(readers: Sequence[Reader], doors: Iterable[Door], state: str) -> dict[str, Value]:
    """How the connection does; counters count from the start of this service."""
    known = [reader.decoder.known() for reader in readers]
    return {
        "line_state": state,
        "requests": sum(door.requests for door in doors),
        "timeouts": sum(reader.refused[Refusal.TIMEOUT] for reader in readers),
        "exceptions": sum(reader.refused[reason] for reader in readers for reason in _REFUSALS),
        "units_heard": len({number for reader in readers for number in reader.decoder.units}),
        "known_registers": sum(pair[0] for pair in known),
        "unknown_registers": sum(pair[1] for pair in known),
    }


def details_of(readers: Iterable[Reader], doors: Iterable[Door], now: float) -> dict[str, Any]:
    """The connection in the health topic: what a person wants to see who asks why a value is missing."""
    return {
        "doors": {door.name: _door(reader, door, now) for reader, door in zip(readers, doors, strict=True)},
    }


def _door(reader: Reader, door: Door, now: float) -> dict[str, Any]:
    sent, received = door.bytes
    return {
        "open": door.is_open,
        "language": reader.language,
        "trouble": str(reader.shut) if reader.shut else None,
        "connections": door.connects,
        "requests": door.requests,
        "bytes_sent": sent,
        "bytes_received": received,
        "refused": {reason.value: count for reason, count in reader.refused.items()},
        "units": {str(polled.unit.number): _unit(reader, polled, now) for polled in reader.units.values()},
        "absent": {str(number): refused.detail for number, refused in reader.absent.items()},
    }


def _unit(reader: Reader, polled: Polled, now: float) -> dict[str, Any]:
    unit = polled.unit
    requests = [span for plan in polled.plans.values() for span in plan.requests]
    found: dict[str, Any] = {
        "age": None if polled.told is None else round(now - polled.told, 1),
        "trouble": str(polled.trouble) if polled.trouble else None,
        "requests_per_cycle": len(requests),
        "registers_per_cycle": sum(span.length for span in requests),
        "not_there": [
            f"{span.address}-{span.end - 1}" for plan in polled.plans.values() for span in sorted(plan.refused)
        ][:20],
    }
    if unit.language is Language.SUNSPEC:
        found["sunspec"] = reader.chains.report(unit.number)
    else:
        found["product"] = unit.product
    return found
