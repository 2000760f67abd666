"""Values of the points of a model, out of an image with holes.

Rule: a point that was not heard as a whole is not there. A point that says "not implemented" has no value, and
neither has one whose scale factor is not known, is none (outside −10 to 10), or is not the one it was measured with:
a device may change its scale factors while it runs, so after a change a point waits until it is heard again. What was
heard before the device was last exchanged counts as not heard (`Scales.reset`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from pvsmqtt.modbus.sunspec.chain import Basis, ModelAt
from pvsmqtt.modbus.sunspec.definitions import ModelDefinition, PointDefinition, definition
from pvsmqtt.modbus.sunspec.layout import Placed, place, scale_factors
from pvsmqtt.modbus.values import Decoded, bit_names, decode, implemented, unsigned

LARGEST_SCALE = 10
"""Powers of ten that a scale factor may be, both ways."""


class Image(Protocol):
    """What is asked of an image: registers, and when they were heard."""

    def get(self, address: int) -> int | None:
        """A register, None while it is not known."""

    def span(self, address: int, count: int) -> tuple[int, ...] | None:
        """So many registers from there on; None unless all are known."""

    def when(self, address: int) -> float | None:
        """When a register was last heard."""

    def oldest(self, address: int, count: int) -> float | None:
        """The earliest of these times."""


class Point(NamedTuple):
    """A point of a model, as it was last heard."""

    model: int
    group: str
    """Empty for the model itself; else the way to it, ``string[2]`` or ``Crv[1].Pt[3]``, counted from 1."""
    name: str
    label: str
    value: Decoded
    """In ``units``: a number, a text, the name of an enumeration's number (else that number), names of the bits that
    are set; None: not implemented, or it cannot be scaled."""
    raw: Decoded
    """What the registers say; None: not implemented."""
    units: str | None
    basis: Basis
    when: float
    """When the oldest of its registers was heard."""
    scale_factor_when: float | None
    """When its scale factor was heard; None: it needs none, or has none."""
    address: int
    scaled: bool
    """False: it needs a scale factor that is not known."""


class Scales:
    """Scale factors by address: since when each is what it is."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._seen: dict[int, tuple[int, float]] = {}
        self._watched: frozenset[int] = frozenset()
        self.reset_at = -math.inf

    def reset(self, when: float) -> None:
        """From here on it is another device: nothing that was heard before this counts."""
        self.reset_at = max(self.reset_at, when)
        self._seen.clear()

    def watch(self, chain: Iterable[ModelAt]) -> None:
        """Follow the scale factors of these models from here on."""
        models = [(definition(model.model), model) for model in chain]
        places = (scale_factors(found, model.address, model.length) for found, model in models if found)
        self._watched = frozenset(address for some in places for address in some)
        self.changed(self._watched)

    def changed(self, addresses: Iterable[int]) -> None:
        """Take note of scale factors among these registers."""
        for address in addresses:
            if address in self._watched:
                self._note(address)

    def get(self, address: int) -> tuple[int, float, float] | None:
        """Power of ten, when it was heard, and since when it is known to be this one."""
        since = self._note(address)
        heard = self._image.when(address)
        registers = self._image.span(address, 1)
        if since is None or heard is None or registers is None:
            return None
        power = decode("sunssf", registers)
        return (power, heard, since) if isinstance(power, int) and abs(power) <= LARGEST_SCALE else None

    def _note(self, address: int) -> float | None:
        """Since when it says what it says: for ever, if it has not been seen to change. None: not heard."""
        raw, heard = self._image.get(address), self._image.when(address)
        if raw is None or heard is None or heard < self.reset_at:
            return None
        before = self._seen.get(address)
        if before is None:
            self._seen[address] = raw, -math.inf
        elif before[0] != raw:
            self._seen[address] = raw, heard
        return self._seen[address][1]


def points(image: Image, scales: Scales, model: ModelAt) -> Iterator[Point]:
    """Every point of this model that was heard; none when its definition is not known."""
    found = definition(model.model)
    for placed in place_in(image, scales, model, found) if found else ():
        point = placed.point
        if image.get(placed.address) is None:
            continue
        registers = image.span(placed.address, point.length)
        when = image.oldest(placed.address, point.length)
        if registers is None or when is None or when < scales.reset_at:
            continue
        raw = decode(point.type, registers) if implemented(point.type, registers) else None
        power, heard = _power(placed, scales, when)
        known = power is not None or point.scale is None
        yield Point(
            model.model,
            placed.group,
            point.name,
            point.label,
            _value(point, raw, registers, power or 0) if known and raw is not None else None,
            raw,
            point.units,
            model.basis,
            when,
            heard,
            placed.address,
            known,
        )


def place_in(image: Image, scales: Scales, model: ModelAt, found: ModelDefinition) -> Iterator[Placed]:
    """Where the points of this model stand, by the counts that the image tells."""

    def number(point: PointDefinition, address: int) -> int | None:
        registers = image.span(address, point.length)
        heard = image.oldest(address, point.length)
        if registers is None or heard is None or heard < scales.reset_at or not implemented(point.type, registers):
            return None
        return unsigned(registers)

    return place(found, model.address, model.length, number)


def _power(placed: Placed, scales: Scales, when: float) -> tuple[int | None, float | None]:
    """The power of ten that a point heard at ``when`` goes by, and when that was heard."""
    scale = placed.point.scale
    if not isinstance(scale, str):
        return scale, None
    address = next((names[scale] for names in placed.scales if scale in names), None)
    found = None if address is None else scales.get(address)
    if found is None:
        return None, None
    power, heard, since = found
    return (power if when >= since else None), heard


def _value(point: PointDefinition, raw: Decoded, registers: tuple[int, ...], power: int) -> Decoded:
    if point.type.startswith("bitfield"):
        return bit_names(unsigned(registers), point.symbols)
    if point.type.startswith("enum") and isinstance(raw, int):
        return point.symbols.get(raw, raw)
    if not isinstance(raw, int | float) or power == 0:
        return raw
    scale: int = 10 ** abs(power)
    return raw * scale if power > 0 else raw / scale  # divided, it is the number nearest to the decimal fraction
