"""What is wanted behind a door: which units, which languages, and what the registers of a maker mean.

Where nobody speaks anything but SunSpec, maps are about what a unit has beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pvsmqtt.modbus.mapfile import RegisterMap, of_product
from pvsmqtt.model.device import Kind
from pvsmqtt.sources.modbus_master.survey import Language, Unit
from pvsmqtt.sources.register_units.word_order import Order


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a table of the configuration asks for."""

    units: tuple[int, ...]
    """Numbers that were ordered; none: ``usual`` ones are tried."""
    usual: tuple[int, ...]
    languages: tuple[Language, ...]
    maps: tuple[RegisterMap, ...] = ()
    everything: bool = False
    """Also registers that no equipment is known to fill."""
    order: Order = "auto"
    kinds: Mapping[int, Kind] = field(default_factory=dict)
    """What certain units are, whatever they say."""

    def wants(self, unit: Unit) -> bool:
        """Whether a unit that answered, or did before the configuration was another one, is to be read."""
        if (self.units and unit.number not in self.units) or unit.language not in self.languages:
            return False
        return unit.language is Language.SUNSPEC or bool(self.maps_of(unit))

    def maps_of(self, unit: Unit, found: object = None) -> Sequence[RegisterMap]:
        """The maps that explain a unit, in the order of words that was ordered, or else ``found``. What is read only
        because it lies between others is explained, but not published."""
        if unit.language is Language.SUNSPEC and Language.NATIVE in self.languages:
            return []  # the maps are about another port
        order = self.order if self.order != "auto" else found
        maps = of_product(self.maps, unit.number, unit.product)
        its_own = [one.for_unit(unit.number) for one in maps if any(unit.number in e.units for e in one.entries)]
        if not self.everything:
            its_own = [one.of_live() for one in its_own]
        return [one.with_word_order("little") for one in its_own] if order == "little" else its_own
