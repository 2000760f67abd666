"""Serial numbers that exist nowhere, in the form of real ones; the same seed gives the same equipment."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class StorageSerials:
    """Of a SunVault. The names of parts contain each other, as in a DeviceList of 2022 with a battery."""

    hub_plus: str
    ess_hub: str
    pv_disconnect: str
    gateway: str
    storage_inverter: str
    bms: str
    batteries: tuple[str, ...]
    ess: str
    mac_address: str


@dataclass(frozen=True, slots=True)
class Serials:
    """Of everything in a house: 19 characters the supervisor, 14 the meters, 15 the inverters."""

    supervisor: str
    production_meter: str
    consumption_meter: str
    inverters: tuple[str, ...]
    panid: int
    storage: StorageSerials


def invent(seed: int, panels: int) -> Serials:
    """Serial numbers of a house; those of the first panels do not depend on the number of panels."""
    random = Random(f"serials {seed}")
    year_week = f"{random.randint(17, 21)}{random.randint(1, 52):02}"
    meter = f"PVS6M{year_week}{random.randrange(10**4):04}"
    supervisor = f"ZT{year_week}85{random.randrange(10**6):06}"
    supervisor += f"{random.choice('ACE')}{random.randrange(10**4):04}"
    panid = random.randrange(10**9, 2**32)
    hub_plus, ess_hub, pv_disconnect = (f"SY{number:017X}" for number in _distinct(random, 16**16, 3))
    gateway = f"BC{random.randrange(10**10):010}"
    xw_pro = f"{random.randrange(10**4):05}ABC{random.randrange(10**4):04}"
    storage = StorageSerials(
        hub_plus=hub_plus,
        ess_hub=ess_hub,
        pv_disconnect=pv_disconnect,
        gateway=gateway,
        storage_inverter=xw_pro,
        bms=f"{gateway}{random.randrange(10**8):08}",
        batteries=tuple(f"M00{number:06}A{number % 10**4:04}" for number in _distinct(random, 10**6, 2)),
        ess=f"{xw_pro}_{hub_plus.removeprefix('SY')}",
        mac_address="02:" + ":".join(f"{random.randrange(256):02x}" for _ in range(5)),
    )
    inverters = tuple(f"E0012{year_week}{number:06}" for number in _distinct(random, 10**6, panels))
    return Serials(supervisor, f"{meter}p", f"{meter}c", inverters, panid, storage)


def _distinct(random: Random, below: int, count: int) -> list[int]:
    """Different numbers; asking for more of them keeps the first ones."""
    numbers: dict[int, None] = {}
    while len(numbers) < count:
        numbers[random.randrange(below)] = None
    return list(numbers)
