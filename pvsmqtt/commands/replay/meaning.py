"""What registers mean: map files, and units that describe themselves by SunSpec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pvsmqtt.modbus import mapfile
from pvsmqtt.modbus.block import RegisterBlock, Table
from pvsmqtt.modbus.image import Images, RegisterImage
from pvsmqtt.modbus.mapfile import RegisterMap
from pvsmqtt.modbus.sunspec import SunSpecView


class Meaning:
    """Is told of every block as it is heard: a scale factor counts only for values that came after it."""

    def __init__(self, images: Images, maps: Sequence[RegisterMap]) -> None:
        self.views: dict[int, SunSpecView] = {}
        """By unit; of holding registers."""
        self._images = images
        self._maps = maps
        self._sources = {
            id(entry): _source(one.name, entry.source or one.source) for one in maps for entry in one.entries
        }

    def take(self, block: RegisterBlock) -> None:
        """Look at what changed."""
        image = self._images.get((block.unit, block.table))
        if image is None or block.table is not Table.HOLDING_REGISTERS or not image.changed:
            return
        view = self.views.get(block.unit)
        if view is None:
            view = self.views[block.unit] = SunSpecView(image)
        view.refresh(block.when, image.changed)

    def _view(self, unit: int, table: Table) -> SunSpecView | None:
        """Units describe themselves in their holding registers alone."""
        return self.views.get(unit) if table is Table.HOLDING_REGISTERS else None

    def chain(self, unit: int, table: Table) -> list[dict[str, Any]]:
        """The models of a unit, as far as they are known."""
        view = self._view(unit, table)
        if view is None:
            return []
        return [
            {"model": at.model, "address": at.address, "length": at.length, "basis": str(at.basis)}
            for at in view.chain
        ]

    def identity(self, unit: int, table: Table) -> dict[str, Any] | None:
        """What a unit says of itself (model 1)."""
        view = self._view(unit, table)
        return view.identity._asdict() if view is not None and view.identity is not None else None

    def guesses(self, unit: int, table: Table) -> list[dict[str, Any]]:
        """Models that a unit looks to have, though nobody heard it say so: for a person to judge. Costly."""
        view = self._view(unit, table)
        if view is None:
            return []
        return [
            {"model": one.model, "address": one.address, "length": one.length, "score": one.score}
            for one in view.guesses
        ]

    def decoded(self, unit: int, table: Table) -> list[dict[str, Any]]:
        """Values with their name and where the name comes from, by address."""
        image = self._images[unit, table]
        found = [
            {
                "address": one.entry.address,
                "name": one.entry.name,
                "value": one.value,
                "raw": one.raw,
                "unit": one.entry.unit,
                "when": round(one.when, 6),
                "from": self._sources.get(id(one.entry)) or None,
            }
            for one in mapfile.decode(self._maps, unit, table, image)
        ]
        view = self._view(unit, table)
        for point in view.points() if view is not None else ():
            name = f"{point.group}.{point.name}" if point.group else point.name
            found.append(
                {
                    "address": point.address,
                    "name": name,
                    "value": point.value,
                    "raw": point.raw,
                    "unit": point.units,
                    "when": round(point.when, 6),
                    "from": f"SunSpec model {point.model} ({point.basis})",
                }
            )
        return sorted(found, key=lambda one: one["address"])

    def unknown(self, unit: int, table: Table, image: RegisterImage) -> list[int]:
        """Addresses that nothing explains."""
        view = self._view(unit, table)
        return list(mapfile.unknown(self._maps, unit, table, image, view.addresses() if view else frozenset()))


def _source(name: str, source: str) -> str:
    return source if name in source else f"{name}: {source}"
