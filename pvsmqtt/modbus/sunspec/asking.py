"""What to read of a unit that describes itself, by somebody who may ask. Pure: nothing is read here.

A chain is walked header by header (`next_header`); then each model is read for itself, never across its end, for some
devices refuse that. `spans` are the registers of a model that somebody wants, with its header (that it is another
model since is noticed), the counts by which groups repeat, and the scale factors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pvsmqtt.modbus.plan import Span
from pvsmqtt.modbus.sunspec.chain import END, LONGEST_CHAIN, ModelAt
from pvsmqtt.modbus.sunspec.definitions import HEADER, PointDefinition, definition
from pvsmqtt.modbus.sunspec.layout import place
from pvsmqtt.modbus.sunspec.points import Image
from pvsmqtt.modbus.values import implemented, unsigned

_NO_MODEL = 0
"""So some devices end their chain."""


def next_header(get: Callable[[int], int | None], mark: int) -> int | None:
    """The address of the first header that is not known yet; None when the chain is known to its end.

    Args:
        get: a register that was read on this walk, None if it was not.
        mark: where ``"SunS"`` stands.
    """
    address = mark + 2
    for _ in range(LONGEST_CHAIN):
        model, length = get(address), get(address + 1)
        if model is None or length is None:
            return address
        address += HEADER + length
        if model in (END, _NO_MODEL) or address + HEADER > 0x10000:
            return None
    return None


def spans(image: Image, model: ModelAt, wants: Callable[[str], bool]) -> Iterator[Span]:
    """The registers of a model that are to be read, value by value.

    Args:
        image: what was read so far; it tells how often groups repeat.
        model: where the model stands.
        wants: whether a point is wanted, by its path: ``W``, ``module[1].DCW``.
    """
    yield Span(model.address, HEADER)
    found = definition(model.model)
    if found is None:
        return

    def number(point: PointDefinition, address: int) -> int | None:
        counts.append(Span(address, point.length))
        registers = image.span(address, point.length)
        return None if registers is None or not implemented(point.type, registers) else unsigned(registers)

    counts: list[Span] = []
    for placed in place(found, model.address, model.length, number):
        point = placed.point
        if not wants(f"{placed.group}.{point.name}" if placed.group else point.name):
            continue
        yield Span(placed.address, point.length)
        yield from (Span(names[point.scale], 1) for names in placed.scales if point.scale in names)
    yield from counts
