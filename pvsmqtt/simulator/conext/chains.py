"""What stands on port 502: three units, each a SunSpec chain at 40000.

    unit 1      1 @40002 | 102 @40070                                            the gateway; more is not known
    unit 10     1 | 102 @40070 | 120 @40122 | 121 @40150 | 123 @40182 | 124 @40208 | 20001 @40234      XW Pro
    unit 230    1 | 802 @40070 | 803 @40134                                      battery management

The gateway's 102 is that of all inverters behind it, which is one. Model 1 has the serial numbers of `Serials`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pvsmqtt.simulator.pvs.house.serials import StorageSerials
from pvsmqtt.simulator.pvs.house.state import Battery, HouseState
from pvsmqtt.simulator.sunspec import storage
from pvsmqtt.simulator.sunspec.chain import Chain, Values, chain

GATEWAY, XW_PRO, BATTERY = 1, 10, 230
BATTERY_MONITOR = 190
BASE = 40000
MAKER = "SchneiderElectric"

Make = Callable[[HouseState, Battery], Values]


@dataclass(frozen=True, slots=True)
class Serials:
    """What model 1 and the native map say; nobody knows whether a real one says what the DeviceList does."""

    gateway: str
    inverter: str
    battery: str

    @classmethod
    def of(cls, serials: StorageSerials) -> Serials:
        """Those of the DeviceList."""
        return cls(serials.gateway, serials.storage_inverter, serials.bms)


MODELS: dict[int, tuple[str, dict[int, Make]]] = {
    GATEWAY: ("ConextGateway", {102: storage.inverter}),
    XW_PRO: (
        "XW6848-21",
        {
            102: storage.inverter,
            120: storage.nameplate,
            121: storage.settings,
            123: storage.controls,
            124: storage.control,
            20001: storage.vendor,
        },
    ),
    BATTERY: ("SP1", {802: storage.battery_base, 803: storage.battery_strings}),
}
"""By unit: its model in model 1, and what follows that."""


def chain_of(unit: int, state: HouseState, battery: Battery, serials: Serials) -> Chain:
    """The chain of a unit in this state."""
    name, models = MODELS[unit]
    serial = {GATEWAY: serials.gateway, XW_PRO: serials.inverter, BATTERY: serials.battery}[unit]
    common = storage.common(MAKER, name, serial, unit)
    return chain(BASE, [(1, common), *((model, make(state, battery)) for model, make in models.items())])
