"""What was read of each unit becomes readings. Pure but for the memory; time is a parameter.

Register maps and what a unit says of itself in SunSpec give the values; they and what is known of unit numbers give
the kind of device. A unit counts after so many answers (`Place.enough`), and yields a device only when its kind is
known or it has a value: noise makes no devices. A reading holds only what was read since the last one, so that an old
value is never taken for a new one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pvsmqtt.modbus import mapfile
from pvsmqtt.modbus.block import RegisterBlock, Table
from pvsmqtt.modbus.image import Images
from pvsmqtt.modbus.mapfile import RegisterMap
from pvsmqtt.model.device import LABELS, Device, Kind
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import Reading, Value
from pvsmqtt.sources.register_units.chains import Chains

BROADCAST = 0
MOST_WRITTEN = 20


@dataclass(slots=True)
class Heard:
    """One unit: how often it answered, and what was told of it."""

    answers: int = 0
    news_since: float = math.inf
    """When the first block came that was not told yet."""
    told: float = -math.inf
    """Everything that was heard until then was told."""
    published: float = -math.inf
    last: float = -math.inf
    """When it was heard last."""
    device: Device | None = None
    sunspec: frozenset[str] = frozenset()
    """Quantities that it told of itself the last time."""
    written: dict[tuple[Table, int], tuple[tuple[int, ...], float]] = field(default_factory=dict)
    """What the master wrote last, by table and address, and when."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the units stand: name of the source, id of the line, site, and for how long values hold."""

    source: str
    line: str
    site: str
    stale_after: float
    interface: str = "rtu"
    """One of `pvsmqtt.model.device.FIRST_HAND`."""
    known: Mapping[int, Kind] = field(default_factory=dict)
    """Kinds that certain units mostly are."""
    maker: str | None = None
    """Of units that are what they mostly are."""
    enough: int = 1
    """Answers that make a unit."""


class Decoder:
    """The units of one line."""

    def __init__(
        self,
        place: Place,
        images: Images,
        maps: Sequence[RegisterMap],
        chains: Chains,
        ordered: Mapping[int, Kind],
    ) -> None:
        self.units: dict[int, Heard] = {}
        self._place = place
        self._images = images
        self._maps = maps
        self._chains = chains
        self._ordered = ordered

    def take(self, block: RegisterBlock, changed: Sequence[int]) -> None:
        """Something was read or written; its registers are in the images already, ``changed`` are those with a new
        value."""
        if block.unit == BROADCAST:
            return  # it is about nobody in particular
        unit = self.units.setdefault(block.unit, Heard())
        unit.answers += 1
        unit.news_since = min(unit.news_since, block.when)
        if block.also is not None:
            self._note_written(unit, block.also)
            self._chains.take(block.unit, block.also.table, _span(block.also), block.when)
        self._note_written(unit, block)
        self._chains.take(block.unit, block.table, changed, block.when)

    def due(self, now: float, interval: float, patience: float = 0.0) -> list[int]:
        """Units that have had news for ``patience`` seconds and were not told of for ``interval``."""
        return [
            number
            for number, unit in self.units.items()
            if self._counts(number) and now >= max(unit.published + interval, unit.news_since) + patience
        ]

    def reading(self, number: int, now: float, moment: Callable[[float], datetime]) -> Reading | None:
        """What a unit has told since the last time; None while it is nobody in particular.

        Args:
            number: the unit.
            now: the time of the clock that the blocks have.
            moment: the wall clock's time of such a time.
        """
        unit = self.units[number]
        values, newest = self._of_itself(number, unit, now)
        mapped: Kind | None = None
        for decoded in self._decoded(number):
            mapped = decoded.entry.kind or mapped
            if decoded.entry.quantity is not None and decoded.when > unit.told:
                values[decoded.entry.quantity] = decoded.value
                newest = max(newest, decoded.when)
        told = self._chains.kind(number)
        ordered, known = self._ordered.get(number), self._place.known.get(number)
        kind = ordered or mapped or told or known or (Kind.OTHER if values else None)
        heard = newest if newest > unit.told else unit.last
        unit.news_since, unit.told, unit.published = math.inf, now, now
        if kind is None:
            return None
        unit.device = self._device(number, kind)
        return Reading(
            unit.device,
            values,
            self._place.source,
            measured_at=moment(heard),
            age=max(0.0, now - heard),
            valid_for=self._place.stale_after,
        )

    def _of_itself(self, number: int, unit: Heard, now: float) -> tuple[dict[str, Value], float]:
        """What a unit tells in SunSpec, if anything of it is news: all of it together, for one point gives another
        its sign. What it told before and is too old by now is unknown, unless it holds."""
        values, newest = self._chains.values(number, now, self._place.stale_after)
        if newest <= unit.told:
            return {}, newest
        aged = {key: None for key in unit.sunspec - values.keys() if not QUANTITIES[key].holds}
        unit.sunspec = frozenset(values)
        return {**values, **aged}, newest

    def known(self) -> tuple[int, int]:
        """Registers whose meaning is known, and registers that nobody has described, of all units that count."""
        total = unknown = 0
        for (number, table), image in self._images.items():
            if self._counts(number):
                total += len(image)
                unknown += len(self.unknown(number, table))
        return total - unknown, unknown

    def unknown(self, number: int, table: Table) -> list[int]:
        """Addresses of a table of which nobody knows what they mean."""
        described = self._chains.addresses(number) if table is Table.HOLDING_REGISTERS else frozenset()
        return mapfile.unknown(self._maps, number, table, self._images[number, table], described)

    def _counts(self, number: int) -> bool:
        unit = self.units.get(number)
        return unit is not None and unit.answers >= self._place.enough

    def decoded(self, number: int, table: Table) -> list[mapfile.Decoded]:
        """What the maps say of a table of a unit."""
        image = self._images.get((number, table))
        return [] if image is None else mapfile.decode(self._maps, number, table, image)

    def _decoded(self, number: int) -> Iterator[mapfile.Decoded]:
        for table in Table:
            yield from self.decoded(number, table)

    def _device(self, number: int, kind: Kind) -> Device:
        place = self._place
        device = Device(
            f"{place.line}_{number}",
            kind,
            f"{LABELS[kind]} {place.line} {number}",
            manufacturer=place.maker if kind is place.known.get(number) else None,
            via=place.line,
            site=place.site,
            modbus_unit=number,
            interface=place.interface,
        )
        told: dict[str, str] = {}
        for table in Table:
            if (image := self._images.get((number, table))) is not None:
                told.update(mapfile.facts(self._maps, number, image, table))
        return replace(device, **told | self._chains.facts(number))  # type: ignore[arg-type]

    @staticmethod
    def _note_written(unit: Heard, block: RegisterBlock) -> None:
        unit.last = max(unit.last, block.when)
        if block.written:
            unit.written.pop((block.table, block.address), None)
            unit.written[block.table, block.address] = (block.registers, block.when)
            if len(unit.written) > MOST_WRITTEN:
                del unit.written[next(iter(unit.written))]


def _span(block: RegisterBlock) -> range:
    return range(block.address, block.address + len(block.registers))
