"""What a flow of energy is counted by. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Way = Literal["counter", "net", "crest", "power"]
"""How a basis counts.

* ``counter``: what it tells never falls, unless it starts anew.
* ``net``: it may fall; what it rises (``sign`` 1) or falls (−1) by is counted.
* ``crest``: it wavers; what it rises above its highest by is counted.
* ``power``: W, of which the part of the ``sign`` is integrated over time.
"""

PV, IMPORT, EXPORT = "pv_energy", "grid_import_energy", "grid_export_energy"
CHARGE, DISCHARGE, LOAD = "battery_charge_energy", "battery_discharge_energy", "load_energy"
FLOWS = (PV, IMPORT, EXPORT, CHARGE, DISCHARGE, LOAD)
"""In the order in which they are counted: the load may follow from the others."""

MOST_POWER = 50.0
"""kW: more than the service of a house carries (200 A at 240 V), unless its equipment shows otherwise."""

MEASURED, ESTIMATED = "measured", "estimated"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the counters that make a basis: kWh (W, where power is integrated), ``None`` as long as it is not known;
    ``stamp`` is another one for each measurement, a tuple where it is made of several. ``expected``: the total does
    not begin before this part has told something."""

    value: float | None
    stamp: object = None
    alive: bool = True
    expected: bool = True


@dataclass(frozen=True, slots=True)
class Basis:
    """What a flow can be counted by: parts by the id of their device. ``text`` is for people.

    ``moment`` and ``lasts`` are of a power: the moment of its measurement (s, of the clock that only goes forward)
    and after how many seconds without another one nothing is known of the time between. ``most`` is what it can count
    in an hour (kW).
    """

    name: str
    text: str
    way: Way
    parts: Mapping[str, Part]
    measured: bool = True
    sign: int = 1
    moment: float = 0.0
    lasts: float = 900.0
    most: float = MOST_POWER

    @property
    def alive(self) -> bool:
        """Whether each of its parts tells something now."""
        return bool(self.parts) and all(p.alive and p.value is not None for p in self.parts.values() if p.expected)

    @property
    def known(self) -> dict[str, float]:
        """The parts that tell something."""
        return {name: part.value for name, part in self.parts.items() if part.value is not None}

    @property
    def complete(self) -> bool:
        """Whether nothing is missing that is expected."""
        expected = [part for part in self.parts.values() if part.expected]
        return bool(self.known) and all(part.value is not None for part in expected)
