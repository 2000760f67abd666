"""Units that describe themselves: their SunSpec chains, learned from whatever is read of them, and remembered.

One view for the holding registers of each unit. What a view has learned is written down when it changes, so that
values are there again after a restart, before anybody walks the chain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.image import Images
from pvsmqtt.modbus.sunspec import ModelAt, Point, SunSpecView
from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import Value
from pvsmqtt.sources import sunspec_readings
from pvsmqtt.sources.memory import Memory


class Chains:
    """All views of one line. ``describes`` is whether a unit is taken to describe itself at all; ``pins`` are models
    that are known to stand somewhere, by unit."""

    def __init__(
        self,
        images: Images,
        memory: Memory,
        describes: Callable[[int], bool] = lambda _: True,
        pins: Mapping[int, Sequence[ModelAt]] | None = None,
    ) -> None:
        self._images = images
        self._memory = memory
        self._describes = describes
        self._pins = pins or {}
        self._views: dict[int, SunSpecView] = {}

    def take(self, unit: int, table: Table, changed: Sequence[int], now: float) -> None:
        """Registers of a unit were heard; ``changed`` are those with a new value."""
        image = self._images.get((unit, table))
        if table is not Table.HOLDING_REGISTERS or image is None or not self._describes(unit):
            return
        view = self._views.get(unit)
        if view is None:
            view = self._views[unit] = SunSpecView(image, self._pins.get(unit, ()))
            view.restore(self._memory.table("sunspec").get(str(unit)))
            changed = tuple(image)
        if changed:
            self._refresh(unit, view, changed, now)

    def values(self, unit: int, now: float, within: float) -> tuple[dict[str, Value], float]:
        """What a unit tells of itself that was heard ``within`` so many seconds, and when the newest of it was heard
        (−∞: there is nothing)."""
        view = self._views.get(unit)
        if view is None:
            return {}, -math.inf
        self._refresh(unit, view, (), now)
        points = list(view.points(now, within))
        _, values = sunspec_readings.readings(points)
        kind = sunspec_readings.kind(model.model for model in view.chain)
        if kind is not Kind.OTHER and kind is not self.kind(unit):
            self._memory.set("kinds", {**self._memory.table("kinds"), str(unit): kind.value})
        return values, max((point.when for point in points), default=-math.inf)

    def kind(self, unit: int) -> Kind | None:
        """What kind of device a unit said to be, now or before the restart."""
        known = self._memory.table("kinds").get(str(unit))
        return next((kind for kind in Kind if kind == known and unit in self._views), None)

    def facts(self, unit: int) -> dict[str, str]:
        """Who a unit says it is, by the names of the fields of `Device`."""
        view = self._views.get(unit)
        return sunspec_readings.facts(view.identity) if view else {}

    def chain(self, unit: int) -> tuple[ModelAt, ...]:
        """The models of a unit, as far as they are known."""
        view = self._views.get(unit)
        return view.chain if view else ()

    def points(self, unit: int) -> Iterator[Point]:
        """Everything that a unit tells of itself, however old."""
        view = self._views.get(unit)
        return iter(()) if view is None else view.points()

    def addresses(self, unit: int) -> frozenset[int]:
        """Holding registers whose meaning is known by SunSpec."""
        view = self._views.get(unit)
        return view.addresses() if view else frozenset()

    def report(self, unit: int) -> list[str]:
        """The chain of a unit for people: ``102 at 40070 (confirmed)``."""
        view = self._views.get(unit)
        return [f"{model.model} at {model.address} ({model.basis})" for model in view.chain] if view else []

    def _refresh(self, unit: int, view: SunSpecView, changed: Sequence[int], now: float) -> None:
        before = view.identity
        if view.refresh(now, changed) or view.identity != before:
            known: dict[str, Any] = self._memory.table("sunspec")
            if view.chain or str(unit) in known:
                self._memory.set("sunspec", {**known, str(unit): view.document()})
