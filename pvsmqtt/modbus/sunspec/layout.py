"""Where each point of one model stands: a definition laid over the length that its header told.

Rule: the length on the wire wins. A point beyond it is not there, whatever the definition says; a longer model has
room for more groups, or registers that nobody knows. A group whose place cannot be told, because how many groups
stand before it is not known yet, has no points; nothing is ever shifted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pvsmqtt.modbus.sunspec.definitions import (
    HEADER,
    GroupDefinition,
    ModelDefinition,
    PointDefinition,
)

Number = Callable[[PointDefinition, int], int | None]
"""What the point at this address says, None while it is not known: counts of groups are points."""


class Placed(NamedTuple):
    """A point with its address, and the way to its group, ``Crv[1].Pt[3]`` (empty: the model itself)."""

    point: PointDefinition
    address: int
    group: str
    scales: tuple[dict[str, int], ...]
    """Addresses of the scale factors it may name, those nearest to it first."""


def place(model: ModelDefinition, address: int, length: int, number: Number) -> Iterator[Placed]:
    """Every point but header, scale factors and padding, of the model whose header stands at ``address``."""
    walk = _Walk(address + HEADER + length, number, length - (_always(model.group) - HEADER))
    yield from walk.group(model.group, address, "", (), {})


def scale_factors(model: ModelDefinition, address: int, length: int) -> Iterator[int]:
    """Addresses of the scale factors that stand in the model itself."""
    for point in model.group.points:
        if point.type == "sunssf" and point.offset < length + HEADER:
            yield address + point.offset


def _always(group: GroupDefinition) -> int:
    """Registers of a group without what is repeated."""
    return group.length + sum(_always(inner) for inner in group.groups if inner.count is None)


class _Walk:
    """One walk over a model. ``cursor`` is the next free address, None once that is not known any more."""

    def __init__(self, end: int, number: Number, room: int) -> None:
        self._end = end
        self._number = number
        self._room = room
        self._cursor: int | None = None

    def group(
        self,
        group: GroupDefinition,
        address: int,
        path: str,
        scales: tuple[dict[str, int], ...],
        counts: dict[str, int | None],
    ) -> Iterator[Placed]:
        """The points of one group at ``address``, and of the groups in it."""
        own = {point.name: address + point.offset for point in group.points if point.type == "sunssf"}
        scales = ({name: at for name, at in own.items() if at < self._end}, *scales) if own else scales
        wanted = {inner.count for inner in group.groups if isinstance(inner.count, str)}
        wanted |= {name for inner in group.groups for name in _counts(inner)}
        counts = dict(counts)
        for point in group.points:
            at = address + point.offset
            if at + point.length > self._end:
                break
            if point.name in wanted:
                counts[point.name] = self._number(point, at)
            if point.type not in ("sunssf", "pad") and (path or point.offset >= HEADER):
                yield Placed(point, at, path, scales)
        self._cursor = address + group.length
        for inner in group.groups:
            times = self._times(inner, counts, outermost=not path)
            name = inner.name if not path else f"{path}.{inner.name}"
            if times is None:
                self._cursor = None
            for index in range(times or 0):
                if self._cursor is None or self._cursor >= self._end:
                    return
                label = name if inner.count is None else f"{name}[{index + 1}]"
                yield from self.group(inner, self._cursor, label, scales, counts)
            if self._cursor is None:
                return

    def _times(self, group: GroupDefinition, counts: dict[str, int | None], *, outermost: bool) -> int | None:
        """How often a group stands here: what a point says, else what there is room for, where that is plain."""
        if group.count is None:
            return 1
        told = counts.get(group.count) if isinstance(group.count, str) else group.count
        if told:
            return told
        if group.groups or not group.length or not outermost:
            return told if isinstance(group.count, str) else 0
        return max(self._room, 0) // group.length


def _counts(group: GroupDefinition) -> Iterator[str]:
    """Names of the counts that groups within this one go by."""
    for inner in group.groups:
        if isinstance(inner.count, str):
            yield inner.count
        yield from _counts(inner)
