"""The registers of a line for people who look at it: value, meaning, when it changed and when it was seen. Pure.

Computed when somebody asks, and bounded: `MOST_OF_UNIT` registers of a unit, `MOST` of a line; what is left out is
counted. What SunSpec says about the network of a device (MAC addresses, names and passwords) is nobody's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.image import Images, RegisterImage
from pvsmqtt.modbus.values import Decoded
from pvsmqtt.model.times import iso
from pvsmqtt.redaction import redact
from pvsmqtt.sources.register_units.chains import Chains
from pvsmqtt.sources.register_units.decoder import Decoder

MOST_OF_UNIT, MOST = 2000, 10_000
TABLES: dict[Table, str] = {
    Table.HOLDING_REGISTERS: "holding",
    Table.INPUT_REGISTERS: "input",
    Table.COILS: "coil",
    Table.DISCRETE_INPUTS: "discrete",
}
PRIVATE_MODELS = frozenset({11, 14, 16, 18, 19})
"""SunSpec models with MAC addresses, user names, passwords and the number of a modem."""

LONGEST = 80
"""Characters of a reading."""


def line(
    name: str, images: Images, decoder: Decoder, chains: Chains, moment: Callable[[float], datetime]
) -> dict[str, Any]:
    """One line, ready for JSON: its units by number, their registers by table and address.

    Args:
        name: of the line, for people.
        images: what was heard or read.
        decoder: what it means by the maps.
        chains: what it means by SunSpec.
        moment: the wall clock's time of a time in the images.
    """
    room, units = MOST, []
    told: dict[float, str] = {}

    def when(at: float | None) -> str | None:
        if at is not None and at not in told:
            told[at] = iso(moment(at).replace(microsecond=0))
        return None if at is None else told[at]

    for number in sorted({unit for unit, _ in images}):
        most = min(MOST_OF_UNIT, room)
        rows, left_out = _unit(number, images, decoder, chains, when, most)
        heard = decoder.units.get(number)
        device = heard.device.id if heard is not None and heard.device is not None else None
        units.append({"unit": number, "device": device, "registers": rows, "left_out": left_out})
        room -= len(rows)
    return {"name": redact(name), "units": units}


def _unit(
    number: int,
    images: Images,
    decoder: Decoder,
    chains: Chains,
    when: Callable[[float | None], str | None],
    most: int,
) -> tuple[list[dict[str, Any]], int]:
    """Registers of a unit, and how many of them there is no room for."""
    rows: list[dict[str, Any]] = []
    left_out = 0
    for table, called in TABLES.items():
        image = images.get((number, table))
        if image is None:
            continue
        private = _private(chains, number) if table is Table.HOLDING_REGISTERS else frozenset()
        shown = [address for address in image if address not in private]
        meanings = _meanings(number, table, decoder, chains)
        left_out += max(0, len(shown) - (most - len(rows)))
        for address in shown[: most - len(rows)]:
            rows.append({"table": called, **_row(image, address, when), **_meaning(meanings.get(address, []))})
    return rows, left_out


def _row(image: RegisterImage, address: int, when: Callable[[float | None], str | None]) -> dict[str, Any]:
    return {
        "address": address,
        "value": image.get(address),
        "changed_at": when(image.changed_when(address)),
        "seen_at": when(image.when(address)),
    }


def _meaning(found: list[tuple[str, str]]) -> dict[str, str | None]:
    """Name and reading; of a register that has several (bits), all of them."""
    if not found:
        return {"name": None, "reading": None}
    reading = found[0][1] if len(found) == 1 else ", ".join(f"{name} {text}" for name, text in found)
    return {"name": ", ".join(name for name, _ in found)[:LONGEST], "reading": redact(reading)[:LONGEST]}


def _meanings(number: int, table: Table, decoder: Decoder, chains: Chains) -> dict[int, list[tuple[str, str]]]:
    """Names and readings by the first address of each. Of the same bits the last map has the last word, and what the
    unit says of itself before all maps."""
    found: dict[int, dict[int | None, tuple[str, str]]] = {}
    for one in decoder.decoded(number, table):
        entry = one.entry
        found.setdefault(entry.address, {})[entry.bit] = entry.name, text_of(one.value, entry.unit)
    for address, name, reading in _points(number, table, chains):
        found[address] = {None: (name, reading)}
    return {address: list(meanings.values()) for address, meanings in found.items()}


def _points(number: int, table: Table, chains: Chains) -> Iterator[tuple[int, str, str]]:
    if table is Table.HOLDING_REGISTERS:
        for point in chains.points(number):
            path = f"{point.group}.{point.name}" if point.group else point.name
            yield point.address, f"{point.model} {path}", text_of(point.value, point.units)


def _private(chains: Chains, number: int) -> frozenset[int]:
    models = (model for model in chains.chain(number) if model.model in PRIVATE_MODELS)
    return frozenset(address for model in models for address in range(model.address, model.end))


def text_of(value: Decoded, unit: str | None) -> str:
    """A value for people: ``243.1 V``, ``none``, names of bits with commas between them."""
    if value is None:
        return "none"
    if isinstance(value, float):
        text = f"{value:.6g}"
    elif isinstance(value, tuple | list | frozenset | set):
        text = ", ".join(map(str, value)) or "none"
    else:
        text = str(value)
    text = "".join(c if c.isprintable() else "?" for c in text)
    return f"{text} {unit}" if unit else text
