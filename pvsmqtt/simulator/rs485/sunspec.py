"""Unit 10, the storage inverter: a SunSpec chain at 40000 as it was seen behind a gateway, and a battery after it.

    40000 "SunS" | 1 @40002 | 102 @40070 | 120 @40122 | 121 @40150 | 123 @40182 | 124 @40208 | 20001 @40234 |
    802 @40254 | 0xFFFF @40318

On a real SunVault these models are told over TCP, and 802 by another unit; here they are on the bus to have a chain
there. 20001 is the vendor's own model: its length is known, most of its points are not.
"""

from __future__ import annotations

from collections.abc import Callable

from pvsmqtt.simulator.pvs.house.serials import StorageSerials
from pvsmqtt.simulator.pvs.house.state import Battery, HouseState
from pvsmqtt.simulator.sunspec import storage
from pvsmqtt.simulator.sunspec.chain import Values, chain, offset

UNIT = 10
BASE = 40000

_MODELS: dict[int, Callable[[HouseState, Battery], Values]] = {
    102: storage.inverter,
    120: storage.nameplate,
    121: storage.settings,
    123: storage.controls,
    124: storage.control,
    20001: storage.vendor,
    802: storage.battery_base,
}
"""In the order of the chain, behind model 1."""

_EMPTY = chain(BASE, [(model, {}) for model in (1, *_MODELS)])

PLACES = {place.model: (place.address, place.length) for place in _EMPTY.places}
"""Model -> (address of its header, its length without the header), in the order of the chain."""

LAST = sum(PLACES[802]) + 2
"""Address of the header that ends the chain."""


def point(model: int, name: str) -> int:
    """The address of a point of a model."""
    return PLACES[model][0] + offset(model, name)


def image(state: HouseState, serials: StorageSerials) -> dict[int, int]:
    """All registers of the chain in this state of a house with a SunVault; nothing without one."""
    battery = state.battery
    if battery is None:
        return {}
    common = storage.common("Schneider Electric", "XW6848-21", serials.storage_inverter, UNIT)
    return chain(BASE, [(1, common), *((model, make(state, battery)) for model, make in _MODELS.items())]).registers
